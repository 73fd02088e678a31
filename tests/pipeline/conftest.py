"""One local org for the session, emptied before every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_org import LocalOrg, started
from tests.pipeline.world import World


@pytest.fixture(scope="session")
def session_org() -> Iterator[LocalOrg]:
    with started() as org:
        yield org


@pytest.fixture
def world(session_org: LocalOrg, tmp_path: Path) -> World:
    session_org.reset()
    return World.create(session_org, tmp_path)
