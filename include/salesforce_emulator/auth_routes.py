"""The paths of sign-in."""

from __future__ import annotations

from starlette.responses import Response

from include.salesforce_emulator.routing import Endpoint
from include.salesforce_emulator.server import Server
from include.salesforce_emulator.statistics import RequestKind
from include.salesforce_emulator.wire import ApiRequest


def _token(server: Server, request: ApiRequest) -> Response:
    return server.sign_in.token(request)


def _soap(server: Server, request: ApiRequest) -> Response:
    return server.sign_in.soap(request)


def _userinfo(server: Server, request: ApiRequest) -> Response:
    return server.sign_in.userinfo(request)


ENDPOINTS = (
    Endpoint("POST", "/services/oauth2/token", RequestKind.LOGIN, _token, needs_session=False),
    Endpoint("POST", "/services/Soap/u/{version}", RequestKind.LOGIN, _soap, needs_session=False),
    Endpoint("GET", "/services/oauth2/userinfo", RequestKind.OTHER, _userinfo),
    Endpoint("POST", "/services/oauth2/userinfo", RequestKind.OTHER, _userinfo),
)
