"""Send rows to Salesforce so that being killed at any instant is harmless (design §2, *Loading*).

Large loads go by Bulk API 2.0 ingest, small ones by sObject Collections; the caller sees result frames joined on our
key either way. What is sent twice lands once: Events are upserted on their key or written by Id, people are inserted
with their claim's key.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from include.errors import LoadTakenOverError, OrgExhaustedError, RequestRefusedError
from include.ledger.jobs import JobRecord, JobState
from include.mapping.fields import CLIENT_KEY
from include.mapping.members import MEMBER_KEY_FIELDS, MEMBER_SOBJECT
from include.mapping.plan import BOOKING_KEY
from include.pipeline.load_journal import LoadJournal, Sending, Tally
from include.salesforce.bulk_csv import bulk_parts
from include.salesforce.bulk_jobs import BulkJob
from include.salesforce.bulk_jobs import JobState as BulkState
from include.salesforce.error_codes import RetryClass, classify
from include.settings.model import LoadApi

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring

Operation = Literal["insert", "update", "upsert", "delete"]

BULK_THRESHOLD_ROWS: Final = 2_000
"""From here on Bulk API 2.0 costs fewer calls than Collections of 200 rows (Salesforce's own rule of thumb)."""

PASSES: Final = 3
"""Times a row is sent by Bulk API while its refusal may pass by itself (row locks, unprocessed rows).

Collections need no further pass: the gateway sends locked rows again by itself.
"""

BACK_OFF_SECONDS: Final = 2.0

NOT_FOUND: Final = "NOT_FOUND"
"""What Salesforce answers about a job that it keeps no longer: seven days after its end, or deleted by somebody."""


@dataclass(frozen=True, slots=True)
class Load:
    """Rows for one sObject and one operation.

    ``rows`` is a wire frame; ``columns`` are the Salesforce fields to send, ``key_column`` the text column that results
    are joined on. ``external_id_field`` is what an upsert goes by, or the unique field that makes an insert repeatable.
    ``parent_column`` names the record that Salesforce locks with a row: rows of one parent are sent side by side,
    because batches that work in parallel lock each other out ("General Guidelines for Data Loads", Bulk API 2.0 guide).
    ``assignment_rule_id`` runs that assignment rule, by either API; without one no rule runs (rule M11).
    """

    step: str
    chunk: int
    sobject: str
    operation: Operation
    rows: pd.DataFrame
    columns: tuple[str, ...]
    key_column: str
    api: LoadApi
    external_id_field: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    parent_column: str | None = None
    assignment_rule_id: str | None = None

    @property
    def rest_headers(self) -> dict[str, str]:
        """Return the headers of a REST call that sends rows of this load."""
        rule = {} if self.assignment_rule_id is None else {"Sforce-Auto-Assign": self.assignment_rule_id}
        return {**self.headers, **rule}

    @property
    def sending(self) -> Sending:
        """Return what the journal notes of the load."""
        return Sending(self.step, self.chunk, self.sobject, self.operation, self.rows)

    @property
    def rows_in_order(self) -> pd.DataFrame:
        """Return the rows, those of one parent side by side."""
        if self.parent_column is None:
            return self.rows
        return self.rows.sort_values(self.parent_column, kind="stable", ignore_index=True)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a job of an earlier attempt did: the rows it was sent, and the results of those that have a final one."""

    rows: pd.DataFrame
    results: pd.DataFrame


def choose_api(setting: LoadApi, total_rows: int) -> LoadApi:
    """Return Bulk or REST for one object and run, on its total of rows before chunking (setting ``load_api``)."""
    if setting is not LoadApi.AUTO:
        return setting
    return LoadApi.BULK if total_rows >= BULK_THRESHOLD_ROWS else LoadApi.REST


class Loader:
    """Loads the rows of one run, journalling what it sends before it takes effect."""

    def __init__(self, run: SyncRun, wiring: Wiring) -> None:
        self._wiring = wiring
        self._journal = LoadJournal(run.run_id, wiring.ledger, wiring.staging, now=run.now)

    def load(self, load: Load) -> Iterator[pd.DataFrame]:
        """Send the rows and yield their results (contract ``RESULTS``), every row exactly once.

        Rows whose refusal may pass are sent again, alone, with back-off; the last time by Collections, one call after
        the other, where batches cannot lock each other out.

        Raises:
            OrgExhaustedError: a limit of the whole org is used up; what was yielded before stands.
            LoadTakenOverError: another process goes on with this step.
            SalesforceUnavailableError, RequestRefusedError: as the gateway raises them.
        """
        pending = load
        for attempt in range(1, PASSES + 1):
            retried: list[str] = []
            is_final = attempt == PASSES or pending.api is LoadApi.REST
            for results in self._send(pending):
                exhausted = is_class(results, RetryClass.EXHAUSTED)
                again = may_pass(results) & (not is_final)
                retried += results.loc[again, "key"].tolist()
                yield results[~again & ~exhausted]
                _stop_if_exhausted(results[exhausted])
            if not retried:
                return
            time.sleep(BACK_OFF_SECONDS * attempt)
            rows = load.rows[load.rows[load.key_column].isin(retried)]
            api = LoadApi.REST if attempt + 1 == PASSES else choose_api(LoadApi.AUTO, len(rows))
            pending = replace(load, rows=rows, api=api)

    def recover(
        self, step: str, chunk: int, *, forget: Callable[[pd.DataFrame], None] | None = None
    ) -> Iterator[Recovered]:
        """Yield the results of jobs that an earlier, interrupted attempt left behind.

        A Bulk job that was never closed had no effect and is aborted; one past that point is waited for, never resent.
        Rows that may pass another time have no result here: they are the caller's to send again. The caller commits
        what is yielded before it asks for the next.

        Args:
            step: the step whose jobs are meant.
            chunk: its chunk.
            forget: is given the rows of which nobody can tell any more whether they arrived: those of cut-off calls,
                and of jobs that Salesforce keeps no longer. Keys make it safe to send them again.
        """
        for job in self._journal.unfinished(step, chunk):
            remote = self._look(job)
            if remote is not None and remote.state is not BulkState.OPEN:
                yield from self._recovered(job, remote)
            elif remote is None and (job.job_id is not None or job.state is JobState.UPLOADED):
                if forget is not None:
                    forget(self._journal.rows(job))
                self._journal.close(job, JobState.LOST)
            else:
                self._abandon(job)

    def _recovered(self, job: JobRecord, remote: BulkJob) -> Iterator[Recovered]:
        rows = self._journal.rows(job)
        finished = self._wiring.salesforce.bulk_wait(remote.id)
        for results in self._results(job, finished):
            is_pending = may_pass(results) | is_class(results, RetryClass.EXHAUSTED)
            yield Recovered(rows, results[~is_pending])

    def _look(self, job: JobRecord) -> BulkJob | None:
        """Return an unfinished job as Salesforce has it; nothing where it never was, or is kept no longer."""
        if job.job_id is None:
            return None
        try:
            return self._wiring.salesforce.bulk_job(job.job_id)
        except RequestRefusedError as error:
            if error.code != NOT_FOUND:
                raise
            return None

    def _send(self, load: Load) -> Iterator[pd.DataFrame]:
        if load.rows.empty:
            return
        if load.api is LoadApi.REST:
            yield from self._send_by_calls(load)
            return
        for rows in bulk_parts(load.rows_in_order, load.columns):
            job = self._submit(replace(load, rows=rows))
            finished = self._wiring.salesforce.bulk_wait(str(job.job_id))
            is_cut_short = finished.is_exhausted or finished.is_refused
            for results in self._results(job, finished):
                yield results[~results["is_unprocessed"]] if is_cut_short else results
            _stop_if_cut_short(finished)

    def _send_by_calls(self, load: Load) -> Iterator[pd.DataFrame]:
        job, tally = self._journal.begin_calls(load.sending), Tally()
        for results in self._wiring.salesforce.write_collections(
            load.operation,
            load.sobject,
            load.rows_in_order,
            key_column=load.key_column,
            fields=load.columns,
            external_id_field=load.external_id_field,
            headers=load.rest_headers,
        ):
            tally.add(results)
            yield results
            if tally.total < job.sent:
                self._journal.require_ours(job)
        self._journal.settle(job, tally)

    def _submit(self, load: Load) -> JobRecord:
        """Bring one job past the point of no return, each step journalled before the next takes effect."""
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

    def _results(self, job: JobRecord, finished: BulkJob) -> Iterator[pd.DataFrame]:
        """Yield the results of a job that has ended, and mark it settled once the caller took them all."""
        tally = Tally()
        for results in self._wiring.salesforce.bulk_results(finished.id, key_columns=_key_columns(job)):
            tally.add(results)
            yield results
        if finished.is_exhausted:
            # "Results are not recorded for rows beyond the daily batch allocation" (Bulk API 2.0 guide, limits).
            tally.unprocessed += job.sent - tally.total
        self._journal.settle(job, tally)

    def _abandon(self, job: JobRecord) -> None:
        if job.job_id is not None:
            self._wiring.salesforce.bulk_abort(job.job_id)
        self._journal.close(job, JobState.ABORTED)


def is_class(results: pd.DataFrame, *classes: RetryClass) -> pd.Series:
    """Tell which results were refused with an error code of the given classes."""
    refused = ~results["is_success"] & results["error_code"].notna()
    known = {code: classify(code) for code in results.loc[refused, "error_code"].unique()}
    return refused & results["error_code"].map(known).isin(classes)


def refusal_details(results: pd.DataFrame, *, without_code: str = "") -> pd.Series[str]:
    """Return each refusal's code and fields, never its message, which may quote values.

    ``without_code`` stands where Salesforce named no code.
    """
    fields = results["error_fields"].fillna("")
    return results["error_code"].fillna(without_code) + (" on " + fields).where(fields != "", "")


def may_pass(results: pd.DataFrame) -> pd.Series[bool]:
    """Tell which results may be others when the row is sent another time."""
    return is_class(results, RetryClass.TRANSIENT) | results["is_unprocessed"]


def _stop_if_exhausted(exhausted: pd.DataFrame) -> None:
    if len(exhausted):
        raise _exhausted(exhausted["error_code"].iloc[0])


def _stop_if_cut_short(finished: BulkJob) -> None:
    """Stop where Salesforce ended a job for a limit of the org, or for what it was sent."""
    if finished.is_exhausted:
        raise _exhausted(finished.error_code)
    if finished.is_refused:
        msg = (
            f"Salesforce refused Bulk job {finished.id} on {finished.sobject} as a whole ({finished.error_code}); its "
            "rows stay pending. Look at the job in Setup, Bulk Data Load Jobs: usually a field is hidden from our user."
        )
        raise RequestRefusedError(msg, code=finished.error_code)


def _exhausted(code: str) -> OrgExhaustedError:
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
