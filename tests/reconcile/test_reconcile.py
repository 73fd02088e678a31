"""What happens behind the sync's back in the org, the ledger or Coconut is found, told apart, and mended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.errors import ApprovalRequired, ConfigurationError
from include.ledger.tables import event_links
from include.pipeline.context import Selection
from include.reconcile.__main__ import AGREES, DIFFERS, REFUSED, Doors, main
from include.reconcile.sweep import sweep
from include.source import tables
from tests.pipeline.world import NOW, World
from tests.reconcile.reconciling import mendable, reconcile, repair, told

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


def lose(world: World, table: str, **where: object) -> None:
    """Remove rows of Coconut without a trace."""
    target = tables.metadata.tables[table]
    with world.source.begin() as connection:
        connection.execute(target.delete().where(*(target.c[name] == value for name, value in where.items())))


@pytest.mark.rule("S9")
def test_an_attendee_whose_row_vanished_loses_the_event_and_the_others_keep_theirs(world: World) -> None:
    for client in (1, 2):
        world.client(client)
    world.booking(7, 1, 2)
    world.sync()
    kept = world.event("7-1")
    lose(world, "attendees", appointment_id=7, client_id=2)
    assert told(reconcile(world)) == [("orphaned", "7-2")]
    counts = repair(world)
    assert (counts["deleted"], counts["quarantined"]) == (0, 0)
    assert [event["Id"] for event in world.events()] == [kept["Id"]]
    assert told(reconcile(world)) == []


@pytest.mark.rule("T6")
def test_a_dry_run_plans_what_the_repair_does_and_changes_neither_org_nor_ledger(world: World) -> None:
    synced(world)
    world.org.delete("Event", world.event("1-1")["Id"])
    world.org.change("Event", Id=world.event("2-2")["Id"], Subject="Moved by hand")
    lose(world, "attendees", appointment_id=3)
    lose(world, "appointments", id=3)
    before = world.events()
    found = told(reconcile(world))
    planned = repair(world, dry_run=True)
    assert world.events() == before
    assert told(reconcile(world)) == found
    done = repair(world)
    assert {name: planned.get(name, 0) for name in ("create", "update", "delete")} == {
        "create": 1,
        "update": 1,
        "delete": 1,
    }
    assert (done["created"], done["updated"]) == (1, 1)
    assert told(reconcile(world)) == []


@pytest.mark.rule("Q10")
def test_a_repair_that_would_delete_too_much_waits_for_approval_and_touches_nothing(world: World) -> None:
    synced(world, 60)
    lose(world, "attendees")
    lose(world, "appointments")
    found = told(reconcile(world))
    assert len(found) == 60
    with pytest.raises(ApprovalRequired):
        repair(world)
    assert len(world.events()) == 60
    assert told(reconcile(world)) == found


@pytest.mark.rule("T4")
def test_what_vanished_or_changed_of_disabled_clients_is_not_touched(world: World) -> None:
    synced(world, 3)
    world.ledger.disable_clients({"1", "2"}, who="test", now=world.tick())
    world.change("clients", {"id": 3}, sync_disabled=True)
    lose(world, "attendees", appointment_id=1)
    lose(world, "appointments", id=1)
    world.org.delete("Event", world.event("2-2")["Id"])
    world.org.change("Event", Id=world.event("3-3")["Id"], Subject="Moved by hand")
    assert told(reconcile(world)) == []


def test_only_bookings_of_the_kinds_asked_for_are_told_and_mended(world: World) -> None:
    for client in (1, 2):
        world.client(client)
    world.booking(1, 1)
    world.booking(2, 2, kind="walk_in")
    world.sync()
    world.walk_ins()
    for event in world.events():
        world.org.delete("Event", event["Id"])
    assert told(reconcile(world, kinds=["walk_in"])) == [("missing", "2-2")]
    repair(world, kinds=["walk_in"])
    assert told(reconcile(world)) == [("missing", "1-1")]


def test_a_kind_that_there_is_not_is_refused(world: World) -> None:
    with pytest.raises(ConfigurationError, match="kinds: 1 of 1 are none of appointment, walk_in"):
        reconcile(world, kinds="phone_call")


def test_archived_events_are_compared_like_all_others(world: World) -> None:
    world.client(1)
    world.booking(1, 1, starts_at=NOW - timedelta(days=390), ends_at=None)
    world.sync()
    world.org.control("POST", "clock", {"advance_seconds": 86400})
    world.org.sign_in()
    assert world.org.query("SELECT Id FROM Event") == []
    assert told(reconcile(world)) == []


@pytest.mark.rule("Q5")
def test_what_slipped_by_the_watermark_is_read_by_the_repair_too(world: World) -> None:
    synced(world, 2)
    long_ago = NOW - timedelta(days=30)
    world.insert("appointments", id=9, kind="appointment", status="booked", service_id=1, location_id=1,
                 starts_at=NOW, updated_at=long_ago)  # fmt: skip
    world.insert("attendees", appointment_id=9, client_id=1, is_primary=True, updated_at=long_ago)
    assert world.sync()["read"] == 0
    assert sweep(world.run(Selection.REPAIR), world.wiring())["unrecorded"] == 1
    assert repair(world)["created"] == 1
    assert world.event("9-1")["Coconut_Booking_Id__c"] == "9"


def test_the_report_is_kept_and_printed_without_values_of_people(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    synced(world, 2)
    world.org.change("Event", Id=world.event("2-2")["Id"], Subject="Lunch with Ann")
    doors = Doors(ledger=lambda: world.ledger, staging=lambda: world.staging)
    assert main([], doors=doors) == REFUSED
    assert "no report" in capsys.readouterr().err
    reconcile(world)
    assert main([], doors=doors) == DIFFERS
    printed = capsys.readouterr().out
    assert "1 drifted" in printed
    assert "booking_key=2-2" in printed
    assert "Ann" not in printed
    repair(world)
    reconcile(world)
    assert main([], doors=doors) == AGREES
    assert "Nothing differs." in capsys.readouterr().out


def test_many_events_are_read_by_a_bulk_query_and_compare_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(world, 3)
    world.org.change("Event", Id=world.event("2-2")["Id"], Subject="Moved by hand")
    monkeypatch.setattr("include.salesforce.gateway._FEW_RECORDS", 0)
    world.org.forget_calls()
    assert told(reconcile(world)) == [("drifted", "2-2")]
    assert world.org.calls()["bulk_query_create"] == 1


def test_what_is_compared_in_many_parts_is_the_same(world: World) -> None:
    synced(world, 12)
    for number in (2, 5, 11):
        world.org.change("Event", Id=world.event(f"{number}-{number}")["Id"], Subject="Moved by hand")
    stray = {"Coconut_Booking_Key__c": "88-1", "Coconut_Booking_Id__c": "88", "Subject": "Astray"}
    world.org.change("Event", Id=world.event("7-7")["Id"], **stray)
    assert told(reconcile(world, pairs_per_part=2)) == told(reconcile(world))


@pytest.mark.rule("M7")
def test_clients_whose_record_is_gone_are_matched_again_and_their_bookings_follow(world: World) -> None:
    synced(world, 3)
    deleted, merged, kept = (
        world.org.records("Lead", Email=f"ann{one}@example.com")[0]["Id"] for one in (1, 2, 3)
    )
    survivor = world.lead(LastName="Lee 2", FirstName="Ann", Email="ann2@example.com")
    world.org.delete("Lead", deleted)
    world.merge("Lead", survivor, merged)
    found = reconcile(world)
    assert [about for finding, about in told(found) if finding == "person_gone"] == ["1", "2"]
    repair(world)
    assert mendable(reconcile(world)) == []
    who = {key: world.event(f"{key}-{key}")["WhoId"] for key in (1, 2, 3)}
    assert (who[2], who[3]) == (survivor, kept)
    assert who[1] not in {None, deleted}
