"""Load jobs, and who may work at them."""

from __future__ import annotations

from datetime import datetime

from include.ledger import (
    jobs,
)
from include.ledger.access.base import LedgerAccess
from include.ledger.engine import reading, writing
from include.ledger.jobs import JobRecord


class JobAccess(LedgerAccess):
    """Jobs of the load steps."""

    def plan_job(  # noqa: PLR0913 - the facts of one job, all by name
        self,
        *,
        run_id: str,
        step: str,
        chunk: int,
        part: int,
        sobject: str,
        operation: str,
        api: str,
        digest: str,
        staged_file: str | None,
        sent: int,
        now: datetime,
    ) -> JobRecord:
        """Return the job of this run, step, chunk and part: the one known already, else a new one in state planned."""
        planned = jobs.PlannedJob(
            run_id, step, chunk, part, sobject, operation, api, digest, staged_file, sent
        )
        with writing(self.engine) as connection:
            return jobs.plan(connection, planned, now=now)

    def update_job(self, number: int, /, *, now: datetime, **changes: str | int | None) -> JobRecord:
        """Change columns of the job with this ledger id (``JobRecord.id``) and return it.

        Raises:
            LedgerConflictError: there is no such job, or no such column to change.
        """
        with writing(self.engine) as connection:
            return jobs.update(connection, number, changes, now=now)

    def jobs(self, run_id: str, step: str | None = None, chunk: int | None = None) -> list[JobRecord]:
        """Return a run's jobs in order of step, chunk and part."""
        with reading(self.engine) as connection:
            return jobs.of_run(connection, run_id, step=step, chunk=chunk)
