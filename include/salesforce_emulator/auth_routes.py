"""The paths of sign-in and of who is signed in."""

from __future__ import annotations

from starlette.responses import Response

from include.salesforce_emulator import soap
from include.salesforce_emulator.errors import resource_not_found
from include.salesforce_emulator.identity import userinfo
from include.salesforce_emulator.ids import normalise_id
from include.salesforce_emulator.routing import Endpoint
from include.salesforce_emulator.server import Server
from include.salesforce_emulator.statistics import RequestKind
from include.salesforce_emulator.wire import ApiRequest, json_response


def _token(server: Server, request: ApiRequest) -> Response:
    return server.sign_in.token(request)


def _userinfo(server: Server, request: ApiRequest) -> Response:
    return json_response(userinfo(server.org, request.base_url, request.user_id))


def _identity(server: Server, request: ApiRequest) -> Response:
    """Answer the address that a token response calls ``id``: whose it is, told in the same words."""
    if normalise_id(request.path["org_id"]) != server.org.organization_id:
        raise resource_not_found()
    user_id = server.sign_in.user_id(request.path["user_id"])
    return json_response(userinfo(server.org, request.base_url, user_id))


ENDPOINTS = (
    Endpoint("POST", "/services/oauth2/token", RequestKind.LOGIN, _token, needs_session=False),
    Endpoint("GET", "/services/oauth2/userinfo", RequestKind.OTHER, _userinfo),
    Endpoint("POST", "/services/oauth2/userinfo", RequestKind.OTHER, _userinfo),
    Endpoint("GET", "/id/{org_id}/{user_id}", RequestKind.OTHER, _identity),
    *soap.ENDPOINTS,
)
