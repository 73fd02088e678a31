"""Loading people: Accounts before Contacts, Person Accounts, updates, and what refusals lead to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pipeline.staged import Staged
from tests.pipeline.world import World

KEY = "Coconut_Client_Key__c"


def link_of(world: World, client_id: int) -> dict[str, Any]:
    (link,) = world.ledger.person_links([str(client_id)]).to_dict("records")
    return link


@pytest.mark.rule("M10")
def test_a_new_contact_belongs_to_the_account_made_for_its_company_and_two_share_one(world: World) -> None:
    staged = Staged(world, "Contact")
    acme = staged.account("account:company:acme", 1, Name="Acme")
    staged.new(1, account_ref=acme)
    staged.new(2, account_ref=acme)
    counts = staged.load()
    (account,) = world.org.records("Account")
    assert account["Name"] == "Acme"
    assert account[KEY] == "account-1"
    contacts = world.org.records("Contact")
    assert {contact["AccountId"] for contact in contacts} == {account["Id"]}
    assert {contact[KEY] for contact in contacts} == {"1", "2"}
    assert (counts["accounts_created"], counts["created"], counts["written"]) == (1, 2, 2)


@pytest.mark.rule("M10")
def test_an_account_that_exists_is_used_and_a_contact_may_have_none(world: World) -> None:
    (known,) = world.org.seed("Account", {"Name": "Acme"})
    staged = Staged(world, "Contact")
    staged.new(1, account_ref=known)
    staged.new(2)
    counts = staged.load()
    accounts = {contact[KEY]: contact["AccountId"] for contact in world.org.records("Contact")}
    assert accounts == {"1": known, "2": None}
    assert len(world.org.records("Account")) == 1
    assert counts["accounts_created"] == 0


@pytest.mark.rule("M10")
def test_the_account_of_a_contact_that_nobody_needs_is_not_created(world: World) -> None:
    staged = Staged(world, "Contact")
    staged.new(1, pair=False, account_ref=staged.account("account:company:acme", 1, Name="Acme"))
    staged.load()
    assert not world.org.records("Account")
    assert not world.org.records("Contact")


@pytest.mark.rule("T3")
def test_a_client_who_was_asked_for_is_created_without_a_booking(world: World) -> None:
    staged = Staged(world, asked=["1"])
    staged.new(1, pair=False)
    staged.new(2, pair=False)
    staged.load()
    assert [lead[KEY] for lead in world.org.records("Lead")] == ["1"]


@pytest.mark.rule("M8")
@pytest.mark.rule("M10")
def test_the_same_identities_loaded_again_make_no_second_account_and_no_second_contact(world: World) -> None:
    for _ in range(2):
        staged = Staged(world, "Contact")
        staged.new(1, account_ref=staged.account("account:company:acme", 1, Name="Acme"))
        counts = staged.load()
    assert len(world.org.records("Account")) == 1
    assert len(world.org.records("Contact")) == 1
    assert (counts["created"], counts["already_there"], counts["accounts_created"]) == (0, 1, 0)


@pytest.mark.rule("M10")
def test_an_account_of_ours_that_users_deleted_is_made_anew_for_the_next_contact(world: World) -> None:
    first = Staged(world, "Contact")
    first.new(1, account_ref=first.account("account:company:acme", 1, Name="Acme"))
    first.load()
    (account,) = world.org.records("Account")
    world.org.delete("Account", account["Id"])
    second = Staged(world, "Contact")
    second.new(2, account_ref=second.account("account:company:acme", 2, Name="Acme"))
    second.load()
    (account,) = world.org.records("Account")
    (contact,) = [row for row in world.org.records("Contact") if row[KEY] == "2"]
    assert contact["AccountId"] == account["Id"]


@pytest.mark.rule("M10")
@pytest.mark.rule("Q2")
def test_contacts_of_an_account_that_salesforce_refused_are_quarantined_with_its_refusal(
    world: World,
) -> None:
    rule = {
        "name": "No_Acme",
        "sobject": "Account",
        "message": "No.",
        "field": "Name",
        "conditions": [{"field": "Name", "value": "Acme"}],
    }
    world.org.control("PUT", "setup", {"validation_rules": [rule]})
    staged = Staged(world, "Contact")
    acme = staged.account("account:company:acme", 1, Name="Acme")
    staged.new(1, account_ref=acme)
    staged.new(2, account_ref=acme)
    staged.new(3, account_ref=staged.account("account:company:other", 3, Name="Other"))
    counts = staged.load()
    assert (counts["written"], counts["quarantined"], counts["refused"]) == (1, 2, 2)
    row = world.waiting("101-1")
    assert row["reason"] == "account_not_written"
    assert row["detail"] == "Account: FIELD_CUSTOM_VALIDATION_EXCEPTION on Name"
    assert row["waits_for"] == "client"
    assert [contact[KEY] for contact in world.org.records("Contact")] == ["3"]


@pytest.mark.rule("M4")
def test_a_new_person_account_is_linked_by_its_account_and_its_event_points_at_its_contact(
    world: World,
) -> None:
    world.org.control("PUT", "setup", {"person_accounts": True})
    world.set(entity_type="person_account")
    staged = Staged(world, "Account")
    staged.new(1)
    staged.load()
    (account,) = world.org.records("Account")
    assert account["PersonEmail"] == "ann1@example.com"
    assert world.event("101-1")["WhoId"] == account["PersonContactId"]
    link = link_of(world, 1)
    assert (link["sobject"], link["record_id"], link["who_id"]) == (
        "Account",
        account["Id"],
        account["PersonContactId"],
    )


@pytest.mark.rule("M8")
def test_a_person_account_created_by_another_run_is_found_by_its_key(world: World) -> None:
    world.org.control("PUT", "setup", {"person_accounts": True})
    world.set(entity_type="person_account")
    (account_id,) = world.org.seed("Account", {"LastName": "Lee", KEY: "1"})
    staged = Staged(world, "Account")
    staged.new(1)
    counts = staged.load()
    (account,) = world.org.records("Account")
    assert counts["already_there"] == 1
    assert link_of(world, 1)["record_id"] == account_id
    assert world.event("101-1")["WhoId"] == account["PersonContactId"]


@pytest.mark.rule("M5")
@pytest.mark.rule("S12")
@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_an_update_carries_its_fields_only_and_keeps_what_was_written_before(world: World, api: str) -> None:
    world.set(load_api=api)
    (lead,) = world.org.seed("Lead", {"LastName": "Lee", "Company": "Acme", "City": "Toronto", "Phone": "1"})
    first = Staged(world)
    first.found(1, lead, City="Montréal", Phone="2")
    first.load()
    second = Staged(world)
    second.found(1, lead, Phone="#N/A", Street='1 "Main" St\nRear')
    counts = second.load()
    (record,) = world.org.records("Lead")
    assert (record["City"], record["Phone"], record["Company"]) == ("Montréal", None, "Acme")
    assert record["Street"] == '1 "Main" St\nRear'
    assert counts["updated"] == 1
    assert json.loads(link_of(world, 1)["values"]) == {
        "City": "Montréal",
        "Phone": "#N/A",
        "Street": '1 "Main" St\nRear',
    }


@pytest.mark.rule("M5")
@pytest.mark.rule("F4")
def test_a_refused_update_keeps_the_persons_pair_back_and_records_nothing_as_written(world: World) -> None:
    (lead,) = world.org.seed("Lead", {"LastName": "Lee", "Company": "Acme"})
    staged = Staged(world)
    staged.found(1, lead, Email="no e-mail")
    staged.reports = [
        report(1, lead, "Email", "user_value_overwritten"),
        report(1, lead, "Phone", "user_value_kept"),
    ]
    counts = staged.load()
    assert counts["update_refused"] == 1
    row = world.waiting("101-1")
    assert (row["reason"], row["detail"]) == ("person_not_written", "INVALID_EMAIL_ADDRESS on Email")
    assert not world.events()
    assert isinstance(link_of(world, 1)["values"], float)
    assert world.ledger.field_reports(counts["run_id"])["report"].tolist() == ["user_value_kept"]


@pytest.mark.rule("F4")
def test_a_refused_update_shows_on_a_pair_whose_event_is_as_it_should_be(world: World) -> None:
    (lead,) = world.org.seed("Lead", {"LastName": "Lee", "Company": "Acme"})
    staged = Staged(world)
    staged.found(1, lead, pair=False, Email="no e-mail")
    staged.pair(1, person_ref=lead, action="none", outcome="unchanged", reason="same_as_last_written")
    assert staged.load()["quarantined"] == 1
    assert world.waiting("101-1")["reason"] == "person_not_written"


@pytest.mark.rule("M7")
def test_a_record_that_was_deleted_before_its_update_is_matched_afresh_by_the_next_run(world: World) -> None:
    (lead,) = world.org.seed("Lead", {"LastName": "Lee", "Company": "Acme"})
    staged = Staged(world)
    staged.found(1, lead, City="Toronto")
    world.org.delete("Lead", lead)
    staged.load()
    assert world.waiting("101-1")["reason"] == "person_unusable"
    assert world.ledger.dirty_appointments(("appointment",)) == {101}


@pytest.mark.rule("M5")
def test_reports_of_fields_are_kept_once_with_the_record_that_a_new_person_became(world: World) -> None:
    staged = Staged(world)
    staged.new(1)
    staged.reports = [report(1, None, "Email", "value_dropped")]
    counts = staged.load()
    (lead,) = world.org.records("Lead")
    (kept,) = world.ledger.field_reports(counts["run_id"]).to_dict("records")
    assert kept == {**report(1, lead["Id"], "Email", "value_dropped")}


def report(client_id: int, record_id: str | None, field: str, what: str) -> dict[str, Any]:
    return {
        "client_id": str(client_id),
        "sobject": "Lead",
        "record_id": record_id,
        "field": field,
        "report": what,
    }
