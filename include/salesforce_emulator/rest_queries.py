"""The REST resources that look at many records: queries and their pages, what changed, counts and limits.

Facts: REST API Developer Guide, *Query*, *Get Deleted*, *Get Updated*, *Limits*, *Record Count*.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from starlette.responses import Response

from include.salesforce_emulator.errors import SalesforceFault
from include.salesforce_emulator.routing import API, Endpoint
from include.salesforce_emulator.server import Server
from include.salesforce_emulator.statistics import RequestKind
from include.salesforce_emulator.wire import ApiRequest, json_response, wire_time

_DELETED_REACH = timedelta(days=15)
_UPDATED_REACH = timedelta(days=30)


def _query(server: Server, request: ApiRequest) -> Response:
    return _first_page(server, request, include_deleted=False)


def _query_all(server: Server, request: ApiRequest) -> Response:
    return _first_page(server, request, include_deleted=True)


def _first_page(server: Server, request: ApiRequest, *, include_deleted: bool) -> Response:
    soql = request.query.get("q")
    if not soql:
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "MALFORMED_QUERY", "The parameter q holds no query")
    page_rows = server.cursors.page_rows_for(request.headers.get("sforce-query-options", ""))
    with server.org.store.transaction():
        result = server.org.query(soql, include_deleted=include_deleted, user_id=request.user_id)
        page = server.cursors.first_page(
            result, page_rows=page_rows, version=request.version, user_id=request.user_id
        )
    return json_response(page)


def _query_more(server: Server, request: ApiRequest) -> Response:
    return json_response(server.cursors.next_page(request.path["locator"], version=request.version))


def _updated(server: Server, request: ApiRequest) -> Response:
    start, end = _span(server, request, _UPDATED_REACH)
    rows = _changed(server, request, start, end, deleted=False)
    return json_response({"ids": [row["Id"] for row in rows], "latestDateCovered": wire_time(end)})


def _deleted(server: Server, request: ApiRequest) -> Response:
    start, end = _span(server, request, _DELETED_REACH)
    rows = _changed(server, request, start, end, deleted=True)
    return json_response(
        {
            "deletedRecords": [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in rows],
            "earliestDateAvailable": wire_time(server.org.clock.now() - _DELETED_REACH),
            "latestDateCovered": wire_time(end),
        }
    )


def _changed(
    server: Server, request: ApiRequest, start: datetime, end: datetime, *, deleted: bool
) -> list[dict[str, object]]:
    sobject = server.org.sobject(request.path["sobject"], user_id=request.user_id)
    soql = " ".join(
        (
            "SELECT Id, SystemModstamp FROM",
            sobject.name,
            "WHERE SystemModstamp >=",
            start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "AND SystemModstamp <=",
            end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "AND IsDeleted =",
            str(deleted).lower(),
            "ORDER BY SystemModstamp, Id",
        )
    )
    result = server.org.query(soql, include_deleted=True, user_id=request.user_id)
    return result.records(0, result.total_size, version=request.version)


def _span(server: Server, request: ApiRequest, reach: timedelta) -> tuple[datetime, datetime]:
    start, end = _instant(request, "start"), _instant(request, "end")
    if end - start < timedelta(minutes=1):
        raise SalesforceFault(
            HTTPStatus.BAD_REQUEST, "INVALID_REPLICATION_DATE", "end must be a minute after start"
        )
    if start < server.org.clock.now() - reach:
        raise SalesforceFault(
            HTTPStatus.BAD_REQUEST, "INVALID_REPLICATION_DATE", f"start is more than {reach.days} days ago"
        )
    return start, min(end, server.org.clock.now())


def _instant(request: ApiRequest, name: str) -> datetime:
    try:
        # A plus sign that the client left unescaped arrives as a blank.
        instant = datetime.fromisoformat(request.query.get(name, "").replace(" ", "+"))
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SalesforceFault(
            HTTPStatus.BAD_REQUEST, "INVALID_REPLICATION_DATE", f"{name} is no ISO 8601 date-time"
        ) from error


def _limits(server: Server, _request: ApiRequest) -> Response:
    return json_response(server.limits.report())


def _record_count(server: Server, request: ApiRequest) -> Response:
    asked = [name for name in request.query.get("sObjects", "").split(",") if name]
    seen = server.org.access_of(request.user_id).schema
    sobjects = [seen.get(name) for name in asked] or server.org.sobjects(user_id=request.user_id)
    counts = [{"count": _count(server, sobject.name), "name": sobject.name} for sobject in sobjects]
    return json_response({"sObjects": counts})


def _count(server: Server, sobject_name: str) -> int:
    return server.org.query(" ".join(("SELECT COUNT() FROM", sobject_name)), include_deleted=False).total_size


_ROWS = API + "/sobjects/{sobject}"

ENDPOINTS = (
    Endpoint("GET", API + "/query", RequestKind.QUERY, _query),
    Endpoint("GET", API + "/queryAll", RequestKind.QUERY, _query_all),
    Endpoint("GET", API + "/query/{locator}", RequestKind.QUERY_MORE, _query_more),
    Endpoint("GET", API + "/queryAll/{locator}", RequestKind.QUERY_MORE, _query_more),
    Endpoint("GET", _ROWS + "/updated", RequestKind.OTHER, _updated),
    Endpoint("GET", _ROWS + "/deleted", RequestKind.OTHER, _deleted),
    Endpoint("GET", API + "/limits", RequestKind.LIMITS, _limits),
    Endpoint("GET", API + "/limits/recordCount", RequestKind.LIMITS, _record_count),
)
