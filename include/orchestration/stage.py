"""What every task around a stage does: know its run, open the wiring, and speak Airflow's words for the outcome."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped

from include.errors import AppointmentSyncError, SkipRun
from include.pipeline.context import Selection, SyncRun, Trigger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.pipeline.context import Wiring

_STARTED_BY_A_PERSON: Final = frozenset({"manual", "backfill", "operator_triggered"})
FAILURE_KEY: Final = "failure"
"""Under which a failed task leaves ``{"error", "sentence"}``."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")


def sync_run(context: Mapping[str, Any], selection: Selection) -> SyncRun:
    """Return the run that a task belongs to, the same for every task of it and for every try.

    The clock is the run's start. Airflow sets it anew when a task of a finished run is cleared.
    """
    dag_run = context["dag_run"]
    params = dict(context["params"])
    return SyncRun(
        run_id=path_safe_run_id(dag_run.dag_id, dag_run.run_id),
        dag_id=dag_run.dag_id,
        selection=selection,
        trigger=Trigger.MANUAL if str(dag_run.run_type) in _STARTED_BY_A_PERSON else Trigger.SCHEDULED,
        dry_run=bool(params.pop("dry_run", False)),
        now=dag_run.start_date or dag_run.run_after,
        conf=params,
    )


def path_safe_run_id(dag_id: str, run_id: str) -> str:
    """Return a run id that is unique over all DAGs and safe as one segment of a path.

    Airflow's own ids hold colons and plus signs; a digest keeps apart two ids that differ in nothing else.
    """
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:8]
    return f"{dag_id}__{_UNSAFE.sub('-', run_id)[:80].strip('-')}__{digest}"


@contextmanager
def stage_of(selection: str) -> Iterator[tuple[SyncRun, Wiring]]:
    """Yield the run and its wiring; a stage that has nothing to do ends the task as skipped, with the reason."""
    from include.orchestration.wiring import open_wiring

    run = sync_run(get_current_context(), Selection(selection))
    with as_task_state(), open_wiring() as wiring:
        yield run, wiring


@contextmanager
def migration_stage() -> Iterator[tuple[SyncRun, Wiring]]:
    """Yield the run and its wiring, as ``stage_of`` does; its clock is the task's start, ``started_by`` a person.

    A migration waits for people, for days: its run's own start says nothing about now.
    """
    context = get_current_context()
    who = context["dag_run"].triggering_user_name
    with stage_of(Selection.MIGRATION) as (run, wiring):
        yield replace(run, now=context["ti"].start_date, conf={**run.conf, "started_by": who}), wiring


@contextmanager
def as_task_state() -> Iterator[None]:
    """Turn what a stage raises into a task's state, and leave the sentence of a failure for the alert (rule Q9).

    Only our own errors leave their sentence: it is known to quote nobody.
    """
    try:
        yield
    except SkipRun as reason:
        raise AirflowSkipException(str(reason)) from reason
    except AppointmentSyncError as error:
        failure = {"error": type(error).__name__, "sentence": str(error)}
        get_current_context()["ti"].xcom_push(key=FAILURE_KEY, value=failure)
        raise


def end_run_here(result: Mapping[str, Any]) -> None:
    """End the task as a success with ``result``, and skip everything after it.

    Airflow's short-circuit operator would decide by the result's truth and throw the counts away.
    """
    context = get_current_context()
    context["ti"].xcom_push(key="return_value", value=dict(result))
    raise DownstreamTasksSkipped(tasks=sorted(context["task"].downstream_task_ids))
