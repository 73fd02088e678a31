"""Bulk API 2.0 query over HTTP: create, poll, abort, list, delete, results by locator, result pages.

Facts: "Bulk API 2.0 and Bulk API Developer Guide" v66, *Bulk API 2.0 Query*. Columns come in SELECT order; the
locator of the last page is the word ``null``.
"""

from __future__ import annotations

import base64
import binascii
from array import array
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from starlette.responses import Response, StreamingResponse

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.bulk.csv_codec import ColumnDelimiter, LineEnding
from include.salesforce_emulator.server.bulk.jobs import JobState, QueryJob, invalid_job_state
from include.salesforce_emulator.server.bulk.query_run import OFFSET_BYTES, OFFSET_TYPE
from include.salesforce_emulator.server.bulk.refused_soql import check_bulk_query
from include.salesforce_emulator.server.bulk.results import CSV_MEDIA_TYPE, file_parts
from include.salesforce_emulator.server.bulk.wire import (
    choice,
    client_of,
    invalid_job,
    list_page,
    query_json,
    text,
    wanted_state,
)
from include.salesforce_emulator.server.limits import BULK_QUERY_JOBS
from include.salesforce_emulator.server.routing import API, Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, json_response, no_content

_DEFAULT_RECORDS = 50_000
_MAX_RECORDS = 10_000_000
_PAGES_PER_ANSWER = 5
_LAST = "null"


class _Page(NamedTuple):
    """Rows ``start`` up to ``end`` of a job's results."""

    start: int
    end: int


def _create(server: Server, request: ApiRequest) -> Response:
    body = request.json_object()
    operation = text(body, "operation")
    if operation not in ("query", "queryAll"):
        raise invalid_job(f"InvalidJob : {operation} is not a valid operation")
    soql = text(body, "query")
    if soql is None:
        raise invalid_job("InvalidJob : The query is missing")
    sobject = check_bulk_query(
        server.org, soql, include_deleted=operation == "queryAll", user_id=request.user_id
    )
    if server.limits.remaining(BULK_QUERY_JOBS) == 0:
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "EXCEEDEDQUOTA", "DailyBulkV2QueryJobs Limit exceeded.")
    server.limits.use(BULK_QUERY_JOBS)
    number, job_id = server.jobs.next_identity()
    now = server.org.clock.now().isoformat()
    job = QueryJob(
        number=number,
        id=job_id,
        sobject=sobject,
        operation=operation,
        created_by=request.user_id,
        created_at=now,
        modified_at=now,
        api_version=request.version,
        column_delimiter=choice(body, "columnDelimiter", ColumnDelimiter.COMMA),
        line_ending=choice(body, "lineEnding", LineEnding.LF),
        state=JobState.UPLOAD_COMPLETE,
        soql=soql,
        client=client_of(request),
    )
    answer = json_response(query_json(server.jobs.add(job)))
    server.worker.wake()
    return answer


def _information(server: Server, request: ApiRequest) -> Response:
    return json_response(query_json(_job(server, request)))


def _list(server: Server, request: ApiRequest) -> Response:
    return list_page(request, [query_json(job) for job in server.jobs.all(QueryJob)], resource="query")


def _abort(server: Server, request: ApiRequest) -> Response:
    job = _job(server, request)
    if wanted_state(request) != JobState.ABORTED:
        raise invalid_job("InvalidJob : A query job can only be set to Aborted")
    job = server.jobs.abort(job)
    server.worker.wake()
    return json_response(query_json(job))


def _delete(server: Server, request: ApiRequest) -> Response:
    job = _job(server, request)
    if not job.state.is_final:
        raise invalid_job_state(f"A job in state {job.state} cannot be deleted")
    server.jobs.remove(job)
    return no_content()


