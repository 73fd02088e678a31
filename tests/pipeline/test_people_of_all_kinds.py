"""People as the org gets them: Contacts under their Accounts, Person Accounts, and what overwriting changes."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError
from tests.pipeline.world import World

PERSON_ACCOUNTS = {
    "person_accounts": True,
    "record_types": [
        {"sobject": "Account", "developer_name": "Firm", "name": "Firm", "default": True},
        {
            "sobject": "Account",
            "developer_name": "Client",
            "name": "Client",
            "person": True,
            "default": True,
        },
        {"sobject": "Account", "developer_name": "Member", "name": "Member", "person": True},
        {
            "sobject": "Account",
            "developer_name": "Old",
            "name": "Old",
            "person": True,
            "active": False,
        },
    ],
}


def with_person_accounts(world: World) -> None:
    world.org.control("PUT", "setup", PERSON_ACCOUNTS)
    world.set(entity_type="person_account")


def record_type(world: World, name: str) -> str:
    (found,) = world.org.query(f"SELECT Id FROM RecordType WHERE DeveloperName = '{name}'")
    return str(found["Id"])


def booked(world: World, *clients: dict[str, Any]) -> None:
    for number, values in enumerate(clients, start=1):
        world.client(number, **values)
        world.booking(10 + number, number)


def book_again(world: World, client_id: int, **values: Any) -> dict[str, Any]:
    """Change a client, let it book once more, and return what the run counted."""
    world.change("clients", {"id": client_id}, **values)
    world.booking(100 + next(world._numbers), client_id)
    return world.sync()


@pytest.mark.rule("M10")
@pytest.mark.rule("M4")
def test_contacts_are_created_under_the_account_that_bears_their_company_s_name(world: World) -> None:
    (known,) = world.org.seed("Account", {"Name": "Bakery"})
    world.set(entity_type="contact")
    booked(world, {"company": " bakery"}, {"company": "Mill"}, {"company": "MILL "}, {"company": None})
    counts = world.sync()
    assert (counts["created"], counts["quarantined"]) == (4, 0)
    names = {row["Id"]: row["Name"] for row in world.org.records("Account")}
    contacts = {row["LastName"]: row for row in world.org.records("Contact")}
    accounts = [names[contacts[f"Lee {number}"]["AccountId"]] for number in (1, 2, 3, 4)]
    assert accounts == ["Bakery", "Mill", "Mill", "Ann Lee 4"]
    assert contacts["Lee 1"]["AccountId"] == known
    assert len(names) == 3
    assert world.event("11-1")["WhoId"] == contacts["Lee 1"]["Id"]


@pytest.mark.rule("M10")
@pytest.mark.rule("M8")
def test_a_company_that_one_run_created_is_found_by_the_next(world: World) -> None:
    world.set(entity_type="contact")
    booked(world, {"company": "Bakery"})
    world.sync()
    world.client(2, company="BAKERY")
    world.booking(12, 2)
    world.sync()
    (account,) = world.org.records("Account")
    assert {row["AccountId"] for row in world.org.records("Contact")} == {account["Id"]}


@pytest.mark.rule("M6")
@pytest.mark.rule("M10")
def test_several_accounts_of_one_name_hold_the_booking_where_a_person_is_to_choose(world: World) -> None:
    world.org.seed("Account", {"Name": "Bakery"}, {"Name": "bakery"})
    world.set(entity_type="contact", ambiguous_match="hold")
    booked(world, {"company": "Bakery"}, {"company": "Mill"})
    counts = world.sync()
    assert (counts["created"], counts["held"]) == (1, 1)
    assert world.waiting("11-1")["reason"] == "ambiguous_account"
    world.set(ambiguous_match="oldest")
    assert world.sync()["created"] == 1
    assert len(world.org.records("Account")) == 3


@pytest.mark.rule("M4")
@pytest.mark.rule("M11")
def test_a_person_account_is_created_and_its_contact_carries_the_events(world: World) -> None:
    with_person_accounts(world)
    owner = world.user("owner@example.com")
    world.set(person_account_record_type=record_type(world, "Member"), default_owner=owner)
    booked(world, {"company": "Bakery", "city": "Toronto"})
    assert world.sync()["created"] == 1
    (person,) = world.org.records("Account")
    assert [person[name] for name in ("IsPersonAccount", "LastName", "PersonEmail", "PersonMailingCity")] == [
        True,
        "Lee 1",
        "ann1@example.com",
        "Toronto",
    ]
    assert (person["RecordTypeId"], person["OwnerId"]) == (record_type(world, "Member"), owner)
    assert world.event("11-1")["WhoId"] == person["PersonContactId"]


@pytest.mark.rule("M4")
@pytest.mark.rule("F3")
@pytest.mark.parametrize("name", ["Firm", "Old"])
def test_a_record_type_that_person_accounts_cannot_have_stops_the_run(world: World, name: str) -> None:
    with_person_accounts(world)
    world.set(person_account_record_type=record_type(world, name))
    booked(world, {})
    with pytest.raises(ConfigurationError, match="person_account_record_type"):
        world.sync()


@pytest.mark.rule("M4")
@pytest.mark.rule("F3")
def test_person_accounts_in_an_org_without_them_stop_the_run(world: World) -> None:
    world.set(entity_type="person_account")
    booked(world, {})
    with pytest.raises(ConfigurationError, match="this org has no Person Accounts"):
        world.sync()


@pytest.mark.rule("F1")
def test_where_person_accounts_are_on_a_lead_without_company_has_none(world: World) -> None:
    with_person_accounts(world)
    world.set(entity_type="lead")
    booked(world, {"company": None}, {"company": "Bakery"})
    assert world.sync()["created"] == 2
    assert [row["Company"] for row in world.org.records("Lead")] == [None, "Bakery"]


@pytest.mark.rule("M5")
@pytest.mark.rule("S12")
@pytest.mark.parametrize("entity_type", ["lead", "contact", "person_account"])
def test_a_person_follows_coconut_where_the_settings_let_it(world: World, entity_type: str) -> None:
    if entity_type == "person_account":
        with_person_accounts(world)
    world.set(entity_type=entity_type)
    booked(world, {"phone": "1"})
    world.sync()
    sobject = {"person_account": "Account"}.get(entity_type, entity_type.capitalize())
    book_again(world, 1, phone="2")
    assert world.org.records(sobject, LastName="Lee 1")[0]["Phone"] == "1"
    world.set(overwrite_existing="on")
    book_again(world, 1, phone="3")
    (person,) = world.org.records(sobject, LastName="Lee 1")
    assert person["Phone"] == "3"
    world.org.forget_calls()
    book_again(world, 1)
    assert world.org.records(sobject, Id=person["Id"])[0]["SystemModstamp"] == person["SystemModstamp"]


@pytest.mark.rule("M5")
@pytest.mark.rule("M7")
def test_the_contact_of_a_converted_lead_is_linked_and_never_overwritten(world: World) -> None:
    world.set(overwrite_existing="on")
    booked(world, {"phone": "1"})
    world.sync()
    (lead,) = world.org.records("Lead")
    world.org.control("POST", "convert", {"lead_id": lead["Id"]})
    (contact,) = (row["Id"] for row in world.org.records("Contact"))
    for phone in ("2", "3"):
        assert book_again(world, 1, phone=phone)["created"] == 1
        assert world.org.records("Contact", Id=contact)[0]["Phone"] == "1"
    assert {event["WhoId"] for event in world.events()} == {contact}


@pytest.mark.rule("M4")
@pytest.mark.rule("M5")
def test_a_lead_that_is_kept_after_a_change_of_entity_type_is_overwritten_as_a_lead(world: World) -> None:
    booked(world, {"phone": "1"})
    world.sync()
    world.set(entity_type="contact", overwrite_existing="on")
    book_again(world, 1, phone="2")
    assert [row["Phone"] for row in world.org.records("Lead")] == ["2"]
    assert world.org.records("Contact") == []


@pytest.mark.rule("M5")
def test_what_a_user_wrote_is_kept_or_replaced_and_reported(world: World) -> None:
    world.set(overwrite_existing="on")
    booked(world, {"phone": "1", "company": "Bakery"})
    world.sync()
    (lead,) = world.org.records("Lead")
    world.org.change("Lead", Id=lead["Id"], Phone="9", Company="Mill")
    counts = book_again(world, 1, phone="2", company="Patisserie")
    (lead,) = world.org.records("Lead")
    assert (lead["Phone"], lead["Company"]) == ("2", "Mill")
    reports = world.ledger.field_reports(counts["run_id"])
    found = reports[["field", "report"]].to_numpy().tolist()
    assert sorted(found) == [["Company", "user_value_kept"], ["Phone", "user_value_overwritten"]]


@pytest.mark.rule("M11")
def test_new_people_belong_to_the_staff_of_their_booking(world: World) -> None:
    banker, default = world.user("sam@example.com"), world.user("default@example.com")
    world.set(new_record_owner="booking_staff", default_owner=default)
    world.staff(1, "sam@example.com")
    world.client(1)
    world.client(2)
    world.booking(11, 1, staff_id=1)
    world.booking(12, 2)
    world.sync()
    assert {row["LastName"]: row["OwnerId"] for row in world.org.records("Lead")} == {
        "Lee 1": banker,
        "Lee 2": default,
    }
