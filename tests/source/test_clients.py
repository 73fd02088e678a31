"""Clients read by themselves, on SQLite and PostgreSQL as the bookings are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.source import tables
from include.source.changes import Watermark
from include.source.clients import ChangedClients, read_named_clients, unknown_bookings, unknown_clients

DAWN = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """Three clients who changed an hour, two hours and three hours after dawn, the last one deleted."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    tables.create_all(engine)
    rows = [
        {
            "id": number,
            "updated_at": DAWN + timedelta(hours=number),
            "deleted_at": DAWN if number == 3 else None,
        }
        for number in (1, 2, 3)
    ]
    with engine.begin() as connection:
        connection.execute(tables.clients.insert(), rows)
    yield engine
    engine.dispose()


def read(changed: ChangedClients) -> list[list[str]]:
    return [chunk["client_id"].tolist() for chunk in changed.chunks()]


@pytest.mark.rule("S13")
def test_everybody_is_read_in_chunks_before_there_is_a_watermark(engine: sa.Engine) -> None:
    changed = ChangedClients(engine, since=None, rows_per_chunk=2)
    assert read(changed) == [["1", "2"], ["3"]]
    assert changed.high_water == Watermark(DAWN + timedelta(hours=3), 3)


@pytest.mark.rule("S13")
@pytest.mark.rule("Q5")
def test_who_changed_since_is_read_and_who_is_named_raises_no_high_water(engine: sa.Engine) -> None:
    changed = ChangedClients(
        engine, since=DAWN + timedelta(hours=2), client_ids=[1], not_after=DAWN + timedelta(hours=2)
    )
    assert read(changed) == [["1", "2", "3"]]
    assert changed.high_water == Watermark(DAWN + timedelta(hours=2), 2)
    later = ChangedClients(engine, since=DAWN + timedelta(hours=9), client_ids=[1])
    assert read(later) == [["1"]]
    assert later.high_water is None


@pytest.mark.rule("T3")
def test_named_clients_are_read_deleted_ones_too_and_unknown_ids_are_told(engine: sa.Engine) -> None:
    assert read_named_clients(engine, [3, 1])["client_id"].tolist() == ["1", "3"]
    assert unknown_clients(engine, [7, 3, 5]) == (5, 7)
    assert unknown_bookings(engine, [1]) == (1,)
    assert unknown_clients(engine, []) == ()
