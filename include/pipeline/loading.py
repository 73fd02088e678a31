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

from include.errors import ConservationError, OrgExhaustedError
from include.mapping.fields import CLIENT_KEY
from include.mapping.members import MEMBER_KEY_FIELDS, MEMBER_SOBJECT
from include.mapping.plan import BOOKING_KEY
from include.salesforce.bulk_csv import bulk_parts, write_bulk_csv
from include.salesforce.error_codes import RetryClass, classify
from include.settings.model import LoadApi

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.jobs import JobRecord
    from include.pipeline.context import SyncRun, Wiring

Operation = Literal["insert", "update", "upsert", "delete"]

BULK_THRESHOLD_ROWS: Final = 2_000
"""From here on Bulk API 2.0 costs fewer calls than Collections of 200 rows (Salesforce's own rule of thumb)."""

PASSES: Final = 3
"""Times a row is sent by Bulk API while its refusal may pass by itself (row locks, unprocessed rows).

Collections need no further pass: the gateway sends locked rows again by itself.
"""

BACK_OFF_SECONDS: Final = 2.0

FINISHED: Final = ("settled", "aborted")


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
    """Loads the rows of one run, journalling Bulk jobs in the ledger before they take effect."""

    def __init__(self, run: SyncRun, wiring: Wiring) -> None:
        self._run = run
        self._wiring = wiring

    def load(self, load: Load) -> Iterator[pd.DataFrame]:
        """Send the rows and yield their results (contract ``RESULTS``), every row exactly once.

        Rows whose refusal may pass are sent again, alone, with back-off.

        Raises:
            OrgExhaustedError: a limit of the whole org is used up.
            SalesforceUnavailableError, RequestRefusedError: as the gateway raises them.
        """
        pending = load
        for attempt in range(1, PASSES + 1):
            retried: list[str] = []
            is_final = attempt == PASSES or pending.api is LoadApi.REST
            for results in self._send(pending):
                _stop_when_exhausted(results)
                again = _may_pass(results) & (not is_final)
                retried += results.loc[again, "key"].tolist()
                yield results[~again]
            if not retried:
                return
            time.sleep(BACK_OFF_SECONDS * attempt)
            rows = load.rows[load.rows[load.key_column].isin(retried)]
            pending = replace(load, rows=rows, api=choose_api(LoadApi.AUTO, len(rows)))

    def recover(self, step: str, chunk: int) -> Iterator[Recovered]:
        """Yield the results of jobs that an earlier, interrupted attempt left behind.

        A job that was never closed had no effect and is aborted; one past that point is waited for, never resent. Rows
        that may pass another time have no result here: they are the caller's to send again. The caller commits what is
        yielded before it asks for the next.
        """
        for job in self._wiring.ledger.jobs(self._run.run_id, step=step, chunk=chunk):
            if job.state in FINISHED:
                continue
            if job.job_id is None or self._wiring.salesforce.bulk_job(job.job_id).state == "Open":
                self._abandon(job)
                continue
            rows = self._wiring.staging.read_frame(
                self._run.run_id, step, _sent_name(job.chunk, job.part), None
            )
            for results in self._results(job, len(rows)):
                is_pending = _may_pass(results) | is_class(results, RetryClass.EXHAUSTED)
                yield Recovered(rows, results[~is_pending])

    def _send(self, load: Load) -> Iterator[pd.DataFrame]:
        if load.rows.empty:
            return
        if load.api is LoadApi.BULK:
            yield from self._send_by_bulk(load)
            return
        yield from self._wiring.salesforce.write_collections(
            load.operation,
            load.sobject,
            load.rows_in_order,
            key_column=load.key_column,
            fields=load.columns,
            external_id_field=load.external_id_field,
            headers=load.rest_headers,
        )

    def _send_by_bulk(self, load: Load) -> Iterator[pd.DataFrame]:
        known = self._wiring.ledger.jobs(self._run.run_id, step=load.step, chunk=load.chunk)
        first = max((job.part for job in known), default=-1) + 1
        for part, rows in enumerate(bulk_parts(load.rows_in_order, load.columns), start=first):
            job = self._submit(replace(load, rows=rows), part)
            yield from self._results(job, len(rows))

    def _submit(self, load: Load, part: int) -> JobRecord:
        """Bring one job past the point of no return, each step journalled before the next takes effect."""
        staging, ledger, salesforce = self._wiring.staging, self._wiring.ledger, self._wiring.salesforce
        run_id, name = self._run.run_id, _sent_name(load.chunk, part)
        staging.write_frame(run_id, load.step, name, load.rows)
        with staging.open_output(run_id, load.step, f"{name}.csv") as output:
            written = write_bulk_csv(load.rows, load.columns, output)
        job = ledger.plan_job(
            run_id=run_id,
            step=load.step,
            chunk=load.chunk,
            part=part,
            sobject=load.sobject,
            operation=load.operation,
            api=str(LoadApi.BULK),
            digest=written.digest,
            staged_file=f"{name}.csv",
            sent=len(load.rows),
            now=self._run.now,
        )
        remote = salesforce.bulk_create_job(
            sobject=load.sobject,
            operation=load.operation,
            external_id_field=load.external_id_field if load.operation == "upsert" else None,
            assignment_rule_id=load.assignment_rule_id,
        )
        job = ledger.update_job(job.id, job_id=remote.id, state="created", now=self._run.now)
        with staging.open_input(run_id, load.step, f"{name}.csv") as source:
            salesforce.bulk_upload(remote.id, source)
        salesforce.bulk_close(remote.id)
        return ledger.update_job(job.id, state="uploaded", now=self._run.now)

    def _results(self, job: JobRecord, sent: int) -> Iterator[pd.DataFrame]:
        """Wait for a closed job, yield its results, and mark it settled once the caller took them all."""
        if job.job_id is None:
            return
        salesforce = self._wiring.salesforce
        finished = salesforce.bulk_wait(job.job_id)
        succeeded = failed = unprocessed = 0
        for results in salesforce.bulk_results(job.job_id, key_columns=_key_columns(job)):
            succeeded += int(results["is_success"].sum())
            unprocessed += int(results["is_unprocessed"].sum())
            failed += int((~results["is_success"] & ~results["is_unprocessed"]).sum())
            yield results
        if succeeded + failed + unprocessed != sent:
            msg = (
                f"Salesforce job {job.job_id} ({finished.state}) was sent {sent} rows but accounts for "
                f"{succeeded + failed + unprocessed}; look at the job in Setup, Bulk Data Load Jobs."
            )
            raise ConservationError(msg)
        self._wiring.ledger.update_job(
            job.id,
            state="settled",
            succeeded=succeeded,
            failed=failed,
            unprocessed=unprocessed,
            now=self._run.now,
        )

    def _abandon(self, job: JobRecord) -> None:
        if job.job_id is not None:
            self._wiring.salesforce.bulk_abort(job.job_id)
        self._wiring.ledger.update_job(job.id, state="aborted", now=self._run.now)


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


def _may_pass(results: pd.DataFrame) -> pd.Series:
    return is_class(results, RetryClass.TRANSIENT) | results["is_unprocessed"]


def _stop_when_exhausted(results: pd.DataFrame) -> None:
    exhausted = is_class(results, RetryClass.EXHAUSTED)
    if exhausted.any():
        code = results.loc[exhausted, "error_code"].iloc[0]
        msg = (
            f"The org answered {code}; its rows stay pending. The task goes on once the limit has room again."
        )
        raise OrgExhaustedError(msg)


def _sent_name(chunk: int, part: int) -> str:
    return f"sent-{chunk:05d}-{part:03d}"


def _key_columns(job: JobRecord) -> tuple[str, ...]:
    """Return the uploaded columns that identify a row: Ids for known records, our key for new ones."""
    if job.operation in {"update", "delete"}:
        return ("Id",)
    if job.sobject == MEMBER_SOBJECT:
        return MEMBER_KEY_FIELDS
    return (BOOKING_KEY,) if job.sobject == "Event" else (CLIENT_KEY,)
