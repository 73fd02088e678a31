"""The library before two local orgs: one on plain http behind our transport adapter, one on TLS with a private CA."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simple_salesforce import Salesforce

from tests.contract.library import Library
from tests.emulator.engine_bench import PACKAGE
from tests.local_org import LocalOrg, started


@pytest.fixture(scope="session", params=[(), ("--tls",)], ids=["plain http", "tls"])
def served_org(request: pytest.FixtureRequest) -> Iterator[LocalOrg]:
    """Return an org with the custom fields of the tests' own package."""
    with started("--package", str(PACKAGE), *request.param) as org:
        yield org


@pytest.fixture
def library(served_org: LocalOrg) -> Library:
    served_org.reset()
    return Library(served_org)


@pytest.fixture
def sf(library: Library) -> Salesforce:
    """Return a client of the library, signed in; its sign-in is not counted."""
    client = library.client()
    library.org.forget_calls()
    return client
