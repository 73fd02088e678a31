"""The watcher compares the booking database with the ledger's watermark, and remembers nothing that matters."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from include.ledger.repository import Ledger
from include.ledger.tables import watermarks
from include.orchestration.watch import BookingsChanged
from include.source.tables import appointments, create_all
from tests.engines import OpenEngine

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, tzinfo=UTC)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_engine: OpenEngine) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    create_all(engine)
    monkeypatch.setenv("AIRFLOW_CONN_COCONUT_DB", f"sqlite:///{tmp_path / 'coconut.db'}")
    return engine


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_engine: OpenEngine) -> Ledger:
    monkeypatch.setenv("AIRFLOW_CONN_SYNC_LEDGER", f"sqlite:///{tmp_path / 'ledger.db'}")
    return Ledger.open(open_engine(f"sqlite:///{tmp_path / 'ledger.db'}"))


def book(source: Engine, number: int, changed_at: datetime) -> None:
    row = {"id": number, "kind": "walk_in", "status": "complete", "updated_at": changed_at}
    with source.begin() as connection:
        connection.execute(insert(appointments).values(row))


def read_up_to(ledger: Ledger, changed_at: datetime, number: int) -> None:
    row = {
        "selection": "walk_ins",
        "changed_at": changed_at,
        "id": number,
        "run_id": "r",
        "updated_at": changed_at,
    }
    with ledger.engine.begin() as connection:
        connection.execute(watermarks.delete())
        connection.execute(insert(watermarks).values(row))


async def fires_once(trigger: BookingsChanged) -> bool:
    """Tell whether a look at both databases fires the trigger."""
    has_changed, _watermark = await trigger._compare()
    await trigger.cleanup()
    return has_changed


def fires() -> bool:
    return asyncio.run(fires_once(BookingsChanged(selection="walk_ins")))


@pytest.mark.rule("T1")
def test_a_first_booking_fires_where_nothing_was_ever_read(source: Engine, ledger: Ledger) -> None:
    assert not fires()
    book(source, 1, MONDAY)
    assert fires()


@pytest.mark.rule("T1")
def test_what_the_ledger_has_read_does_not_fire_again_and_what_is_newer_does(
    source: Engine, ledger: Ledger
) -> None:
    book(source, 1, MONDAY)
    read_up_to(ledger, MONDAY, 1)
    assert not fires()

    book(source, 2, TUESDAY)
    assert fires()


@pytest.mark.rule("T1")
def test_it_fires_once_per_watermark_however_often_it_looks(source: Engine, ledger: Ledger) -> None:
    book(source, 1, MONDAY)

    async def fire_twice() -> None:
        events = BookingsChanged(selection="walk_ins", poll_seconds=0.0).run()
        await anext(events)
        second = asyncio.ensure_future(anext(events))
        for _look in range(50):
            await asyncio.sleep(0)
        assert not second.done()
        read_up_to(ledger, MONDAY, 1)
        book(source, 2, TUESDAY)
        await second

    asyncio.run(asyncio.wait_for(fire_twice(), timeout=60))


def test_airflow_can_build_it_again_from_what_it_serializes() -> None:
    path, arguments = BookingsChanged(selection="walk_ins", poll_seconds=5.0).serialize()

    assert path == f"{BookingsChanged.__module__}.{BookingsChanged.__qualname__}"
    assert BookingsChanged(**arguments).serialize() == (path, arguments)