def _results(server: Server, request: ApiRequest) -> Response:
    job = _complete_job(server, request)
    start = _start_of(request.query.get("locator"))
    page = _page(job, start, _records_asked(request))
    files = server.jobs.files(job.id)
    header = _ends(files.index, 0, 1)[0]
    first, last = _span(files.index, page)
    headers = {
        "Sforce-NumberOfRecords": str(page.end - page.start),
        "Sforce-Locator": _LAST if page.end >= job.processed else _locator(page.end),
    }
    content = file_parts(files.results, (0, header), (first, last))
    return StreamingResponse(content, media_type=CSV_MEDIA_TYPE, headers=headers)


def _result_pages(server: Server, request: ApiRequest) -> Response:
    job = _complete_job(server, request)
    start = _start_of(request.query.get("locator"))
    rows = _records_asked(request)
    base = f"/services/data/v{request.version}/jobs/query/{job.id}"
    starts = range(start, max(job.processed, 1), rows)
    pages = [
        {"resultUrl": f"{base}/results?maxRecords={rows}&locator={_locator(page)}"}
        for page in starts[:_PAGES_PER_ANSWER]
    ]
    rest = starts[_PAGES_PER_ANSWER:]
    url = f"{base}/resultPages?maxRecords={rows}&locator={_locator(rest[0])}" if rest else None
    return json_response({"resultPages": pages, "nextRecordsUrl": url, "done": not rest})


def _page(job: QueryJob, start: int, rows: int) -> _Page:
    if start > job.processed:
        raise _bad_locator()
    return _Page(start, min(start + rows, job.processed))


def _records_asked(request: ApiRequest) -> int:
    asked = request.query.get("maxRecords")
    if asked is None:
        return _DEFAULT_RECORDS
    if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:12]) <= _MAX_RECORDS):
        raise SalesforceFault(
            HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", "maxRecords must be a positive number"
        )
    return int(asked)


def _locator(row: int) -> str:
    return base64.urlsafe_b64encode(str(row).encode()).decode().rstrip("=")


def _start_of(locator: str | None) -> int:
    if not locator:
        return 0
    try:
        decoded = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _bad_locator() from error
    if not decoded.isdigit() or len(decoded) > 12:
        raise _bad_locator()
    return int(decoded)


def _bad_locator() -> SalesforceFault:
    return SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_QUERY_LOCATOR", "invalid query locator")


def _span(index: Path, page: _Page) -> tuple[int, int]:
    """Return the bytes of a page; row n begins where the line before it ends, the header being line 0."""
    return _ends(index, page.start, 1)[0], _ends(index, page.end, 1)[0]


def _ends(index: Path, line: int, count: int) -> array[int]:
    ends = array(OFFSET_TYPE)
    with index.open("rb") as file:
        file.seek(line * OFFSET_BYTES)
        ends.fromfile(file, count)
    return ends


def _complete_job(server: Server, request: ApiRequest) -> QueryJob:
    job = _job(server, request)
    if job.state is not JobState.JOB_COMPLETE:
        raise invalid_job_state(f"The results of a job in state {job.state} are not available")
    if job.api_version != request.version:
        raise SalesforceFault(
            HTTPStatus.CONFLICT,
            "API_VERSION_MISMATCH",
            f"Ask for the results with the API version of the job, {job.api_version}",
        )
    return job


def _job(server: Server, request: ApiRequest) -> QueryJob:
    return server.jobs.find(QueryJob, request.path["job_id"])


_JOBS = API + "/jobs/query"
_JOB = _JOBS + "/{job_id}"

ENDPOINTS = (
    Endpoint("POST", _JOBS, RequestKind.BULK_QUERY_CREATE, _create),
    Endpoint("GET", _JOBS, RequestKind.BULK_QUERY_LIST, _list),
    Endpoint("GET", _JOB + "/results", RequestKind.BULK_QUERY_RESULTS, _results),
    Endpoint("GET", _JOB + "/resultPages", RequestKind.BULK_QUERY_RESULTS, _result_pages),
    Endpoint("PATCH", _JOB, RequestKind.BULK_QUERY_ABORT, _abort),
    Endpoint("GET", _JOB, RequestKind.BULK_QUERY_POLL, _information),
    Endpoint("DELETE", _JOB, RequestKind.BULK_QUERY_DELETE, _delete),
)
