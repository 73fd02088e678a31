"""An administrator's choice is the strongest evidence of who a client is (rule M1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.pipeline.world import NOW, World

ANN = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com"}
ANN_IN_SALESFORCE = {"FirstName": "Ann", "LastName": "Lee", "Email": "ann@example.com"}


def choose(world: World, client_id: int, record_id: str) -> None:
    world.ledger.choose_person(str(client_id), record_id, who="ada", now=world.tick())


@pytest.mark.rule("M1")
@pytest.mark.rule("M6")
def test_a_choice_releases_what_was_held_for_several_candidates(world: World) -> None:
    _, second = world.org.seed("Contact", ANN_IN_SALESFORCE, ANN_IN_SALESFORCE)
    world.set(ambiguous_match="hold")
    world.client(1, **ANN)
    world.booking(10, 1)
    assert world.sync()["held"] == 1
    choose(world, 1, second)
    assert world.sync()["created"] == 1
    assert world.event("10-1")["WhoId"] == second
    assert world.ledger.latest_decision("1")["evidence"] == "admin_choice"


@pytest.mark.rule("M1")
def test_upcoming_events_move_to_the_chosen_person_by_themselves_and_past_ones_stay(world: World) -> None:
    past = {"starts_at": NOW - timedelta(days=3), "ends_at": NOW - timedelta(days=3) + timedelta(hours=1)}
    (named, chosen) = world.org.seed("Contact", {"LastName": "Named"}, {"LastName": "Chosen"})
    world.client(1, **ANN, salesforce_id=named)
    world.booking(10, 1)
    world.booking(11, 1, **past)
    world.sync()
    choose(world, 1, chosen)
    assert world.sync()["updated"] == 1
    assert (world.event("10-1")["WhoId"], world.event("11-1")["WhoId"]) == (chosen, named)
    assert world.sync()["read"] == 0


@pytest.mark.rule("M1")
@pytest.mark.rule("M7")
def test_a_chosen_lead_that_was_converted_leads_to_its_contact(world: World) -> None:
    (lead,) = world.org.seed("Lead", {"LastName": "Chosen", "Company": "Acme"})
    world.client(1, **ANN)
    choose(world, 1, lead)
    contact = world.org.control("POST", "convert", {"lead_id": lead})["contactId"]
    world.booking(10, 1)
    world.sync()
    assert world.event("10-1")["WhoId"] == contact
    assert world.ledger.client_status("1")["evidence"] == "admin_choice"


@pytest.mark.rule("M1")
@pytest.mark.rule("M7")
def test_a_chosen_record_that_was_deleted_is_matched_afresh(world: World) -> None:
    (gone, found) = world.org.seed("Contact", {"LastName": "Gone"}, ANN_IN_SALESFORCE)
    world.client(1, **ANN)
    choose(world, 1, gone)
    world.org.delete("Contact", gone)
    world.booking(10, 1)
    assert world.sync()["created"] == 1
    assert world.event("10-1")["WhoId"] == found
    assert world.ledger.client_status("1")["record_id"] == found


@pytest.mark.rule("M1")
def test_an_id_of_no_record_is_passed_over_and_the_client_is_created(world: World) -> None:
    world.client(1, **ANN)
    choose(world, 1, "003000000000001")
    world.booking(10, 1)
    assert world.sync()["created"] == 1
    (made,) = world.org.records("Lead")
    assert world.event("10-1")["WhoId"] == made["Id"]
