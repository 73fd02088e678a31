"""Bulk API 2.0 ingest over HTTP: create, upload, close, abort, poll, list, delete and the three result files.

Facts: "Bulk API 2.0 and Bulk API Developer Guide" v66, *Bulk API 2.0 Ingest*. Where the guide shows no text for a
refusal, the words are ours (docs/local-org.md says which).
"""

from __future__ import annotations

from email.message import Message
from http import HTTPStatus

from starlette.responses import Response

from include.salesforce_emulator.engine.access import Access
from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.writes import Operation
from include.salesforce_emulator.server.bulk import results as bulk_results
from include.salesforce_emulator.server.bulk.csv_codec import ColumnDelimiter, LineEnding
from include.salesforce_emulator.server.bulk.jobs import IngestJob, JobState, invalid_job_state
from include.salesforce_emulator.server.bulk.upload import plain_content
from include.salesforce_emulator.server.bulk.wire import (
    choice,
    client_of,
    ingest_json,
    invalid_job,
    list_page,
    text,
    wanted_state,
)
from include.salesforce_emulator.server.routing import API, Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import (
    ApiRequest,
    bad_json,
    json_response,
    no_content,
    parse_json,
)

_OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
_MAX_MULTIPART_CHARACTERS = 100_000
_DELETABLE = frozenset({JobState.UPLOAD_COMPLETE, JobState.JOB_COMPLETE, JobState.ABORTED, JobState.FAILED})


def _create(server: Server, request: ApiRequest) -> Response:
    content_type = request.headers.get("content-type", "")
    if content_type.lower().startswith("multipart/"):
        parts = _multipart(request.body, content_type)
        description, content = parts.get("job", b""), parts.get("content")
    else:
        description, content = request.body, None
    body = parse_json(description)
    if not isinstance(body, dict):
        raise bad_json("the job must be a JSON object")
    if content is not None and len(content.decode("utf-8", "replace")) > _MAX_MULTIPART_CHARACTERS:
        raise invalid_job(
            f"InvalidJob : The content part has more than {_MAX_MULTIPART_CHARACTERS} characters"
        )
    job = server.jobs.add(_new_job(server, request, body))
    if content is not None:
        server.jobs.files(job.id).upload.write_bytes(content)
        job = server.jobs.update(job, state=JobState.UPLOAD_COMPLETE, uploaded=True)
        server.worker.wake()
    return json_response(ingest_json(job))


def _new_job(server: Server, request: ApiRequest, body: dict[str, object]) -> IngestJob:
    operation = text(body, "operation")
    if operation not in _OPERATIONS:
        raise invalid_job(f"InvalidJob : {operation} is not a valid operation")
    if text(body, "contentType") not in (None, "CSV"):
        raise invalid_job("InvalidJob : Only the content type CSV is supported")
    access = server.org.access_of(request.user_id)
    if operation == Operation.HARD_DELETE:
        access.require_hard_delete()
    sobject = _sobject_name(access, text(body, "object"))
    external_id = text(body, "externalIdFieldName")
    if operation == Operation.UPSERT:
        _require_external_id(access, sobject, external_id)
    number, job_id = server.jobs.next_identity()
    now = server.org.clock.now().isoformat()
    return IngestJob(
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
        external_id_field=external_id if operation == Operation.UPSERT else None,
        assignment_rule_id=text(body, "assignmentRuleId"),
        client=client_of(request),
    )


def _sobject_name(access: Access, name: str | None) -> str:
    try:
        return access.schema.get(name or "").name
    except SalesforceFault as fault:
        raise invalid_job(f"InvalidJob : Unable to find object: {name}") from fault


def _require_external_id(access: Access, sobject: str, name: str | None) -> None:
    if name is None:
        raise invalid_job(
            f"InvalidJob : External ID was blank for {sobject}. An External ID must be specified for upsert."
        )
    field = access.schema.get(sobject).field(name)
    if field is None or not (field.is_matchable or field.name == "Id"):
        raise invalid_job(
            f"InvalidJob : Field name provided, {name} does not match an External ID, Salesforce Id, or indexed "
            f"field for {sobject}"
        )
    access.require_match(field)


def _multipart(body: bytes, content_type: str) -> dict[str, bytes]:
    """Return the parts of a multipart body by name, byte for byte: line endings matter here."""
    boundary = _parameter(content_type, "boundary")
    if not boundary:
        raise bad_json("the multipart boundary is missing")
    parts: dict[str, bytes] = {}
    for part in body.split(b"--" + boundary.encode("latin-1", "replace"))[1:]:
        head, separator, content = part.partition(b"\r\n\r\n")
        if separator:
            name = _parameter(_disposition(head.decode("latin-1")), "name")
            parts[name] = content.removesuffix(b"\r\n")
    return parts


