"""Killed at named steps of the load protocol: around every commit to the ledger and every call of Salesforce."""

from __future__ import annotations

import pytest

from tests.faults.conftest import BeginLife, EndOf
from tests.faults.kills import Kills
from tests.faults.lives import at_steps, expect_equal, live_disturbed
from tests.faults.steps import AT_A_STEP

pytestmark = [pytest.mark.rule("Q4"), pytest.mark.rule("M8"), pytest.mark.timeout(2400)]


@pytest.mark.rule("Q3")
def test_whoever_is_killed_at_a_step_of_a_load_leaves_what_nobody_disturbed_would(
    kills: Kills, begin_life: BeginLife, undisturbed: EndOf
) -> None:
    story = kills.story("steps")
    expected, _ = undisturbed(story)
    life = begin_life(story)
    life.history.append(kills.command)
    fate = at_steps(kills.random("fate"), AT_A_STEP)
    disturbed = live_disturbed(life, fate, kills.random("abandoned"), kills=kills.kills)
    expect_equal(expected, disturbed, life)
