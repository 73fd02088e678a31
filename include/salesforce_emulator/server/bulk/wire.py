"""Job information as JSON, and what creating a job has in common for ingest and query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode

from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.bulk.jobs import IngestJob, Job, JobState, QueryJob
from include.salesforce_emulator.server.wire import ApiRequest, json_response, wire_time

_LIST_PAGE = 1000
_LIST_FILTERS = ("jobType", "isPkChunkingEnabled")
_Choice = TypeVar("_Choice", bound=StrEnum)


def invalid_job(message: str) -> SalesforceFault:
    """Return the fault for a job that cannot be created as asked."""
    return SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALIDJOB", message)


def choice(body: dict[str, object], name: str, default: _Choice) -> _Choice:
    """Read one of a closed set of values.

    Raises:
        SalesforceFault: INVALIDJOB, the value is not in the set.
    """
    value = str(body.get(name, default.value))
    try:
        return type(default)(value)
    except ValueError as error:
        raise invalid_job(f"{value} is not a valid value for {name}") from error


def text(body: dict[str, object], name: str) -> str | None:
    """Read an optional text.

    Raises:
        SalesforceFault: INVALIDJOB, the value is something else.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_job(f"{name} must be a string")
    return value or None


def client_of(request: ApiRequest) -> str | None:
    """Return who the client says it is: ``Sforce-Call-Options: client=Name/1.0, defaultNamespace=…``."""
    options = (option.partition("=") for option in request.headers.get("sforce-call-options", "").split(","))
    return next(
        (value.strip() or None for name, _, value in options if name.strip().lower() == "client"), None
    )


def wanted_state(request: ApiRequest) -> str:
    """Return the state a PATCH asks for."""
    return str(request.json_object().get("state", ""))


def ingest_json(job: IngestJob) -> dict[str, object]:
    """Return an ingest job's information; an open job has no counts yet."""
    information = _common_json(job)
    information["contentUrl"] = f"services/data/v{job.api_version}/jobs/ingest/{job.id}/batches"
    information["jobType"] = "V2Ingest"
    if job.external_id_field is not None:
        information["externalIdFieldName"] = job.external_id_field
    if job.assignment_rule_id is not None:
        information["assignmentRuleId"] = job.assignment_rule_id
    if job.state is not JobState.OPEN:
        information |= {
            "retries": 0,
            "totalProcessingTime": job.active_milliseconds,
            "apiActiveProcessingTime": job.active_milliseconds,
            "apexProcessingTime": 0,
            "numberRecordsProcessed": job.processed,
            "numberRecordsFailed": job.failed,
        }
        if job.error_message is not None:
            information["errorMessage"] = job.error_message
    return information


def query_json(job: QueryJob) -> dict[str, object]:
    """Return a query job's information."""
    information = _common_json(job)
    information["jobType"] = "V2Query"
    information["isPkChunkingSupported"] = False
    if job.state is not JobState.UPLOAD_COMPLETE:
        information |= {
            "retries": 0,
            "totalProcessingTime": job.active_milliseconds,
            "numberRecordsProcessed": job.processed,
        }
        if job.error_message is not None:
            information["errorMessage"] = job.error_message
    return information


def _common_json(job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": job.created_by,
        "createdDate": wire_time(datetime.fromisoformat(job.created_at)),
        "systemModstamp": wire_time(datetime.fromisoformat(job.modified_at)),
        "state": job.state.value,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.api_version),
        "lineEnding": job.line_ending.value,
        "columnDelimiter": job.column_delimiter.value,
    }


def list_page(request: ApiRequest, jobs: Sequence[dict[str, object]], *, resource: str) -> Response:
    """Return one page of a list of jobs; the locator is the id of the page's first job."""
    wanted_type = request.query.get("jobType")
    kept = [job for job in jobs if wanted_type in (None, "", "All", job["jobType"])]
    if request.query.get("isPkChunkingEnabled", "").lower() == "true":
        kept = []  # no job of this org is split by primary key
    locator = request.query.get("queryLocator")
    start = next((i for i, job in enumerate(kept) if job["id"] == locator), None) if locator else 0
    if start is None:
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_QUERY_LOCATOR", "invalid query locator")
    page, rest = kept[start : start + _LIST_PAGE], kept[start + _LIST_PAGE :]
    filters = {name: value for name in _LIST_FILTERS if (value := request.query.get(name))}
    base = f"/services/data/v{request.version}/jobs/{resource}"
    url = f"{base}?{urlencode({**filters, 'queryLocator': rest[0]['id']})}" if rest else None
    return json_response({"done": not rest, "records": page, "nextRecordsUrl": url})
