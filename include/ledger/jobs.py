"""Load jobs, remembered before they take effect, so that a retry re-attaches instead of sending twice (design §2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy import update as update_table

from include.errors import LedgerConflictError
from include.ledger.engine import upsert
from include.ledger.tables import jobs


class JobState(StrEnum):
    """The life of one job, as far as the ledger knows it."""

    PLANNED = "planned"
    CREATED = "created"
    UPLOADED = "uploaded"
    COMPLETE = "complete"
    FAILED = "failed"
    ABORTED = "aborted"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job: rows of one chunk, sent by one API call chain.

    ``id`` is the ledger's number; ``job_id`` is Salesforce's, missing until the job exists there and for Collections.
    """

    id: int
    run_id: str
    step: str
    chunk: int
    part: int
    sobject: str
    operation: str
    api: str
    digest: str
    staged_file: str | None
    job_id: str | None
    state: JobState
    sent: int
    succeeded: int | None
    failed: int | None
    unprocessed: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """What is known of a job before it exists in Salesforce."""

    run_id: str
    step: str
    chunk: int
    part: int
    sobject: str
    operation: str
    api: str
    digest: str
    staged_file: str | None
    sent: int


_CHANGEABLE = frozenset(
    {"job_id", "state", "digest", "staged_file", "api", "sent", "succeeded", "failed", "unprocessed"}
)


def plan(connection: Connection, planned: PlannedJob, *, now: datetime) -> JobRecord:
    """Return the job known for this run, step, chunk and part, else a new one."""
    inserted = upsert(connection, jobs).values(
        **asdict(planned), state=JobState.PLANNED.value, created_at=now, updated_at=now
    )
    key = [jobs.c.run_id, jobs.c.step, jobs.c.chunk, jobs.c.part]
    connection.execute(inserted.on_conflict_do_nothing(index_elements=key))
    query = select(jobs).where(
        jobs.c.run_id == planned.run_id,
        jobs.c.step == planned.step,
        jobs.c.chunk == planned.chunk,
        jobs.c.part == planned.part,
    )
    return _record(connection.execute(query).mappings().one())


def update(
    connection: Connection, number: int, changes: Mapping[str, str | int | None], *, now: datetime
) -> JobRecord:
    """Change a job.

    Raises:
        LedgerConflictError: there is no such job, or a column that does not change was named.
    """
    if unknown := sorted(set(changes) - _CHANGEABLE):
        msg = f"A job's {', '.join(unknown)} cannot change; plan another job instead."
        raise LedgerConflictError(msg)
    values = {**changes, "updated_at": now}
    if "state" in values:
        values["state"] = JobState(str(values["state"])).value
    query = update_table(jobs).where(jobs.c.id == number).values(values).returning(*jobs.c)
    row = connection.execute(query).mappings().first()
    if row is None:
        msg = f"The ledger knows no job {number}; it may have been restored from an older copy."
        raise LedgerConflictError(msg)
    return _record(row)


def of_run(connection: Connection, run_id: str, *, step: str | None, chunk: int | None) -> list[JobRecord]:
    """Return a run's jobs in order of step, chunk and part."""
    query = select(jobs).where(jobs.c.run_id == run_id).order_by(jobs.c.step, jobs.c.chunk, jobs.c.part)
    if step is not None:
        query = query.where(jobs.c.step == step)
    if chunk is not None:
        query = query.where(jobs.c.chunk == chunk)
    return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> JobRecord:
    return JobRecord(**{**row, "state": JobState(row["state"])})
