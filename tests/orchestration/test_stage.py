"""A stage in a task: which run it belongs to, and how its errors become task states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from airflow.sdk import RetryAction

from include.errors import (
    ApprovalRequired,
    ConfigurationError,
    ConservationError,
    GateClosed,
    OrgExhaustedError,
    SalesforceUnavailableError,
    SourceUnavailableError,
)
from include.orchestration.retries import RETRY_POLICY
from include.orchestration.stage import path_safe_run_id, sync_run
from include.pipeline.context import Selection, SyncRun, Trigger

STARTED = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@dataclass
class DagRun:
    """The fields of Airflow's DAG run that a stage reads."""

    dag_id: str = "sync_walk_ins"
    run_id: str = "scheduled__2026-03-29T01:30:00+00:00"
    run_type: str = "scheduled"
    start_date: datetime | None = STARTED
    run_after: datetime = STARTED


def run_of(dag_run: DagRun, **params: object) -> SyncRun:
    return sync_run({"dag_run": dag_run, "params": params}, Selection.WALK_INS)


@pytest.mark.rule("T2")
@pytest.mark.parametrize(
    ("run_type", "trigger"),
    [
        ("scheduled", Trigger.SCHEDULED),
        ("asset_triggered", Trigger.SCHEDULED),
        ("manual", Trigger.MANUAL),
        ("backfill", Trigger.MANUAL),
    ],
)
def test_only_what_a_person_started_is_a_manual_run(run_type: str, trigger: Trigger) -> None:
    assert run_of(DagRun(run_type=run_type)).trigger is trigger


@pytest.mark.rule("T6")
def test_the_run_carries_its_parameters_and_its_dry_run_apart() -> None:
    run = run_of(DagRun(), dry_run=True, clients="1, 2")

    assert run.dry_run
    assert run.conf == {"clients": "1, 2"}
    assert run.now == STARTED
    assert SyncRun.from_json(run.to_json()) == run


def test_run_ids_are_safe_in_paths_and_stay_apart() -> None:
    first = path_safe_run_id("sync_staff", "manual__2026-03-29T01:30:00+00:00")
    second = path_safe_run_id("sync_staff", "manual__2026-03-29T01-30-00-00-00")

    assert first != second
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzT0123456789_-") for name in (first, second))
    assert first == path_safe_run_id("sync_staff", "manual__2026-03-29T01:30:00+00:00")


@pytest.mark.rule("Q6")
@pytest.mark.parametrize(
    ("error", "action"),
    [
        (SourceUnavailableError("x"), RetryAction.RETRY),
        (SalesforceUnavailableError("x"), RetryAction.RETRY),
        (OrgExhaustedError("x"), RetryAction.RETRY),
        (ConfigurationError("x"), RetryAction.FAIL),
        (GateClosed("x"), RetryAction.FAIL),
        (ApprovalRequired("x"), RetryAction.FAIL),
        (ConservationError("x"), RetryAction.FAIL),
        (KeyError("a defect"), RetryAction.FAIL),
    ],
)
def test_only_trouble_that_may_pass_is_tried_again(error: Exception, action: RetryAction) -> None:
    assert RETRY_POLICY.evaluate(error, try_number=1, max_tries=4).action is action
