"""The partner SOAP API: `login` and what belongs to a session; the calls on records are in `soap_calls`.

Facts: SOAP API Developer Guide; what `login` answers where it is not to be had: forcedotcom/wsc issue 363 (from version
65 on), OpenFn/adaptors issue 1715 (switched off in the org).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from http import HTTPStatus

from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault, not_implemented
from include.salesforce_emulator.engine.org_setup import UserPermission
from include.salesforce_emulator.server.auth import SignInError
from include.salesforce_emulator.server.identity import user_info
from include.salesforce_emulator.server.limits import API_REQUESTS
from include.salesforce_emulator.server.routing import NEWEST_VERSION, OLDEST_VERSION, Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.soap import calls as soap_calls
from include.salesforce_emulator.server.soap.wire import (
    Content,
    LoginFault,
    Node,
    SoapCall,
    answer,
    read_call,
    tell_fault,
    text,
)
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest

_FIRST_VERSION_WITHOUT_LOGIN = 65.0
_VERSION = re.compile(r"\d{1,3}(\.\d)?", re.ASCII)
_Operation = Callable[[Server, SoapCall, str], Sequence[Content]]


def _soap(server: Server, request: ApiRequest) -> Response:
    version = _known_version(request.path["soap_version"])
    call = read_call(request.body)
    if call.name == "login":
        return answer("login", [_login(server, request, call, version)])
    operation = _OPERATIONS.get(call.name)
    if operation is None:
        raise not_implemented(f"The SOAP call {call.name}")
    user_id = _user_of(server, call)
    _require_api(server, user_id)
    server.limits.require_api_request()
    results = operation(server, call, user_id)
    limit = server.limits.report()[API_REQUESTS]
    return answer(call.name, results, usage=(limit["Max"] - limit["Remaining"], limit["Max"]))


def _known_version(version: str) -> float:
    if not _VERSION.fullmatch(version) or not OLDEST_VERSION <= float(version) <= NEWEST_VERSION:
        message = "Invalid Api version specified on URL"
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "UNSUPPORTED_API_VERSION", message)
    return float(version)


def _user_of(server: Server, call: SoapCall) -> str:
    try:
        return server.sessions.user_of(f"Bearer {call.session_id}")
    except SalesforceFault as fault:
        message = "Invalid Session ID found in SessionHeader: Illegal Session"
        raise SalesforceFault(fault.http_status, fault.code, message) from fault


def _require_api(server: Server, user_id: str) -> None:
    if not server.org.access_of(user_id).allows(UserPermission.API_ENABLED):
        message = "API is not enabled for this Organization or Partner"
        raise SalesforceFault(HTTPStatus.FORBIDDEN, "API_DISABLED_FOR_ORG", message)


def _login(server: Server, request: ApiRequest, call: SoapCall, version: float) -> list[Node]:
    """Sign in by password; LoginScopeHeader is for self-service users of long ago, and is not looked at."""
    if version >= _FIRST_VERSION_WITHOUT_LOGIN:
        message = (
            f"The SOAP Login operation is not available in the API version specified ({version}). "
            "Refer to the documentation for supported versions."
        )
        raise LoginFault("INVALID_OPERATION", message)
    if not server.org.setup.soap_login:
        message = (
            "SOAP API login() is disabled by default in this org. Contact the org administrator to enable "
            "SOAP API login()."
        )
        raise LoginFault("INVALID_OPERATION", message)
    try:
        user_id = server.sign_in.user_with_password(
            text(call.operation, "username") or "", text(call.operation, "password") or ""
        )
        server.org.access_of(user_id).require(UserPermission.USE_ANY_API_AUTH)
        _require_api(server, user_id)
    except SignInError as refusal:
        message = "Invalid username, password, security token; or user locked out."
        raise LoginFault("INVALID_LOGIN", message) from refusal
    except SalesforceFault as refusal:
        raise LoginFault(refusal.code, refusal.message) from refusal
    place = f"{version}/{server.org.organization_id[:15]}"
    return [
        ("metadataServerUrl", f"{request.base_url}/services/Soap/m/{place}"),
        ("passwordExpired", False),
        ("sandbox", False),
        ("serverUrl", f"{request.base_url}/services/Soap/u/{place}"),
        ("sessionId", server.sessions.begin(user_id)),
        ("userId", user_id),
        ("userInfo", user_info(server.org, user_id)),
    ]


def _logout(server: Server, call: SoapCall, _user_id: str) -> Sequence[Content]:
    server.sessions.end(call.session_id)
    return []


def _get_user_info(server: Server, _call: SoapCall, user_id: str) -> Sequence[Content]:
    return [user_info(server.org, user_id)]


def _get_server_timestamp(server: Server, _call: SoapCall, _user_id: str) -> Sequence[Content]:
    return [[("timestamp", server.org.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"))]]


_OPERATIONS: dict[str, _Operation] = {
    "convertLead": soap_calls.convert_leads,
    "delete": soap_calls.delete,
    "emptyRecycleBin": soap_calls.empty_recycle_bin,
    "getServerTimestamp": _get_server_timestamp,
    "getUserInfo": _get_user_info,
    "logout": _logout,
    "merge": soap_calls.merge,
    "undelete": soap_calls.undelete,
}


def _kind(body: bytes) -> RequestKind:
    try:
        name = read_call(body).name
    except SalesforceFault:
        return RequestKind.SOAP
    return RequestKind.LOGIN if name == "login" else RequestKind.SOAP


ENDPOINTS = tuple(
    Endpoint(
        "POST", "/services/Soap/u/{soap_version}" + org, _kind, _soap, needs_session=False, tell=tell_fault
    )
    for org in ("", "/{org_id}")
)
