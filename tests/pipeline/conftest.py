"""A world for every test: the worker's local org emptied, databases of its own, and a ledger migrated once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_org import LocalOrg
from tests.pipeline.world import World, migrated_ledger


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a new ledger, for copying."""
    return migrated_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")


@pytest.fixture
def world(org: LocalOrg, ledger_template: Path, tmp_path: Path) -> Iterator[World]:
    with World.create(org, tmp_path, ledger_template) as world:
        yield world
