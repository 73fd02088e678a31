"""One task per stage of the pipeline, named like it.

Tasks hand each other counts; the frames lie in the staging area under the run's id. Everything heavy is imported
inside the tasks, because this module is imported by every parse of a DAG file.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import XComArg, get_current_context, task

from include.orchestration.alerts import alert_rising_quarantine
from include.orchestration.approval import GuardChanges
from include.orchestration.assets import (
    COCONUT_APPOINTMENTS,
    COCONUT_CLIENTS,
    COCONUT_STAFF,
    COCONUT_WALK_INS,
    SALESFORCE_EVENTS,
    SALESFORCE_PEOPLE,
    STAFF_LINKS,
)
from include.orchestration.links import linking_job, load_task
from include.orchestration.stage import end_run_here, stage_of

StageResult = dict[str, Any]
"""Small counts by name, JSON-able; Airflow shows them as the task's result (rule C1)."""

_LOAD_TIMEOUT = timedelta(hours=12)  # Salesforce gives up on a job of its own after that many


@task(inlets=[COCONUT_APPOINTMENTS, COCONUT_WALK_INS, COCONUT_CLIENTS])
def extract_changes(selection: str) -> StageResult:
    """Read what changed in Coconut into the staging area; without any change the run ends here."""
    from include.pipeline.extract_changes import extract_changes as stage

    with stage_of(selection) as (run, wiring):
        counts = stage(run, wiring)
    if counts["empty"]:
        end_run_here(counts)
    return counts


@task
def list_chunks(counts: StageResult) -> list[int]:
    """Number the chunks, so that the mapped stages get one task each."""
    return list(range(counts["chunks"]))


@task
def match_people(selection: str) -> StageResult:
    """Decide which Salesforce person each client is."""
    from include.pipeline.match_people import match_people as stage

    with stage_of(selection) as (run, wiring):
        return stage(run, wiring)


@task
def map_people(selection: str) -> StageResult:
    """Build the records of people that have to be created or changed."""
    from include.pipeline.map_people import map_people as stage

    with stage_of(selection) as (run, wiring):
        return stage(run, wiring)


@task
def map_events(selection: str, chunk: int) -> StageResult:
    """Build one chunk of Events, and what has to happen to each."""
    from include.pipeline.map_events import map_events as stage

    with stage_of(selection) as (run, wiring):
        return stage(run, wiring, chunk)


@task
def check_frames(selection: str) -> StageResult:
    """Check every frame of the run before anything is written; a dry run ends here, with its plan."""
    from include.pipeline.check_frames import check_frames as stage

    with stage_of(selection) as (run, wiring):
        counts = stage(run, wiring)
    if run.dry_run:
        end_run_here(counts)
    return counts


@load_task(outlets=[SALESFORCE_PEOPLE], execution_timeout=_LOAD_TIMEOUT)
def load_people(selection: str) -> StageResult:
    """Write people to Salesforce, and keep their links."""
    from include.pipeline.load_people import load_people as stage

    with stage_of(selection) as (run, wiring), linking_job(run, wiring, "load_people", chunk=0):
        return stage(run, wiring)


@load_task(outlets=[SALESFORCE_EVENTS], execution_timeout=_LOAD_TIMEOUT)
def load_events(selection: str, chunk: int) -> StageResult:
    """Write one chunk of Events to Salesforce, and keep their links."""
    from include.pipeline.load_events import load_events as stage

    with stage_of(selection) as (run, wiring), linking_job(run, wiring, "load_events", chunk=chunk):
        return stage(run, wiring, chunk)


@task
def settle_run(selection: str) -> StageResult:
    """Record every outcome, check that the run adds up, and move the watermark."""
    from include.pipeline.settle_run import settle_run as stage

    with stage_of(selection) as (run, wiring):
        counts = stage(run, wiring)
        alert_rising_quarantine(wiring, get_current_context())
    return counts


@task(inlets=[COCONUT_STAFF], outlets=[STAFF_LINKS])
def sync_staff(selection: str) -> StageResult:
    """Link staff members to Salesforce Users."""
    from include.pipeline.sync_staff import sync_staff as stage

    with stage_of(selection) as (run, wiring):
        return stage(run, wiring)


def sync_bookings(selection: str) -> tuple[XComArg, XComArg]:
    """Lay out the stages of one sync, inside a DAG (design §2), and return the first and the last."""
    extracted = extract_changes(selection)
    chunks = list_chunks(extracted)
    matched = match_people(selection)
    people = map_people(selection)
    events = map_events.partial(selection=selection).expand(chunk=chunks)
    checked = check_frames(selection)
    guarded = GuardChanges(task_id="guard_changes", selection=selection)
    loaded_people = load_people(selection)
    loaded_events = load_events.partial(selection=selection).expand(chunk=chunks)
    settled = settle_run(selection)

    (
        extracted
        >> matched
        >> people
        >> events
        >> checked
        >> guarded
        >> loaded_people
        >> loaded_events
        >> settled
    )
    return extracted, settled
