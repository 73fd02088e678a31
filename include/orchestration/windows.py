"""The tasks of a backfill: one for each window of days, one window at a time (rule T7).

Airflow maps no task inside a group that is mapped itself, and cannot keep a mapped group to one instance at a time. So
a window is one task, which runs the stages one after the other (ADR 0018).
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import get_current_context, task
from airflow.sdk.bases.decorator import task_decorator_factory
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred

from include.orchestration.alerts import alert_rising_quarantine
from include.orchestration.assets import (
    COCONUT_APPOINTMENTS,
    COCONUT_WALK_INS,
    SALESFORCE_EVENTS,
    SALESFORCE_PEOPLE,
)
from include.orchestration.stage import as_task_state, stage_of, sync_run
from include.pipeline.context import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.pipeline.backfill import Wait
    from include.pipeline.context import SyncRun

_WINDOW_TIMEOUT: Final = timedelta(hours=24)
_LAST_IN_LINE: Final = 0  # tasks of other DAGs have a weight of 1 at least

log = logging.getLogger(__name__)


class _WindowOperator(_PythonDecoratedOperator):
    """A Python task that may put itself off: parked in the triggerer it holds no worker, but its turn."""

    custom_operator_name = "@window_task"

    def look_again(self, context: Any, event: Any = None) -> Any:  # noqa: ARG002 - the trigger's answer is that it is time
        """Go on from the beginning."""
        return self.execute(context)


def window_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
    """Make a function a task, like ``@task``, that may raise what ``put_off`` returns."""
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=_WindowOperator, **kwargs
    )


def put_off(wait: Wait, *, now: datetime) -> TaskDeferred:
    """Return what a task of ``window_task`` raises to begin anew later."""
    log.info("This window waits: %s.", wait.reason)
    return TaskDeferred(trigger=DateTimeTrigger(moment=now + wait.look_again_after), method_name="look_again")


@task(priority_weight=_LAST_IN_LINE, weight_rule="absolute")
def plan_windows() -> list[list[str]]:
    """Cut the days into windows, or refuse the request before anything is read."""
    from include.pipeline.backfill import check_catch_up
    from include.pipeline.backfill import plan_windows as plan

    with stage_of(Selection.BACKFILL) as (run, wiring):
        windows = plan(run)
        check_catch_up(run, wiring)
    return [[window.first.isoformat(), window.last.isoformat()] for window in windows]


@window_task(
    inlets=[COCONUT_APPOINTMENTS, COCONUT_WALK_INS],
    outlets=[SALESFORCE_PEOPLE, SALESFORCE_EVENTS],
    execution_timeout=_WINDOW_TIMEOUT,
    max_active_tis_per_dagrun=1,
    priority_weight=_LAST_IN_LINE,
    weight_rule="absolute",
    map_index_template="{{ window_days }}",
)
def sync_window(window: list[str]) -> dict[str, Any]:
    """Run the whole pipeline on the bookings of one window, when it is its turn."""
    from include.orchestration.wiring import open_wiring
    from include.pipeline.run_stages import run_stages

    with as_task_state():
        counts = dict(run_stages(_turn_of(window), open_wiring))
    with open_wiring() as wiring:
        alert_rising_quarantine(wiring, get_current_context())
    return counts


@task(trigger_rule="none_failed", priority_weight=_LAST_IN_LINE, weight_rule="absolute")
def sum_up() -> dict[str, Any]:
    """Add the counts of all windows up."""
    from include.pipeline.backfill import sum_up as add

    with stage_of(Selection.BACKFILL) as (run, wiring):
        return add(run, wiring)


def backfill_windows() -> None:
    """Lay out a backfill, inside a DAG."""
    sync_window.expand(window=plan_windows()) >> sum_up()


def _turn_of(days: list[str]) -> SyncRun:
    """Return the window's run when it is its turn.

    Raises:
        AirflowSkipException: an earlier attempt settled the window.
        TaskDeferred: another sync is at work, or the API budget is used up; the task begins anew a little later.
    """
    from include.orchestration.wiring import open_wiring
    from include.pipeline.backfill import has_to_wait, is_settled, run_of_window
    from include.pipeline.backfill_request import Window

    context, now = get_current_context(), datetime.now(UTC)
    window = Window(*map(date.fromisoformat, days))
    context["window_days"] = str(window)
    run = run_of_window(sync_run(context, Selection.BACKFILL), window, now=now)
    with open_wiring() as wiring:
        if is_settled(run, wiring):
            msg = "An earlier attempt of this backfill settled the window under the settings in force."
            raise AirflowSkipException(msg)
        waiting_since = context["ti"].start_date or now
        if wait := has_to_wait(wiring, waiting_since=waiting_since, now=now):
            raise put_off(wait, now=now)
    return run
