from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from include.errors import LedgerConflictError, LoadTakenOverError
from include.ledger.jobs import JobRecord, PlannedJob
from include.ledger.repository import JobState, Ledger
from include.pipeline.context import Selection
from tests.ledger.builders import at, outcomes, run


def settle(ledger: Ledger, **changes: object) -> None:
    values = {
        "counts": {"read": 0},
        "watermark": None,
        "cleared_dirty": (),
        "settings_version": 0,
        "state": "success",
        "now": at(20),
    }
    ledger.settle(changes.pop("run", run()), outcomes(), **(values | changes))


@pytest.mark.rule("Q3")
def test_a_run_is_recorded_from_its_beginning_and_keeps_its_counts(ledger: Ledger) -> None:
    ledger.open_run(run(), settings_version=0)
    assert ledger.run_counts("run-1") is None
    settle(ledger, counts={"read": 3, "written": 3})
    assert ledger.run_counts("run-1") == {"read": 3, "written": 3}
    row = ledger.runs().iloc[0]
    assert (row["state"], row["started_at"], row["finished_at"]) == ("success", at(10), at(20))
    assert json.loads(row["counts"])["read"] == 3


@pytest.mark.rule("Q4")
def test_a_failed_run_that_begins_again_is_running_and_a_successful_one_stays(ledger: Ledger) -> None:
    ledger.open_run(run("failed"), settings_version=0)
    ledger.finish_run("failed", state="failed", now=at(11))
    ledger.open_run(run("failed"), settings_version=0)
    settle(ledger, run=run("done"))
    ledger.open_run(run("done"), settings_version=0)
    assert ledger.runs().set_index("run_id")["state"].to_dict() == {"failed": "running", "done": "success"}


@pytest.mark.rule("C1")
def test_runs_are_listed_newest_first_and_only_so_many(ledger: Ledger) -> None:
    for minute in (1, 3, 2):
        ledger.open_run(run(f"run-{minute}", now=at(minute)), settings_version=0)
    assert list(ledger.runs(limit=2)["run_id"]) == ["run-3", "run-2"]


@pytest.mark.rule("Q8")
def test_api_calls_add_up_over_tasks_and_attempts_but_an_attempt_counts_once(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.record_api_calls("run-1", task="load_events", attempt="1", calls={"bulk": 4, "query": 1})
    ledger.record_api_calls("run-1", task="load_events", attempt="2", calls={"bulk": 2})
    ledger.record_api_calls("run-1", task="match_people", attempt="1", calls={"query": 5})
    ledger.record_api_calls("run-2", task="match_people", attempt="1", calls={"query": 9})
    assert ledger.api_calls("run-1") == {"bulk": 6, "query": 6}


@pytest.mark.rule("Q5")
def test_the_watermark_moves_only_forward(ledger: Ledger) -> None:
    assert ledger.watermark("appointments") is None
    reached = [(at(5), 7), (at(5), 3), (at(4), 99), (at(5), 8), (at(6), 1)]
    seen = []
    for mark in reached:
        settle(ledger, watermark=mark)
        seen.append(ledger.watermark("appointments"))
    assert seen == [(at(5), 7), (at(5), 7), (at(5), 7), (at(5), 8), (at(6), 1)]


@pytest.mark.rule("Q5")
def test_each_selection_has_a_watermark_of_its_own(ledger: Ledger) -> None:
    settle(ledger, watermark=(at(5), 7))
    settle(ledger, run=run("walk-ins", selection=Selection.WALK_INS), watermark=(at(1), 1))
    assert ledger.watermark(Selection.APPOINTMENTS) == (at(5), 7)
    assert ledger.watermark(Selection.WALK_INS) == (at(1), 1)


@pytest.mark.rule("Q5")
def test_a_settling_that_fails_half_way_leaves_watermark_outcomes_and_counts_untouched(
    ledger: Ledger,
) -> None:
    def batches():
        yield outcomes({})
        msg = "the second batch cannot be read"
        raise OSError(msg)

    with pytest.raises(OSError, match="second batch"):
        ledger.settle(
            run(),
            batches(),
            counts={"read": 2},
            watermark=(at(5), 7),
            cleared_dirty=(),
            settings_version=0,
            state="success",
            now=at(20),
        )
    assert ledger.watermark("appointments") is None
    assert ledger.run_counts("run-1") is None
    assert ledger.settled(["1"]).empty


def plan(ledger: Ledger, **changes: Any) -> JobRecord:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "step": "load_events",
        "chunk": 0,
        "sobject": "Event",
        "operation": "upsert",
        "api": "bulk",
        "digest": "d1",
        "staged_file": "part-0.csv",
        "sent": 10,
    }
    return ledger.plan_job(PlannedJob(**(values | changes)), now=at(1))


