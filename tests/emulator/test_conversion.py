"""Lead conversion: into people, businesses and records given, with and without an Opportunity."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import OrgSetup
from tests.emulator.engine_bench import Bench
from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    """An org with Person Accounts."""
    made = Bench()
    made.org.configure(OrgSetup(person_accounts=True))
    yield made
    made.close()


def refusal(bench: Bench, lead: str, **wishes: object) -> str:
    """Code of the refusal to convert; the Lead is as before."""
    with pytest.raises(SalesforceFault) as refused:
        bench.org.convert_lead(lead, **wishes)  # type: ignore[arg-type]
    return refused.value.code


def test_a_lead_without_a_company_becomes_a_person_account(bench: Bench) -> None:
    lead = bench.insert(
        "Lead", LastName="Doe", FirstName="Ann", Email="a@example.com", City="Bern", DoNotCall=True
    )
    visit = bench.event(WhoId=lead)
    made = bench.org.convert_lead(lead)
    shown = bench.get(
        "Account",
        made["accountId"],
        "Name",
        "IsPersonAccount",
        "PersonContactId",
        "PersonEmail",
        "PersonMailingCity",
        "PersonDoNotCall",
    )
    assert shown == {
        "Name": "Ann Doe",
        "IsPersonAccount": True,
        "PersonContactId": made["contactId"],
        "PersonEmail": "a@example.com",
        "PersonMailingCity": "Bern",
        "PersonDoNotCall": True,
    }
    assert bench.get("Event", visit, "WhoId", "AccountId") == {
        "WhoId": made["contactId"],
        "AccountId": made["accountId"],
    }
    assert bench.rows("SELECT ConvertedAccount.Name, ConvertedContactId FROM Lead") == [
        ("Ann Doe", made["contactId"])
    ]
    assert bench.column("SELECT COUNT(Id) FROM Contact") == [1]


def test_a_lead_with_a_company_becomes_a_business_account_and_a_contact(bench: Bench) -> None:
    made = bench.org.convert_lead(bench.lead(Company="Acme"))
    assert bench.get("Account", made["accountId"], "Name", "IsPersonAccount") == {
        "Name": "Acme",
        "IsPersonAccount": False,
    }
    assert bench.get("Contact", made["contactId"], "IsPersonAccount") == {"IsPersonAccount": False}


def test_a_lead_converts_into_a_given_person_and_fills_only_what_is_empty(bench: Bench) -> None:
    account = bench.insert("Account", LastName="Roe", PersonEmail="kept@example.com")
    lead = bench.lead(FirstName="Ann", Email="lead@example.com", MobilePhone="7", City="Bern")
    made = bench.org.convert_lead(lead, account_id=account)
    assert made["accountId"] == account
    assert bench.get("Contact", made["contactId"], "Name", "Email", "MobilePhone", "MailingCity") == {
        "Name": "Roe",
        "Email": "kept@example.com",
        "MobilePhone": "7",
        "MailingCity": "Bern",
    }


def test_a_person_is_given_without_a_contact_and_a_contact_with_its_own_account(bench: Bench) -> None:
    person = bench.insert("Account", LastName="Roe")
    own = str(bench.get("Account", person, "PersonContactId")["PersonContactId"])
    acme, other = bench.insert("Account", Name="Acme"), bench.insert("Account", Name="Other")
    contact = bench.contact(AccountId=other)
    lead = bench.lead()
    operation = "INVALID_PERSON_ACCOUNT_OPERATION"
    assert refusal(bench, lead, account_id=person, contact_id=own) == operation
    assert refusal(bench, lead, contact_id=own) == operation
    assert refusal(bench, lead, account_id=person, contact_id=contact) == operation
    assert refusal(bench, lead, account_id=acme, contact_id=contact) == "INVALID_CROSS_REFERENCE_KEY"
    assert bench.get("Lead", lead, "IsConverted") == {"IsConverted": False}
    assert bench.org.convert_lead(lead, account_id=other, contact_id=contact)["contactId"] == contact


def test_a_given_contact_without_an_account_joins_the_lead_s(bench: Bench) -> None:
    contact = bench.contact()
    made = bench.org.convert_lead(bench.lead(Company="Acme"), contact_id=contact)
    assert bench.get("Contact", contact, "AccountId", "Account.Name")["AccountId"] == made["accountId"]


def test_a_title_too_long_for_a_person_fails_the_conversion_and_leaves_nothing(bench: Bench) -> None:
    lead = bench.insert("Lead", LastName="Doe", Title="t" * 81)
    assert refusal(bench, lead) == "STRING_TOO_LONG"
    assert bench.column("SELECT COUNT(Id) FROM Account") == [0]
    assert bench.org.convert_lead(bench.lead(Title="t" * 81))["success"] is True


def test_an_opportunity_is_made_on_request_and_the_events_are_about_it(bench: Bench) -> None:
    lead = bench.lead(Company="Acme", LeadSource="Web")
    visit = bench.event(WhoId=lead)
    made = bench.org.convert_lead(lead, do_not_create_opportunity=False)
    opportunity = bench.get(
        "Opportunity",
        made["opportunityId"],
        "Name",
        "AccountId",
        "StageName",
        "CloseDate",
        "LeadSource",
        "IsClosed",
    )
    assert opportunity == {
        "Name": "Acme",
        "AccountId": made["accountId"],
        "StageName": "Prospecting",
        "CloseDate": "2026-03-31",
        "LeadSource": "Web",
        "IsClosed": False,
    }
    assert bench.get("Event", visit, "WhatId", "AccountId") == {
        "WhatId": made["opportunityId"],
        "AccountId": made["accountId"],
    }
    assert bench.column("SELECT ConvertedOpportunityId FROM Lead") == [made["opportunityId"]]
    named = bench.org.convert_lead(bench.lead(), do_not_create_opportunity=False, opportunity_name="Big")
    assert bench.get("Opportunity", named["opportunityId"], "Name") == {"Name": "Big"}


def test_new_records_belong_to_the_owner_asked_for_who_must_be_active(bench: Bench) -> None:
    banker, leaver = bench.user("b@example.com"), bench.user("l@example.com", IsActive=False)
    lead = bench.lead()
    visit = bench.event(WhoId=lead)
    assert refusal(bench, lead, owner_id=leaver) == "INACTIVE_OWNER_OR_USER"
    made = bench.org.convert_lead(lead, owner_id=banker)
    assert bench.get("Account", made["accountId"], "OwnerId") == {"OwnerId": banker}
    assert bench.get("Contact", made["contactId"], "OwnerId") == {"OwnerId": banker}
    assert bench.get("Event", visit, "OwnerId") == {"OwnerId": bench.org.integration_user_id}


def test_the_lead_source_of_a_given_contact_is_overwritten_on_request_only(bench: Bench) -> None:
    account = bench.insert("Account", Name="Acme")
    contact = bench.contact(AccountId=account, LeadSource="Web")
    bench.org.convert_lead(bench.lead(LeadSource="Other"), contact_id=contact)
    assert bench.get("Contact", contact, "LeadSource") == {"LeadSource": "Web"}
    bench.org.convert_lead(bench.lead(LeadSource="Other"), contact_id=contact, overwrite_lead_source=True)
    assert bench.get("Contact", contact, "LeadSource") == {"LeadSource": "Other"}
    assert refusal(bench, bench.lead(), overwrite_lead_source=True) == "MISSING_ARGUMENT"


def test_only_a_converted_status_can_be_asked_for(bench: Bench) -> None:
    assert refusal(bench, bench.lead(), converted_status="Working - Contacted") == "INVALID_STATUS"


def test_a_lead_that_lost_a_merge_cannot_be_converted(bench: Bench) -> None:
    master, loser = bench.lead(), bench.lead()
    bench.org.merge("Lead", master, [loser])
    assert refusal(bench, loser) == "ENTITY_IS_DELETED"


def test_a_contact_that_is_a_member_already_stays_one_member(bench: Bench) -> None:
    campaign, contact, lead = bench.insert("Campaign", Name="Spring"), bench.contact(), bench.lead()
    first = bench.insert("CampaignMember", CampaignId=campaign, ContactId=contact)
    bench.insert("CampaignMember", CampaignId=campaign, LeadId=lead)
    bench.org.convert_lead(lead, contact_id=contact)
    assert bench.column("SELECT Id FROM CampaignMember") == [first]


def test_custom_fields_of_the_lead_are_not_mapped_and_its_key_is_still_held(bench: Bench) -> None:
    lead = bench.insert("Lead", LastName="Doe", Person_Key__c="k")
    made = bench.org.convert_lead(lead)
    assert bench.get("Account", made["accountId"], "Person_Key__c", "Person_Key__pc") == {
        "Person_Key__c": None,
        "Person_Key__pc": None,
    }
    again = bench.write("insert", "Lead", [{"LastName": "Doe", "Person_Key__c": "k"}])[0]
    assert again.errors[0].code == "DUPLICATE_VALUE"


def test_the_control_endpoints_convert_and_merge_with_all_that_can_be_asked(org: LocalOrg) -> None:
    org.control("PUT", "setup", {"person_accounts": True})
    lead, account = org.seed("Lead", {"LastName": "Doe"})[0], org.seed("Account", {"LastName": "Roe"})[0]
    made = org.control(
        "POST",
        "convert",
        {
            "lead_id": lead,
            "converted_status": "Closed - Converted",
            "do_not_create_opportunity": False,
            "opportunity_name": "Loan",
        },
    )
    assert org.query("SELECT Name, Account.IsPersonAccount FROM Opportunity")[0]["Name"] == "Loan"
    body = {"sobject": "Account", "master_id": account, "loser_ids": [made["accountId"]]}
    org.control("POST", "merge", body | {"fields": {"PersonEmail": "d@example.com"}})
    people = org.query("SELECT Id, Name, Email FROM Contact WHERE IsPersonAccount = TRUE")
    assert [(item["Name"], item["Email"]) for item in people] == [("Roe", "d@example.com")]
    org.reset()
    assert org.control("GET", "setup")["person_accounts"] is False
