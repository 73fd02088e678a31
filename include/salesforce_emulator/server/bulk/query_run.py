"""Runs one query job: its rows go to a file, and where each begins to an index, so that any page can be streamed.

A query job that a restart interrupted begins anew; nobody has seen any of its rows yet.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Generator
from itertools import islice

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org import Org
from include.salesforce_emulator.server.bulk.csv_codec import quoted_lines
from include.salesforce_emulator.server.bulk.jobs import JobFiles, JobState, JobStore, QueryJob
from include.salesforce_emulator.server.bulk.steps import HELD, TURN, Pause, stuck_after
from include.salesforce_emulator.server.faults import EndingJobFault, FaultBook, SlowJobs

_CHUNK_ROWS = 10_000
OFFSET_TYPE = "Q"
OFFSET_BYTES = 8


def query_steps(
    job: QueryJob, *, org: Org, jobs: JobStore, faults: FaultBook
) -> Generator[Pause, None, None]:
    """Run a job to its end, giving way between chunks."""
    while stuck_after(faults, job, JobState.UPLOAD_COMPLETE) is not None:
        yield HELD
    if job.state is JobState.UPLOAD_COMPLETE:
        try:
            job = jobs.advance(job, expected=JobState.UPLOAD_COMPLETE, state=JobState.IN_PROGRESS)
        except SalesforceFault:
            return  # aborted or deleted a moment ago
    yield TURN
    while stuck_after(faults, job, JobState.IN_PROGRESS) is not None:
        yield HELD
    slow = faults.for_job(SlowJobs, job_id=job.id, sobject=job.sobject, operation=job.operation)
    if slow is not None:
        yield Pause(slow.seconds_per_batch)
    failure = faults.for_job(EndingJobFault, job_id=job.id, sobject=job.sobject, operation=job.operation)
    if failure is not None:
        _end(jobs, job, JobState.FAILED, error_message=failure.message)
        return
    yield from _read(job, org=org, jobs=jobs)


def _read(job: QueryJob, *, org: Org, jobs: JobStore) -> Generator[Pause, None, None]:
    started = time.monotonic()
    files = jobs.files(job.id)
    for path in (files.results, files.index):
        path.unlink(missing_ok=True)
    try:
        result = org.query(job.soql, include_deleted=job.operation == "queryAll", user_id=job.created_by)
    except SalesforceFault as fault:
        _end(jobs, job, JobState.FAILED, error_message=f"{fault.code} : {fault.message}")
        return
    _append(files, job, [result.columns])
    rows = result.rows()
    count = 0
    while chunk := list(islice(rows, _CHUNK_ROWS)):
        _append(files, job, chunk)
        count += len(chunk)
        yield TURN
    elapsed = int((time.monotonic() - started) * 1000)
    _end(jobs, job, JobState.JOB_COMPLETE, processed=count, active_milliseconds=elapsed)


def _append(files: JobFiles, job: QueryJob, rows: list[tuple[str, ...]]) -> None:
    """Add rows to the results, and where each of them ends to the index."""
    lines = [line.encode() for line in quoted_lines(rows, job.csv_format)]
    with files.results.open("ab") as results:
        end = results.tell()
        results.writelines(lines)
    ends = array(OFFSET_TYPE)
    for line in lines:
        end += len(line)
        ends.append(end)
    with files.index.open("ab") as index:
        ends.tofile(index)


def _end(
    jobs: JobStore,
    job: QueryJob,
    state: JobState,
    *,
    error_message: str | None = None,
    processed: int = 0,
    active_milliseconds: int = 0,
) -> None:
    with jobs.transaction():
        if jobs.state_of(job.id) is JobState.IN_PROGRESS:
            jobs.update(
                job,
                state=state,
                error_message=error_message,
                processed=processed,
                active_milliseconds=active_milliseconds,
            )
