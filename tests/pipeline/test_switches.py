"""A client whose sync is disabled is not touched, and nothing that happened meanwhile is lost (rule T4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.pipeline.context import Selection, Trigger
from tests.pipeline.world import NOW, World


def disable(world: World, *client_ids: str) -> None:
    world.ledger.disable_clients(client_ids, who="ada", now=world.tick())


def enable(world: World, *client_ids: str) -> None:
    world.ledger.enable_clients(client_ids, who="ada", now=world.tick())


@pytest.mark.rule("T4")
@pytest.mark.rule("S9")
def test_enabling_again_picks_up_everything_that_changed_meanwhile_deletions_too(world: World) -> None:
    world.client(1)
    for number in (10, 11, 12):
        world.booking(number, 1)
    world.now += timedelta(days=1)  # beyond the overlap, which shows recent bookings as disabled
    world.client(2)
    world.booking(9, 2)
    world.sync()
    disable(world, "1")
    assert world.sync()["read"] == 0, "a switch alone moves nothing"
    world.edit(10, notes="later")
    world.edit(11, deleted_at=NOW)
    world.booking(13, 1)
    before = world.org.records("Event")
    counts = world.sync()
    assert (counts["read"], counts["disabled"]) == (3, 3)
    assert world.org.records("Event") == before
    assert world.sync()["read"] == 0
    assert world.ledger.client_status("1")["status"] == "disabled"
    enable(world, "1")
    counts = world.sync()
    assert (counts["updated"], counts["deleted"], counts["created"]) == (1, 1, 1)
    assert {row["Coconut_Booking_Key__c"] for row in world.events()} == {"9-2", "10-1", "12-1", "13-1"}
    assert world.sync()["read"] == 0
    assert world.ledger.client_status("1")["status"] == "synced"


@pytest.mark.rule("T4")
@pytest.mark.rule("T3")
def test_a_run_that_names_a_disabled_client_does_not_touch_it_either(world: World) -> None:
    world.client(1)
    world.booking(10, 1)
    disable(world, "1")
    counts = world.sync(Selection.CLIENTS, trigger=Trigger.MANUAL, conf={"client_ids": [1]})
    assert (counts["disabled"], counts["clients_disabled"]) == (1, 1)
    assert (world.events(), world.org.records("Lead")) == ([], [])


@pytest.mark.rule("T4")
def test_other_attendees_of_a_booking_sync_beside_a_disabled_one(world: World) -> None:
    world.client(1)
    world.client(2)
    world.booking(10, 1, 2)
    disable(world, "1")
    counts = world.sync()
    assert (counts["created"], counts["disabled"]) == (1, 1)
    assert world.event("10-2")["Id"]


@pytest.mark.rule("T4")
def test_the_switch_does_not_lift_coconuts_own_flag(world: World) -> None:
    world.client(1)
    world.change("clients", {"id": 1}, sync_disabled=True)
    world.booking(10, 1)
    disable(world, "1")
    enable(world, "1")
    assert world.sync()["disabled"] == 1
    world.change("clients", {"id": 1}, sync_disabled=False)
    assert world.sync()["created"] == 1


@pytest.mark.rule("T4")
@pytest.mark.rule("M5")
@pytest.mark.rule("S13")
def test_the_record_of_a_disabled_client_is_not_overwritten_until_enabled_again(world: World) -> None:
    world.set(client_scope="all", overwrite_existing="on")
    world.client(1)
    world.sync(Selection.CLIENTS)
    disable(world, "1")
    world.change("clients", {"id": 1}, city="Ottawa")
    world.booking(10, 1)
    assert world.sync(Selection.CLIENTS)["clients_disabled"] == 1
    world.sync()
    assert [row["City"] for row in world.org.records("Lead")] == [None]
    enable(world, "1")
    assert world.sync(Selection.CLIENTS)["clients_written"] == 1
    assert [row["City"] for row in world.org.records("Lead")] == ["Ottawa"]
