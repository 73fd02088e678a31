"""Send rows to Salesforce so that being killed at any instant is harmless (design §2, *Loading*).

Large loads go by Bulk API 2.0 ingest, small ones by sObject Collections; the caller sees result frames joined on our
key either way. What is sent twice lands once: Events are upserted on their key or written by Id, people are inserted
with their claim's key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from include.ledger.jobs import JobRecord, JobState
from include.pipeline.bulk_loading import BulkLoading, exhausted, had_no_effect, stop_if_cut_short
from include.pipeline.load_journal import LoadJournal, Sending, Tally
from include.salesforce.bulk_csv import bulk_parts
from include.salesforce.bulk_jobs import BulkJob
from include.salesforce.error_codes import RetryClass, classify
from include.settings.model import LoadApi

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What a caller does about writes of which nobody can tell whether they arrived.

    ``rows`` takes the rows that were sent; ``keys`` the keys that were written, where the rows are gone from staging.
    People and memberships need nothing: they are found by their keys, or compared with what the org holds.
    """

    rows: Callable[[pd.DataFrame], None]
    keys: Callable[[Collection[str]], None]


NOTHING_TO_FORGET: Final = Forgetting(rows=lambda _rows: None, keys=lambda _keys: None)


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
        self._bulk = BulkLoading(self._journal, wiring)

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
                is_exhausted = is_class(results, RetryClass.EXHAUSTED)
                again = may_pass(results) & (not is_final)
                retried += results.loc[again, "key"].tolist()
                yield results[~again & ~is_exhausted]
                if is_exhausted.any():
                    raise exhausted(results.loc[is_exhausted, "error_code"].iloc[0])
            if not retried:
                return
            time.sleep(BACK_OFF_SECONDS * attempt)
            rows = load.rows[load.rows[load.key_column].isin(retried)]
            api = LoadApi.REST if attempt + 1 == PASSES else choose_api(LoadApi.AUTO, len(rows))
            pending = replace(load, rows=rows, api=api)

    def recover(
        self, step: str, chunk: int, *, forget: Forgetting = NOTHING_TO_FORGET
    ) -> Iterator[Recovered]:
        """Yield the results of jobs that an earlier, interrupted attempt left behind.

        A Bulk job that was never closed had no effect and is aborted; one past that point is waited for, never resent.
        Rows that may pass another time have no result here: they are the caller's to send again, and so are those of
        cut-off calls, which keys and Ids make safe. The caller commits what is yielded before it asks for the next.

        Args:
            step: the step whose jobs are meant.
            chunk: its chunk.
            forget: what is to be done about writes of which nobody can tell any more whether they arrived.
        """
        for job in self._journal.unfinished(step, chunk):
            remote = self._bulk.look(job)
            if had_no_effect(job, remote):
                self._bulk.abandon(job)
                continue
            rows = self._journal.rows(job)
            if remote is None or rows is None:
                self._lose(job, rows, remote, forget)
            else:
                yield from self._recovered(job, rows, remote)

    def give_up(self, step: str, chunk: int, *, forget: Forgetting) -> None:
        """Close the jobs of an attempt of which too little is left to record what they did; see ``recover``."""
        for job in self._journal.unfinished(step, chunk):
            remote = self._bulk.look(job)
            if had_no_effect(job, remote):
                self._bulk.abandon(job)
            else:
                self._lose(job, self._journal.rows(job), remote, forget)

    def _recovered(self, job: JobRecord, rows: pd.DataFrame, remote: BulkJob) -> Iterator[Recovered]:
        finished = self._wiring.salesforce.bulk_wait(remote.id)
        for results in self._bulk.results(job, finished):
            is_pending = may_pass(results) | is_class(results, RetryClass.EXHAUSTED)
            yield Recovered(rows, results[~is_pending])

    def _lose(
        self, job: JobRecord, rows: pd.DataFrame | None, remote: BulkJob | None, forget: Forgetting
    ) -> None:
        """Have the rows of a job forgotten whose results, or whose rows, are not to be had any more."""
        if rows is not None:
            forget.rows(rows)
        else:
            forget.keys([] if remote is None else self._bulk.written_keys(job, remote))
        self._journal.close(job, JobState.LOST)

    def _send(self, load: Load) -> Iterator[pd.DataFrame]:
        if load.rows.empty:
            return
        if load.api is LoadApi.REST:
            yield from self._send_by_calls(load)
            return
        for rows in bulk_parts(load.rows_in_order, load.columns):
            job = self._bulk.submit(replace(load, rows=rows))
            finished = self._wiring.salesforce.bulk_wait(str(job.job_id))
            is_cut_short = finished.is_exhausted or finished.is_refused
            for results in self._bulk.results(job, finished):
                yield results[~results["is_unprocessed"]] if is_cut_short else results
            stop_if_cut_short(finished)

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
