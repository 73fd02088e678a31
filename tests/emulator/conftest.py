"""One local org process for the whole run, emptied before each test; fresh ones for tests of starting and stopping."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.emulator.server_process import ServerProcess


@pytest.fixture(scope="session")
def server_process() -> Iterator[ServerProcess]:
    server = ServerProcess()
    yield server
    server.stop()


@pytest.fixture
def org(server_process: ServerProcess) -> ServerProcess:
    server_process.control("POST", "clock", {"reset": True})
    server_process.control("POST", "reset")
    server_process.sign_in()
    server_process.control("DELETE", "statistics")
    return server_process


@pytest.fixture
def start_server() -> Iterator[Callable[..., ServerProcess]]:
    """Start further processes; whatever still runs is ended with the test."""
    started: list[ServerProcess] = []

    def start(*arguments: str) -> ServerProcess:
        server = ServerProcess(*arguments)
        started.append(server)
        return server

    yield start
    for server in started:
        if server.is_running:
            server.stop()
