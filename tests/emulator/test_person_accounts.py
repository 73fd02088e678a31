"""Person Accounts: an Account and the Contact behind it, on or off per org."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import OrgSetup, RecordTypeSetup
from tests.emulator.engine_bench import Bench, event, only_error

pytestmark = pytest.mark.rule("P3")

ON = OrgSetup(person_accounts=True)
CONTACT = "INVALID_PERSON_ACCOUNT_OPERATION"
NOT_WRITABLE = "INVALID_FIELD_FOR_INSERT_UPDATE"


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.org.configure(ON)
    yield made
    made.close()


def person(bench: Bench, **values: object) -> tuple[str, str]:
    """Insert a Person Account; return its Id and its Contact's."""
    account = bench.insert("Account", **{"LastName": "Doe", "FirstName": "Ann", **values})
    return account, str(bench.get("Account", account, "PersonContactId")["PersonContactId"])


def test_without_the_feature_none_of_its_fields_exists() -> None:
    off = Bench()
    for soql in (
        "SELECT IsPersonAccount FROM Account",
        "SELECT PersonContactId FROM Account",
        "SELECT LastName FROM Account",
        "SELECT Person_Key__pc FROM Account",
        "SELECT IsPersonAccount FROM Contact",
        "SELECT IsPersonType FROM RecordType",
    ):
        with pytest.raises(SalesforceFault, match="INVALID_FIELD"):
            off.rows(soql)
    company = off.org.sobject("Lead").field("Company")
    assert company is not None
    assert company.is_required
    off.close()


def test_describe_shows_the_feature_by_its_fields(bench: Bench) -> None:
    fields = {item["name"]: item for item in bench.org.describe("Account")["fields"]}
    assert {
        "FirstName",
        "LastName",
        "Salutation",
        "PersonEmail",
        "PersonMobilePhone",
        "PersonBirthdate",
    } <= set(fields)
    assert {"PersonMailingCity", "PersonOtherStreet", "PersonHasOptedOutOfEmail", "Advisor__pc"} <= set(
        fields
    )
    assert fields["IsPersonAccount"]["createable"] is False
    assert fields["PersonContactId"]["referenceTo"] == ["Contact"]
    assert fields["Person_Key__pc"]["externalId"] is False


def test_inserting_a_person_makes_one_contact_equal_to_the_account(bench: Bench) -> None:
    account, contact = person(
        bench,
        PersonEmail="a@example.com",
        Phone="1",
        PersonMobilePhone="2",
        PersonMailingCity="Bern",
        PersonHasOptedOutOfEmail=True,
        Person_Key__pc="k",
    )
    assert bench.get("Account", account, "Name", "IsPersonAccount") == {
        "Name": "Ann Doe",
        "IsPersonAccount": True,
    }
    names = ("Name", "Email", "Phone", "MobilePhone", "MailingCity", "HasOptedOutOfEmail", "Person_Key__c")
    assert bench.get("Contact", contact, *names, "AccountId", "IsPersonAccount") == {
        "Name": "Ann Doe",
        "Email": "a@example.com",
        "Phone": "1",
        "MobilePhone": "2",
        "MailingCity": "Bern",
        "HasOptedOutOfEmail": True,
        "Person_Key__c": "k",
        "AccountId": account,
        "IsPersonAccount": True,
    }


def test_the_contact_follows_every_update_of_the_account(bench: Bench) -> None:
    account, contact = person(bench, PersonEmail="a@example.com")
    user = bench.user("b@example.com")
    bench.org.clock.advance(60)
    assert bench.update("Account", account, LastName="Roe", PersonEmail=None, OwnerId=user).success
    assert bench.get("Contact", contact, "Name", "Email", "OwnerId", "SystemModstamp") == {
        "Name": "Ann Roe",
        "Email": None,
        "OwnerId": user,
        "SystemModstamp": "2026-03-18T12:01:00.000+0000",
    }
    assert bench.get("Account", account, "Name") == {"Name": "Ann Roe"}


