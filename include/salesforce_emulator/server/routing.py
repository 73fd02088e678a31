"""Which request goes to which handler, and of what kind it is for statistics and faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault, not_implemented
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, fault_response

Handler = Callable[[Server, ApiRequest], Response]
API = "/services/data/v{version}"
OLDEST_VERSION = 31.0
NEWEST_VERSION = 68.0
_SHAPES = {"version": r"\d{1,3}\.\d", "record_id": r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?"}
_PLACEHOLDER = re.compile(r"\\{(\w+)\\}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route.

    Attributes:
        template: path with ``{placeholders}``; matched in any letter case, with or without a trailing slash,
            because clients differ and Salesforce tolerates it.
        kind: what a request to it counts as; a function where only the body tells.
        needs_session: whether it asks for a sign-in.
        spools_body: whether the body goes to a file instead of memory.
        loopback_only: whether it answers to the machine itself only.
        tell: how a refusal is told; as REST does unless the endpoint speaks something else.
    """

    method: str
    template: str
    kind: RequestKind | Callable[[bytes], RequestKind]
    handler: Handler
    needs_session: bool = True
    spools_body: bool = False
    loopback_only: bool = False
    tell: Callable[[SalesforceFault], Response] = fault_response
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        escaped = re.escape(self.template)
        for placeholder, shape in _SHAPES.items():
            escaped = escaped.replace(rf"\{{{placeholder}\}}", f"(?P<{placeholder}>{shape})")
        pattern = _PLACEHOLDER.sub(r"(?P<\1>[^/]+)", escaped)
        object.__setattr__(self, "pattern", re.compile(pattern + "/?", re.IGNORECASE))

    def kind_of(self, body: bytes) -> RequestKind:
        """Return the kind of a request to this endpoint."""
        return self.kind if isinstance(self.kind, RequestKind) else self.kind(body)


class Routes:
    """The table of endpoints, asked from the top."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)

    def find(self, method: str, raw_path: str) -> tuple[Endpoint, dict[str, str]]:
        """Return the endpoint and its decoded placeholders; one that says 405 or 501 where there is none."""
        wanted = "GET" if method == "HEAD" else method
        allowed: set[str] = set()
        for endpoint in self._endpoints:
            match = endpoint.pattern.fullmatch(raw_path)
            if match is None:
                continue
            if endpoint.method == wanted:
                return endpoint, {name: unquote(value) for name, value in match.groupdict().items()}
            allowed |= {"GET", "HEAD"} if endpoint.method == "GET" else {endpoint.method}
        handler = _method_not_allowed(sorted(allowed)) if allowed else _not_implemented
        return Endpoint(method, "", RequestKind.OTHER, handler, needs_session=False), {}


def _method_not_allowed(allowed: Sequence[str]) -> Handler:
    def refuse(_server: Server, request: ApiRequest) -> Response:
        message = f"HTTP Method '{request.method}' not allowed. Allowed are {','.join(allowed)}"
        raise SalesforceFault(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)

    return refuse


def _not_implemented(_server: Server, request: ApiRequest) -> Response:
    raise not_implemented(f"{request.method} {request.url_path}")
