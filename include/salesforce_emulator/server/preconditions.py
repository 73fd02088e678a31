"""Conditional requests: the headers that make an answer, or a write, depend on when something last changed.

Facts: REST API Developer Guide, *Conditional Request Headers*. If-Match and If-None-Match, which Salesforce takes
for Accounts only, are not looked at.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.wire import ApiRequest

_MODIFIED_SINCE = "if-modified-since"
_UNMODIFIED_SINCE = "if-unmodified-since"


def unchanged_record(server: Server, request: ApiRequest, record_id: str) -> Response | None:
    """Return 304 if the record has not changed since the instant the request names, else nothing.

    Raises:
        SalesforceFault: 412, it has changed since, and the request wants it only if not.
    """
    if _MODIFIED_SINCE not in request.headers and _UNMODIFIED_SINCE not in request.headers:
        return None
    return unchanged(request, _last_modified(server, request, record_id))


def unchanged(request: ApiRequest, changed_at: datetime) -> Response | None:
    """Return 304 if nothing has changed since the instant the request names, else nothing.

    Raises:
        SalesforceFault: 412, it has changed since, and the request wants it only if not.
    """
    second = changed_at.replace(microsecond=0)  # HTTP's dates know no more
    _check_unmodified(request, second)
    since = _instant(request.headers.get(_MODIFIED_SINCE))
    if since is None or second > since:
        return None
    return Response(status_code=HTTPStatus.NOT_MODIFIED)


def require_unchanged_record(server: Server, request: ApiRequest, record_id: str) -> None:
    """Refuse a write to a record that has changed since the instant the request names.

    Raises:
        SalesforceFault: 412, it has changed since; 400, the header cannot be read.
    """
    given = request.headers.get(_UNMODIFIED_SINCE)
    if given is None:
        return
    if _instant(given) is None:
        message = "If-Unmodified-Since is no HTTP date, such as Tue, 10 Aug 2027 10:00:00 GMT"
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_HEADER_VALUE", message)
    _check_unmodified(request, _last_modified(server, request, record_id))


def _check_unmodified(request: ApiRequest, changed_at: datetime) -> None:
    since = _instant(request.headers.get(_UNMODIFIED_SINCE))
    if since is not None and changed_at > since:
        message = f"It was modified after the date of If-Unmodified-Since, at {changed_at.isoformat()}"
        raise SalesforceFault(HTTPStatus.PRECONDITION_FAILED, "PRECONDITION_FAILED", message)


def _last_modified(server: Server, request: ApiRequest, record_id: str) -> datetime:
    record = server.org.retrieve(
        request.path["sobject"], record_id, ["LastModifiedDate"], user_id=request.user_id
    )
    return datetime.fromisoformat(record["LastModifiedDate"])


def _instant(header: str | None) -> datetime | None:
    """Read an HTTP date; what cannot be read does not count, as HTTP has it for what is only fetched."""
    if header is None:
        return None
    try:
        instant = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
