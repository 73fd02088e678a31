"""Our gateway signed in to the local org; it never sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from include.salesforce.bulk_jobs import PollPolicy
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.gateway import SalesforceGateway
from include.salesforce.session import RetryPolicy
from tests.local_org import LocalOrg


@pytest.fixture
def credentials(org: LocalOrg) -> SalesforceCredentials:
    return org.credentials()


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
