"""Bulk API 2.0 jobs: what they are, and where they are kept so that a restart in mid-job loses nothing.

A job's record is written in the same transaction as the rows of each batch, so after a kill at any instant the job
goes on behind the last batch that counts. Facts: "Bulk API 2.0 and Bulk API Developer Guide" v66.
"""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar

from include.salesforce_emulator.engine.clock import Clock
from include.salesforce_emulator.engine.errors import SalesforceFault, resource_not_found
from include.salesforce_emulator.engine.ids import make_id
from include.salesforce_emulator.engine.store import Store
from include.salesforce_emulator.server.bulk.csv_codec import ColumnDelimiter, CsvFormat, LineEnding

_KEPT = timedelta(days=7)
_SEQUENCE = "bulk_job"
_OPEN_AT_MOST = timedelta(hours=24)
_LEFT_OPEN = "ClientInputError : The job was open for more than 24 hours"
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS bulk_job (number INTEGER PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL)"
)


class JobState(StrEnum):
    """The life cycle of a job."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    JOB_COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self in _FINAL_STATES

    @property
    def is_runnable(self) -> bool:
        """Whether the worker has something to do."""
        return self in (JobState.UPLOAD_COMPLETE, JobState.IN_PROGRESS)


_FINAL_STATES = frozenset({JobState.JOB_COMPLETE, JobState.FAILED, JobState.ABORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What both kinds of job have.

    Attributes:
        number: consecutive in the org; the id is made from it.
        created_at: ISO 8601 with offset, as is ``modified_at``.
        processed: rows handled so far, the failed ones included.
        client: who the client says it is, by `Sforce-Call-Options`.
        active_milliseconds: time spent working, waits excluded.
    """

    number: int
    id: str
    sobject: str
    operation: str
    created_by: str
    created_at: str
    modified_at: str
    api_version: str
    column_delimiter: ColumnDelimiter = ColumnDelimiter.COMMA
    line_ending: LineEnding = LineEnding.LF
    state: JobState = JobState.OPEN
    processed: int = 0
    active_milliseconds: int = 0
    error_message: str | None = None
    client: str | None = None

    @property
    def csv_format(self) -> CsvFormat:
        """How the job's files are written."""
        return CsvFormat(self.column_delimiter, self.line_ending)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestJob(Job):
    """A job that writes.

    Attributes:
        total: rows of the upload, known once it was inspected.
        successes_bytes: length of the success file that belongs to ``processed``; so ``failures_bytes``.
    """

    external_id_field: str | None = None
    assignment_rule_id: str | None = None
    uploaded: bool = False
    total: int = 0
    failed: int = 0
    successes_bytes: int = 0
    failures_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryJob(Job):
    """A job that reads; its operation is ``query`` or ``queryAll``."""

    soql: str = ""


_TYPES: dict[str, type[IngestJob] | type[QueryJob]] = {"ingest": IngestJob, "query": QueryJob}
_ENUMS: dict[str, Any] = {"state": JobState, "column_delimiter": ColumnDelimiter, "line_ending": LineEnding}
JobType = TypeVar("JobType", IngestJob, QueryJob)


