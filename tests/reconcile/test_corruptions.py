"""Hundreds of seeded corruptions of all kinds: every one is found, nothing else is, and a repair ends them."""

from __future__ import annotations

import pytest

from include.pipeline.context import Selection
from include.source import tables
from tests.pipeline.world import NOW, World
from tests.reconcile.corruptions import corrupt
from tests.reconcile.reconciling import mendable, reconcile, repair, told

BOOKINGS = 1_500
CORRUPTIONS = 500
SEED = 20_260_601


def many_bookings(world: World, number: int) -> World:
    """Fill Coconut with bookings of one attendee each, who has the booking's number, and sync them."""
    numbers = range(1, number + 1)
    stamps = {"created_at": NOW, "updated_at": NOW}
    rows = {
        "clients": [
            {"id": one, "first_name": "Ann", "last_name": f"Lee {one}", "email": f"ann{one}@example.com",
             "sync_disabled": False, **stamps}
            for one in numbers
        ],
        "appointments": [
            {"id": one, "kind": "walk_in" if one % 3 == 0 else "appointment", "status": "complete",
             "service_id": 1, "location_id": 1, "starts_at": NOW, "meeting_method": "in_person",
             "booked_through": "kiosk", **stamps}
            for one in numbers
        ],
        "attendees": [
            {"appointment_id": one, "client_id": one, "is_primary": True, "updated_at": NOW} for one in numbers
        ],
    }  # fmt: skip
    with world.source.begin() as connection:
        for name, of_table in rows.items():
            connection.execute(tables.metadata.tables[name].insert(), of_table)
    world.sync()
    world.sync(Selection.WALK_INS)
    return world


@pytest.mark.timeout(900)
@pytest.mark.rule("Q7")
def test_five_hundred_corruptions_are_found_and_nothing_else_and_mended(world: World) -> None:
    many_bookings(world, BOOKINGS)
    world.set(delete_guard_percent=100.0)
    assert told(reconcile(world)) == []

    work = corrupt(world, bookings=BOOKINGS, corruptions=CORRUPTIONS, seed=SEED)
    assert told(reconcile(world, pairs_per_part=400)) == work.expected

    repair(world)
    left = reconcile(world)
    assert mendable(left) == []
    assert told(left) == sorted(work.left_as_they_are)