def test_a_unique_key_of_account_upserts_people(bench: Bench) -> None:
    row = {"LastName": "Doe", "Person_Key__c": "k"}
    first = bench.write("upsert", "Account", [row], external_id="Person_Key__c")[0]
    second = bench.write("upsert", "Account", [row | {"FirstName": "A"}], external_id="Person_Key__c")[0]
    assert (first.created, second.created, second.id) == (True, False, first.id)
    assert bench.rows("SELECT Name, Account.Name FROM Contact") == [("A Doe", "A Doe")]


def test_a_unique_key_of_contact_is_one_for_people_and_contacts(bench: Bench) -> None:
    holder = bench.contact(Person_Key__c="k")
    refused = bench.write("insert", "Account", [{"LastName": "Doe", "Person_Key__pc": "k"}])[0]
    assert only_error(refused)[0] == "DUPLICATE_VALUE"
    assert holder in refused.errors[0].message
    assert bench.column("SELECT COUNT(Id) FROM Account") == [0]
    bench.insert("Account", LastName="Doe", Person_Key__pc="other")
    taken = bench.write("insert", "Contact", [{"LastName": "x", "Person_Key__c": "other"}])[0]
    assert only_error(taken)[0] == "DUPLICATE_VALUE"


def test_the_name_of_a_person_is_composed_and_a_person_needs_a_last_name(bench: Bench) -> None:
    account, _ = person(bench)
    refused = bench.update("Account", account, Name="Mine")
    assert only_error(refused) == (NOT_WRITABLE, ("Name",))
    assert refused.errors[0].message.startswith("Unable to create/update fields: Name.")
    types = bench.column("SELECT Id FROM RecordType WHERE IsPersonType = TRUE")
    nameless = bench.write("insert", "Account", [{"RecordTypeId": types[0], "FirstName": "A"}])[0]
    assert only_error(nameless) == ("REQUIRED_FIELD_MISSING", ("LastName",))
    assert only_error(bench.update("Account", account, LastName=None))[0] == "REQUIRED_FIELD_MISSING"


def test_a_business_account_needs_a_name_and_takes_no_person_s_field(bench: Bench) -> None:
    business = bench.insert("Account", Name="Acme")
    assert bench.get("Account", business, "IsPersonAccount", "PersonContactId") == {
        "IsPersonAccount": False,
        "PersonContactId": None,
    }
    refused = bench.update("Account", business, LastName="Doe", PersonEmail="a@example.com")
    assert only_error(refused) == (NOT_WRITABLE, ("LastName", "PersonEmail"))
    both = bench.write("insert", "Account", [{"Name": "Acme", "LastName": "Doe"}])[0]
    assert only_error(both) == (NOT_WRITABLE, ("LastName",))
    assert only_error(bench.write("insert", "Account", [{"Phone": "1"}])[0]) == (
        "REQUIRED_FIELD_MISSING",
        ("Name",),
    )


@pytest.mark.parametrize("field", ["PersonContactId", "IsPersonAccount"])
def test_what_the_org_keeps_of_a_person_is_read_only(bench: Bench, field: str) -> None:
    account, contact = person(bench)
    value: object = contact if field == "PersonContactId" else False
    assert only_error(bench.update("Account", account, **{field: value})) == (NOT_WRITABLE, (field,))


def test_a_record_type_turns_no_business_into_a_person_nor_back(bench: Bench) -> None:
    setup = ON.model_copy(
        update={"record_types": (RecordTypeSetup(sobject="Account", developer_name="Firm", name="Firm"),)}
    )
    bench.org.configure(setup)
    types = dict(bench.rows("SELECT DeveloperName, Id FROM RecordType"))
    business, (account, _) = bench.insert("Account", Name="Acme"), person(bench)
    alone = bench.update("Account", business, RecordTypeId=types["PersonAccount"])
    assert only_error(alone) == (NOT_WRITABLE, ("RecordTypeId",))
    mixed = bench.update("Account", account, RecordTypeId=types["Firm"], Phone="1")
    assert "marrying or separating" in mixed.errors[0].message
    assert bench.update("Account", business, RecordTypeId=types["Firm"]).success


