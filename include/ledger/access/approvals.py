"""What administrators are asked to approve (Q10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from include.ledger import approvals
from include.ledger.access.base import LedgerAccess
from include.ledger.approvals import Approval
from include.ledger.engine import reading, writing


class ApprovalAccess(LedgerAccess):
    """Questions about runs that would do more than the settings let pass, and their answers."""

    def ask_approval(self, run_id: str, planned: Mapping[str, int], *, now: datetime) -> Approval:
        """Ask whether a run may do what it planned, and return how it stands.

        An approval holds for the counts that were shown; other counts, and a run that was rejected, are asked about
        afresh.
        """
        with writing(self.engine) as connection:
            return approvals.ask(connection, run_id, planned, now=now)

    def approval(self, run_id: str) -> Approval | None:
        """Return the newest question about a run, if there is one."""
        with reading(self.engine) as connection:
            return approvals.of_run(connection, run_id)

    def open_approvals(self) -> list[Approval]:
        """Return the questions that nobody has answered yet, oldest first."""
        with reading(self.engine) as connection:
            return approvals.open_questions(connection)

    def answer_approval(self, run_id: str, *, is_approved: bool, who: str, now: datetime) -> bool:
        """Record who answered the open question about a run, and what; tell whether there was one."""
        with writing(self.engine) as connection:
            return approvals.answer(connection, run_id, is_approved=is_approved, who=who, now=now)