def _disposition(head: str) -> str:
    lines = (line.partition(":") for line in head.splitlines())
    return next(
        (value.strip() for name, _, value in lines if name.strip().lower() == "content-disposition"), ""
    )


def _parameter(header: str, name: str) -> str:
    message = Message()
    message["content-type"] = header.replace("\r", " ").replace("\n", " ")
    return str(message.get_param(name, "") or "")


def _upload(server: Server, request: ApiRequest) -> Response:
    job = _job(server, request)
    if not request.headers.get("content-type", "").lower().startswith("text/csv"):
        raise SalesforceFault(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", "The content type must be text/csv"
        )
    if job.uploaded:
        raise invalid_job_state(
            f"InvalidBatch : Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the "
            "current Job then create a new Job and make sure you only do 'PUT' once on a given Job."
        )
    content = plain_content(request)
    with server.jobs.transaction():
        # The file first: after a kill in between, the client's second attempt finds the job as if nothing had come.
        job = server.jobs.advance(job, expected=JobState.OPEN, state=JobState.OPEN)
        content.replace(server.jobs.files(job.id).upload)
        server.jobs.update(job, uploaded=True)
    return Response(status_code=HTTPStatus.CREATED)


def _change_state(server: Server, request: ApiRequest) -> Response:
    job = _job(server, request)
    match wanted_state(request):
        case JobState.UPLOAD_COMPLETE:
            job = server.jobs.advance(job, expected=JobState.OPEN, state=JobState.UPLOAD_COMPLETE)
        case JobState.ABORTED:
            job = server.jobs.abort(job)
        case other:
            raise invalid_job(f"InvalidJob : {other} is not a state that can be asked for")
    server.worker.wake()
    return json_response(ingest_json(job))


def _kind_of_change(body: bytes) -> RequestKind:
    try:
        value = parse_json(body)
    except SalesforceFault:
        return RequestKind.BULK_INGEST_CLOSE
    is_abort = isinstance(value, dict) and value.get("state") == JobState.ABORTED
    return RequestKind.BULK_INGEST_ABORT if is_abort else RequestKind.BULK_INGEST_CLOSE


def _information(server: Server, request: ApiRequest) -> Response:
    return json_response(ingest_json(_job(server, request)))


def _list(server: Server, request: ApiRequest) -> Response:
    jobs = [ingest_json(job) for job in server.jobs.all(IngestJob)]
    return list_page(request, jobs, resource="ingest")


def _delete(server: Server, request: ApiRequest) -> Response:
    job = _job(server, request)
    if job.state not in _DELETABLE:
        raise invalid_job_state(f"A job in state {job.state} cannot be deleted")
    server.jobs.remove(job)
    return no_content()


def _successes(server: Server, request: ApiRequest) -> Response:
    return bulk_results.successes(server.jobs, _finished_job(server, request))


def _failures(server: Server, request: ApiRequest) -> Response:
    return bulk_results.failures(server.jobs, _finished_job(server, request))


def _unprocessed(server: Server, request: ApiRequest) -> Response:
    return bulk_results.unprocessed(server.jobs, _finished_job(server, request))


def _finished_job(server: Server, request: ApiRequest) -> IngestJob:
    job = _job(server, request)
    if not job.state.is_final:
        raise invalid_job_state(f"The results of a job in state {job.state} are not available")
    return job


def _job(server: Server, request: ApiRequest) -> IngestJob:
    return server.jobs.find(IngestJob, request.path["job_id"])


_JOBS = API + "/jobs/ingest"
_JOB = _JOBS + "/{job_id}"

ENDPOINTS = (
    Endpoint("POST", _JOBS, RequestKind.BULK_INGEST_CREATE, _create),
    Endpoint("GET", _JOBS, RequestKind.BULK_INGEST_LIST, _list),
    Endpoint("PUT", _JOB + "/batches", RequestKind.BULK_INGEST_UPLOAD, _upload, spools_body=True),
    Endpoint("GET", _JOB + "/successfulResults", RequestKind.BULK_INGEST_RESULTS, _successes),
    Endpoint("GET", _JOB + "/failedResults", RequestKind.BULK_INGEST_RESULTS, _failures),
    Endpoint("GET", _JOB + "/unprocessedrecords", RequestKind.BULK_INGEST_RESULTS, _unprocessed),
    Endpoint("PATCH", _JOB, _kind_of_change, _change_state),
    Endpoint("GET", _JOB, RequestKind.BULK_INGEST_POLL, _information),
    Endpoint("DELETE", _JOB, RequestKind.BULK_INGEST_DELETE, _delete),
)
