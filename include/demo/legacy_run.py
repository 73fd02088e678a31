"""``make demo-migration``: a legacy organisation moves to the modern integration, under the real scheduler.

People's steps are answered through Airflow's REST API. In the end the org is queried afresh and compared with what the
legacy integration held.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from include.demo.figures import Figures
from include.demo.legacy_proof import prove_migration
from include.demo.org_reader import OrgState, read_org
from include.demo.phases import Phases, Progress
from include.demo.story import Story, tell_story
from include.legacy import UPGRADE_FLAG
from include.local_stack.airflow_api import FINISHED, DagRun
from include.local_stack.processes import StackError
from include.local_stack.questions import Questions

MIGRATION: Final = "migrate_legacy_integration"
BOOKINGS: Final = 300
SYNCS: Final = ("sync_appointments", "sync_walk_ins")
_PATIENCE_SECONDS: Final = 900.0
_ANSWERS: Final = (
    ("await_activation", "It is enabled"),
    ("review", "Approve"),
    ("confirm_legacy_off", "It is off"),
)
_SHOWN_LINES: Final = 40


class MigrationDemo(Story):
    """The legacy integration goes on, a migration with people in between, and the modern integration goes on."""

    def tell(self) -> bool:
        """Run the demo; return whether everything held."""
        before = self._set_up()
        figures = Figures(self.stack.layout.ledger_database, self.stack.org_url)
        phases = Phases(self.stack, figures, self.say, self.complain)
        self.say("Syncs on the legacy integration: they start by themselves, and change legacy Events only.")
        phases.wait_for_watcher(*SYNCS)
        self._report(figures)

        self.say("The migration: somebody presses the button.")
        run_id = self.stack.airflow.trigger(MIGRATION)
        for task_id, option in _ANSWERS:
            self._answer(run_id, task_id, option)
        self._wait_for_task(run_id, "await_finalisation", "up_for_reschedule")
        self.say(f"Coconut's administrator turns {UPGRADE_FLAG} off.")
        offer_upgrade(self.stack.layout.booking_database, is_on=False)
        self._wait_for_task(run_id, "finalise", "success")
        self._report(figures)

        self.say("Syncs on the modern integration: nothing has changed, so nothing is written.")
        phases.start_and_wait(*SYNCS)
        if written := self._report(figures):
            self.complain(f"the syncs after the migration wrote {written} Events")
        self._prove(before)
        return not self.complaints

    def _set_up(self) -> OrgState:
        """Start from nothing; return the org as the legacy integration left it."""
        stack = self.stack
        stack.layout.forget()
        self.say("Starting the local Salesforce org and making Airflow's database ...")
        stack.start_migrating_metadata()
        stack.start_org()
        self.say(f"Making an organisation on the legacy integration with {self.bookings:,} bookings ...")
        for line in stack.fill_with_demo_data(
            bookings=self.bookings, seed=self.seed, is_legacy=True
        ).splitlines()[-3:]:
            self.say(f"  {line}")
        before = read_org(stack.org)
        self.say("Starting Airflow: api-server, scheduler, dag-processor, triggerer ...")
        stack.start_airflow()
        stack.wait_for_airflow()
        self.say(f"Airflow is up at {stack.airflow.url}")
        return before

    def _report(self, figures: Figures) -> int:
        """Print each run's conservation line; return how many Events were written."""
        written = 0
        for run in figures.new_runs():
            if run.counts.get("read"):
                self.say(f"  {run.dag_id} ({run.state}): {run.conservation_line()}")
            written += run.counts.get("written", 0)
            if not run.balances:
                self.complain(f"{run.run_id} does not add up")
        return written

    def _answer(self, run_id: str, task_id: str, option: str) -> None:
        """Wait until a step asks, show the question, and answer it."""
        questions = Questions(self.stack.airflow, MIGRATION)
        progress = Progress(self.stack.airflow, self.say)
        asked = questions.wait_for(
            task_id,
            run_id,
            timeout_seconds=_PATIENCE_SECONDS,
            meanwhile=lambda: self._look(run_id, progress),
        )
        self.say(f"{asked.subject}  [{' / '.join(asked.options)}]")
        for line in asked.body.splitlines()[:_SHOWN_LINES]:
            self.say(f"    {line}")
        for name, value in asked.defaults.items():
            self.say(f"    {name}: {value}")
        questions.answer(asked, option)
        self.say(f"  answered: {option}")

    def _wait_for_task(self, run_id: str, task_id: str, state: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        progress = Progress(self.stack.airflow, self.say)
        while time.monotonic() < deadline:
            run = self._look(run_id, progress)
            if any(task.state == state for task in self.stack.airflow.tasks(run) if task.task_id == task_id):
                return
            time.sleep(1.0)
        raise StackError(f"{task_id} was not {state} within {_PATIENCE_SECONDS:.0f} seconds.")

    def _look(self, run_id: str, progress: Progress) -> DagRun:
        """Show how far the run is.

        Raises:
            StackError: it failed, or a process of the stack ended.
        """
        self.stack.processes.check_alive()
        (run,) = (run for run in self.stack.airflow.runs(MIGRATION) if run.run_id == run_id)
        progress.show({MIGRATION: [run]})
        failed = [task.task_id for task in self.stack.airflow.tasks(run) if task.state == "failed"]
        if failed or run.state in FINISHED - {"success"}:
            raise StackError(f"{MIGRATION} failed in {', '.join(failed)}; see {self.stack.task_logs(run)}.")
        return run

    def _prove(self, before: OrgState) -> None:
        layout = self.stack.layout
        proof = prove_migration(
            before,
            read_org(self.stack.org),
            booking_database=layout.booking_database,
            ledger=layout.ledger_database,
        )
        self.say("Proof, from the org, Coconut's database and the ledger:")
        for line in proof.lines():
            self.say(f"  {line}")
        if not proof.holds:
            self.complain("the proof does not hold")


def offer_upgrade(booking_database: Path, *, is_on: bool) -> None:
    """Turn Coconut's flag on or off, as its administrator does (rules G2, G10)."""
    with closing(sqlite3.connect(booking_database, timeout=30)) as coconut, coconut:
        coconut.execute("UPDATE feature_flags SET enabled = ? WHERE name = ?", (is_on, UPGRADE_FLAG))


if __name__ == "__main__":
    sys.exit(tell_story(MigrationDemo, module="include.demo.legacy_run", about=__doc__, bookings=BOOKINGS))
