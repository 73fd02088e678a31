"""Starts DAG runs, or waits for those that start by themselves, and tells how far they are until all are quiet."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from include.demo.figures import Figures
from include.local_stack.airflow_api import FINISHED, AirflowApi, DagRun
from include.local_stack.processes import StackError
from include.local_stack.stack import Stack

_PHASE_SECONDS: Final = 1_800.0
_WATCHER_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 1.0

RunsByDag = Mapping[str, list[DagRun]]


@dataclass(slots=True)
class Phases:
    """Runs one phase of the demo after the other; a run belongs to the phase in which it was first seen."""

    stack: Stack
    figures: Figures
    say: Callable[[str], None]
    complain: Callable[[str], None]
    _told: set[str] = field(default_factory=set)

    def start_and_wait(self, *dag_ids: str) -> None:
        """Start DAGs by hand, and wait until their runs are over."""
        for dag_id in dag_ids:
            self.stack.airflow.trigger(dag_id)
        self._wait(dag_ids, lambda runs: all(runs.values()))

    def wait_for_watcher(self, *dag_ids: str) -> None:
        """Wait until each DAG was started by itself and has read what changed.

        What does not start in time is started by hand, and that is a complaint.
        """
        begun = time.monotonic()
        late: set[str] = set()

        def is_over(runs: RunsByDag) -> bool:
            waiting = [dag_id for dag_id in dag_ids if not self.figures.read_since_report(dag_id)]
            if time.monotonic() - begun > _WATCHER_SECONDS:
                for dag_id in set(waiting) - late:
                    if all(run.state in FINISHED for run in runs[dag_id]):
                        late.add(dag_id)
                        self.complain(
                            f"{dag_id} did not start by itself within {_WATCHER_SECONDS:.0f} seconds"
                        )
                        self.stack.airflow.trigger(dag_id)
            return not waiting

        self._wait(dag_ids, is_over)

    def _wait(self, dag_ids: tuple[str, ...], is_over: Callable[[RunsByDag], bool]) -> None:
        airflow = self.stack.airflow
        progress = Progress(airflow, self.say)
        deadline = time.monotonic() + _PHASE_SECONDS
        while True:
            self.stack.processes.check_alive()
            runs = {
                dag_id: [run for run in airflow.runs(dag_id) if run.run_id not in self._told]
                for dag_id in dag_ids
            }
            progress.show(runs)
            has_failed = any(run.state == "failed" for of_dag in runs.values() for run in of_dag)
            if _are_quiet(runs) and (is_over(runs) or has_failed):
                break
            if time.monotonic() > deadline:
                raise StackError(f"The runs did not end within {_PHASE_SECONDS:.0f} seconds.")
            time.sleep(_POLL_SECONDS)
        for run in (run for of_dag in runs.values() for run in of_dag):
            self._told.add(run.run_id)
            if run.state == "failed":
                self._tell_failure(run)

    def _tell_failure(self, run: DagRun) -> None:
        failed = [task.task_id for task in self.stack.airflow.tasks(run) if task.state == "failed"]
        self.complain(
            f"{run.dag_id} failed in {', '.join(failed) or 'no task'}; see {self.stack.task_logs(run)}"
        )


def _are_quiet(runs: RunsByDag) -> bool:
    return all(run.state in FINISHED for of_dag in runs.values() for run in of_dag)


@dataclass(slots=True)
class Progress:
    """Prints how far each run is, whenever that changes."""

    airflow: AirflowApi
    say: Callable[[str], None]
    _shown: dict[str, str] = field(default_factory=dict)

    def show(self, runs: RunsByDag) -> None:
        """Print the stages that are running now, and runs that ended."""
        for run in (run for of_dag in runs.values() for run in of_dag):
            shown = self._shown.get(run.run_id, "")
            if shown in FINISHED:
                continue
            now = run.state if run.state in FINISHED else self._stages(run)
            if now and now != shown:
                self.say(f"  {run.dag_id} [{run.started_by}]: {now}")
                self._shown[run.run_id] = now

    def _stages(self, run: DagRun) -> str:
        running = Counter(task.task_id for task in self.airflow.tasks(run) if task.state == "running")
        return ", ".join(name if number == 1 else f"{name} x{number}" for name, number in running.items())