def test_the_contact_of_a_person_is_written_and_deleted_through_the_account_only(bench: Bench) -> None:
    account, contact = person(bench)
    refused = bench.update("Contact", contact, Email="x@example.com")
    assert only_error(refused)[0] == CONTACT
    assert refused.errors[0].message == "cannot reference person contact"
    for operation in ("delete", "hardDelete"):
        row = {"Id": contact}
        assert only_error(bench.write(operation, "Contact", [row])[0])[0] == CONTACT
    beside = bench.write("insert", "Contact", [{"LastName": "x", "AccountId": account}])[0]
    assert only_error(beside) == (CONTACT, ("AccountId",))
    assert bench.column("SELECT Id FROM Contact") == [contact]


def test_deleting_a_person_takes_contact_and_events_and_undeleting_brings_them_back(bench: Bench) -> None:
    account, contact = person(bench)
    visit = bench.event(WhoId=contact)
    bench.delete("Account", account)
    assert bench.column("SELECT Id FROM Contact") == []
    assert bench.column("SELECT Id FROM Event") == []
    assert only_error(bench.write("undelete", "Contact", [{"Id": contact}])[0])[0] == CONTACT
    assert bench.write("undelete", "Account", [{"Id": account}])[0].success
    assert bench.column("SELECT Id FROM Contact") == [contact]
    assert bench.column("SELECT Id FROM Event") == [visit]


def test_a_person_whose_contact_s_key_is_taken_cannot_be_undeleted(bench: Bench) -> None:
    account, _ = person(bench, Person_Key__pc="k")
    bench.delete("Account", account)
    bench.contact(Person_Key__c="k")
    assert only_error(bench.write("undelete", "Account", [{"Id": account}])[0])[0] == "DUPLICATE_VALUE"


def test_an_event_is_about_the_person_s_contact_never_the_account(bench: Bench) -> None:
    account, contact = person(bench)
    visit = bench.event(WhoId=contact)
    assert bench.get("Event", visit, "AccountId") == {"AccountId": account}
    refused = bench.write("insert", "Event", [event(WhoId=account)])[0]
    assert only_error(refused) == ("FIELD_INTEGRITY_EXCEPTION", ("WhoId",))
    assert bench.rows("SELECT Who.Name, Who.Type FROM Event") == [("Ann Doe", "Contact")]


def test_the_feature_stays_on_while_the_org_holds_people(bench: Bench) -> None:
    account, _ = person(bench)
    bench.delete("Account", account)
    with pytest.raises(SalesforceFault, match="holds Person Accounts"):
        bench.org.configure(OrgSetup())
    assert bench.org.setup.person_accounts
    bench.write("hardDelete", "Account", [{"Id": account}])
    bench.org.configure(OrgSetup())
    with pytest.raises(SalesforceFault, match="INVALID_FIELD"):
        bench.rows("SELECT IsPersonAccount FROM Account")


def test_an_org_keeps_its_people_over_a_restart(tmp_path: Path) -> None:
    first = Bench(data=tmp_path / "org.sqlite")
    first.org.configure(ON)
    account, contact = person(first)
    types = first.rows("SELECT Id, DeveloperName FROM RecordType")
    first.close()
    second = Bench(data=tmp_path / "org.sqlite")
    assert second.get("Account", account, "PersonContactId") == {"PersonContactId": contact}
    assert second.rows("SELECT Id, DeveloperName FROM RecordType") == types
    second.close()


def test_a_lead_needs_no_company_where_there_are_people(bench: Bench) -> None:
    assert bench.get("Lead", bench.insert("Lead", LastName="Doe"), "Company") == {"Company": None}
