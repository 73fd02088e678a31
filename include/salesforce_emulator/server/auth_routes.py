"""The paths of sign-in and of who is signed in."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import PlainTextResponse, Response

from include.salesforce_emulator.engine.errors import SalesforceFault, resource_not_found
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.server.identity import userinfo
from include.salesforce_emulator.server.routing import Endpoint, Handler
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.soap import endpoints as soap
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, fault_response, json_response

_INVALID_SESSION = "INVALID_SESSION_ID"


def _token(server: Server, request: ApiRequest) -> Response:
    return server.sign_in.token(request)


def _userinfo(server: Server, request: ApiRequest) -> Response:
    return json_response(userinfo(server.org, request.base_url, _signed_in(server, request)))


def _identity(server: Server, request: ApiRequest) -> Response:
    """Answer the address that a token response calls ``id``: whose it is, told in the same words."""
    _signed_in(server, request)
    if normalise_id(request.path["org_id"]) != server.org.organization_id:
        raise resource_not_found()
    user_id = server.sign_in.user_id(request.path["user_id"])
    return json_response(userinfo(server.org, request.base_url, user_id))


def _signed_in(server: Server, request: ApiRequest) -> str:
    user_id = server.sessions.user_of(request.headers.get("authorization", ""))
    server.limits.require_api_request()
    return user_id


def _tell(fault: SalesforceFault) -> Response:
    """Tell a bad token as the identity service does: 403, and one word instead of JSON (jsforce knows it, too)."""
    if fault.code == _INVALID_SESSION:
        return PlainTextResponse("Bad_OAuth_Token", HTTPStatus.FORBIDDEN)
    return fault_response(fault)


def _who(method: str, path: str, handler: Handler) -> Endpoint:
    return Endpoint(method, path, RequestKind.OTHER, handler, needs_session=False, tell=_tell)


ENDPOINTS = (
    Endpoint("POST", "/services/oauth2/token", RequestKind.LOGIN, _token, needs_session=False),
    _who("GET", "/services/oauth2/userinfo", _userinfo),
    _who("POST", "/services/oauth2/userinfo", _userinfo),
    _who("GET", "/id/{org_id}/{user_id}", _identity),
    *soap.ENDPOINTS,
)
