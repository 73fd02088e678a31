"""What a run left behind that died and is never run again: the next run takes it up (design §2, rules Q4, M8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from include.ledger.jobs import PlannedJob
from include.ledger.load_claims import LoadStep
from include.ledger.repository import JobRecord, JobState
from include.mapping.fields import CLIENT_KEY
from include.mapping.plan import BOOKING_KEY
from include.pipeline.context import SyncRun
from include.pipeline.holders import Holder
from include.pipeline.leftovers import settle_leftovers
from include.pipeline.load_claims import load_claim
from include.pipeline.load_events import EVENTS_STAGE, load_events
from include.pipeline.load_people import load_people
from tests.pipeline.test_bulk_loading import (
    BOOKINGS,
    checked,
    expect_everything_once,
    fault,
    fill,
    kill_when_asked,
)
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("Q4")

KEYS = [f"{100 + number}-{number}" for number in range(1, BOOKINGS + 1)]


def killed(world: World, stage: str, kind: str) -> SyncRun:
    """Return a run that was killed for good while Salesforce held a request of its stage."""
    run = checked(world)
    if stage == "load_events":
        load_people(run, world.wiring())
    world.org.forget_calls()
    fault(world, type="hang", kind=kind, seconds=1)
    kill_when_asked(world, run, stage, kind)
    world.org.control("DELETE", "faults")
    return run


def the_job(world: World, run: SyncRun, stage: str = "load_events") -> JobRecord:
    (job,) = [job for job in world.ledger.jobs(run.run_id) if job.step.startswith(stage)]
    return job


def dirty(world: World) -> set[int]:
    return set(world.ledger.dirty_appointments(("appointment",)))


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        pytest.param("bulk_ingest_create", JobState.ABORTED, id="before its id was known"),
        pytest.param("bulk_ingest_upload", JobState.ABORTED, id="while it was uploaded"),
        pytest.param("bulk_ingest_poll", JobState.SETTLED, id="while Salesforce worked on it"),
        pytest.param("bulk_ingest_results", JobState.SETTLED, id="while its results were read"),
    ],
)
def test_the_next_run_ends_what_a_dead_run_began(world: World, kind: str, state: JobState) -> None:
    fill(world)
    dead = killed(world, "load_events", kind)
    counts = world.sync()
    assert counts["created"] == BOOKINGS
    expect_everything_once(world)
    assert the_job(world, dead).state is state
    own = [job.sent for job in world.ledger.jobs(counts["run_id"], step="load_events:create")]
    assert own == ([] if state is JobState.SETTLED else [BOOKINGS])  # what had arrived is not sent again
    assert world.sync()["read"] == 0


@pytest.mark.rule("M8")
@pytest.mark.parametrize("kind", ["bulk_ingest_upload", "bulk_ingest_poll", "bulk_ingest_results"])
def test_people_whom_a_dead_run_created_are_linked_and_not_created_again(world: World, kind: str) -> None:
    fill(world)
    dead = killed(world, "load_people", kind)
    world.sync()
    expect_everything_once(world)
    assert the_job(world, dead, "load_people").is_finished
    assert world.sync()["read"] == 0


def test_calls_of_a_dead_run_that_may_have_arrived_are_made_good(world: World) -> None:
    fill(world)
    world.set(load_api="rest")
    dead = killed(world, "load_events", "collections_upsert")
    assert the_job(world, dead).state is JobState.UPLOADED
    world.sync()
    assert the_job(world, dead).state is JobState.LOST
    world.sync()
    expect_everything_once(world)
    assert world.sync()["read"] == 0


def test_a_write_that_a_newer_claim_has_overtaken_is_written_anew(world: World) -> None:
    fill(world)
    dead = killed(world, "load_events", "bulk_ingest_poll")
    newer = {"booking_key": ["101-1"], "appointment_id": ["101"], "client_id": ["1"], "kind": ["appointment"]}

    world.ledger.claim_versions("newer", pd.DataFrame({**newer, "source_version": [2**60]}))
    settle_leftovers(world.run(), world.wiring(), EVENTS_STAGE)
    assert the_job(world, dead).state is JobState.SETTLED
    links = world.ledger.event_links([key.partition("-")[0] for key in KEYS]).set_index("booking_key")
    assert dirty(world) == {101}
    assert links["payload"].isna()[links["payload"].isna()].index.tolist() == ["101-1"]
    assert links["event_id"].notna().all()


def test_a_job_of_a_living_run_is_left_alone(world: World) -> None:
    fill(world)
    alive = killed(world, "load_events", "bulk_ingest_upload")
    before = the_job(world, alive)
    elsewhere = replace(Holder.here(), machine="another machine").to_text()
    step = LoadStep(alive.run_id, "load_events", 0)
    with load_claim(world.ledger, step):
        pass  # the dead holder's claim is given to one who lives
    world.ledger.claim_load(step, elsewhere)
    assert settle_leftovers(world.run(), world.wiring(), EVENTS_STAGE) == {}
    assert the_job(world, alive) == before


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(lambda world, run: world.staging.delete_run(run.run_id), id="rows"),
        pytest.param(
            lambda world, run: world.org.call("DELETE", f"/jobs/ingest/{the_job(world, run).job_id}"),
            id="job",
        ),
    ],
)
def test_where_rows_or_job_are_gone_every_pair_is_written_anew(world: World, lose: Any) -> None:
    fill(world)
    dead = killed(world, "load_events", "bulk_ingest_results")
    world.org.control("POST", "drain", {})
    lose(world, dead)
    settle_leftovers(world.run(), world.wiring(), EVENTS_STAGE)
    assert the_job(world, dead).state is JobState.LOST
    assert dirty(world) == {int(key.partition("-")[0]) for key in KEYS}
    world.sync()
    expect_everything_once(world)
    assert world.sync()["read"] == 0


def test_an_open_job_whose_id_was_never_noted_is_aborted_only_if_it_is_certainly_ours(world: World) -> None:
    fill(world)
    dead = killed(world, "load_events", "bulk_ingest_create")
    gateway = world.wiring().salesforce
    lost = gateway.bulk_create_job(sobject="Event", operation="upsert", external_id_field=BOOKING_KEY)
    of_others = [
        gateway.bulk_create_job(sobject="Event", operation="insert"),
        gateway.bulk_create_job(sobject="Lead", operation="upsert", external_id_field=CLIENT_KEY),
    ]
    settle_leftovers(world.run(), world.wiring(), EVENTS_STAGE)
    assert the_job(world, dead).state is JobState.ABORTED
    assert gateway.bulk_job(lost.id).state == "Aborted"
    assert {gateway.bulk_job(job.id).state for job in of_others} == {"Open"}


def test_an_open_job_is_left_alone_while_another_process_is_about_to_note_one(world: World) -> None:
    fill(world)
    killed(world, "load_events", "bulk_ingest_create")
    planned = PlannedJob("alive", "load_events:create", 0, "Event", "upsert", "bulk", "", "rows.csv", 1)
    world.ledger.plan_job(planned, now=world.now)
    world.ledger.claim_load(
        LoadStep("alive", "load_events", 0), replace(Holder.here(), machine="another machine").to_text()
    )
    gateway = world.wiring().salesforce
    theirs = gateway.bulk_create_job(sobject="Event", operation="upsert", external_id_field=BOOKING_KEY)
    settle_leftovers(world.run(), world.wiring(), EVENTS_STAGE)
    assert gateway.bulk_job(theirs.id).state == "Open"


def test_a_run_that_was_taken_for_dead_and_wakes_up_sends_nothing_twice(world: World) -> None:
    """A process paused for longer than its claim lives goes on where it stood: between create and upload of its job."""
    fill(world)
    paused = checked(world)
    load_people(paused, world.wiring())
    wiring = world.wiring()
    create = wiring.salesforce.bulk_create_job

    def pause_after_create(**job: Any) -> Any:
        created = create(**job)
        taker = world.wiring()
        EVENTS_STAGE.recover(paused, taker, 0)
        return created

    wiring.salesforce.bulk_create_job = pause_after_create  # type: ignore[method-assign]
    with pytest.raises(Exception, match="Another process has taken over"):
        load_events(paused, wiring, 0)
    assert world.events() == []
    assert world.sync()["created"] == BOOKINGS
    expect_everything_once(world)
