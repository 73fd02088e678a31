"""``make demo``: the real DAGs under the real scheduler against the local org, three times, and the proof.

The first run loads everything, the second finds nothing to do, the third follows a few hundred edits. After each the
org is queried afresh and compared with what the booking database says should be there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from include.demo.figures import Figures, in_words
from include.demo.org_reader import OrgState, read_org
from include.demo.proof import Before, Proof, prove
from include.local_stack.airflow_api import FINISHED, AirflowApi, DagRun
from include.local_stack.layout import Layout, StackInUseError
from include.local_stack.processes import Interrupted, StackError, ending_on_signals, seconds_since
from include.local_stack.stack import DEMO_BOOKINGS, DEMO_SEED, Stack, local_stack

_STAFF = "sync_staff"
_BOOKINGS = ("sync_appointments", "sync_walk_ins")
_PHASE_SECONDS = 1_800.0
_WATCHER_SECONDS = 90.0
_POLL_SECONDS = 1.0
_WRITING_KINDS = ("collections", "bulk_ingest", "rest")


@dataclass(slots=True)
class Demo:
    """The story, told as it happens."""

    stack: Stack
    bookings: int
    seed: int
    started: float = field(default_factory=time.monotonic)
    complaints: list[str] = field(default_factory=list)
    _has_reported: bool = False

    def say(self, text: str) -> None:
        """Print a line of progress."""
        print(f"{seconds_since(self.started)}  {text}", flush=True)

    def tell(self) -> bool:
        """Run the demo; return whether everything held."""
        self.set_up()
        figures = Figures(self.stack.layout.ledger_database, self.stack.org_url)
        before = Before(read_org(self.stack.org))
        self.start_airflow()
        figures.leave_out_requests()

        self.say(
            "First run: started by the watcher, because the booking database holds what the ledger does not."
        )
        self.run_phase(trigger=(_STAFF,), watched=_BOOKINGS)
        self.report(figures)
        proof, org = self.check(figures, before)

        self.say("Second run: started by hand, nothing has changed.")
        self.run_phase(trigger=(_STAFF, *_BOOKINGS))
        calls = self.report(figures)
        self.check(figures, Before(org, proof.staff_of, proof.who_of))
        if writes := Counter({kind: calls[kind] for kind in _WRITING_KINDS if calls[kind]}):
            self.complain(f"the unchanged run made write calls: {in_words(writes)}")

        self.say("Editing bookings: reschedules, cancellations, deletions, new ones ...")
        self.say(f"  {self.stack.edit_demo_data(seed=self.seed)}")
        before = Before(read_org(self.stack.org), proof.staff_of, proof.who_of)
        figures.leave_out_requests()
        self.say("Third run: started by the watcher.")
        self.run_phase(watched=_BOOKINGS)
        self.report(figures)
        self.check(figures, before)
        return not self.complaints

    def set_up(self) -> None:
        """Start from nothing: fresh state, the org, the demo data; Airflow's database is made meanwhile."""
        stack = self.stack
        stack.layout.forget()
        self.say("Starting the local Salesforce org and making Airflow's database ...")
        stack.start_migrating_metadata()
        stack.start_org()
        self.say(f"Filling the booking database and the org with {self.bookings:,} bookings ...")
        stack.fill_with_demo_data(bookings=self.bookings, seed=self.seed)

    def start_airflow(self) -> None:
        """Start Airflow and wait until it is there."""
        self.say("Starting Airflow: api-server, scheduler, dag-processor, triggerer ...")
        self.stack.start_airflow()
        self.stack.wait_for_airflow()
        self.say(f"Airflow is up at {self.stack.airflow.url}")

    def run_phase(self, *, trigger: tuple[str, ...] = (), watched: tuple[str, ...] = ()) -> None:
        """Start DAGs by hand, wait for the watcher to start others, and wait until all of them are quiet.

        A watched DAG that the watcher does not start in time is started by hand, and that is a complaint.
        """
        airflow = self.stack.airflow
        before = {dag_id: self._finished_before(airflow, dag_id) for dag_id in (*trigger, *watched)}
        for dag_id in trigger:
            airflow.trigger(dag_id)
        progress = Progress(airflow, self.say)
        begun = time.monotonic()
        triggered_late = False
        while True:
            self.stack.processes.check_alive()
            new = {
                dag_id: [run for run in airflow.runs(dag_id) if run.run_id not in known]
                for dag_id, known in before.items()
            }
            progress.show(new)
            if all(runs and all(run.state in FINISHED for run in runs) for runs in new.values()):
                break
            waited = time.monotonic() - begun
            if waited > _WATCHER_SECONDS and not triggered_late:
                triggered_late = True
                for dag_id in (dag_id for dag_id, runs in new.items() if not runs):
                    self.complain(f"the watcher did not start {dag_id} within {_WATCHER_SECONDS:.0f} seconds")
                    airflow.trigger(dag_id)
            if waited > _PHASE_SECONDS:
                raise StackError(f"The runs did not end within {_PHASE_SECONDS:.0f} seconds.")
            time.sleep(_POLL_SECONDS)
        failed = [run for runs in new.values() for run in runs if run.state == "failed"]
        for run in failed:
            tasks = [task.task_id for task in airflow.tasks(run) if task.state == "failed"]
            self.complain(
                f"{run.dag_id} failed in {', '.join(tasks) or 'no task'}; see {self.stack.task_logs(run)}"
            )

    def _finished_before(self, airflow: AirflowApi, dag_id: str) -> set[str]:
        """Return the runs that do not count for a phase: those that were over before it.

        What the watcher has started already, while Airflow came up, does count.
        """
        return {run.run_id for run in airflow.runs(dag_id)} if self._has_reported else set()

    def report(self, figures: Figures) -> Counter[str]:
        """Print each run's conservation line and its API calls; return the calls by kind."""
        self._has_reported = True
        total: Counter[str] = Counter()
        for run in figures.new_runs():
            self.say(f"  {run.dag_id} ({run.state}): {run.conservation_line()}")
            self.say(f"    API calls: {in_words(run.calls)}")
            total += run.calls
            if not run.balances:
                self.complain(f"{run.run_id} does not add up")
        counted = figures.new_requests()
        if counted == total:
            self.say(f"  The org counted the same requests: {in_words(counted)}")
        else:
            self.complain(f"the ledger says {in_words(total)}, the org counted {in_words(counted)}")
        return total

    def check(self, figures: Figures, before: Before) -> tuple[Proof, OrgState]:
        """Compare the org with the booking database and print the proof; return it with what the org holds."""
        layout = self.stack.layout
        org = read_org(self.stack.org)
        proof = prove(org, before, booking_database=layout.booking_database, ledger=layout.ledger_database)
        for line in proof.lines():
            self.say(f"  {line}")
        if not proof.holds:
            self.complain("the proof does not hold")
        figures.leave_out_requests()
        return proof, org

    def complain(self, text: str) -> None:
        """Note something that does not hold; the demo goes on, and fails at its end."""
        self.complaints.append(text)
        self.say(f"  NOT HELD: {text}")


