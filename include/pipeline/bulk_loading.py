"""Bulk API 2.0 jobs of one run's loads, each step journalled before the next takes effect (design §2).

A job is planned with its rows and file, created (``Open``, no effect yet), its Id committed, its file uploaded, and
closed: from there on it goes on by itself, whatever becomes of us.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from include.errors import LoadTakenOverError, OrgExhaustedError, RequestRefusedError
from include.ledger.jobs import JobRecord, JobState
from include.mapping.fields import CLIENT_KEY
from include.mapping.members import MEMBER_KEY_FIELDS, MEMBER_SOBJECT
from include.mapping.plan import BOOKING_KEY
from include.pipeline.load_journal import LoadJournal, Tally
from include.pipeline.unnoted_jobs import abort_unnoted
from include.salesforce.bulk_jobs import BulkJob
from include.salesforce.bulk_jobs import JobState as BulkState
from include.settings.model import LoadApi

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import Wiring
    from include.pipeline.loading import Load

NOT_FOUND: Final = "NOT_FOUND"
"""What Salesforce answers about a job that it keeps no longer: seven days after its end, or deleted by somebody."""


class BulkLoading:
    """Sends loads by Bulk API 2.0, and finds again what was sent."""

    def __init__(self, journal: LoadJournal, wiring: Wiring) -> None:
        self._journal = journal
        self._wiring = wiring

    def submit(self, load: Load) -> JobRecord:
        """Bring one job past the point of no return, each step journalled before the next takes effect.

        Raises:
            LoadTakenOverError: another process goes on with this step; nothing of the job takes effect.
        """
        salesforce = self._wiring.salesforce
        job = self._journal.plan_upload(load.sending, load.columns)
        remote = salesforce.bulk_create_job(
            sobject=load.sobject,
            operation=load.operation,
            external_id_field=load.external_id_field if load.operation == "upsert" else None,
            assignment_rule_id=load.assignment_rule_id,
        )
        try:
            job = self._journal.created(job, remote.id)
        except LoadTakenOverError:
            salesforce.bulk_abort(remote.id)
            raise
        try:
            with self._journal.upload(job) as source:
                salesforce.bulk_upload(remote.id, source)
            salesforce.bulk_close(remote.id)
        except RequestRefusedError:
            self._journal.require_ours(job)  # whoever took over has aborted the job
            raise
        return self._journal.uploaded(job)

    def results(self, job: JobRecord, finished: BulkJob) -> Iterator[pd.DataFrame]:
        """Yield the results of a job that has ended, and mark it settled once the caller took them all."""
        tally = Tally()
        for results in self._wiring.salesforce.bulk_results(finished.id, key_columns=_key_columns(job)):
            tally.add(results)
            yield results
        if finished.is_exhausted:
            # "Results are not recorded for rows beyond the daily batch allocation" (Bulk API 2.0 guide, limits).
            tally.unprocessed += job.sent - tally.total
        self._journal.settle(job, tally)

    def written_keys(self, job: JobRecord, remote: BulkJob) -> list[str]:
        """Wait for a job, and return the keys of the rows that it wrote."""
        finished = self._wiring.salesforce.bulk_wait(remote.id)
        frames = self._wiring.salesforce.bulk_results(finished.id, key_columns=_key_columns(job))
        return [key for results in frames for key in results.loc[results["is_success"], "key"]]

    def look(self, job: JobRecord) -> BulkJob | None:
        """Return an unfinished job as Salesforce has it; nothing where it never was, or is kept no longer."""
        if job.job_id is None:
            return None
        try:
            return self._wiring.salesforce.bulk_job(job.job_id)
        except RequestRefusedError as error:
            if error.code != NOT_FOUND:
                raise
            return None

    def abandon(self, job: JobRecord) -> None:
        """Abort a job that had no effect."""
        if job.job_id is not None:
            self._wiring.salesforce.bulk_abort(job.job_id)
        elif job.state is JobState.PLANNED and job.api == LoadApi.BULK:
            abort_unnoted(job, self._wiring)
        self._journal.close(job, JobState.ABORTED)


def had_no_effect(job: JobRecord, remote: BulkJob | None) -> bool:
    """Tell that a job (``remote`` as Salesforce has it) was never created there, or never closed."""
    if remote is None:
        return job.job_id is None and job.state is JobState.PLANNED
    return remote.state is BulkState.OPEN


def stop_if_cut_short(finished: BulkJob) -> None:
    """Stop where Salesforce ended a job for a limit of the org, or for what it was sent."""
    if finished.is_exhausted:
        raise exhausted(finished.error_code)
    if finished.is_refused:
        msg = (
            f"Salesforce refused Bulk job {finished.id} on {finished.sobject} as a whole ({finished.error_code}); its "
            "rows stay pending. Look at the job in Setup, Bulk Data Load Jobs: usually a field is hidden from our user."
        )
        raise RequestRefusedError(msg, code=finished.error_code)


def exhausted(code: str) -> OrgExhaustedError:
    """Return the error for a limit of the whole org."""
    return OrgExhaustedError(
        f"The org answered {code}; its rows stay pending. The task goes on once the limit has room again."
    )


def _key_columns(job: JobRecord) -> tuple[str, ...]:
    """Return the uploaded columns that identify a row: Ids for known records, our key for new ones."""
    if job.operation in {"update", "delete"}:
        return ("Id",)
    if job.sobject == MEMBER_SOBJECT:
        return MEMBER_KEY_FIELDS
    return (BOOKING_KEY,) if job.sobject == "Event" else (CLIENT_KEY,)
