"""The ASGI application: counts every request, lets the scripted faults act, checks who asks, then answers.

It is plain ASGI, because a dropped connection and an upload that never sits in memory are both below the level of
an ordinary web framework's handlers; Starlette's requests and responses do the rest.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import uuid
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from sqlite3 import DatabaseError
from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from include.salesforce_emulator.engine.errors import SalesforceFault, disk_trouble
from include.salesforce_emulator.server import (
    auth_routes,
    collections,
    composite,
    control,
    pages,
    rest,
    tooling,
)
from include.salesforce_emulator.server.bulk import ingest as bulk_ingest
from include.salesforce_emulator.server.bulk import query as bulk_query
from include.salesforce_emulator.server.compression import deflate, inflated
from include.salesforce_emulator.server.faults import Drop, ExpireSessions, Hang, Respond
from include.salesforce_emulator.server.routing import NEWEST_VERSION, OLDEST_VERSION, Endpoint, Routes
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, bad_json, fault_response

log = logging.getLogger(__name__)

_DEFECT = SalesforceFault(
    HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", "The local org has a defect; see its log."
)
_CONTROL_PREFIX = "/__emulator__/"
_DATA_PREFIX = "/services/data/v"
_MAX_URI_AND_HEADERS = 16_384
_MAX_BODY_BYTES = 50 * 1024 * 1024
_MAX_UPLOAD_BYTES = 150 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Call:
    """A request on its way to its handler."""

    endpoint: Endpoint
    request: ApiRequest
    is_control: bool


class LocalOrgApp:
    """The local org as an ASGI application."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._control = Routes(control.ENDPOINTS)
        self._routes = Routes(
            [
                *auth_routes.ENDPOINTS,
                *bulk_ingest.ENDPOINTS,
                *bulk_query.ENDPOINTS,
                *collections.ENDPOINTS,
                *composite.ENDPOINTS,
                *rest.ENDPOINTS,
                *tooling.ENDPOINTS,
                *pages.ENDPOINTS,
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        try:
            call = await self._read(scope, receive)
        except ClientDisconnect:
            return
        except SalesforceFault as fault:
            await fault_response(fault)(scope, receive, send)
            return
        try:
            await self._respond(call, scope, receive, send)
        finally:
            if call.request.body_file is not None:
                call.request.body_file.unlink(missing_ok=True)

    async def _respond(self, call: _Call, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response | None = None
        drop: Drop | None = None
        if not call.is_control:
            kind = call.endpoint.kind_of(call.request.body)
            self._server.statistics.count(kind)
            response, drop = await self._suffer(kind, call.endpoint)
            if self._server.keeper.is_behind:
                response = await run_in_threadpool(self._settle) or response
        if drop is not None and drop.when == "before":
            await _abort_connection(receive, send)
            return
        if response is None:
            response = await run_in_threadpool(self._answer, call)
        if drop is not None:
            await _abort_connection(receive, send)
            return
        await response(scope, receive, send)

    async def _suffer(self, kind: RequestKind, endpoint: Endpoint) -> tuple[Response | None, Drop | None]:
        """Let the faults scripted for this request act; return what they answer, or how they cut the line."""
        response: Response | None = None
        drop: Drop | None = None
        if delay := self._server.faults.latency_seconds(kind):
            await asyncio.sleep(delay)
        for fault in self._server.faults.for_request(kind):
            match fault:
                case Hang():
                    await asyncio.sleep(fault.seconds)
                case ExpireSessions():
                    self._server.sessions.expire_all()
                case Respond():
                    response = response or _scripted_response(fault, endpoint)
                case Drop():
                    drop = drop or fault
        return response, drop

    def _settle(self) -> Response | None:
        """Keep what the faults counted before they show; return what to answer if the disk does not take it."""
        try:
            self._server.keeper.settle()
        except DatabaseError as error:
            return fault_response(disk_trouble(error) or _DEFECT)
        return None

    def _answer(self, call: _Call) -> Response:
        """Run the handler; whatever it raises becomes an answer."""
        try:
            response = self._checked(call)
            self._server.keeper.settle()
        except SalesforceFault as fault:
            response = call.endpoint.tell(fault)
        except UnicodeEncodeError:
            # JSON can escape half a surrogate pair, which is no text that could be stored.
            response = call.endpoint.tell(bad_json("it holds text that is not Unicode"))
        except Exception as error:
            trouble = disk_trouble(error)
            if trouble is None:
                log.exception("%s %s failed", call.request.method, call.endpoint.template)
            response = call.endpoint.tell(trouble or _DEFECT)
        if call.request.url_path.startswith(_DATA_PREFIX):
            response.headers["Sforce-Limit-Info"] = self._server.limits.usage_header()
        if not call.is_control:
            deflate(response, call.request.headers)
        return response

    def _checked(self, call: _Call) -> Response:
        request = call.request
        if not call.is_control:
            _require_known_version(request.version)
            if call.endpoint.needs_session:
                user_id = self._server.sessions.user_of(request.headers.get("authorization", ""))
                if request.url_path.startswith(_DATA_PREFIX):
                    self._server.org.access_of(user_id).require_api()
                self._server.limits.require_api_request()
                request = replace(request, user_id=user_id)
        return call.endpoint.handler(self._server, request)

    async def _read(self, scope: Scope, receive: Receive) -> _Call:
        request = Request(scope, receive)
        raw_path = cast(bytes, scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
        _require_ascii(raw_path + scope["query_string"])
        is_control = request.url.path.startswith(_CONTROL_PREFIX)
        if is_control:
            require_loopback(scope)
        else:
            _require_short_head(scope, raw_path)
        method = _method(request)
        routes = self._control if is_control else self._routes
        endpoint, placeholders = routes.find(method, raw_path.decode("latin-1"))
        if endpoint.loopback_only:
            require_loopback(scope)
        body, body_file = b"", None
        if endpoint.spools_body:
            body_file = await _spool(request, self._server.incoming / uuid.uuid4().hex)
        else:
            encoding = request.headers.get("content-encoding", "")
            body = inflated(await _read_body(request), encoding, limit=_MAX_BODY_BYTES)
        host = request.headers.get("host", "localhost")
        api_request = ApiRequest(
            method=method,
            url_path=request.url.path,
            path=placeholders,
            query=request.query_params,
            headers=request.headers,
            body=body,
            body_file=body_file,
            user_id="",
            base_url=f"{scope['scheme']}://{host}",
        )
        return _Call(endpoint, api_request, is_control)


def _method(request: Request) -> str:
    """Return the method, also where it is tunnelled as ``POST …?_HttpMethod=PATCH``."""
    tunnelled = request.query_params.get("_HttpMethod", "").upper()
    return tunnelled if request.method == "POST" and tunnelled in ("PATCH", "DELETE") else request.method


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        _require_size(len(body), _MAX_BODY_BYTES)
    return bytes(body)


async def _spool(request: Request, path: Path) -> Path:
    """Write the body to a file as it arrives, so that memory stays flat in its size."""
    size = 0
    try:
        with path.open("wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                _require_size(size, _MAX_UPLOAD_BYTES)
                file.write(chunk)
    except BaseException as error:
        path.unlink(missing_ok=True)
        trouble = disk_trouble(error)
        if trouble is not None:
            raise trouble from error
        raise
    return path


def _require_ascii(target: bytes) -> None:
    if not target.isascii():
        raise SalesforceFault(
            HTTPStatus.BAD_REQUEST, "URL_NOT_VALID", "The URL holds bytes that must be percent-encoded"
        )


def _require_size(size: int, limit: int) -> None:
    if size > limit:
        raise SalesforceFault(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "REQUEST_TOO_LARGE", f"The body has more than {limit} bytes"
        )


def _require_short_head(scope: Scope, raw_path: bytes) -> None:
    """Refuse what Salesforce refuses: URI and headers together beyond 16,384 bytes."""
    uri = len(raw_path) + len(scope["query_string"]) + 1
    if uri > _MAX_URI_AND_HEADERS:
        raise SalesforceFault(HTTPStatus.REQUEST_URI_TOO_LONG, "URI_TOO_LONG", "URI Too Long")
    headers = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if uri + headers > _MAX_URI_AND_HEADERS:
        raise SalesforceFault(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "HEADERS_TOO_LARGE", "Request Header Fields Too Large"
        )


def _require_known_version(version: str) -> None:
    if not version:
        return
    if float(version) < OLDEST_VERSION:
        raise SalesforceFault(HTTPStatus.GONE, "UNSUPPORTED_API_VERSION", f"API version {version} is retired")
    if float(version) > NEWEST_VERSION:
        raise SalesforceFault(HTTPStatus.NOT_FOUND, "NOT_FOUND", "The requested resource does not exist")


def require_loopback(scope: Scope) -> None:
    """Refuse a request that comes from another machine.

    Raises:
        SalesforceFault: FORBIDDEN.
    """
    client = scope.get("client")
    if client is None or not ipaddress.ip_address(client[0]).is_loopback:
        raise SalesforceFault(
            HTTPStatus.FORBIDDEN, "FORBIDDEN", "This address answers to the machine itself only."
        )


def _scripted_response(fault: Respond, endpoint: Endpoint) -> Response:
    if fault.body is not None:
        return Response(fault.body, status_code=fault.status, media_type="text/html")
    return endpoint.tell(SalesforceFault(fault.status, fault.code, fault.message))


async def _abort_connection(receive: Receive, send: Send) -> None:
    """Cut the TCP connection without a byte of answer.

    ASGI has no word for this; uvicorn's ``send`` is a method of the object that holds the connection's transport.
    """
    send.__self__.transport.abort()  # type: ignore[attr-defined]
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
