"""Legacy organisations for the tests of the migration, in an org that has fields for sixty mappings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local_org import LocalOrg, started
from tests.migration.legacy_mappings import legacy_package
from tests.migration.legacy_plan import Sizes
from tests.migration.legacy_world import LegacyWorld
from tests.pipeline.world import migrated_ledger

LEGACY_FIELDS = 16
"""Further text fields on each object, as customers' orgs have them."""

BuildLegacy = Callable[..., LegacyWorld]


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a new ledger, for copying."""
    return migrated_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")


@pytest.fixture(scope="session")
def legacy_org_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalOrg]:
    """Return a local org of the worker's own, in whatever state the last test left it."""
    package = legacy_package(tmp_path_factory.mktemp("package"), fields=LEGACY_FIELDS)
    with started("--package", str(package)) as org:
        yield org


@pytest.fixture
def build_legacy(
    legacy_org_process: LocalOrg, ledger_template: Path, tmp_path: Path
) -> Iterator[BuildLegacy]:
    """Return what makes a legacy organisation of a seed and sizes, each in the org emptied."""
    worlds: list[LegacyWorld] = []

    def build(*, seed: int = 1, **sizes: int) -> LegacyWorld:
        legacy_org_process.reset()
        folder = tmp_path / f"world{len(worlds)}"
        folder.mkdir()
        worlds.append(
            LegacyWorld.build(legacy_org_process, folder, ledger_template, seed=seed, sizes=Sizes(**sizes))
        )
        return worlds[-1]

    yield build
    for world in worlds:
        world.__exit__()


@pytest.fixture
def legacy(build_legacy: BuildLegacy) -> LegacyWorld:
    """Return a small legacy organisation with every fault once."""
    return build_legacy()
