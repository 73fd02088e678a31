"""``make demo``: the real DAGs under the real scheduler against the local org, three times, and the proof.

The first run loads everything, the second finds nothing to do, the third follows a few hundred edits. After each the
org is queried afresh and compared with what the booking database says should be there.
"""

from __future__ import annotations

import sys
from collections import Counter

from include.demo.figures import Figures, in_words
from include.demo.meanwhile import work_in_salesforce
from include.demo.org_reader import OrgState, read_org
from include.demo.phases import Phases
from include.demo.proof import Before, Proof, prove
from include.demo.story import Story, tell_story
from include.local_stack.stack import DEMO_BOOKINGS

_STAFF = "sync_staff"
_BOOKINGS = ("sync_appointments", "sync_walk_ins")
_WRITING_KINDS = ("collections", "bulk_ingest", "rest")


class Demo(Story):
    """Everything, nothing new, a few hundred edits."""

    def tell(self) -> bool:
        """Run the demo; return whether everything held."""
        self._set_up()
        figures = Figures(self.stack.layout.ledger_database, self.stack.org_url)
        phases = Phases(self.stack, figures, self.say, self.complain)
        before = Before(read_org(self.stack.org))
        figures.leave_out_requests()
        self._start_airflow()

        self.say("First run: starts by itself, because the booking database holds what the ledger does not.")
        phases.start_and_wait(_STAFF)
        phases.wait_for_watcher(*_BOOKINGS)
        self._report(figures)
        proof, org = self._check(figures, before)

        self.say("Second run: started by hand; nothing has changed.")
        phases.start_and_wait(_STAFF, *_BOOKINGS)
        calls = self._report(figures)
        if writes := Counter({kind: calls[kind] for kind in _WRITING_KINDS if calls[kind]}):
            self.complain(f"the unchanged run made write calls: {in_words(writes)}")
        self._check(figures, Before.going_on(proof, org))

        before = self._let_time_pass(figures, proof, org)
        self.say("Third run: starts by itself.")
        phases.wait_for_watcher(*_BOOKINGS)
        self._report(figures)
        self._check(figures, before)
        return not self.complaints

    def _set_up(self) -> None:
        """Start from nothing: fresh state, the org, the demo data; Airflow's database is made meanwhile."""
        stack = self.stack
        stack.layout.forget()
        self.say("Starting the local Salesforce org and making Airflow's database ...")
        stack.start_migrating_metadata()
        stack.start_org()
        self.say(f"Filling the booking database and the org with {self.bookings:,} bookings ...")
        stack.fill_with_demo_data(bookings=self.bookings, seed=self.seed)

    def _start_airflow(self) -> None:
        self.say("Starting Airflow: api-server, scheduler, dag-processor, triggerer ...")
        self.stack.start_airflow()
        self.stack.wait_for_airflow()
        self.say(f"Airflow is up at {self.stack.airflow.url}")

    def _let_time_pass(self, figures: Figures, proof: Proof, org: OrgState) -> Before:
        """Let users work in Salesforce and in Coconut; return what the third run finds."""
        self.say("Meanwhile in Salesforce ...")
        self.say(f"  {work_in_salesforce(self.stack.org, org)}")
        before = Before.going_on(proof, read_org(self.stack.org))
        figures.leave_out_requests()
        self.say("Meanwhile in Coconut: reschedules, cancellations, deletions, new bookings ...")
        self.say(f"  {self.stack.edit_demo_data(seed=self.seed)}")
        return before

    def _report(self, figures: Figures) -> Counter[str]:
        """Print each run's conservation line and its API calls; return the calls by kind."""
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

    def _check(self, figures: Figures, before: Before) -> tuple[Proof, OrgState]:
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


if __name__ == "__main__":
    sys.exit(tell_story(Demo, module="include.demo.run", about=__doc__, bookings=DEMO_BOOKINGS))
