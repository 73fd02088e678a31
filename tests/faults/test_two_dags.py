"""Two DAGs that meet the same thousand new clients at once create each of them once (rules M8, Q4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.ledger.repository import Ledger
from include.pipeline.context import Selection, SyncRun
from include.source import tables
from tests.faults.child import Order, Place
from tests.faults.nursery import Nursery
from tests.local_org import LocalOrg
from tests.pipeline.world import INSTALLED, NOW, World

pytestmark = pytest.mark.timeout(2400)

CLIENTS = range(1, 1_001)
SELECTIONS = (Selection.APPOINTMENTS, Selection.WALK_INS)
PLANNING = ("extract_changes", "match_people", "map_people", "map_events", "check_frames")
LOADING = ("load_people", "load_events", "settle_run")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(
    request: pytest.FixtureRequest, org: LocalOrg, ledger_template: Path, tmp_path: Path
) -> Iterator[World]:
    """A world with its ledger on either engine, and both kinds of booking for each of a thousand new clients."""
    with World.create(org, tmp_path, ledger_template) as world:
        if request.param == "postgres":
            world.ledger.engine.dispose()
            url = request.getfixturevalue("new_postgres_database")()
            world.ledger = Ledger.open(sa.create_engine(url), now=INSTALLED)
            world.set(unassigned_events_owner=world.owner_id)
        fill(world)
        yield world


def fill(world: World) -> None:
    stamps = {"created_at": world.tick(), "updated_at": world.tick()}
    clients, bookings, seats = [], [], []
    for number in CLIENTS:
        names = {"first_name": "Ann", "last_name": f"Lee {number}", "email": f"ann{number}@example.com"}
        clients.append({"id": number, "sync_disabled": False, **names, **stamps})
        for place, kind in enumerate(("appointment", "walk_in"), 1):
            booking_id = place * 10_000 + number
            times = {"starts_at": NOW + timedelta(days=3), "ends_at": NOW + timedelta(days=3, minutes=30)}
            facts = {"kind": kind, "status": "complete", "service_id": 1, "location_id": 1}
            bookings.append({"id": booking_id, **facts, **times, **stamps})
            seat = {"appointment_id": booking_id, "client_id": number, "is_primary": True}
            seats.append({**seat, "updated_at": stamps["updated_at"]})
    with world.source.begin() as connection:
        for table, rows in (
            (tables.clients, clients),
            (tables.appointments, bookings),
            (tables.attendees, seats),
        ):
            connection.execute(table.insert(), rows)


def place_of(world: World) -> Place:
    return Place(
        source_url=world.source.url.render_as_string(hide_password=False),
        ledger_url=world.ledger.engine.url.render_as_string(hide_password=False),
        staging_url=f"file://{Path(str(world.source.url.database)).parent / 'staging'}",
        credentials=world.org.credentials(),
    )


def at_once(
    nursery: Nursery, world: World, runs: list[SyncRun], stages: tuple[str, ...]
) -> list[Counter[str]]:
    """Have each run go through the stages in a process of its own, all at once, and return what they count."""
    orders = [Order(place_of(world), run, stages) for run in runs]
    with ThreadPoolExecutor(len(orders)) as threads:
        attempts = list(threads.map(nursery.attempt, orders))
    errors = [attempt.ended.error if attempt.ended else str(attempt) for attempt in attempts]
    assert errors == [""] * len(orders), "\n".join(errors)
    return [Counter(attempt.ended.counts) for attempt in attempts if attempt.ended]


@pytest.mark.rule("M8")
@pytest.mark.rule("Q4")
@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_two_dags_that_meet_a_thousand_new_clients_create_each_once(
    nursery: Nursery, world: World, api: str
) -> None:
    world.set(load_api=api)
    runs = [world.run(selection) for selection in SELECTIONS]
    plans = at_once(nursery, world, runs, PLANNING)
    assert [plan["people_to_create"] for plan in plans] == [len(CLIENTS)] * 2  # nobody was there for either
    settled = at_once(nursery, world, runs, LOADING)
    assert [counts["created"] for counts in settled] == [len(CLIENTS)] * 2
    people = {lead["Id"]: lead["Coconut_Client_Key__c"] for lead in world.org.records("Lead")}
    assert sorted(people.values(), key=int) == [str(number) for number in CLIENTS]
    events = world.events()
    keys = Counter(event["Coconut_Booking_Key__c"] for event in events)
    assert len(keys) == keys.total() == 2 * len(CLIENTS)
    assert all(people[event["WhoId"]] == event["Coconut_Booking_Key__c"].split("-")[1] for event in events)