class JobFiles:
    """The files of one job, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.upload = folder / "upload.csv"
        self.successes = folder / "successful.csv"
        self.failures = folder / "failed.csv"
        self.unprocessed = folder / "unprocessed.csv"
        self.results = folder / "results.csv"
        self.index = folder / "results.index"


class JobStore:
    """Every job of the org: kept in memory for the pollers, in the org's SQLite for the next start."""

    def __init__(self, store: Store, clock: Clock, spool: Path) -> None:
        self._store = store
        self._clock = clock
        self._spool = spool
        self._lock = threading.RLock()
        self._jobs: dict[str, IngestJob | QueryJob] = {}
        with store.transaction() as connection:
            connection.execute(_SCHEMA)
            stored = connection.execute("SELECT type, body FROM bulk_job ORDER BY number").fetchall()
        for job_type, body in stored:
            job = _job_from_json(job_type, body)
            self._jobs[job.id] = job
        self._last_number = max((job.number for job in self._jobs.values()), default=0)
        for job in [job for job in self._jobs.values() if self._has_vanished(job)]:
            self.remove(job)

    def next_identity(self) -> tuple[int, str]:
        """Return the number and the id of a job about to be created; those of a deleted job are not given again."""
        reserved = self._store.reserve_numbers(_SEQUENCE, 1)
        with self._lock:
            self._last_number = max(self._last_number + 1, reserved)
            return self._last_number, make_id("750", self._last_number)

    def add(self, job: JobType) -> JobType:
        """Keep a new job and make its folder."""
        self.files(job.id).folder.mkdir(parents=True, exist_ok=True)
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO bulk_job (number, type, body) VALUES (?, ?, ?)",
                (job.number, _type_of(job), _json(job)),
            )
        with self._lock:
            self._jobs[job.id] = job
        return job

    def find(self, job_type: type[JobType], job_id: str) -> JobType:
        """Return a job by its 15 or 18 character id.

        Raises:
            SalesforceFault: NOT_FOUND, there is none of that type, or it is gone after its 7 days.
        """
        with self._lock:
            job = self._jobs.get(job_id) or next(
                (j for j in self._jobs.values() if j.id[:15] == job_id), None
            )
        if not isinstance(job, job_type):
            raise resource_not_found()
        job = self._ended_if_left_open(job)
        if self._has_vanished(job):
            raise resource_not_found()
        return job

    def all(self, job_type: type[JobType]) -> list[JobType]:
        """Return every job of a type, the newest first."""
        with self._lock:
            kept = [job for job in self._jobs.values() if isinstance(job, job_type)]
        jobs = map(self._ended_if_left_open, kept)
        return sorted(
            (j for j in jobs if not self._has_vanished(j)), key=lambda job: job.number, reverse=True
        )

    def transaction(self) -> AbstractContextManager[Connection]:
        """Hold the org's store, so that rows and the job's progress are committed together."""
        return self._store.transaction()

    def update(self, job: JobType, **changes: Any) -> JobType:
        """Keep a job with some attributes changed, and its system modstamp; returns it."""
        changed = replace(job, modified_at=self._clock.now().isoformat(), **changes)
        self._keep(changed)
        return changed

    def advance(self, job: JobType, *, expected: JobState, state: JobState, **changes: Any) -> JobType:
        """Move a job on, if it still is in the state it was seen in.

        Raises:
            SalesforceFault: INVALIDJOBSTATE, somebody else moved it meanwhile.
        """
        with self._store.transaction(), self._lock:
            now = self._jobs.get(job.id)
            if now is None or now.state is not expected:
                raise invalid_job_state(f"Job is not in state {expected}.")
            return self.update(job, state=state, **changes)

    def abort(self, job: JobType) -> JobType:
        """Abort a job, however far it has come meanwhile; the worker's batch, if any, is waited for.

        Raises:
            SalesforceFault: INVALIDJOBSTATE, it ended before.
        """
        with self._store.transaction():
            now = self.find(type(job), job.id)
            if now.state.is_final:
                raise invalid_job_state("Aborting already Completed Job not allowed")
            return self.update(now, state=JobState.ABORTED)

    def fail(self, job_id: str, message: str) -> None:
        """Fail a job whatever it was about, unless it has ended or is gone."""
        with self._store.transaction():
            with self._lock:
                job = self._jobs.get(job_id)
            if job is not None and not job.state.is_final:
                self._keep(replace(job, state=JobState.FAILED, error_message=message))

    def remove(self, job: IngestJob | QueryJob) -> None:
        """Forget a job and delete its files."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM bulk_job WHERE number = ?", (job.number,))
        with self._lock:
            self._jobs.pop(job.id, None)
        shutil.rmtree(self.files(job.id).folder, ignore_errors=True)

    def clear(self) -> None:
        """Forget every job."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            self.remove(job)

    def state_of(self, job_id: str) -> JobState | None:
        """Return a job's state now, or None if it was deleted."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job.state if job else None

    def runnable(self) -> list[IngestJob | QueryJob]:
        """Return the jobs that wait for the worker, the oldest first."""
        with self._lock:
            return sorted((j for j in self._jobs.values() if j.state.is_runnable), key=lambda job: job.number)

    def files(self, job_id: str) -> JobFiles:
        """Return the places of a job's files."""
        return JobFiles(self._spool / job_id)

    def _keep(self, job: IngestJob | QueryJob) -> None:
        with self._store.transaction() as connection:
            connection.execute("UPDATE bulk_job SET body = ? WHERE number = ?", (_json(job), job.number))
        with self._lock:
            self._jobs[job.id] = job

    def _ended_if_left_open(self, job: JobType) -> JobType:
        """End a job that was open for longer than a day [BULK66 limits]; state and words are ours."""
        ends_at = datetime.fromisoformat(job.created_at) + _OPEN_AT_MOST
        if job.state is not JobState.OPEN or self._clock.now() <= ends_at:
            return job
        ended = replace(job, state=JobState.FAILED, error_message=_LEFT_OPEN, modified_at=ends_at.isoformat())
        with self._store.transaction():
            if self.state_of(job.id) is JobState.OPEN:
                self._keep(ended)
        return ended

    def _has_vanished(self, job: Job) -> bool:
        return job.state.is_final and self._clock.now() - datetime.fromisoformat(job.modified_at) > _KEPT


def invalid_job_state(message: str) -> SalesforceFault:
    """Return the fault for what a job's state does not allow."""
    return SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALIDJOBSTATE", message)


def _type_of(job: Job) -> str:
    return "ingest" if isinstance(job, IngestJob) else "query"


def _json(job: IngestJob | QueryJob) -> str:
    return json.dumps(asdict(job))


def _job_from_json(job_type: str, body: str) -> IngestJob | QueryJob:
    cls = _TYPES[job_type]
    known = {field.name for field in fields(cls)}
    stored: dict[str, Any] = {name: value for name, value in json.loads(body).items() if name in known}
    return cls(**stored | {name: enum(stored[name]) for name, enum in _ENUMS.items()})
