"""Bulk API 2.0 ingest as separate steps, so that the caller can commit to the ledger between them.

Creating a job has no effect on records, ``UploadComplete`` is the point of no return, and every step may be repeated
after a crash (design, section 2).
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, Final, Literal

from simple_salesforce.api import Salesforce

from include.errors import RequestRefusedError, SalesforceUnavailableError
from include.salesforce.bulk_jobs import BulkJob, JobState, read_job
from include.salesforce.refusals import raise_refusal
from include.salesforce.session import SalesforceSession

BulkOperation = Literal["insert", "update", "upsert", "delete"]

CALLS_PER_JOB: Final = 7
"""Create, upload, close, one look, and three files of results; each further look at a job that runs is one more."""


def create_job(
    session: SalesforceSession,
    *,
    sobject: str,
    operation: BulkOperation,
    external_id_field: str | None,
    assignment_rule_id: str | None = None,
) -> BulkJob:
    """Create an ``Open`` job; one that is never used costs nothing and vanishes after a day.

    Only a job that names an assignment rule runs one; REST runs the active one unless told not to.
    """
    body: dict[str, Any] = {
        "object": sobject,
        "operation": operation,
        "contentType": "CSV",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }
    if operation == "upsert":
        body["externalIdFieldName"] = external_id_field
    if assignment_rule_id is not None:
        body["assignmentRuleId"] = assignment_rule_id
    response = session.request("POST", "jobs/ingest", json=body, what=f"create a Bulk job for {sobject}")
    return BulkJob.from_json(response.json())


def upload(session: SalesforceSession, job_id: str, file: Path | IO[bytes]) -> None:
    """Stream a CSV file into an ``Open`` job.

    Raises:
        SalesforceUnavailableError: it is not known whether the upload arrived whole; abort the job and begin afresh.
        RequestRefusedError: the job is not ``Open``, or has its upload already.
    """
    if isinstance(file, Path):
        with file.open("rb") as stream:
            upload(session, job_id, stream)
        return
    sent = 0

    def send(client: Salesforce) -> None:
        nonlocal sent
        sent += 1
        file.seek(0)
        url = f"{client.base_url}jobs/ingest/{job_id}/batches"
        headers = {**client.headers, "Content-Type": "text/csv; charset=UTF-8"}
        raise_refusal(client.session.request("PUT", url, headers=headers, data=file))

    try:
        session.run(send, what=f"take the upload of Bulk job {job_id}")
    except RequestRefusedError as error:
        if sent == 1:
            raise
        # The first try may have landed although its answer was lost.
        msg = f"It is not known whether the upload of Bulk job {job_id} arrived; begin it afresh."
        raise SalesforceUnavailableError(msg) from error


def close_job(session: SalesforceSession, job_id: str) -> BulkJob:
    """Say that the upload is complete, from where on Salesforce works; a job past that point is left as it is."""
    try:
        return _patch_state(session, job_id, JobState.UPLOAD_COMPLETE)
    except RequestRefusedError:
        job = read_job(session, job_id)
        if job.state in {JobState.OPEN, JobState.ABORTED}:
            raise
        return job


def abort_job(session: SalesforceSession, job_id: str) -> BulkJob:
    """Abort a job; one that has ended already is left as it is."""
    try:
        return _patch_state(session, job_id, JobState.ABORTED)
    except RequestRefusedError:
        job = read_job(session, job_id)
        if not job.state.is_terminal:
            raise
        return job


def _patch_state(session: SalesforceSession, job_id: str, state: JobState) -> BulkJob:
    what = f"set Bulk job {job_id} to {state.value}"
    response = session.request("PATCH", f"jobs/ingest/{job_id}", json={"state": state.value}, what=what)
    return BulkJob.from_json(response.json())
