"""Rules M1 to M11 from the client row to the person in the org."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from include.pipeline.context import Selection
from tests.pipeline.world import World

ANN = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com"}
ANN_IN_SALESFORCE = {"FirstName": "Ann", "LastName": "Lee", "Email": "ann@example.com"}


def lead(world: World, **values: object) -> str:
    return world.org.seed("Lead", {**ANN_IN_SALESFORCE, "Company": "Acme", **values})[0]


def contact(world: World, **values: object) -> str:
    return world.org.seed("Contact", {**ANN_IN_SALESFORCE, **values})[0]


@pytest.mark.rule("M1")
def test_a_salesforce_id_that_coconut_holds_beats_the_algorithm(world: World) -> None:
    lead(world)
    named = lead(world, FirstName="Somebody", Email="else@example.com")
    world.client(1, **ANN, salesforce_id=named[:15])
    world.booking(10, 1)
    world.sync()
    assert world.event("10-1")["WhoId"] == named


@pytest.mark.rule("M1")
def test_a_kept_link_survives_a_later_edit_of_the_clients_name(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    world.change("clients", {"id": 1}, last_name="Miller", email="miller@example.com")
    world.booking(11, 1)
    world.sync()
    assert len({row["WhoId"] for row in world.events()}) == 1
    assert len(world.org.records("Lead")) == 1


@pytest.mark.rule("M2")
def test_a_client_without_email_gets_a_record_of_its_own_or_is_held(world: World) -> None:
    lead(world, Email=None)
    for number in (1, 2):
        world.client(number, **{**ANN, "email": None})
        world.booking(10 + number, number)
    world.sync()
    assert len({row["WhoId"] for row in world.events()}) == 2
    world.set(insufficient_evidence="hold")
    world.client(3, **{**ANN, "email": " "})
    world.booking(13, 3)
    assert world.sync()["held"] == 1


@pytest.mark.rule("M2")
@pytest.mark.rule("M3")
def test_the_phone_algorithm_finds_a_phone_typed_another_way(world: World) -> None:
    world.set(matching_algorithm="phone_then_name_and_email")
    known = lead(world, FirstName="A.", Email=None, Phone="(416) 555-0123")
    world.client(1, **ANN, phone="+1 416 555 0123", country="CA")
    world.booking(10, 1)
    world.sync()
    assert world.event("10-1")["WhoId"] == known


@pytest.mark.rule("M3")
def test_names_are_compared_without_regard_to_case_spaces_and_form(world: World) -> None:
    known = lead(world, FirstName="José  María", LastName="ÅNGSTRÖM", Email="jm@example.com")
    world.client(
        1, first_name="JOSE\u0301 mari\u0301a", last_name=" a\u030angstro\u0308m ", email="JM@EXAMPLE.COM"
    )
    world.booking(10, 1)
    world.sync()
    assert world.event("10-1")["WhoId"] == known
    assert world.org.records("Lead")[0]["LastName"] == "ÅNGSTRÖM", "what Salesforce holds stays (M5 off)"


@pytest.mark.rule("M4")
@pytest.mark.parametrize(
    "existing",
    [
        pytest.param((lead,), id="only a Lead"),
        pytest.param((contact,), id="only a Contact"),
        pytest.param((lead, contact), id="both: the Contact"),
    ],
)
def test_entity_type_lead_finds_what_exists(world: World, existing: tuple) -> None:
    found = [make(world) for make in existing]
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    assert world.event("10-1")["WhoId"] == found[-1]
    assert len(world.org.records("Lead")) + len(world.org.records("Contact")) == len(existing)


@pytest.mark.rule("M4")
@pytest.mark.rule("F1")
def test_entity_type_lead_creates_a_lead_when_nobody_exists(world: World) -> None:
    world.client(1, **ANN, phone="+1 416 555 0123", city="Toronto", company=None)
    world.booking(10, 1)
    world.sync()
    (made,) = world.org.records("Lead")
    assert (made["LastName"], made["City"], made["LeadSource"]) == ("Lee", "Toronto", "Coconut")
    assert made["Company"] == "[not provided]"
    assert made["Coconut_Client_Key__c"] == "1"


@pytest.mark.rule("M6")
@pytest.mark.parametrize("policy", ["oldest", "most_recently_modified"])
def test_several_leads_are_chosen_from_by_policy(world: World, policy: str) -> None:
    first = lead(world)
    world.org.control("POST", "clock", {"advance_seconds": 60})
    second = lead(world)
    world.set(ambiguous_match=policy)
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    assert world.event("10-1")["WhoId"] == (first if policy == "oldest" else second)


@pytest.mark.rule("M6")
def test_with_hold_an_ambiguous_client_waits_for_a_person(world: World) -> None:
    lead(world)
    lead(world)
    world.set(ambiguous_match="hold")
    world.client(1, **ANN)
    world.booking(10, 1)
    assert world.sync()["held"] == 1
    assert world.waiting("10-1")["waits_for"] == "person"
    assert (world.events(), len(world.org.records("Lead"))) == ([], 2)
    world.set(ambiguous_match="oldest")
    assert world.sync()["created"] == 1


@pytest.mark.rule("M7")
@pytest.mark.rule("S12")
def test_a_lead_converted_between_two_runs_leads_to_its_contact(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    (made,) = world.org.records("Lead")
    converted = world.org.control("POST", "convert", {"lead_id": made["Id"]})
    world.booking(11, 1)
    world.edit(10, notes="later")
    world.org.forget_calls()
    counts = world.sync()
    contact_id = converted["contactId"]
    assert {row["WhoId"] for row in world.events()} == {contact_id}
    assert (counts["created"], counts["updated"]) == (1, 1)
    assert len(world.org.records("Contact")) == 1


@pytest.mark.rule("M7")
def test_a_merged_lead_leads_to_the_survivor(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    (made,) = world.org.records("Lead")
    survivor = lead(world, FirstName="Annie")
    world.org.control("POST", "merge", {"sobject": "Lead", "master_id": survivor, "loser_ids": [made["Id"]]})
    world.booking(11, 1)
    world.sync()
    assert world.event("11-1")["WhoId"] == survivor


@pytest.mark.rule("M7")
@pytest.mark.rule("M8")
def test_a_deleted_lead_is_matched_afresh_and_its_key_not_used_again(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    (made,) = world.org.records("Lead")
    world.org.delete("Lead", made["Id"])
    world.booking(11, 1)
    world.sync()
    (again,) = world.org.records("Lead")
    assert again["Id"] != made["Id"]
    assert again["Coconut_Client_Key__c"] != made["Coconut_Client_Key__c"]
    assert world.event("11-1")["WhoId"] == again["Id"]


@pytest.mark.rule("M8")
def test_two_bookings_of_one_new_client_in_one_run_make_one_lead(world: World) -> None:
    world.client(1, **ANN)
    for booking in (10, 11, 12):
        world.booking(booking, 1)
    world.sync()
    assert len(world.org.records("Lead")) == 1
    assert len(world.events()) == 3


@pytest.mark.rule("M8")
def test_the_same_new_person_through_both_dags_at_once_is_created_once(world: World) -> None:
    for number in range(1, 31):
        world.client(number, first_name="Ann", last_name="Lee", email=f"ann{number % 10}@example.com")
        world.booking(100 + number, number)
        world.booking(200 + number, number, kind="walk_in")
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(world.sync, selection) for selection in (Selection.APPOINTMENTS, Selection.WALK_INS)
        ]
        counts = [future.result() for future in both]
    assert [count["created"] for count in counts] == [30, 30]
    assert len(world.org.records("Lead")) == 10
    assert len(world.events()) == 60


@pytest.mark.rule("M9")
def test_every_decision_is_kept_with_its_explanation(world: World) -> None:
    known = lead(world)
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    decision = world.ledger.latest_decision("1")
    assert decision is not None
    assert decision["record_id"] == known
    assert decision["evidence"] == "name_and_email"
    assert known in decision["explanation"]


@pytest.mark.rule("M11")
def test_new_people_belong_to_the_default_owner(world: World) -> None:
    owner = world.user("owner@example.com")
    world.set(default_owner=owner)
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    assert world.org.records("Lead")[0]["OwnerId"] == owner


@pytest.mark.rule("M11")
def test_an_inactive_default_owner_holds_back_only_new_people(world: World) -> None:
    owner = world.user("gone@example.com", is_active=False)
    world.set(default_owner=owner)
    lead(world)
    world.client(1, **ANN)
    world.client(2)
    world.booking(10, 1)
    world.booking(11, 2)
    counts = world.sync()
    assert (counts["created"], counts["quarantined"]) == (1, 1)
    assert world.waiting("11-2")["reason"] == "default_owner_inactive"
    world.org.change("User", Id=owner, IsActive=True)
    assert world.sync()["created"] == 1
    assert world.event("11-2")["WhoId"] == world.org.records("Lead", OwnerId=owner)[0]["Id"]


@pytest.mark.rule("F4")
def test_a_value_that_became_empty_is_cleared_and_an_empty_answer_wipes_nothing(world: World) -> None:
    known = lead(world, Phone="+1 416 555 0123")
    world.client(1, **ANN, phone=None)
    world.booking(10, 1, notes="to be removed")
    world.sync()
    assert world.org.records("Lead", Id=known)[0]["Phone"] == "+1 416 555 0123"
