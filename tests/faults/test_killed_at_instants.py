"""Killed at random instants of any stage, and in the middle of a transaction of the ledger."""

from __future__ import annotations

import pytest

from tests.faults.conftest import BeginLife, EndOf
from tests.faults.kills import Kills
from tests.faults.lives import at_instants, at_steps, either, expect_equal, live_disturbed
from tests.faults.steps import IN_TRANSACTION

pytestmark = [pytest.mark.rule("Q4"), pytest.mark.rule("M8"), pytest.mark.timeout(2400)]

INSTANTS_SHARE = 0.6


@pytest.mark.rule("Q3")
def test_whoever_is_killed_at_any_instant_leaves_what_nobody_disturbed_would(
    kills: Kills, begin_life: BeginLife, undisturbed: EndOf
) -> None:
    story = kills.story("instants")
    expected, seconds = undisturbed(story)
    life = begin_life(story)
    life.history.append(kills.command)
    random = kills.random("fate")
    instants = at_instants(random, lambda stage: seconds.get(stage, 0.1))
    fate = either(instants, at_steps(random, IN_TRANSACTION), random, share=INSTANTS_SHARE)
    disturbed = live_disturbed(life, fate, kills.random("abandoned"), kills=kills.kills)
    expect_equal(expected, disturbed, life)
