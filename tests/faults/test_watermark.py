"""No change is lost to the watermark: long transactions, equal times, clocks that step back, restores (rule Q5).

Booking database on PostgreSQL, with real sessions beside the runs; the sync's own clock goes on by the minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.pipeline.context import Selection
from include.reconcile.sweep import sweep
from include.settings.model import ClientScope
from include.source.tables import appointments, attendees, clients
from tests.local_org import LocalOrg
from tests.pipeline.world import World

pytestmark = [pytest.mark.postgres, pytest.mark.rule("Q5")]

LONGER_THAN_THE_OVERLAP = timedelta(minutes=20)


@pytest.fixture
def world(
    org: LocalOrg, postgres_booking_db: sa.Engine, ledger_template: Path, tmp_path: Path
) -> Iterator[World]:
    with World.begin(org, postgres_booking_db, tmp_path, ledger_template) as world:
        for client_id in (1, 2, 3):
            world.client(client_id)
        world.booking(101, 1)
        world.booking(102, 2)
        yield world


def book(connection: sa.Connection, booking_id: int, client_id: int, stamp: datetime) -> None:
    row = {"id": booking_id, "kind": "appointment", "status": "booked", "service_id": 1, "location_id": 1}
    starts_at = stamp + timedelta(days=3)
    stamps = {"created_at": stamp, "updated_at": stamp, "starts_at": starts_at}
    connection.execute(appointments.insert().values(**row, **stamps))
    seat = {"appointment_id": booking_id, "client_id": client_id, "is_primary": True}
    connection.execute(attendees.insert().values(**seat, updated_at=stamp))


def edit(connection: sa.Connection, booking_id: int, stamp: datetime, **values: Any) -> None:
    changed = appointments.update().where(appointments.c.id == booking_id)
    connection.execute(changed.values(updated_at=stamp, **values))


def pass_the_overlap(world: World) -> None:
    world.now += LONGER_THAN_THE_OVERLAP


def keys(world: World) -> set[str]:
    return {event["Coconut_Booking_Key__c"] for event in world.events()}


def test_a_transaction_that_is_open_across_several_runs_is_read_once_it_commits(world: World) -> None:
    assert world.sync()["written"] == 2
    with world.source.connect() as slow:
        book(slow, 103, 3, world.tick())
        with slow.begin_nested():
            edit(slow, 101, world.tick(), notes="From a savepoint")
        for _ in range(2):
            pass_the_overlap(world)
            assert world.sync()["read"] == 0
        pass_the_overlap(world)
        world.edit(102, notes="Meanwhile")
        assert world.sync()["written"] == 1
        slow.commit()
    pass_the_overlap(world)
    assert world.sync()["written"] == 2
    assert keys(world) == {"101-1", "102-2", "103-3"}
    assert world.event("101-1")["Description"] == "From a savepoint"
    assert world.sync()["read"] == 0


def test_changes_that_bear_an_early_time_are_read_although_the_watermark_stays(world: World) -> None:
    world.sync()
    mark, seen = world.ledger.watermark("appointments"), world.ledger.snapshot("appointments")
    assert mark is not None
    with world.source.begin() as connection:
        book(connection, 103, 3, mark[0] - timedelta(days=2))
    assert world.sync()["written"] == 1
    assert world.ledger.watermark("appointments") == mark
    assert world.ledger.snapshot("appointments") != seen
    assert world.sync()["read"] == 0


def test_edits_by_clocks_that_step_back_arrive_one_after_the_other(world: World) -> None:
    world.sync()
    stamp = world.now
    for number, hours in enumerate((0, -3, -1, -5, 0)):
        with world.source.begin() as connection:
            edit(connection, 101, stamp + timedelta(hours=hours), notes=f"Edit {number}")
        found = world.sync()
        assert (found["read"], found["updated"]) == (1, 1), number
        assert world.event("101-1")["Description"] == f"Edit {number}"
    assert world.sync()["read"] == 0


def test_a_pair_that_was_read_by_a_clock_that_stepped_back_is_released_as_any_other(world: World) -> None:
    world.sync()
    with world.source.begin() as connection:
        edit(connection, 101, world.now - timedelta(hours=3), starts_at=None)
    assert world.sync()["quarantined"] == 1
    with world.source.begin() as connection:
        starts_at = world.now + timedelta(days=5)
        times = {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1)}
        edit(connection, 101, world.now - timedelta(hours=6), **times)
    assert world.sync()["updated"] == 1
    assert world.ledger.quarantine_rows().empty


def test_of_equal_times_none_is_taken_for_another(world: World) -> None:
    stamp = world.tick()
    with world.source.begin() as connection:
        edit(connection, 102, stamp, notes="First")
    world.sync()
    with world.source.begin() as connection:
        edit(connection, 102, stamp, notes="Second, in the same microsecond")
        edit(connection, 101, stamp, notes="A lower number at the watermark")
    assert world.sync()["updated"] == 2
    assert world.event("102-2")["Description"] == "Second, in the same microsecond"


def test_after_a_restore_the_overlap_holds_and_the_sweep_finds_the_rest(world: World) -> None:
    world.sync()
    late = {103: world.now - timedelta(minutes=5), 104: world.now - timedelta(days=1)}
    with world.source.begin() as connection:
        for booking_id, stamp in late.items():
            book(connection, booking_id, 3, stamp)
    with world.ledger.engine.begin() as connection:
        connection.execute(sa.text("UPDATE watermarks SET snapshot = '1/1/1 10:10'"))
    assert world.sync()["written"] == 1
    assert sweep(world.run(Selection.REPAIR), world.wiring())["unrecorded"] == 1
    assert world.sync()["written"] == 1
    assert {"103-3", "104-3"} <= keys(world)


def test_a_client_changed_before_a_run_and_committed_during_it_releases_what_waited(world: World) -> None:
    world.change("clients", {"id": 1}, first_name=None, last_name=None)
    assert world.sync()["quarantined"] == 1
    with world.source.connect() as slow:
        named = clients.update().where(clients.c.id == 1)
        slow.execute(named.values(first_name="Ann", last_name="Lee", updated_at=world.tick()))
        world.edit(101, notes="Read while the client was not there yet")
        assert world.sync()["quarantined"] == 1
        slow.commit()
    assert world.sync()["written"] == 1
    world.org.forget_calls()
    assert [world.sync()["read"] for _ in range(2)] == [0, 0]
    assert not world.org.calls()


def test_clients_that_commit_late_are_registered(world: World) -> None:
    world.set(client_scope=ClientScope.ALL)
    assert world.sync(Selection.CLIENTS)["clients_written"] == 3
    with world.source.connect() as slow:
        stamps = {"created_at": world.tick(), "updated_at": world.tick()}
        named = {"first_name": "Bo", "last_name": "Ng", "email": "bo@example.com", "sync_disabled": False}
        slow.execute(clients.insert().values(id=4, **named, **stamps))
        pass_the_overlap(world)
        world.client(5)
        assert world.sync(Selection.CLIENTS)["clients_written"] == 1
        slow.commit()
    pass_the_overlap(world)
    assert world.sync(Selection.CLIENTS)["clients_written"] == 1
