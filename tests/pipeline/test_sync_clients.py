"""Clients by themselves: named by a person, or new and changed since the last run (rules S13, T3, M1, M4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.errors import AutomaticSyncOff, ConfigurationError
from include.pipeline.context import Selection, Trigger
from tests.pipeline.world import NOW, World

ANN = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com"}
ANN_IN_SALESFORCE = {"FirstName": "Ann", "LastName": "Lee", "Email": "ann@example.com"}


def sync_clients(world: World, **conf: Any) -> dict[str, Any]:
    """Run ``sync_clients`` as a person starts it."""
    return world.sync(Selection.CLIENTS, trigger=Trigger.MANUAL, **_split(conf))


def plan_clients(world: World, **conf: Any) -> dict[str, Any]:
    return world.sync(Selection.CLIENTS, trigger=Trigger.MANUAL, dry_run=True, **_split(conf))


def scheduled(world: World) -> dict[str, Any]:
    return world.sync(Selection.CLIENTS)


def _split(conf: dict[str, Any]) -> dict[str, Any]:
    return {"conf": conf} if conf else {}


def leads(world: World) -> dict[str, str]:
    return {row["LastName"]: row["Id"] for row in world.org.records("Lead")}


# -- named clients and bookings (T3)


@pytest.mark.rule("T3")
@pytest.mark.rule("Q3")
def test_a_named_client_is_synced_with_all_bookings_of_every_kind_and_nobody_else_is(world: World) -> None:
    world.client(1, **ANN)
    world.client(2)
    world.booking(10, 1)
    world.booking(11, 1, kind="walk_in")
    world.booking(12, 2)
    counts = sync_clients(world, client_ids=[1])
    assert {row["Coconut_Booking_Key__c"] for row in world.events()} == {"10-1", "11-1"}
    assert counts["conservation"] == (
        "read 2 = 2 written + 0 unchanged + 0 held + 0 quarantined + 0 disabled"
    )
    assert counts["clients"] == "read 1 = 1 written + 0 unchanged + 0 held + 0 quarantined + 0 disabled"


@pytest.mark.rule("T3")
def test_a_named_client_without_a_booking_is_registered(world: World) -> None:
    world.client(1, **ANN)
    counts = sync_clients(world, client_ids="1")
    assert (counts["read"], counts["clients_written"]) == (0, 1)
    assert world.ledger.client_status("1")["record_id"] == leads(world)["Lee"]
    again = sync_clients(world, client_ids="1")
    assert (again["clients_unchanged"], len(leads(world))) == (1, 1)


@pytest.mark.rule("T3")
def test_a_named_booking_is_synced_although_nothing_changed_and_its_client_has_others(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    world.booking(11, 1)
    world.sync()
    event = world.event("10-1")["Id"]
    counts = sync_clients(world, booking_ids=[10])
    assert (counts["read"], counts["unchanged"]) == (1, 1)
    assert world.event("10-1")["Id"] == event


@pytest.mark.rule("T3")
def test_clients_and_bookings_that_coconut_does_not_have_are_named_before_anything_is_read(
    world: World,
) -> None:
    world.client(1, **ANN)
    with pytest.raises(ConfigurationError, match=r"2 clients \(7, 8\); 1 bookings \(99\)"):
        sync_clients(world, client_ids=[8, 1, 7], booking_ids="99")
    assert world.ledger.runs().empty


@pytest.mark.rule("T3")
@pytest.mark.rule("S13")
def test_a_run_that_names_nobody_reads_who_changed(world: World) -> None:
    world.set(client_scope="all")
    world.client(1, **ANN)
    assert sync_clients(world)["clients_written"] == 1


# -- on the schedule (S13)


@pytest.mark.rule("S13")
def test_with_the_scope_all_every_new_client_is_registered_once(world: World) -> None:
    world.set(client_scope="all")
    world.client(1, **ANN)
    world.client(2)
    counts = scheduled(world)
    assert counts["clients"] == "read 2 = 2 written + 0 unchanged + 0 held + 0 quarantined + 0 disabled"
    assert sorted(leads(world)) == ["Lee", "Lee 2"]
    world.org.forget_calls()
    assert scheduled(world)["read"] == 0
    assert not any(world.org.calls().values()), (
        "the overlap shows the same clients, and nobody asks Salesforce"
    )


@pytest.mark.rule("S13")
def test_with_the_scope_booked_nobody_is_registered_without_a_booking(world: World) -> None:
    world.client(1, **ANN)
    assert scheduled(world)["read"] == 0
    assert leads(world) == {}


@pytest.mark.rule("S13")
def test_whoever_turns_to_all_clients_gets_those_too_who_changed_before(world: World) -> None:
    world.client(1, **ANN)
    scheduled(world)
    world.now += timedelta(days=1)
    world.client(2)
    scheduled(world)
    world.set(client_scope="all")
    world.now += timedelta(days=1)
    assert scheduled(world)["clients_written"] == 2


@pytest.mark.rule("S13")
@pytest.mark.rule("M5")
def test_a_changed_client_is_updated_only_where_the_settings_let_coconut_overwrite(world: World) -> None:
    world.client(1, **ANN, phone="+1 416 555 0123")
    world.booking(10, 1)
    world.sync()
    world.change("clients", {"id": 1}, phone="+1 416 555 0199")
    assert scheduled(world)["read"] == 0
    world.set(overwrite_existing="on")
    world.change("clients", {"id": 1}, city="Ottawa")
    counts = scheduled(world)
    assert (counts["clients_written"], counts["read"]) == (1, 0)
    (made,) = world.org.records("Lead")
    assert (made["City"], made["Phone"]) == ("Ottawa", "+1 416 555 0199")


@pytest.mark.rule("S13")
@pytest.mark.rule("M8")
def test_two_client_rows_of_one_person_are_one_record(world: World) -> None:
    world.set(client_scope="all")
    world.client(1, **ANN)
    world.client(2, **ANN)
    counts = scheduled(world)
    assert (counts["clients_written"], counts["clients_unchanged"], len(leads(world))) == (1, 1, 1)


@pytest.mark.rule("S13")
@pytest.mark.rule("Q2")
def test_a_client_who_is_kept_back_says_why_and_comes_again_when_the_reason_is_gone(world: World) -> None:
    world.set(client_scope="all", register_people="off")
    world.client(1, **ANN)
    world.client(2, email="no e-mail at all")
    counts = scheduled(world)
    assert counts["clients"] == "read 2 = 0 written + 0 unchanged + 2 held + 0 quarantined + 0 disabled"
    assert world.ledger.client_status("1")["reason"] == "registration_off"
    world.set(register_people="on")
    counts = scheduled(world)
    assert (counts["clients_written"], counts["clients_quarantined"]) == (1, 1)
    found = world.ledger.client_status("2")
    assert (found["status"], found["reason"]) == ("quarantined", "invalid_email")
    world.change("clients", {"id": 2}, email="two@example.com")
    assert scheduled(world)["clients_written"] == 1
    assert world.ledger.client_status("2")["status"] == "synced"


@pytest.mark.rule("S13")
@pytest.mark.rule("S9")
def test_deleted_clients_are_not_touched(world: World) -> None:
    world.set(client_scope="all", overwrite_existing="on")
    world.client(1, **ANN)
    world.client(2, deleted_at=NOW)
    scheduled(world)
    world.change("clients", {"id": 1}, city="Ottawa", deleted_at=NOW)
    counts = scheduled(world)
    assert counts["clients_held"] == 1
    assert [row["City"] for row in world.org.records("Lead")] == [None]


@pytest.mark.rule("T2")
def test_with_automatic_sync_off_the_schedule_skips_and_a_person_may_still_sync(world: World) -> None:
    world.set(automatic_sync="off", client_scope="all")
    world.client(1, **ANN)
    with pytest.raises(AutomaticSyncOff):
        scheduled(world)
    assert sync_clients(world, client_ids=[1])["clients_written"] == 1


# -- who the client is, told from elsewhere (M1)


@pytest.mark.rule("M1")
def test_upcoming_events_follow_an_id_that_coconut_newly_holds_and_past_ones_stay(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    world.booking(
        11, 1, starts_at=NOW - timedelta(days=3), ends_at=NOW - timedelta(days=3) + timedelta(hours=1)
    )
    world.sync()
    former = world.event("11-1")["WhoId"]
    (named,) = world.org.seed("Contact", {"LastName": "Else"})
    world.change("clients", {"id": 1}, salesforce_id=named[:15])
    counts = scheduled(world)
    assert counts["clients_unchanged"] == 1
    assert world.sync()["updated"] == 1
    assert (world.event("10-1")["WhoId"], world.event("11-1")["WhoId"]) == (named, former)
    assert world.ledger.client_status("1")["record_id"] == named
    assert (scheduled(world)["read"], world.sync()["read"]) == (0, 0)


# -- decided afresh (M1, M4)


@pytest.mark.rule("M1")
@pytest.mark.rule("T6")
def test_a_rematch_needs_a_dry_run_of_the_same_under_the_settings_in_force(world: World) -> None:
    world.client(1, **ANN)
    world.client(2)
    world.booking(10, 1)
    world.sync()
    with pytest.raises(ConfigurationError, match="dry_run"):
        sync_clients(world, client_ids=[1], rematch=True)
    plan_clients(world, client_ids=[2], rematch=True)
    with pytest.raises(ConfigurationError, match="dry_run"):
        sync_clients(world, client_ids=[1], rematch=True)
    plan_clients(world, client_ids=[1], rematch=True)
    world.set(lead_source="Elsewhere")
    with pytest.raises(ConfigurationError, match="dry_run"):
        sync_clients(world, client_ids=[1], rematch=True)
    plan_clients(world, client_ids=["1"], rematch=True)
    assert sync_clients(world, client_ids="1", rematch=True)["unchanged"] == 1


@pytest.mark.rule("M1")
@pytest.mark.rule("M4")
def test_a_rematch_moves_upcoming_events_to_whom_the_algorithm_now_finds(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    past = {"starts_at": NOW - timedelta(days=3), "ends_at": NOW - timedelta(days=3) + timedelta(hours=1)}
    world.booking(11, 1, **past)
    world.sync()
    former = world.event("10-1")["WhoId"]
    (found,) = world.org.seed("Contact", ANN_IN_SALESFORCE)
    assert sync_clients(world, client_ids=[1])["unchanged"] == 2, "the kept link is heard first"
    assert plan_clients(world, rematch=True)["update"] == 1
    assert sync_clients(world, rematch=True)["updated"] == 1
    assert (world.event("10-1")["WhoId"], world.event("11-1")["WhoId"]) == (found, former)
    plan_clients(world, rematch=True, move_past_events=True)
    sync_clients(world, rematch=True, move_past_events=True)
    assert world.event("11-1")["WhoId"] == found
    assert leads(world)["Lee"] == former, "nothing is deleted"


@pytest.mark.rule("M1")
def test_a_rematch_hears_an_administrators_choice_and_the_id_that_coconut_holds(world: World) -> None:
    chosen, named = world.org.seed("Contact", {"LastName": "Chosen"}, {"LastName": "Named"})
    world.client(1, **ANN)
    world.client(2, salesforce_id=named)
    world.booking(10, 1)
    world.booking(11, 2)
    world.sync()
    world.ledger.choose_person("1", chosen, who="ada", now=world.tick())
    world.org.seed("Contact", ANN_IN_SALESFORCE)
    plan_clients(world, rematch=True)
    sync_clients(world, rematch=True)
    assert (world.event("10-1")["WhoId"], world.event("11-2")["WhoId"]) == (chosen, named)


@pytest.mark.rule("M1")
@pytest.mark.rule("M8")
def test_a_rematch_makes_no_second_record_of_a_person_whom_the_algorithm_cannot_find(world: World) -> None:
    world.client(1, **{**ANN, "email": None})
    world.client(2, **ANN)
    world.booking(10, 1)
    world.booking(11, 2)
    world.sync()
    before = {key: world.event(key)["WhoId"] for key in ("10-1", "11-2")}
    world.change("clients", {"id": 2}, last_name="Miller", email="miller@example.com")
    plan = plan_clients(world, rematch=True)
    assert "create" not in plan
    sync_clients(world, rematch=True)
    assert {key: world.event(key)["WhoId"] for key in before} == before
    assert len(world.org.records("Lead")) == 2


@pytest.mark.rule("M4")
def test_a_kept_link_outlives_a_change_of_entity_type_until_a_rematch(world: World) -> None:
    world.client(1, **ANN, company="Acme")
    world.booking(10, 1)
    world.sync()
    world.set(entity_type="contact")
    world.edit(10, notes="later")
    world.sync()
    assert world.event("10-1")["WhoId"] == leads(world)["Lee"]
    plan_clients(world, rematch=True)
    sync_clients(world, rematch=True)
    (contact,) = world.org.records("Contact")
    assert world.event("10-1")["WhoId"] == contact["Id"]
    assert "Lee" in leads(world), "the former record stays"
