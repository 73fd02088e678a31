"""Drives the local org's ASGI application in this process, without a socket: thousands of requests take seconds."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from include.salesforce_emulator.server.app import LocalOrgApp
from include.salesforce_emulator.server.server import Server
from tests.local_org import DATA, NOW, PACKAGE

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a client would put it on the wire; the target is path and query, percent-encoded or not."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    signed_in: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class AsgiOrg:
    """A whole local org in this process; only the HTTP parser is missing."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="local-org-test-")
        folder = Path(self._folder.name)
        self.server = Server.open(data=None, package=PACKAGE, folder=folder)
        self.server.start()
        self._app = LocalOrgApp(self.server)
        self._loop = asyncio.new_event_loop()
        self.token = ""
        self.server.org.clock.set(NOW)
        self.sign_in()

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self.server.close()
        self._folder.cleanup()

    def sign_in(self) -> None:
        self.token = self.server.sessions.begin(self.server.org.integration_user_id)

    def send(self, request: Request) -> Reply:
        exchange = _Exchange(request.body)
        self._loop.run_until_complete(self._app(self._scope(request), exchange.receive, exchange.send))
        return exchange.reply()

    def call(self, method: str, path: str, body: Any = None, *, control: bool = False) -> Any:
        """Send a well-formed JSON request and return what it answers."""
        content = b"" if body is None else json.dumps(body).encode()
        target = f"/__emulator__/{path}" if control else DATA + path
        reply = self.send(Request(method, target, (("content-type", "application/json"),), content))
        assert reply.status < 300, (method, target, reply)
        return reply.json() if reply.body else None

    def _scope(self, request: Request) -> dict[str, Any]:
        raw_path, _, query = request.target.partition("?")
        given = {name.lower() for name, _ in request.headers}
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers
        ]
        if "host" not in given:
            headers.append((b"host", b"127.0.0.1:8080"))
        if request.signed_in and "authorization" not in given:
            headers.append((b"authorization", f"Bearer {self.token}".encode()))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8080),
            "client": ("127.0.0.1", 50000),
            "scheme": "http",
            "method": request.method,
            "root_path": "",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": headers,
            "state": {},
        }


@dataclass(slots=True)
class _Exchange:
    """The two ends of one ASGI call."""

    body: bytes
    sent: list[Any] = field(default_factory=list)
    is_read: bool = False

    async def receive(self) -> dict[str, Any]:
        if self.is_read:
            await asyncio.Event().wait()  # the client stays until it has its answer
        self.is_read = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def reply(self) -> Reply:
        assert self.sent, "no answer at all"
        start, *rest = self.sent
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
        return Reply(start["status"], headers, b"".join(message.get("body", b"") for message in rest))
