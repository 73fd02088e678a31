"""Kills by the number, from a seed: the options, the stories' undisturbed ends, and where children come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.kills import Kills
from tests.faults.lives import Life, live_undisturbed
from tests.faults.nursery import Nursery
from tests.faults.pictures import Picture
from tests.faults.stories import Story
from tests.local_org import LocalOrg
from tests.pipeline.world import World, migrated_ledger

BeginLife = Callable[[Story], Life]
End = tuple[Picture, dict[str, float]]
EndOf = Callable[[Story], End]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``kills`` one case per world, as many as the number of kills takes."""
    if "kills" not in metafunc.fixturenames:
        return
    config = metafunc.config
    cases = Kills.cases(
        config.getoption("--fault-seed"),
        total=config.getoption("--kills") // 2,
        only=config.getoption("--fault-number"),
    )
    metafunc.parametrize("kills", cases, ids=str)


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a new ledger, for copying."""
    return migrated_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")


@pytest.fixture(scope="session")
def nursery() -> Nursery:
    return Nursery()


@pytest.fixture
def begin_life(nursery: Nursery, org: LocalOrg, ledger_template: Path, tmp_path: Path) -> Iterator[BeginLife]:
    """Return what begins a story in an empty org with databases of its own."""
    worlds: list[World] = []

    def begin(story: Story) -> Life:
        org.reset()
        folder = tmp_path / f"life{len(worlds)}"
        folder.mkdir()
        worlds.append(World.create(org, folder, ledger_template))
        return Life.begin(story, nursery, worlds[-1], folder)

    yield begin
    for world in worlds:
        world.__exit__()


@pytest.fixture(scope="session")
def known_ends() -> dict[str, End]:
    """Return the ends that stories came to undisturbed, so that each is lived through once."""
    return {}


@pytest.fixture
def undisturbed(begin_life: BeginLife, known_ends: dict[str, End]) -> EndOf:
    """Return what tells the end of a story when nobody disturbs it, and how many seconds each of its stages takes."""

    def end_of(story: Story) -> End:
        if story.name not in known_ends:
            life = begin_life(story)
            known_ends[story.name] = live_undisturbed(life), life.seconds
        return known_ends[story.name]

    return end_of
