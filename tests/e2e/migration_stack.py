"""A small legacy organisation under a real Airflow, in which only the migration's DAG runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.demo.legacy_run import MIGRATION
from include.local_stack.airflow_api import FINISHED, DagRun
from include.local_stack.layout import Layout
from include.local_stack.questions import Question, Questions
from include.local_stack.stack import Stack, local_stack

PATIENCE_SECONDS = 600.0


@contextmanager
def migration_stack(folder: Path, *, bookings: int) -> Iterator[Stack]:
    """Yield a running stack whose organisation is offered the upgrade."""
    layout = Layout(state=folder)
    with layout.locked(), local_stack(layout) as stack:
        stack.start_migrating_metadata()
        stack.start_org()
        stack.fill_with_demo_data(bookings=bookings, seed=5, is_legacy=True)
        paused = {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True"}
        stack.processes.environment = {**stack.processes.environment, **paused}
        stack.start_airflow()
        stack.wait_for_airflow()
        stack.airflow.pause(MIGRATION, is_paused=False)
        yield stack


def asked_by(stack: Stack, run_id: str, task_id: str) -> Question:
    """Wait until a step of a run asks."""
    questions = Questions(stack.airflow, MIGRATION)

    def has_not_failed() -> None:
        stack.processes.check_alive()
        run = run_of(stack, run_id)
        failed = [task.task_id for task in stack.airflow.tasks(run) if task.state == "failed"]
        assert not failed, f"{failed}: {stack.task_logs(run)}"

    return questions.wait_for(task_id, run_id, timeout_seconds=PATIENCE_SECONDS, meanwhile=has_not_failed)


def run_of(stack: Stack, run_id: str) -> DagRun:
    (run,) = (run for run in stack.airflow.runs(MIGRATION) if run.run_id == run_id)
    return run


def states_once_over(stack: Stack, run_id: str) -> dict[str, str | None]:
    """Wait until a run is over, and return the states of its tasks, its own under an empty name."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        stack.processes.check_alive()
        run = run_of(stack, run_id)
        if run.state in FINISHED:
            return {"": run.state} | {task.task_id: task.state for task in stack.airflow.tasks(run)}
        time.sleep(1.0)
    raise AssertionError(f"{run_id} is still {run_of(stack, run_id).state}")


def wait_for_state(stack: Stack, run_id: str, task_id: str, state: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        stack.processes.check_alive()
        run = run_of(stack, run_id)
        assert run.state not in FINISHED, stack.airflow.tasks(run)
        if any((task.task_id, task.state) == (task_id, state) for task in stack.airflow.tasks(run)):
            return
        time.sleep(1.0)
    raise AssertionError(f"{task_id} was never {state}")
