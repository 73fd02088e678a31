"""The stages with booking database and ledger on PostgreSQL, as in production (rules M8, S1, S9, Q4, Q5, S12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.ledger.repository import Ledger
from include.pipeline.context import Selection
from include.source import tables
from include.staging import Staging
from tests.local_org import LocalOrg
from tests.pipeline.world import INSTALLED, World

pytestmark = pytest.mark.postgres

CLIENTS = range(1, 9)


@pytest.fixture
def world(org: LocalOrg, new_postgres_database: Callable[..., sa.URL], tmp_path: Path) -> Iterator[World]:
    source = sa.create_engine(new_postgres_database())
    tables.create_all(source)
    ledger = Ledger.open(sa.create_engine(new_postgres_database()), now=INSTALLED)
    with World(org, source, ledger, Staging(f"file://{tmp_path / 'staging'}")) as world:
        world.insert("locations", id=1, name="Main Street", city="Toronto", timezone="America/Toronto")
        world.insert("services", id=1, name="Advice", duration_minutes=30)
        world.set(unassigned_events_owner=world.user("unassigned@example.com"))
        yield world


def book_each_client(world: World) -> None:
    for number in CLIENTS:
        world.client(number)
        world.booking(100 + number, number)


def keys(world: World) -> list[str]:
    return sorted(event["Coconut_Booking_Key__c"] for event in world.events())


@pytest.mark.rule("S1")
@pytest.mark.rule("S12")
def test_a_first_sync_writes_everything_and_a_second_reads_nothing(world: World) -> None:
    book_each_client(world)
    first = world.sync()
    world.org.forget_calls()
    second = world.sync()
    assert (first["read"], first["written"], second["read"]) == (len(CLIENTS), len(CLIENTS), 0)
    assert keys(world) == [f"{100 + number}-{number}" for number in CLIENTS]
    assert world.written() == {}


@pytest.mark.rule("S12")
@pytest.mark.rule("S9")
def test_an_edit_and_a_deletion_touch_their_own_events_only(world: World) -> None:
    book_each_client(world)
    world.sync()
    before = {event["Coconut_Booking_Key__c"]: event for event in world.events()}
    world.edit(101, notes="Bring the old contract")
    world.edit(102, deleted_at=world.tick())
    found = world.sync()
    assert (found["read"], found["updated"], found["deleted"]) == (2, 1, 1)
    after = {event["Coconut_Booking_Key__c"]: event for event in world.events()}
    assert after["101-1"]["Id"] == before["101-1"]["Id"]
    assert "Bring the old contract" in after["101-1"]["Description"]
    assert set(before) - set(after) == {"102-2"}
    assert all(after[key] == before[key] for key in set(after) - {"101-1"})


@pytest.mark.rule("M8")
@pytest.mark.rule("Q3")
def test_both_selections_at_once_create_each_person_once(world: World) -> None:
    book_each_client(world)
    for number in CLIENTS:
        world.booking(200 + number, number, kind="walk_in")
    with ThreadPoolExecutor(2) as threads:
        appointments, walk_ins = threads.map(world.sync, (Selection.APPOINTMENTS, Selection.WALK_INS))
    assert (appointments["written"], walk_ins["written"]) == (len(CLIENTS), len(CLIENTS))
    leads = [lead["Id"] for lead in world.org.records("Lead")]
    assert len(leads) == len(CLIENTS)
    assert sorted(event["WhoId"] for event in world.events()) == sorted(leads * 2)


@pytest.mark.rule("Q5")
def test_a_booking_committed_late_but_within_the_overlap_is_not_lost(world: World) -> None:
    world.client(1)
    world.client(2)
    with world.source.connect() as slow:
        booked_at = world.tick()
        stamps = {"created_at": booked_at, "updated_at": booked_at}
        starts_at = booked_at + timedelta(days=3)
        slow.execute(
            tables.appointments.insert().values(
                id=101,
                kind="appointment",
                status="booked",
                service_id=1,
                location_id=1,
                starts_at=starts_at,
                **stamps,
            )
        )
        slow.execute(
            tables.attendees.insert().values(
                appointment_id=101, client_id=1, is_primary=True, updated_at=booked_at
            )
        )
        world.booking(102, 2)
        assert world.sync()["written"] == 1
        watermark = world.ledger.watermark(Selection.APPOINTMENTS)
        assert watermark is not None
        assert watermark[0] > booked_at
        slow.commit()
    assert world.sync()["written"] == 1
    assert keys(world) == ["101-1", "102-2"]
