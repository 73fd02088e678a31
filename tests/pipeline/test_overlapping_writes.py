"""Two runs that read, plan and write the same bookings side by side (design §2, rules S12, Q4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.pipeline.context import Selection, SyncRun
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.settle_run import settle_run
from include.pipeline.sync_staff import sync_staff
from tests.pipeline.test_bulk_loading import checked
from tests.pipeline.world import NOW, World

pytestmark = pytest.mark.rule("Q4")

FIRST = {"starts_at": NOW + timedelta(days=3), "ends_at": NOW + timedelta(days=3, minutes=30)}
MOVED = {"starts_at": NOW + timedelta(days=4), "ends_at": NOW + timedelta(days=4, minutes=30)}


def finish(world: World, run: SyncRun) -> dict[str, Any]:
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    return settle_run(run, world.wiring())


@pytest.fixture
def synced(world: World) -> World:
    """Return a world with one booking that was written."""
    world.booking(1, world.client(10), notes="as before", **FIRST)
    world.sync()
    return world


def test_an_update_takes_back_what_an_overlapping_run_wrote_after_it_was_planned(synced: World) -> None:
    synced.edit(1, **MOVED)
    earlier = checked(synced)
    synced.edit(1, **FIRST, notes="changed")
    later = checked(synced)  # as far as it knows, the times are as they were written
    finish(synced, earlier)
    assert synced.event("1-10")["StartDateTime"].startswith("2026-06-05")
    finish(synced, later)
    event = synced.event("1-10")
    assert event["StartDateTime"].startswith("2026-06-04")
    assert "changed" in event["Description"]
    assert synced.sync()["read"] == 0


def test_what_needed_nothing_is_written_where_an_overlapping_run_wrote_meanwhile(synced: World) -> None:
    synced.edit(1, **MOVED)
    earlier = checked(synced)
    synced.edit(1, **FIRST)
    later = checked(synced)
    finish(synced, earlier)
    assert finish(synced, later)["updated"] == 1
    assert synced.event("1-10")["StartDateTime"].startswith("2026-06-04")
    assert synced.sync()["read"] == 0


def test_an_older_version_is_not_sent_after_a_newer_one_that_needed_nothing(synced: World) -> None:
    synced.edit(1, **MOVED)
    earlier = checked(synced)
    synced.edit(1, **FIRST)
    later = checked(synced)
    assert finish(synced, later)["unchanged"] == 1
    assert finish(synced, earlier)["unchanged"] == 1
    assert synced.event("1-10")["StartDateTime"].startswith("2026-06-04")
    assert synced.sync()["read"] == 0


def test_an_event_that_another_run_created_meanwhile_loses_what_is_empty_by_now(world: World) -> None:
    world.booking(1, world.client(10), notes="to be deleted")
    earlier = checked(world)
    world.edit(1, notes=None)
    later = checked(world)
    finish(world, earlier)
    assert "to be deleted" in world.event("1-10")["Description"]
    finish(world, later)
    assert "to be deleted" not in (world.event("1-10")["Description"] or "")
    assert world.sync()["read"] == 0


def test_the_owner_of_the_newest_version_stays(synced: World) -> None:
    other = synced.user("other@example.com")
    synced.staff(5, "other@example.com")
    sync_staff(synced.run(Selection.STAFF), synced.wiring())
    synced.edit(1, staff_id=5)
    earlier = checked(synced)
    synced.edit(1, staff_id=None, notes="changed")
    later = checked(synced)
    finish(synced, earlier)
    assert synced.event("1-10")["OwnerId"] == other
    finish(synced, later)
    assert synced.event("1-10")["OwnerId"] == synced.owner_id
