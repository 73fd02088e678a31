"""What is older than it is kept goes, in batches; what is needed stays, however old."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from include.ledger.jobs import JobState, PlannedJob
from include.ledger.load_claims import LoadStep
from include.ledger.reports import Report, ReportKind
from include.ledger.tables import (
    field_reports,
    legacy_migrations,
    match_decisions,
    migration_images,
    migration_items,
    outcomes,
    run_api_calls,
    runs,
)
from include.pipeline.context import Selection
from include.privacy.retention import ABANDONED_AFTER, JOBS_AT_LEAST, remove_expired
from tests.pipeline.world import World

pytestmark = [pytest.mark.rule("Q11"), pytest.mark.rule("settings")]

DAYS = 20


@pytest.fixture
def kept(world: World) -> World:
    world.set(retention_days=DAYS)
    return world


def ago(world: World, days: float) -> datetime:
    return world.now - timedelta(days=days)


def expire(world: World, *, dry_run: bool = False, rows_per_batch: int = 10_000) -> dict[str, object]:
    run = world.run(Selection.REPAIR, dag_id="reconcile", dry_run=dry_run)
    counts = remove_expired(run, world.wiring(), rows_per_batch=rows_per_batch)
    assert counts.pop("retention_days") == DAYS
    return counts


def put(world: World, table: sa.Table, *rows: dict[str, object]) -> None:
    with world.ledger.engine.begin() as connection:
        connection.execute(sa.insert(table), list(rows))


def left(world: World, column: sa.Column) -> list[object]:
    with world.ledger.engine.connect() as connection:
        return list(connection.execute(sa.select(column).order_by(column)).scalars())


def outcome(world: World, key: str, run_id: str, days: float) -> dict[str, object]:
    return {"booking_key": key, "run_id": run_id, "at": ago(world, days), "outcome": "written"}


def decision(world: World, client_id: str, run_id: str, days: float) -> dict[str, object]:
    return {
        "client_id": client_id,
        "run_id": run_id,
        "decided_at": ago(world, days),
        "settings_version": 0,
        "action": "link",
    }


def ended_run(world: World, run_id: str, *, began: float, ended: float | None) -> str:
    """A run in the ledger, with a file in staging."""
    put(
        world,
        runs,
        {
            "run_id": run_id,
            "dag_id": "sync_appointments",
            "selection": "appointments",
            "trigger": "scheduled",
            "dry_run": False,
            "state": "running" if ended is None else "success",
            "started_at": ago(world, began),
            "finished_at": None if ended is None else ago(world, ended),
            "settings_version": 0,
        },
    )
    world.staging.write_json(run_id, "extract_changes", "manifest", {})
    return run_id


def job(world: World, run_id: str, state: JobState, days: float) -> None:
    planned = PlannedJob(run_id, "load_events", 0, "Event", "upsert", "bulk", "", None, 1, state=state)
    world.ledger.plan_job(planned, now=ago(world, days))


def test_the_history_of_a_pair_goes_and_its_newest_outcome_stays_however_old(kept: World) -> None:
    put(kept, outcomes, *(outcome(kept, "1-1", f"run-{days}", days) for days in (90, 60, 40)))
    put(kept, outcomes, outcome(kept, "2-1", "run-60", 60), outcome(kept, "2-1", "run-5", 5))

    assert expire(kept) == {"outcomes": 3}

    assert left(kept, outcomes.c.run_id) == ["run-40", "run-5"]


def test_earlier_decisions_go_and_the_one_in_force_stays(kept: World) -> None:
    put(kept, match_decisions, *(decision(kept, "1", f"run-{days}", days) for days in (90, 60)))
    put(kept, match_decisions, decision(kept, "2", "run-70", 70))

    assert expire(kept) == {"match_decisions": 1}

    assert left(kept, match_decisions.c.run_id) == ["run-60", "run-70"]


def test_reports_of_fields_and_of_runs_and_api_calls_go_by_age_alone(kept: World) -> None:
    for days in (30, 10):
        run_id, at = f"run-{days}", ago(kept, days)
        put(
            kept,
            field_reports,
            {
                "run_id": run_id,
                "at": at,
                "client_id": "1",
                "sobject": "Lead",
                "field": "City",
                "report": "kept",
            },
        )
        put(
            kept,
            run_api_calls,
            {"run_id": run_id, "task": "t", "attempt": "1", "kind": "query", "calls": 1, "recorded_at": at},
        )
        kept.ledger.save_report(Report(run_id, ReportKind.PLAN, at, {}, None))

    assert expire(kept) == {"field_reports": 1, "run_api_calls": 1, "reports": 1}

    assert left(kept, field_reports.c.run_id) == left(kept, run_api_calls.c.run_id) == ["run-10"]
    assert kept.ledger.report("run-10", ReportKind.PLAN)


def test_the_frames_and_jobs_of_runs_that_are_over_go_and_others_stay(kept: World) -> None:
    over = ended_run(kept, "over", began=40, ended=30)
    job(kept, over, JobState.SETTLED, 30)
    ended_run(kept, "just-over", began=40, ended=10)
    ended_run(kept, "at-work", began=40, ended=None)
    job(kept, "at-work", JobState.SETTLED, 30)
    unsettled = ended_run(kept, "unsettled", began=40, ended=30)
    job(kept, unsettled, JobState.UPLOADED, 30)
    asking = ended_run(kept, "asking", began=40, ended=30)
    kept.ledger.ask_approval(asking, {"events_to_delete": 60}, now=ago(kept, 40))

    assert expire(kept) == {"jobs": 1, "staged_runs": 1}

    assert kept.staging.run_ids() == ["asking", "at-work", "just-over", "unsettled"]
    assert kept.ledger.jobs(over) == []
    assert len(kept.ledger.jobs("at-work")) == len(kept.ledger.jobs("unsettled")) == 1


def test_a_run_that_never_ended_is_held_for_over_in_the_end(kept: World) -> None:
    ended_run(kept, "dead", began=DAYS + ABANDONED_AFTER.days + 1, ended=None)
    ended_run(kept, "perhaps-dead", began=DAYS + ABANDONED_AFTER.days - 1, ended=None)

    assert expire(kept) == {"staged_runs": 1}

    assert kept.staging.run_ids() == ["perhaps-dead"]


def test_a_folder_that_the_ledger_never_met_goes_once_nothing_in_it_is_younger(kept: World) -> None:
    kept.staging.write_json("unknown", "any", "thing", {})
    written_at = kept.staging.files("unknown")[0].written_at

    kept.now = written_at + timedelta(days=DAYS - 1)
    assert expire(kept) == {}
    kept.now = written_at + timedelta(days=DAYS + 1)
    assert expire(kept) == {"staged_runs": 1}


def test_jobs_stay_as_long_as_salesforce_lists_them(world: World) -> None:
    world.set(retention_days=1)
    ended_run(world, "over", began=7, ended=6)
    job(world, "over", JobState.SETTLED, 6)
    claim = LoadStep("over", "load_events", 0)
    world.ledger.claim_load(claim, "someone")

    counts = remove_expired(world.run(Selection.REPAIR), world.wiring())

    assert timedelta(days=6) < JOBS_AT_LEAST
    assert counts == {"retention_days": 1, "staged_runs": 1}


def test_rows_go_in_batches_until_none_is_left(kept: World) -> None:
    put(kept, outcomes, *(outcome(kept, "1-1", f"run-{number:02d}", 90) for number in range(8)))

    assert expire(kept, rows_per_batch=3) == {"outcomes": 7}

    assert left(kept, outcomes.c.run_id) == ["run-07"]


def test_a_dry_run_counts_what_would_go_and_removes_nothing(kept: World) -> None:
    put(kept, outcomes, outcome(kept, "1-1", "run-90", 90), outcome(kept, "1-1", "run-60", 60))
    ended_run(kept, "over", began=40, ended=30)

    planned = expire(kept, dry_run=True)

    assert planned == {"outcomes": 1, "staged_runs": 1}
    assert len(left(kept, outcomes.c.run_id)) == 2
    assert kept.staging.run_ids() == ["over"]
    assert expire(kept) == planned


def migration_item(migration_id: int) -> dict[str, object]:
    return {"migration_id": migration_id, "kind": "event_link", "item_key": "1-1", "inventory": 1}


def migration_image(world: World, migration_id: int) -> dict[str, object]:
    keys = {"event_id": "00U000000000001AAA", "booking_key": "1-1", "client_id": "1"}
    return {"migration_id": migration_id, **keys, "image": "{}", "taken_at": ago(world, 400)}


def test_what_a_migration_carried_over_stays_for_ninety_days_after_it_ended(kept: World) -> None:
    ended = {1: ago(kept, 91), 2: ago(kept, 89), 3: None}
    begun = {"started_by": "Pat", "started_at": ago(kept, 400), "choices": {}, "facts": {}}
    for number, at in ended.items():
        phase = "started" if at is None else "finalised"
        run_id = f"migration-{number}"
        put(
            kept,
            legacy_migrations,
            {"id": number, "lease_run_id": run_id, "phase": phase, "ended_at": at, **begun},
        )
        put(kept, migration_items, migration_item(number))
        put(kept, migration_images, migration_image(kept, number))

    assert expire(kept) == {"migration_images": 1, "migration_items": 1}

    assert left(kept, migration_items.c.migration_id) == [2, 3]
    assert left(kept, migration_images.c.migration_id) == [2, 3]