@pytest.mark.rule("Q4")
def test_every_job_that_is_planned_is_a_part_of_its_own(ledger: Ledger) -> None:
    assert [plan(ledger).part, plan(ledger).part, plan(ledger, chunk=1).part] == [0, 1, 0]


@pytest.mark.rule("Q4")
def test_a_job_that_somebody_moved_on_stops_whoever_saw_it_before(ledger: Ledger) -> None:
    seen = plan(ledger)
    taken = ledger.update_job(seen, now=at(2), state="aborted")
    with pytest.raises(LoadTakenOverError, match="taken over load_events of the run run-1"):
        ledger.update_job(seen, now=at(3), state="created", job_id="750000000000001AAA")
    with pytest.raises(LoadTakenOverError):
        ledger.require_job(seen)
    ledger.require_job(taken)
    assert ledger.jobs("run-1") == [taken]


@pytest.mark.rule("Q4")
def test_jobs_of_other_runs_that_never_finished_are_found_by_their_object(ledger: Ledger) -> None:
    plan(ledger)
    theirs = plan(ledger, run_id="run-2", state=JobState.UPLOADED)
    plan(ledger, run_id="run-2", sobject="Lead")
    ledger.update_job(plan(ledger, run_id="run-2"), now=at(2), state="lost")
    assert ledger.unfinished_jobs(besides="run-1", sobjects=["Event"]) == [theirs]


@pytest.mark.rule("Q4")
def test_the_journal_knows_the_ids_of_its_jobs(ledger: Ledger) -> None:
    ledger.update_job(plan(ledger), now=at(2), state="created", job_id="750000000000001AAA")
    asked = ["750000000000001AAA", "750000000000002AAA"]
    assert ledger.known_job_ids(asked) == {"750000000000001AAA"}


@pytest.mark.rule("Q4")
def test_the_jobs_of_a_run_are_found_by_step_and_chunk(ledger: Ledger) -> None:
    plan(ledger, chunk=1)
    plan(ledger, chunk=0)
    plan(ledger, step="load_people")
    plan(ledger, run_id="run-2")
    assert [(job.step, job.chunk) for job in ledger.jobs("run-1")] == [
        ("load_events", 0),
        ("load_events", 1),
        ("load_people", 0),
    ]
    assert [job.chunk for job in ledger.jobs("run-1", step="load_events", chunk=1)] == [1]


@pytest.mark.rule("Q3")
def test_a_settled_job_keeps_what_was_sent_and_what_became_of_it(ledger: Ledger) -> None:
    job = plan(ledger)
    settled = ledger.update_job(job, now=at(3), state="settled", succeeded=7, failed=2, unprocessed=1)
    assert settled.sent == settled.succeeded + settled.failed + settled.unprocessed
    assert (settled.created_at, settled.updated_at) == (at(1), at(3))


@pytest.mark.rule("Q4")
def test_a_job_that_is_not_there_or_a_column_that_must_not_change_is_a_conflict(ledger: Ledger) -> None:
    job = plan(ledger)
    with pytest.raises(LedgerConflictError, match="knows no job"):
        ledger.update_job(replace(job, id=job.id + 1), now=at(2), state="created")
    with pytest.raises(LedgerConflictError, match="run_id"):
        ledger.update_job(job, now=at(2), run_id="run-9")
