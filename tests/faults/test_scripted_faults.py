"""Trouble that passes: nobody is killed, and the end is the one that nobody disturbed (rules Q4, Q6)."""

from __future__ import annotations

import pytest

from tests.faults.conftest import BeginLife, EndOf
from tests.faults.lives import expect_equal
from tests.faults.stories import ENTITY_TYPES, tell
from tests.faults.troubles import ON_BULK, ON_REST, Trouble, live_with

pytestmark = [pytest.mark.rule("Q4"), pytest.mark.rule("Q6"), pytest.mark.timeout(2400)]

BOOKINGS = 12
CASES = [*((trouble, "bulk") for trouble in ON_BULK), *((trouble, "rest") for trouble in ON_REST)]


@pytest.mark.rule("M8")
@pytest.mark.parametrize(
    ("number", "trouble", "api"),
    [
        pytest.param(number, trouble, api, id=f"{trouble} by {api}")
        for number, (trouble, api) in enumerate(CASES)
    ],
)
def test_trouble_in_every_stage_leaves_what_nobody_disturbed_would(
    number: int, trouble: Trouble, api: str, begin_life: BeginLife, undisturbed: EndOf
) -> None:
    story = tell("trouble", number % len(ENTITY_TYPES), bookings=BOOKINGS).by(api)
    expected, _ = undisturbed(story)
    life = begin_life(story)
    disturbed, hits = live_with(life, trouble)
    expect_equal(expected, disturbed, life)
    assert hits, f"{trouble} never struck\n{life.told}"