@dataclass(slots=True)
class Progress:
    """Prints how far each run is, whenever that changes."""

    airflow: AirflowApi
    say: Callable[[str], None]
    _shown: dict[str, str] = field(default_factory=dict)

    def show(self, runs_by_dag: Mapping[str, list[DagRun]]) -> None:
        """Print the stages that are running now, and runs that ended."""
        for run in (run for runs in runs_by_dag.values() for run in runs):
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


def main() -> int:
    """Run the demo; the exit code says whether everything held."""
    parser = argparse.ArgumentParser(prog="python -m include.demo.run", description=__doc__)
    parser.add_argument("--bookings", type=int, default=DEMO_BOOKINGS, help="how many bookings to begin with")
    parser.add_argument("--seed", type=int, default=DEMO_SEED, help="the same seed gives the same data")
    parser.add_argument("--state", type=Path, default=Layout().state, help="folder that keeps everything")
    options = parser.parse_args()
    layout = Layout(state=options.state.resolve())
    try:
        with ending_on_signals(), layout.locked(), local_stack(layout) as stack:
            demo = Demo(stack, options.bookings, options.seed)
            held = demo.tell()
            demo.say("Everything held." if held else "NOT everything held:")
            for complaint in demo.complaints:
                demo.say(f"  {complaint}")
            demo.say("See these runs in Airflow's UI: make up")
            return 0 if held else 1
    except Interrupted as interrupted:
        return interrupted.exit_code
    except (StackError, StackInUseError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
