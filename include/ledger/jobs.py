"""Load jobs, remembered before they take effect, so that a retry re-attaches instead of sending twice (design §2).

A job changes only from the state it was seen in: who finds it moved on has been taken over, and stops.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, RowMapping, func, literal, select
from sqlalchemy import update as update_table

from include.errors import LedgerConflictError, LoadTakenOverError
from include.ledger.engine import upsert
from include.ledger.tables import jobs


class JobState(StrEnum):
    """The life of one job, as far as the ledger knows it."""

    PLANNED = "planned"  # nothing was sent
    CREATED = "created"  # it exists in Salesforce, and has no effect yet
    UPLOADED = "uploaded"  # from here on it may take effect
    SETTLED = "settled"
    ABORTED = "aborted"
    LOST = "lost"  # what became of it cannot be told any more; what it wrote is marked as unknown


FINISHED: Final = (JobState.SETTLED, JobState.ABORTED, JobState.LOST)


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

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing more is to come of the job."""
        return self.state in FINISHED


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """What is known of a job before it exists in Salesforce; ``state`` says how far it may have come by then."""

    run_id: str
    step: str
    chunk: int
    sobject: str
    operation: str
    api: str
    digest: str
    staged_file: str | None
    sent: int
    state: JobState = JobState.PLANNED


_CHANGEABLE = frozenset({"job_id", "state", "succeeded", "failed", "unprocessed"})


def plan(connection: Connection, planned: PlannedJob, *, now: datetime) -> JobRecord:
    """Return a new job, as the next part of its run, step and chunk."""
    values = {**asdict(planned), "state": planned.state.value, "created_at": now, "updated_at": now}
    of_chunk = (jobs.c.run_id == planned.run_id, jobs.c.step == planned.step, jobs.c.chunk == planned.chunk)
    part = select(func.coalesce(func.max(jobs.c.part) + 1, 0)).where(*of_chunk).scalar_subquery()
    row = select(*(literal(value, jobs.c[name].type) for name, value in values.items()), part)
    new = upsert(connection, jobs).from_select([*values, "part"], row).on_conflict_do_nothing()
    while True:  # until nobody else plans the same part at the same time
        planned_row = connection.execute(new.returning(*jobs.c)).mappings().first()
        if planned_row is not None:
            return _record(planned_row)


def update(
    connection: Connection, job: JobRecord, changes: Mapping[str, str | int | None], *, now: datetime
) -> JobRecord:
    """Change a job that still is in the state of ``job``.

    Raises:
        LoadTakenOverError: somebody else has moved it on.
        LedgerConflictError: there is no such job, or a column that does not change was named.
    """
    if unknown := sorted(set(changes) - _CHANGEABLE):
        msg = f"A job's {', '.join(unknown)} cannot change; plan another job instead."
        raise LedgerConflictError(msg)
    values = {**changes, "updated_at": now}
    if "state" in values:
        values["state"] = JobState(str(values["state"])).value
    query = update_table(jobs).where(jobs.c.id == job.id, jobs.c.state == job.state.value).values(values)
    row = connection.execute(query.returning(*jobs.c)).mappings().first()
    if row is None:
        raise _not_as_seen(connection, job)
    return _record(row)


def require(connection: Connection, job: JobRecord) -> None:
    """Check that a job still is in the state of ``job``.

    Raises:
        LoadTakenOverError: somebody else has moved it on.
        LedgerConflictError: there is no such job.
    """
    state = connection.execute(select(jobs.c.state).where(jobs.c.id == job.id)).scalar_one_or_none()
    if state != job.state:
        raise _not_as_seen(connection, job)


def _not_as_seen(connection: Connection, job: JobRecord) -> LoadTakenOverError | LedgerConflictError:
    if connection.execute(select(jobs.c.id).where(jobs.c.id == job.id)).first() is None:
        msg = f"The ledger knows no job {job.id}; it may have been restored from an older copy."
        return LedgerConflictError(msg)
    msg = (
        f"Another process has taken over {job.step} of the run {job.run_id} (chunk {job.chunk}); "
        "this one stops, and nothing is sent twice."
    )
    return LoadTakenOverError(msg)


def of_run(connection: Connection, run_id: str, *, step: str | None, chunk: int | None) -> list[JobRecord]:
    """Return a run's jobs in order of step, chunk and part."""
    query = select(jobs).where(jobs.c.run_id == run_id).order_by(jobs.c.step, jobs.c.chunk, jobs.c.part)
    if step is not None:
        query = query.where(jobs.c.step == step)
    if chunk is not None:
        query = query.where(jobs.c.chunk == chunk)
    return [_record(row) for row in connection.execute(query).mappings()]


def unfinished(connection: Connection, *, besides: str, sobjects: Collection[str]) -> list[JobRecord]:
    """Return the jobs of other runs than ``besides`` on these objects that never finished, oldest first."""
    query = select(jobs).where(
        jobs.c.run_id != besides,
        jobs.c.sobject.in_(sorted(sobjects)),
        jobs.c.state.not_in([state.value for state in FINISHED]),
    )
    return [_record(row) for row in connection.execute(query.order_by(jobs.c.id)).mappings()]


def known_ids(connection: Connection, job_ids: Collection[str]) -> frozenset[str]:
    """Return those of Salesforce's job Ids that the journal has."""
    query = select(jobs.c.job_id).where(jobs.c.job_id.in_(sorted(job_ids)))
    return frozenset(connection.execute(query).scalars())


def _record(row: RowMapping) -> JobRecord:
    return JobRecord(**{**row, "state": JobState(row["state"])})
