"""Runs one ingest job, a batch of up to 10,000 rows a step.

The rows of a batch and the job's progress are one transaction, and result files are cut back to the length that was
committed, so that neither a kill nor an abort between two batches loses a row or writes one twice.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import cast

from include.salesforce_emulator.engine.errors import RowError, SalesforceFault
from include.salesforce_emulator.engine.org import OperationName, Org, RowResult, WriteOptions
from include.salesforce_emulator.engine.schema import NUMBERS, FieldType
from include.salesforce_emulator.engine.tables import Table
from include.salesforce_emulator.server.bulk.csv_codec import (
    CsvFile,
    ResultFile,
    RowEcho,
    UploadError,
    echo,
    inspect,
    rows_of,
    shuffled,
)
from include.salesforce_emulator.server.bulk.jobs import IngestJob, JobState, JobStore
from include.salesforce_emulator.server.bulk.results import FAILURE_COLUMNS, SUCCESS_COLUMNS
from include.salesforce_emulator.server.bulk.steps import HELD, TURN, Pause, stuck_after
from include.salesforce_emulator.server.faults import EndingJobFault, FaultBook, SlowJobs
from include.salesforce_emulator.server.limits import BULK_BATCHES, Limits
from include.salesforce_emulator.server.writing import write_rows

BATCH_ROWS = 10_000
_QUOTA_SPENT = "ExceededQuota : ApiBatchItems Limit exceeded."


@dataclass(slots=True)
class _Work:
    """A job with all that its steps need."""

    job: IngestJob
    org: Org
    jobs: JobStore
    faults: FaultBook
    limits: Limits
    columns: tuple[str, ...] = ()

    @property
    def operation(self) -> OperationName:
        return cast(OperationName, self.job.operation)

    def is_wanted(self) -> bool:
        """Whether nobody aborted the job meanwhile."""
        return self.jobs.state_of(self.job.id) is JobState.IN_PROGRESS

    def end(self, state: JobState, error_message: str | None = None) -> None:
        """End the job, unless it was aborted first."""
        with self.jobs.transaction():
            if self.is_wanted():
                self.job = self.jobs.update(self.job, state=state, error_message=error_message)


def ingest_steps(
    job: IngestJob, *, org: Org, jobs: JobStore, faults: FaultBook, limits: Limits
) -> Generator[Pause, None, None]:
    """Run a job from where it stands to its end, giving way between steps."""
    work = _Work(job, org, jobs, faults, limits)
    while stuck_after(faults, job, JobState.UPLOAD_COMPLETE) is not None:
        yield HELD
    if job.state is JobState.UPLOAD_COMPLETE:
        try:
            work.job = jobs.advance(job, expected=JobState.UPLOAD_COMPLETE, state=JobState.IN_PROGRESS)
        except SalesforceFault:
            return  # aborted or deleted a moment ago
        limits.use(BULK_BATCHES)  # the empty parent batch that every upload has [BULK66]
    yield TURN
    try:
        upload = _accepted_upload(work)
    except UploadError as error:
        work.end(JobState.FAILED, str(error))
        return
    work.columns = upload.columns
    with jobs.transaction():
        if not work.is_wanted():
            return
        work.job = jobs.update(work.job, total=upload.rows)
    yield from _batch_steps(work)


def _accepted_upload(work: _Work) -> CsvFile:
    files = work.jobs.files(work.job.id)
    if not files.upload.exists():
        raise UploadError("ClientInputError : No content was uploaded")
    upload = inspect(files.upload, work.job.csv_format)
    problem = work.org.check_columns(
        work.job.sobject,
        work.operation,
        upload.columns,
        work.job.external_id_field,
        user_id=work.job.created_by,
    )
    if problem is not None:
        raise UploadError(problem)
    return upload


def _batch_steps(work: _Work) -> Generator[Pause, None, None]:
    job = work.job
    files = work.jobs.files(job.id)
    successes = ResultFile(files.successes, job.csv_format)
    _resume(successes, (*SUCCESS_COLUMNS, *work.columns), job.successes_bytes)
    failures = ResultFile(files.failures, job.csv_format)
    _resume(failures, (*FAILURE_COLUMNS, *work.columns), job.failures_bytes)
    render = _echo_of(work)
    rows = rows_of(files.upload, job.csv_format, skip=job.processed)
    while work.job.processed < work.job.total:
        yield from _held(work)
        if (reason := _failure_now(work)) is not None:
            work.end(JobState.FAILED, reason)
            return
        with _uncollected():
            batch = list(islice(rows, _next_size(work)))
            if not _write_batch(work, batch, render, successes=successes, failures=failures):
                return
        yield TURN
    work.end(JobState.JOB_COMPLETE)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking a batch's rows, which hold no cycles; it took a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _resume(file: ResultFile, columns: Sequence[str], settled_bytes: int) -> None:
    if settled_bytes:
        file.cut(settled_bytes)
    else:
        file.begin(columns)


def _held(work: _Work) -> Iterator[Pause]:
    job = work.job
    while (rows := stuck_after(work.faults, job, JobState.IN_PROGRESS)) is not None and job.processed >= rows:
        yield HELD
    slow = work.faults.for_job(SlowJobs, job_id=job.id, sobject=job.sobject, operation=job.operation)
    if slow is not None:
        yield Pause(slow.seconds_per_batch)


def _scripted_failure(work: _Work) -> EndingJobFault | None:
    job = work.job
    return work.faults.for_job(EndingJobFault, job_id=job.id, sobject=job.sobject, operation=job.operation)


def _failure_now(work: _Work) -> str | None:
    failure = _scripted_failure(work)
    if failure is not None and work.job.processed >= failure.after_rows:
        return failure.message
    return _QUOTA_SPENT if work.limits.remaining(BULK_BATCHES) == 0 else None


def _next_size(work: _Work) -> int:
    """Return the size of the next batch: a full one, or what is left before a scripted fault acts."""
    failure = _scripted_failure(work)
    stops = (
        failure.after_rows if failure is not None else None,
        stuck_after(work.faults, work.job, JobState.IN_PROGRESS),
    )
    ahead = [stop - work.job.processed for stop in stops if stop is not None and stop > work.job.processed]
    return min(BATCH_ROWS, *ahead) if ahead else BATCH_ROWS


def _write_batch(
    work: _Work, batch: list[list[str]], render: RowEcho, *, successes: ResultFile, failures: ResultFile
) -> bool:
    """Write one batch and settle it; False if the job was aborted in the meantime."""
    started = time.monotonic()
    with work.jobs.transaction():
        if not work.is_wanted():
            return False
        results = _results(work, Table(work.columns, batch))
        accepted, refused = _sorted_out(batch, results, render)
        seed = f"{work.job.id}{work.job.processed}"
        successes.append(shuffled(accepted, seed=seed))
        failures.append(shuffled(refused, seed=seed))
        work.job = work.jobs.update(
            work.job,
            processed=work.job.processed + len(batch),
            failed=work.job.failed + len(refused),
            successes_bytes=successes.size(),
            failures_bytes=failures.size(),
            active_milliseconds=work.job.active_milliseconds + int((time.monotonic() - started) * 1000),
        )
    work.limits.use(BULK_BATCHES)
    return True


def _results(work: _Work, rows: Table) -> list[RowResult]:
    options = WriteOptions(
        user_id=work.job.created_by,
        source="bulk",
        auto_assign=work.job.assignment_rule_id is not None,
        assignment_rule_id=work.job.assignment_rule_id,
        from_csv=True,
    )
    return write_rows(
        work.org,
        work.faults,
        work.operation,
        work.job.sobject,
        rows,
        external_id=work.job.external_id_field,
        options=options,
    )


def _sorted_out(
    batch: list[list[str]], results: list[RowResult], render: RowEcho
) -> tuple[list[list[str]], list[list[str]]]:
    accepted: list[list[str]] = []
    refused: list[list[str]] = []
    for row, result in zip(batch, results, strict=True):
        if result.errors:
            error = "".join(map(_error_text, result.errors))
            refused.append([result.id or "", error, *render(row)])
        else:
            accepted.append([result.id or "", "true" if result.created else "false", *render(row)])
    return accepted, refused


def _error_text(error: RowError) -> str:
    """Render an error as result files show it: ``CODE:message:Field1,Field2 --``, or ``CODE:message:--``."""
    fields = ",".join(error.fields)
    return f"{error.code}:{error.message}:{fields} --" if fields else f"{error.code}:{error.message}:--"


def _echo_of(work: _Work) -> RowEcho:
    sobject = work.org.sobject(work.job.sobject)
    types = {field.name: field.type for field in sobject.fields}
    return echo(
        work.columns,
        known=lambda column: "." in column or column in types,
        numeric=lambda column: types.get(column) in NUMBERS or types.get(column) is FieldType.INT,
    )
