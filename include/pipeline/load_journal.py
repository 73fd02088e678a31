"""The journal of what a load step sends: rows in staging, a job in the ledger, both before anything takes effect.

A call to sObject Collections takes effect as soon as it is made, so its job is journalled as one that may have taken
effect. A Bulk job passes through the states of ``include.ledger.jobs``. A job that somebody else has moved on meanwhile
stops whoever is still at work on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from include.errors import ConservationError, StagedFileGoneError
from include.ledger.jobs import JobRecord, JobState, PlannedJob
from include.salesforce.bulk_csv import write_bulk_csv
from include.settings.model import LoadApi

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from include.ledger.repository import Ledger
    from include.staging import Staging


@dataclass(frozen=True, slots=True)
class Sending:
    """What is about to be sent: rows of one sObject and operation, of one step and chunk."""

    step: str
    chunk: int
    sobject: str
    operation: str
    rows: pd.DataFrame


@dataclass
class Tally:
    """How many rows of a job have which result."""

    succeeded: int = 0
    failed: int = 0
    unprocessed: int = 0

    def add(self, results: pd.DataFrame) -> None:
        """Count results (contract ``RESULTS``)."""
        self.succeeded += int(results["is_success"].sum())
        self.unprocessed += int(results["is_unprocessed"].sum())
        self.failed += int((~results["is_success"] & ~results["is_unprocessed"]).sum())

    @property
    def total(self) -> int:
        """Return how many rows have a result."""
        return self.succeeded + self.failed + self.unprocessed


class LoadJournal:
    """The journal of one run, which every step of it keeps; ``now`` is the run's clock."""

    def __init__(self, run_id: str, ledger: Ledger, staging: Staging, *, now: datetime) -> None:
        self._run_id = run_id
        self._ledger = ledger
        self._staging = staging
        self._now = now

    def unfinished(self, step: str, chunk: int) -> list[JobRecord]:
        """Return the jobs that an earlier attempt left behind, in the order in which they were sent."""
        return [job for job in self._ledger.jobs(self._run_id, step, chunk) if not job.is_finished]

    def rows(self, job: JobRecord) -> pd.DataFrame | None:
        """Return the rows that a job was sent, unless they are gone from staging."""
        try:
            return self._staging.read_frame(self._run_id, job.step, staged_name(job))
        except StagedFileGoneError:
            return None

    def begin_calls(self, sending: Sending) -> JobRecord:
        """Note rows that are about to travel by Collections; any of them may have arrived from here on."""
        name = self._stage(sending)
        return self._plan(sending, api=LoadApi.REST, digest="", staged_file=name, state=JobState.UPLOADED)

    def plan_upload(self, sending: Sending, columns: tuple[str, ...]) -> JobRecord:
        """Note rows that are about to travel by Bulk, and write the file that will be uploaded."""
        name = self._stage(sending)
        with self._staging.open_output(self._run_id, sending.step, f"{name}.csv") as output:
            written = write_bulk_csv(sending.rows, columns, output)
        return self._plan(
            sending,
            api=LoadApi.BULK,
            digest=written.digest,
            staged_file=f"{name}.csv",
            state=JobState.PLANNED,
        )

    @contextmanager
    def upload(self, job: JobRecord) -> Iterator[IO[bytes]]:
        """Hand out the file of a planned job."""
        with self._staging.open_input(self._run_id, job.step, f"{staged_name(job)}.csv") as source:
            yield source

    def created(self, job: JobRecord, job_id: str) -> JobRecord:
        """Note the Id that Salesforce gave a job, before anything is uploaded."""
        return self._ledger.update_job(job, job_id=job_id, state=JobState.CREATED, now=self._now)

    def uploaded(self, job: JobRecord) -> JobRecord:
        """Note that Salesforce works on a job."""
        return self._ledger.update_job(job, state=JobState.UPLOADED, now=self._now)

    def require_ours(self, job: JobRecord) -> None:
        """Check, before the next call, that nobody has taken over.

        Raises:
            LoadTakenOverError: somebody has.
        """
        self._ledger.require_job(job)

    def settle(self, job: JobRecord, tally: Tally) -> None:
        """Note what became of a job whose results were all taken (rule Q3).

        Raises:
            ConservationError: not every row that was sent has a result.
        """
        if tally.total != job.sent:
            msg = (
                f"Salesforce job {job.job_id} was sent {job.sent} rows but accounts for {tally.total}; "
                "look at the job in Setup, Bulk Data Load Jobs."
            )
            raise ConservationError(msg)
        self._ledger.update_job(
            job,
            state=JobState.SETTLED,
            succeeded=tally.succeeded,
            failed=tally.failed,
            unprocessed=tally.unprocessed,
            now=self._now,
        )

    def close(self, job: JobRecord, state: JobState) -> None:
        """Note that a job had no effect (``ABORTED``), or one that cannot be told (``LOST``)."""
        self._ledger.update_job(job, state=state, now=self._now)

    def _stage(self, sending: Sending) -> str:
        name = f"sent-{sending.chunk:05d}-{uuid4().hex}"  # two executions of a step never write one file
        self._staging.write_frame(self._run_id, sending.step, name, sending.rows)
        return name

    def _plan(
        self, sending: Sending, *, api: LoadApi, digest: str, staged_file: str, state: JobState
    ) -> JobRecord:
        planned = PlannedJob(
            run_id=self._run_id,
            step=sending.step,
            chunk=sending.chunk,
            sobject=sending.sobject,
            operation=sending.operation,
            api=str(api),
            digest=digest,
            staged_file=staged_file,
            sent=len(sending.rows),
            state=state,
        )
        return self._ledger.plan_job(planned, now=self._now)


def staged_name(job: JobRecord) -> str:
    """Return the name under which a job's rows are staged."""
    return (job.staged_file or "").removesuffix(".csv")
