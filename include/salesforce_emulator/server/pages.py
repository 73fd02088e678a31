"""Pages for people who follow a link into the org: its index, a record, a list, Bulk jobs.

The addresses are those of Lightning Experience, so that the links a product builds lead somewhere. The pages are plain
and ours; they show everything, and so answer to the machine itself only, as the control endpoints do.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from include.salesforce_emulator.engine.errors import SalesforceFault, resource_not_found
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.org import SObject
from include.salesforce_emulator.engine.schema import IDS, Field
from include.salesforce_emulator.server.bulk.jobs import IngestJob, QueryJob
from include.salesforce_emulator.server.bulk.wire import ingest_json, query_json
from include.salesforce_emulator.server.routing import Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_JOB_PREFIX = "750"
_JOB_PAGE = "/lightning/setup/AsyncApiJobStatus/page"
_LISTED = 200
_LIST_COLUMNS = ("Name", "Subject", "Username", "Email", "CreatedDate")
_ACTIVITIES = (("Events", "Event", "StartDateTime"), ("Tasks", "Task", "ActivityDate"))


def _index(server: Server, _request: ApiRequest) -> Response:
    objects = [(item.label_plural, item.name, _count(server, item)) for item in server.org.sobjects()]
    return _page(
        "index.html",
        name=_select(server, "SELECT Name FROM Organization")[0]["Name"],
        organization_id=server.org.organization_id,
        now=server.org.clock.now().isoformat(timespec="seconds"),
        objects=objects,
    )


def _count(server: Server, sobject: SObject) -> int:
    return server.org.query(" ".join(("SELECT COUNT() FROM", sobject.name))).total_size


def _list(server: Server, request: ApiRequest) -> Response:
    sobject = server.org.sobject(request.path["sobject"])
    columns = [name for name in _LIST_COLUMNS if sobject.field(name) is not None]
    selected = ", ".join(("Id", *columns))
    soql = (
        "SELECT",
        selected,
        "FROM",
        sobject.name,
        "ORDER BY CreatedDate DESC, Id DESC LIMIT",
        str(_LISTED),
    )
    return _page(
        "list.html",
        label=sobject.label_plural,
        sobject=sobject.name,
        columns=columns,
        records=_select(server, *soql),
        total=_count(server, sobject),
    )


def _record(server: Server, request: ApiRequest) -> Response:
    sobject = server.org.sobject(request.path["sobject"])
    record_id = normalise_id(request.path["id"])
    if record_id is None:
        raise resource_not_found()
    selected = ", ".join(field.name for field in sobject.fields)
    is_it = f"'{record_id}'"
    found = _select(
        server, "SELECT", selected, "FROM", sobject.name, "WHERE Id =", is_it, include_deleted=True
    )
    if not found:
        raise resource_not_found()
    record = found[0]
    return _page(
        "record.html",
        label=sobject.label,
        name=_name(sobject, record),
        deleted=record.get("IsDeleted", False),
        fields=[(field, record[field.name], _is_link(server, field)) for field in sobject.fields],
        related=_related(server, sobject, is_it),
    )


def _name(sobject: SObject, record: dict[str, Any]) -> str:
    named = next((field.name for field in sobject.fields if field.name_field), "Id")
    return str(record[named] or record["Id"])


def _is_link(server: Server, field: Field) -> bool:
    """Whether a reference points at an object that this org has, and so at a page."""
    known = {sobject.name for sobject in server.org.sobjects()}
    return field.type in IDS and field.name != "Id" and bool(known & set(field.reference_to))


def _related(server: Server, sobject: SObject, is_it: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the activities, archived ones too, that concern a record, the latest first."""
    related: list[tuple[str, list[dict[str, Any]]]] = []
    for title, activity, when in _ACTIVITIES:
        target = server.org.sobject(activity)
        links = [
            field.name
            for name in ("WhoId", "WhatId", "AccountId", "OwnerId")
            if (field := target.field(name)) is not None and sobject.name in field.reference_to
        ]
        if not links:
            continue
        concerns = " OR ".join(" ".join((link, "=", is_it)) for link in links)
        soql = ("SELECT Id, Subject,", when, "FROM", activity, "WHERE IsDeleted = false AND (", concerns, ")")
        order = ("ORDER BY", when, "DESC LIMIT", str(_LISTED))
        rows = _select(server, *soql, *order, include_deleted=True)
        related.append((title, [{**row, "When": row[when]} for row in rows]))
    return related


def _jobs(server: Server, _request: ApiRequest) -> Response:
    jobs = [_job_facts(job) for job in _all_jobs(server)]
    return _page("jobs.html", jobs=sorted(jobs, key=lambda job: str(job["createdDate"]), reverse=True))


def _job(server: Server, request: ApiRequest) -> Response:
    job_id = normalise_id(request.query.get("address", "").strip("/"))
    job = next((job for job in _all_jobs(server) if job.id == job_id), None)
    if job is None:
        raise resource_not_found()
    return _page("job.html", job=_job_facts(job))


def _all_jobs(server: Server) -> Sequence[IngestJob | QueryJob]:
    return [*server.jobs.all(IngestJob), *server.jobs.all(QueryJob)]


def _job_facts(job: IngestJob | QueryJob) -> dict[str, object]:
    client: dict[str, object] = {} if job.client is None else {"client": job.client}
    if isinstance(job, IngestJob):
        return ingest_json(job) | client | {"numberRecordsUploaded": job.total}
    return query_json(job) | client | {"query": job.soql}


def _short_address(server: Server, request: ApiRequest) -> Response:
    """Redirect the address that is nothing but an Id to the page of what it names."""
    record_id = normalise_id(request.path["record_id"])
    if record_id is None:
        raise resource_not_found()
    if record_id.startswith(_JOB_PREFIX):
        return RedirectResponse(f"{_JOB_PAGE}?address=%2F{record_id}", HTTPStatus.FOUND)
    named = next((item.name for item in server.org.sobjects() if item.key_prefix == record_id[:3]), None)
    if named is None:
        raise resource_not_found()
    return RedirectResponse(f"/lightning/r/{named}/{record_id}/view", HTTPStatus.FOUND)


def _select(server: Server, *soql: str, include_deleted: bool = False) -> list[dict[str, Any]]:
    rows = server.org.query(" ".join(soql), include_deleted=include_deleted)
    return rows.records(0, rows.total_size)


def _page(template: str, status: int = HTTPStatus.OK, **values: object) -> Response:
    content = _TEMPLATES.get_template(template).render(values)
    return Response(content.encode("utf-8", "replace"), status, _HEADERS, "text/html; charset=utf-8")


def _tell(fault: SalesforceFault) -> Response:
    return _page("fault.html", fault.http_status, code=fault.code, message=fault.message)


ENDPOINTS = tuple(
    Endpoint("GET", path, RequestKind.PAGE, handler, needs_session=False, loopback_only=True, tell=_tell)
    for path, handler in (
        ("/", _index),
        ("/lightning/setup/AsyncApiJobStatus/home", _jobs),
        (_JOB_PAGE, _job),
        ("/lightning/o/{sobject}/list", _list),
        ("/lightning/r/{sobject}/{id}/view", _record),
        ("/{record_id}", _short_address),
    )
)
