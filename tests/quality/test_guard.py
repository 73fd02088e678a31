"""Which runs somebody has to approve (rule Q10)."""

from __future__ import annotations

import pytest

from include.quality.guard import FEWEST_DELETIONS, PlannedChanges, guard
from include.settings.model import Settings

pytestmark = pytest.mark.rule("Q10")


def hits(*, percent: float = 5.0, rows: int = 0, known: int = 0, **planned: int) -> tuple[str, ...]:
    counts = {"events_to_delete": 0, "events_to_create": 0, "people_to_create": 0, **planned}
    settings = Settings.model_validate({"delete_guard_percent": percent, "create_guard_rows": rows})
    return guard(PlannedChanges(**counts, known_events=known), settings)


@pytest.mark.parametrize(
    ("deletions", "known", "is_hit"),
    [
        (50, 1000, False),  # five in a hundred pass, more do not
        (51, 1000, True),
        (49, 49, False),  # fewer than fifty pass, be they all there is
        (50, 50, True),
        (200, 4000, False),
        (201, 4000, True),
        (60, 0, True),  # Events whose creation was never settled are not known, and deleted all the same
    ],
)
def test_deletions_wait_above_their_share_of_the_known_events_and_from_fifty_on(
    deletions: int, known: int, is_hit: bool
) -> None:
    assert bool(hits(events_to_delete=deletions, known=known)) is is_hit


def test_a_share_of_nothing_lets_forty_nine_deletions_pass_and_of_everything_all() -> None:
    assert not hits(percent=0, events_to_delete=FEWEST_DELETIONS - 1, known=10_000)
    assert hits(percent=0, events_to_delete=FEWEST_DELETIONS, known=10_000)
    assert not hits(percent=100, events_to_delete=10_000, known=10_000)


@pytest.mark.parametrize(("people", "events", "is_hit"), [(4, 6, False), (4, 7, True), (11, 0, True)])
def test_creations_of_people_and_events_count_together(people: int, events: int, is_hit: bool) -> None:
    assert bool(hits(rows=10, people_to_create=people, events_to_create=events)) is is_hit


def test_without_a_number_creations_wait_for_nobody() -> None:
    assert not hits(rows=0, people_to_create=10**6, events_to_create=10**6)


def test_every_rail_that_is_hit_is_named_with_its_figures() -> None:
    deletions, creations = hits(
        rows=10, events_to_delete=60, known=600, people_to_create=3, events_to_create=8
    )
    assert "60 of 600" in deletions
    assert "delete_guard_percent lets 5 % pass" in deletions
    assert "3 people and 8 Events" in creations
    assert "create_guard_rows lets 10" in creations
