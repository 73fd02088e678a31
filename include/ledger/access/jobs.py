"""Jobs of the load steps, and who is at work on a step."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from include.ledger import (
    jobs,
    load_claims,
)
from include.ledger.access.base import LedgerAccess
from include.ledger.engine import reading, writing
from include.ledger.jobs import JobRecord, PlannedJob
from include.ledger.load_claims import LoadClaim, LoadStep


class JobAccess(LedgerAccess):
    """The journal of the load steps."""

    def plan_job(self, planned: PlannedJob, *, now: datetime) -> JobRecord:
        """Return a new job, as the next part of its run, step and chunk."""
        with writing(self.engine) as connection:
            return jobs.plan(connection, planned, now=now)

    def update_job(self, job: JobRecord, /, *, now: datetime, **changes: str | int | None) -> JobRecord:
        """Change columns of a job that still is in the state it was seen in, and return it.

        Raises:
            LoadTakenOverError: somebody else has moved it on.
            LedgerConflictError: there is no such job, or no such column to change.
        """
        with writing(self.engine) as connection:
            return jobs.update(connection, job, changes, now=now)

    def require_job(self, job: JobRecord) -> None:
        """Check that a job still is in the state it was seen in.

        Raises:
            LoadTakenOverError: somebody else has moved it on.
            LedgerConflictError: there is no such job.
        """
        with reading(self.engine) as connection:
            jobs.require(connection, job)

    def unfinished_jobs(self, *, besides: str, sobjects: Collection[str]) -> list[JobRecord]:
        """Return the jobs of other runs than ``besides`` on these objects that never finished, oldest first."""
        with reading(self.engine) as connection:
            return jobs.unfinished(connection, besides=besides, sobjects=sobjects)

    def known_job_ids(self, job_ids: Collection[str]) -> frozenset[str]:
        """Return those of Salesforce's job Ids that belong to a job of the journal."""
        with reading(self.engine) as connection:
            return jobs.known_ids(connection, job_ids)

    def jobs(self, run_id: str, step: str | None = None, chunk: int | None = None) -> list[JobRecord]:
        """Return a run's jobs in order of step, chunk and part."""
        with reading(self.engine) as connection:
            return jobs.of_run(connection, run_id, step=step, chunk=chunk)

    # --- who is at work

    def claim_load(self, step: LoadStep, holder: str, *, over: LoadClaim | None = None) -> LoadClaim:
        """Claim a load step that nobody holds, or that the dead holder of ``over`` holds; return who holds it now."""
        with writing(self.engine) as connection:
            return load_claims.claim(connection, step, holder, over=over, now=self._clock())

    def renew_load(self, step: LoadStep, holder: str) -> bool:
        """Show that the holder lives; tell whether the step is still theirs."""
        with writing(self.engine) as connection:
            return load_claims.renew(connection, step, holder, now=self._clock())

    def release_load(self, step: LoadStep, holder: str) -> None:
        """Let go of a load step, unless somebody has taken it over."""
        with writing(self.engine) as connection:
            load_claims.release(connection, step, holder)
