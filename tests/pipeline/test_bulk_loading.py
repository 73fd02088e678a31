"""Loading through Bulk API 2.0, and what is left after a load that was cut off (design §2, rules Q4, Q6, M8)."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
import sqlalchemy as sa

from include.errors import OrgExhaustedError
from include.ledger.repository import Ledger
from include.pipeline.check_frames import check_frames
from include.pipeline.context import SyncRun
from include.pipeline.extract_changes import extract_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.loading import BULK_THRESHOLD_ROWS, choose_api
from include.pipeline.map_events import map_events
from include.pipeline.map_people import map_people
from include.pipeline.match_people import match_people
from include.pipeline.settle_run import settle_run
from include.settings.model import LoadApi
from tests.pipeline.world import World

BOOKINGS = 12
SECONDS_TO_REACH_A_REQUEST = 60


def fault(world: World, **what: Any) -> None:
    world.org.control("POST", "faults", [what])


def fill(world: World) -> None:
    world.set(load_api="bulk")
    for number in range(1, BOOKINGS + 1):
        world.client(number, first_name="Zoë", last_name=f"O'Neil, {number}")
        world.booking(100 + number, number, notes=f'line one\nline "two", {number}\r\n😀')


def checked(world: World, run: SyncRun | None = None) -> SyncRun:
    """Return a run whose every frame is checked and nothing of it written; by default a new one."""
    run = run or world.run()
    extract_changes(run, world.wiring())
    match_people(run, world.wiring())
    map_people(run, world.wiring())
    map_events(run, world.wiring(), 0)
    check_frames(run, world.wiring())
    return run


def expect_everything_once(world: World) -> None:
    events = world.events()
    assert sorted(row["Coconut_Booking_Key__c"] for row in events) == sorted(
        f"{100 + number}-{number}" for number in range(1, BOOKINGS + 1)
    )
    assert len(world.org.records("Lead")) == BOOKINGS
    assert world.ledger.quarantine_rows().empty
    links = world.ledger.event_links([str(100 + number) for number in range(1, BOOKINGS + 1)])
    assert set(links["event_id"]) == {row["Id"] for row in events}


@pytest.mark.parametrize(
    ("setting", "rows", "api"),
    [
        pytest.param(LoadApi.AUTO, BULK_THRESHOLD_ROWS - 1, LoadApi.REST, id="few rows"),
        pytest.param(LoadApi.AUTO, BULK_THRESHOLD_ROWS, LoadApi.BULK, id="many rows"),
        pytest.param(LoadApi.REST, 10**6, LoadApi.REST, id="told to use REST"),
        pytest.param(LoadApi.BULK, 1, LoadApi.BULK, id="told to use Bulk"),
    ],
)
def test_the_api_is_chosen_on_the_total_of_rows(setting: LoadApi, rows: int, api: LoadApi) -> None:
    assert choose_api(setting, rows) is api


@pytest.mark.rule("Q3")
def test_awkward_text_travels_by_bulk_unchanged_and_every_job_adds_up(world: World) -> None:
    fill(world)
    world.org.forget_calls()
    run_id = world.sync()["run_id"]
    expect_everything_once(world)
    assert 'line one\nline "two", 3' in world.event("103-3")["Description"]
    assert not [
        kind for kind, number in world.org.calls().items() if number and kind.startswith("collections")
    ]
    jobs = world.ledger.jobs(run_id)
    assert {job.sobject for job in jobs} == {"Lead", "Event"}
    assert all(job.sent == job.succeeded + job.failed + job.unprocessed == BOOKINGS for job in jobs)


@pytest.mark.rule("S12")
def test_an_update_by_bulk_leaves_alone_what_did_not_change_and_clears_what_became_empty(
    world: World,
) -> None:
    fill(world)
    world.sync()
    other = world.user("other@example.com")
    world.org.change("Event", Id=world.event("101-1")["Id"], OwnerId=other)
    world.edit(101, notes=None)
    world.edit(102, status="cancelled")
    assert world.sync()["updated"] == 2
    assert world.event("101-1")["Description"] is None
    assert world.event("101-1")["OwnerId"] == other
    assert world.event("102-2")["ShowAs"] == "Free"
    assert 'line "two", 2' in world.event("102-2")["Description"]


@pytest.mark.rule("Q6")
def test_a_row_lock_is_retried_for_that_row_alone(world: World) -> None:
    fill(world)
    fault(world, type="lock_rows", sobject="Event", field="Coconut_Booking_Key__c", values=["105-5"])
    counts = world.sync()
    assert counts["created"] == BOOKINGS
    expect_everything_once(world)
    jobs = world.ledger.jobs(counts["run_id"], step="load_events:create")
    assert [(job.api, job.sent) for job in jobs] == [("bulk", BOOKINGS), ("rest", 1)]


@pytest.mark.rule("Q6")
@pytest.mark.parametrize("kind", ["fail_job", "timeout_job"])
def test_rows_that_a_job_left_unprocessed_are_sent_again(world: World, kind: str) -> None:
    fill(world)
    fault(world, type=kind, sobject="Event", after_rows=5)
    assert world.sync()["created"] == BOOKINGS
    expect_everything_once(world)


@pytest.mark.rule("Q6")
@pytest.mark.parametrize(
    "kind",
    [
        "bulk_ingest_create",
        "bulk_ingest_upload",
        "bulk_ingest_close",
        "bulk_ingest_poll",
        "bulk_ingest_results",
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_dropped_connection_anywhere_in_the_protocol_loses_and_doubles_nothing(
    world: World, kind: str, when: str
) -> None:
    fill(world)
    run = checked(world)
    load_people(run, world.wiring())
    fault(world, type="drop", kind=kind, when=when, times=1)
    try:
        load_events(run, world.wiring(), 0)
    except Exception:  # noqa: BLE001 - whatever the task failed with, Airflow runs it again
        load_events(run, world.wiring(), 0)
    settle_run(run, world.wiring())
    expect_everything_once(world)


@pytest.mark.rule("Q6")
def test_an_exhausted_quota_stops_the_run_with_its_rows_pending(world: World) -> None:
    fill(world)
    run = checked(world)
    load_people(run, world.wiring())
    wiring = world.wiring()
    assert wiring.salesforce.user_id
    fault(world, type="exhaust_quota")
    with pytest.raises(OrgExhaustedError):
        load_events(run, wiring, 0)
    assert world.ledger.quarantine_rows().empty
    world.org.control("DELETE", "faults")
    load_events(run, world.wiring(), 0)
    assert settle_run(run, world.wiring())["created"] == BOOKINGS
    expect_everything_once(world)


@pytest.mark.rule("Q4")
@pytest.mark.rule("M8")
@pytest.mark.parametrize("stage", ["load_people", "load_events"])
@pytest.mark.parametrize(
    "kind",
    [
        "bulk_ingest_create",
        "bulk_ingest_upload",
        "bulk_ingest_close",
        "bulk_ingest_poll",
        "bulk_ingest_results",
    ],
)
def test_killed_while_salesforce_holds_the_request_and_run_again_it_ends_the_same(
    world: World, stage: str, kind: str
) -> None:
    fill(world)
    run = checked(world)
    if stage == "load_events":
        load_people(run, world.wiring())
    world.org.forget_calls()
    fault(world, type="hang", kind=kind, seconds=1)
    kill_when_asked(world, run, stage, kind)
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    settle_run(run, world.wiring())
    world.org.control("POST", "drain", {})
    expect_everything_once(world)
    assert world.sync()["read"] == 0


def kill_when_asked(world: World, run: SyncRun, stage: str, kind: str, *, times: int = 1) -> None:
    """Run the stage in a child process, and kill it as soon as the org has received the request so many times."""
    child = os.fork()
    if child == 0:
        try:
            world.ledger = Ledger(sa.create_engine(world.ledger.engine.url))
            wiring = world.wiring()
            load_people(run, wiring) if stage == "load_people" else load_events(run, wiring, 0)
        finally:
            os._exit(0)
    deadline = time.monotonic() + SECONDS_TO_REACH_A_REQUEST
    while world.org.calls()[kind] < times:
        assert time.monotonic() < deadline, f"the stage never made a request of the kind {kind}"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
