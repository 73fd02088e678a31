"""Bulk API 2.0 jobs: what Salesforce says of one, and waiting for its end.

A network error never says that a job failed: it says that we do not know (design, section 2).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from include.errors import OrgExhaustedError, SalesforceUnavailableError
from include.salesforce.error_codes import JOB_REFUSED, RetryClass, classify, parse_bulk_error
from include.salesforce.session import SalesforceSession

JobKind = Literal["ingest", "query"]


class JobState(StrEnum):
    """States of a Bulk API 2.0 job, ingest or query."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    JOB_COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"

    @property
    def is_terminal(self) -> bool:
        """Tell whether the job will not change any more."""
        return self in {JobState.JOB_COMPLETE, JobState.FAILED, JobState.ABORTED}


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A job as Salesforce last described it.

    ``JobComplete`` does not mean that every row worked, nor ``Failed`` or ``Aborted`` that none did: only the result
    files tell.
    """

    id: str
    state: JobState
    operation: str
    sobject: str
    created_by: str = ""
    external_id_field: str = ""  # of an upsert
    records_processed: int = 0  # failed ones included
    records_failed: int = 0
    error_message: str = ""

    @property
    def error_code(self) -> str:
        """Return the code of a failed job (``InvalidBatch``, ``ClientInputError``, ``ExceededQuota`` …)."""
        return parse_bulk_error(self.error_message).code if self.error_message else ""

    @property
    def is_exhausted(self) -> bool:
        """Tell whether the job failed on a limit of the whole org."""
        return bool(self.error_code) and classify(self.error_code) is RetryClass.EXHAUSTED

    @property
    def is_refused(self) -> bool:
        """Tell whether the job failed as a whole for what it was sent, so that sending it again cannot help."""
        return self.state is JobState.FAILED and self.error_code in JOB_REFUSED

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> BulkJob:
        """Return the job of Salesforce's JSON; an ``Open`` job's lacks the counts."""
        return cls(
            id=described["id"],
            state=JobState(described["state"]),
            operation=described.get("operation", ""),
            sobject=described.get("object", ""),
            created_by=described.get("createdById", ""),
            external_id_field=described.get("externalIdFieldName") or "",
            records_processed=described.get("numberRecordsProcessed") or 0,
            records_failed=described.get("numberRecordsFailed") or 0,
            error_message=described.get("errorMessage") or "",
        )


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """How often a job is looked at, each look being an API call, and how long at most."""

    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    growth: float = 1.5
    timeout_seconds: float = 6 * 3600.0
    sleep: Callable[[float], None] = time.sleep


def read_job(session: SalesforceSession, job_id: str, *, kind: JobKind = "ingest") -> BulkJob:
    """Return the job as it is now."""
    response = session.request("GET", f"jobs/{kind}/{job_id}", what=f"say how Bulk job {job_id} stands")
    return BulkJob.from_json(response.json())


def list_ingest_jobs(session: SalesforceSession) -> Iterator[BulkJob]:
    """Yield every Bulk API 2.0 ingest job of the org, of the last seven days ("Get Information About All Jobs")."""
    params = {"jobType": "V2Ingest"}
    while True:
        page = session.request("GET", "jobs/ingest", params=params, what="list the Bulk jobs").json()
        yield from map(BulkJob.from_json, page["records"])
        if page["done"]:
            return
        ((_, locator),) = [
            pair for pair in parse_qsl(urlsplit(page["nextRecordsUrl"]).query) if pair[0] == "queryLocator"
        ]
        params = {**params, "queryLocator": locator}


def wait_for_job(
    session: SalesforceSession, job_id: str, *, poll: PollPolicy, kind: JobKind = "ingest"
) -> BulkJob:
    """Look at a job, ever more rarely, until it has ended.

    Raises:
        SalesforceUnavailableError: it has not ended in time, or cannot be looked at; the job itself goes on.
    """
    deadline = time.monotonic() + poll.timeout_seconds
    wait_seconds = poll.first_wait_seconds
    while True:
        job = _look(session, job_id, kind)
        if job is not None and job.state.is_terminal:
            return job
        if time.monotonic() >= deadline:
            msg = f"Bulk job {job_id} has not ended yet; the next try takes it up again."
            raise SalesforceUnavailableError(msg)
        poll.sleep(wait_seconds)
        wait_seconds = min(wait_seconds * poll.growth, poll.longest_wait_seconds)


def _look(session: SalesforceSession, job_id: str, kind: JobKind) -> BulkJob | None:
    """Return the job, or nothing where it could not be seen, which says nothing about the job."""
    try:
        return read_job(session, job_id, kind=kind)
    except OrgExhaustedError:
        raise
    except SalesforceUnavailableError:
        return None
