"""One local org process for the package's tests, emptied before each, and our gateway signed in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from include.salesforce.bulk_jobs import PollPolicy
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.gateway import SalesforceGateway
from include.salesforce.session import RetryPolicy
from tests.emulator.server_process import ServerProcess


@pytest.fixture(scope="session")
def local_org() -> Iterator[ServerProcess]:
    server = ServerProcess()
    yield server
    server.stop()


@pytest.fixture
def org(local_org: ServerProcess) -> ServerProcess:
    local_org.control("POST", "clock", {"reset": True})
    local_org.control("POST", "reset")
    local_org.sign_in()
    local_org.control("DELETE", "statistics")
    return local_org


@pytest.fixture
def credentials(org: ServerProcess) -> SalesforceCredentials:
    return SalesforceCredentials(
        instance_url=org.url,
        consumer_key=org.announcement["consumer_key"],
        consumer_secret=org.announcement["consumer_secret"],
    )


@pytest.fixture
def waits() -> list[float]:
    """Return the waits that the gateway would have slept."""
    return []


@pytest.fixture
def connect(waits: list[float]) -> Iterator[Callable[..., SalesforceGateway]]:
    """Sign in without ever sleeping; what was opened is closed with the test."""
    opened: list[SalesforceGateway] = []

    def sign_in(credentials: SalesforceCredentials, *, attempts: int = 4, **poll: Any) -> SalesforceGateway:
        gateway = SalesforceGateway.connect(
            credentials,
            retry=RetryPolicy(attempts=attempts, sleep=waits.append),
            poll=PollPolicy(first_wait_seconds=0.02, longest_wait_seconds=0.1, **poll),
        )
        opened.append(gateway)
        return gateway

    yield sign_in
    for gateway in opened:
        gateway.close()


@pytest.fixture
def gateway(
    connect: Callable[..., SalesforceGateway], credentials: SalesforceCredentials
) -> SalesforceGateway:
    return connect(credentials)
