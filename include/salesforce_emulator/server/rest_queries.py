"""The REST resources that look at many records: queries and their pages, what changed, counts and limits.

Facts: REST API Developer Guide, *Query*, *sObject Get Deleted*, *sObject Get Updated*, *Limits*, *Record Count*; SOAP
API Developer Guide, *getDeleted()* (seconds are ignored; "startDate cannot be more than 30 days ago").
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from starlette.responses import Response

from include.salesforce_emulator.engine.deletion_log import deletions_between
from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.routing import API, Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, json_response, wire_time

_REACH = timedelta(days=30)
_DELETED_REACH = timedelta(days=15)
_MOST_IDS = 600_000
_SOQL_TIME = "%Y-%m-%dT%H:%M:%SZ"


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
    start, end = _span(server, request)
    sobject = server.org.sobject(request.path["sobject"], user_id=request.user_id)
    soql = " ".join(
        (
            "SELECT Id FROM",
            sobject.name,
            "WHERE SystemModstamp >=",
            start.strftime(_SOQL_TIME),
            "AND SystemModstamp <=",
            end.strftime(_SOQL_TIME),
            "AND IsDeleted = false ORDER BY SystemModstamp, Id",
        )
    )
    result = server.org.query(soql, include_deleted=True, user_id=request.user_id)
    _check_size(result.total_size)
    found = result.records(0, result.total_size, version=request.version)
    return json_response({"ids": [row["Id"] for row in found], "latestDateCovered": wire_time(end)})


def _deleted(server: Server, request: ApiRequest) -> Response:
    start, end = _span(server, request)
    sobject = server.org.sobject(request.path["sobject"], user_id=request.user_id)
    earliest = server.org.clock.now() - _DELETED_REACH
    found = deletions_between(server.org.store, sobject.name, wire_time(max(start, earliest)), wire_time(end))
    _check_size(len(found))
    return json_response(
        {
            "deletedRecords": [{"id": record_id, "deletedDate": when} for record_id, when in found],
            "earliestDateAvailable": wire_time(earliest),
            "latestDateCovered": wire_time(end),
        }
    )


def _check_size(found: int) -> None:
    if found > _MOST_IDS:
        message = f"More than {_MOST_IDS} records changed; ask for a shorter time."
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "EXCEEDED_ID_LIMIT", message)


def _span(server: Server, request: ApiRequest) -> tuple[datetime, datetime]:
    """Return the time asked for, as far as it has passed; Salesforce ignores the seconds that a client gives."""
    start, end = (_instant(request, name).replace(second=0, microsecond=0) for name in ("start", "end"))
    now = server.org.clock.now()
    if end - start < timedelta(minutes=1):
        message = "endDate must be at least one minute greater than startDate"
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_REPLICATION_DATE", message)
    if start < now - _REACH:
        message = f"startDate cannot be more than {_REACH.days} days ago"
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_REPLICATION_DATE", message)
    return start, min(end, now)


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
