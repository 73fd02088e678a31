"""A migration whose processes are killed at every task, and goes on, ends as one that nobody disturbed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from tests.faults.child import Order, Place
from tests.faults.nursery import Attempt, KillAfter, Nursery
from tests.faults.steps import AT_A_STEP, IN_TRANSACTION, KillAt
from tests.migration.conftest import BuildLegacy
from tests.migration.legacy_state import State, differences
from tests.migration.legacy_world import LegacyWorld
from tests.migration.migrating import FORWARD, Migration
from tests.migration.outcome import outcome_of

pytestmark = [pytest.mark.rule("Q4"), pytest.mark.rule("G10"), pytest.mark.timeout(900)]

SEEDS: Final = (11, 12)
KILLS: Final = 26
"""How many children die for each seed, at least; some come to their end before their step."""

SIZES: Final = {"events": 24, "unlinked": 1, "converted": 1}
BACK: Final = "roll_back"
CHOICES: Final[dict[str, Any]] = {"relabel_legacy_events": "all", "stamp_legacy_events": "upcoming"}


@dataclass
class Life:
    """A migration whose stages run in children; ``history`` tells in words what became of each."""

    runs: Mapping[str, Migration]
    nursery: Nursery
    place: Place
    history: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, world: LegacyWorld, nursery: Nursery) -> Life:
        source_url, ledger_url = (
            engine.url.render_as_string(hide_password=False) for engine in (world.source, world.ledger.engine)
        )
        staging_url = f"file://{Path(str(world.ledger.engine.url.database)).parent / 'staging'}"
        place = Place(source_url, ledger_url, staging_url, world.org.credentials())
        forward, back = Migration(world, conf=CHOICES), Migration(world, "rollback", {"rollback": True})
        return cls({**dict.fromkeys(FORWARD, forward), BACK: back}, nursery, place)

    def attempt(
        self, stage: str, *, kill_at: KillAt | None = None, kill_after: KillAfter | None = None
    ) -> Attempt:
        """Have a child go through a stage."""
        order = Order(self.place, self.runs[stage].run(), (stage,), kill_at=kill_at)
        attempt = self.nursery.attempt(order, kill_after=kill_after)
        self.history.append(f"{stage}: {attempt}")
        return attempt

    def finish(self, stage: str) -> Attempt:
        """Have a child go through a stage to its end."""
        attempt = self.attempt(stage)
        assert attempt.ended is not None, self.told
        assert not attempt.ended.error, f"{attempt.ended.error}\n{self.told}"
        return attempt

    @property
    def told(self) -> str:
        return "\n".join(self.history)


def live_disturbed(life: Life, undisturbed: Mapping[str, Attempt], random: Random) -> int:
    """Kill children of every stage at a step, inside a transaction and at an instant; return how many died."""
    killed = 0
    for stage, calm in undisturbed.items():
        dooms: list[dict[str, Any]] = [
            {"kill_at": KillAt(random.randint(1, number), moments, frozenset({stage}))}
            for moments in (AT_A_STEP, IN_TRANSACTION)
            if (number := len({step for step in calm.steps if step.moment in moments}))
        ]
        dooms.append({"kill_after": KillAfter(stage, random.uniform(0.0, calm.seconds[stage]))})
        random.shuffle(dooms)
        killed += sum(life.attempt(stage, **doom).was_killed for doom in dooms)
        life.finish(stage)
    return killed


@pytest.fixture(scope="session")
def nursery() -> Nursery:
    return Nursery()


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_is_killed_on_the_way_or_on_the_way_back_leaves_what_nobody_disturbed_would(
    seed: int, build_legacy: BuildLegacy, nursery: Nursery
) -> None:
    world = build_legacy(seed=seed, **SIZES)
    life = Life.begin(world, nursery)
    forward = {stage: life.finish(stage) for stage in FORWARD}
    migrated = outcome_of(world)
    back = {BACK: life.finish(BACK)}
    gone_back = outcome_of(world)

    world = build_legacy(seed=seed, **SIZES)
    life, random = Life.begin(world, nursery), Random(seed)
    killed = live_disturbed(life, forward, random)
    _expect_equal(migrated, outcome_of(world), life)
    killed += live_disturbed(life, back, random)
    _expect_equal(gone_back, outcome_of(world), life)
    assert killed >= KILLS, life.told


def _expect_equal(undisturbed: State, disturbed: State, life: Life) -> None:
    problems = differences(undisturbed, disturbed)
    assert not problems, "\n".join([*problems, "after", life.told])
