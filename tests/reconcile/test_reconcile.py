"""What happens behind the sync's back in the org, the ledger or Coconut is found, told apart, and mended."""

from __future__ import annotations

import pytest

from include.ledger.tables import event_links
from include.source import tables
from tests.pipeline.world import World
from tests.reconcile.reconciling import reconcile, repair, told

pytestmark = pytest.mark.rule("Q7")


def synced(world: World, bookings: int = 4) -> World:
    for number in range(1, bookings + 1):
        world.client(number)
        world.booking(number, number)
    world.sync()
    return world


def test_a_clean_world_has_no_findings(world: World) -> None:
    synced(world)
    assert told(reconcile(world)) == []


def test_every_kind_of_difference_is_found_and_mended(world: World) -> None:
    synced(world, 9)
    events = {number: world.event(f"{number}-{number}") for number in range(1, 10)}
    world.org.delete("Event", events[1]["Id"])
    world.org.change("Event", Id=events[2]["Id"], Subject="Moved by hand", Description=None)
    with world.ledger.engine.begin() as connection:
        connection.execute(
            event_links.update()
            .where(event_links.c.booking_key == "3-3")
            .values(event_id=None, payload=None, payload_hash=None)
        )
    with world.source.begin() as connection:
        for name in ("attendees", "appointments"):
            table = tables.metadata.tables[name]
            column = table.c.appointment_id if name == "attendees" else table.c.id
            connection.execute(table.delete().where(column == 4))
    world.change("services", {"id": 1}, name="Counsel")
    world.insert("services", id=2, name="Advice", duration_minutes=30)
    with world.source.begin() as connection:
        table = tables.metadata.tables["appointments"]
        connection.execute(table.update().where(table.c.id != 5).values(service_id=2))
    (extra,) = world.org.seed(
        "Event",
        {
            "Subject": "Nobody's",
            "StartDateTime": "2026-06-04T12:00:00Z",
            "EndDateTime": "2026-06-04T12:30:00Z",
            "Coconut_Booking_Key__c": "999-1",
        },
    )
    found = reconcile(world)
    assert told(found) == [
        ("drifted", "2-2"),
        ("extra", "999-1"),
        ("missing", "1-1"),
        ("orphaned", "4-4"),
        ("stale", "5-5"),
        ("unlinked", "3-3"),
    ]
    repair(world)
    assert told(reconcile(world)) == []
    assert world.events(Id=extra) == []
    assert world.events(Coconut_Booking_Key__c="4-4") == []
    assert world.event("1-1")["Id"] != events[1]["Id"]
    assert world.event("3-3")["Id"] == events[3]["Id"]
    assert world.event("2-2")["Subject"].startswith("Advice with")
    assert world.event("5-5")["Subject"].startswith("Counsel with")
