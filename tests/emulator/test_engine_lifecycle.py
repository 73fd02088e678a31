"""Conversion, merging, the recycle bin: what becomes of a record and of what points at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from tests.emulator.engine_bench import Bench, only_error

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_conversion_makes_an_account_and_a_contact_and_moves_the_events(bench: Bench) -> None:
    lead = bench.lead(FirstName="Ann", Company="Acme", Email="a@example.com", Street="Main 1")
    visit = bench.event(WhoId=lead)
    bench.org.clock.advance(60)
    made = bench.org.convert_lead(lead)
    assert made["success"] is True
    contact = bench.get("Contact", made["contactId"], "Name", "Email", "AccountId", "MailingStreet")
    assert contact == {
        "Name": "Ann Doe",
        "Email": "a@example.com",
        "AccountId": made["accountId"],
        "MailingStreet": "Main 1",
    }
    assert bench.get("Account", made["accountId"], "Name") == {"Name": "Acme"}
    moved = bench.get("Event", visit, "WhoId", "WhatId", "AccountId", "SystemModstamp")
    assert moved == {
        "WhoId": made["contactId"],
        "WhatId": made["accountId"],
        "AccountId": made["accountId"],
        "SystemModstamp": "2026-03-18T12:01:00.000+0000",
    }


def test_a_converted_lead_says_so_and_is_read_only(bench: Bench) -> None:
    lead = bench.lead()
    made = bench.org.convert_lead(lead)
    shown = bench.get(
        "Lead", lead, "IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedDate"
    )
    assert shown == {
        "IsConverted": True,
        "ConvertedContactId": made["contactId"],
        "ConvertedAccountId": made["accountId"],
        "ConvertedDate": "2026-03-18",
    }
    result = bench.update("Lead", lead, City="Bern")
    assert only_error(result)[0] == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert result.errors[0].message == "cannot reference converted lead"
    with pytest.raises(SalesforceFault, match="CANNOT_UPDATE_CONVERTED_LEAD"):
        bench.org.convert_lead(lead)


def test_a_converted_lead_still_holds_its_unique_key(bench: Bench) -> None:
    lead = bench.lead(Person_Key__c="k")
    bench.org.convert_lead(lead)
    row = {"LastName": "A", "Company": "x", "Person_Key__c": "k"}
    inserted = bench.write("insert", "Lead", [row])[0]
    assert inserted.errors[0].code == "DUPLICATE_VALUE"
    assert lead in inserted.errors[0].message
    upserted = bench.write("upsert", "Lead", [row], external_id="Person_Key__c")[0]
    assert upserted.errors[0].code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_conversion_into_an_existing_contact_uses_its_account_and_overwrites_nothing(bench: Bench) -> None:
    account = bench.insert("Account", Name="Own")
    contact = bench.contact(AccountId=account, Email="kept@example.com")
    made = bench.org.convert_lead(bench.lead(Email="lead@example.com"), contact_id=contact)
    assert (made["contactId"], made["accountId"]) == (contact, account)
    assert bench.get("Contact", contact, "Email") == {"Email": "kept@example.com"}


def test_a_lead_that_is_gone_cannot_be_converted(bench: Bench) -> None:
    lead = bench.lead()
    bench.delete("Lead", lead)
    with pytest.raises(SalesforceFault, match="ENTITY_IS_DELETED"):
        bench.org.convert_lead(lead)
    with pytest.raises(SalesforceFault, match="INVALID_CROSS_REFERENCE_KEY"):
        bench.org.convert_lead("nonsense")


def test_a_merge_deletes_the_losers_names_the_master_and_moves_what_pointed_at_them(bench: Bench) -> None:
    account = bench.insert("Account", Name="Acme")
    master, loser = bench.contact(AccountId=account), bench.contact(Person_Key__c="k")
    visit = bench.event(WhoId=loser)
    report = bench.contact(ReportsToId=loser)
    bench.org.merge("Contact", master, [loser])
    assert bench.rows(
        "SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = TRUE", include_deleted=True
    ) == [(loser, master)]
    assert bench.get("Event", visit, "WhoId", "AccountId") == {"WhoId": master, "AccountId": account}
    assert bench.get("Contact", report, "ReportsToId") == {"ReportsToId": master}
    assert bench.update("Contact", master, Person_Key__c="k").success


def test_a_merge_moves_system_modstamp_of_children_but_not_their_last_modified_date(bench: Bench) -> None:
    master, loser = bench.lead(), bench.lead()
    visit = bench.event(WhoId=loser)
    bench.org.clock.advance(60)
    bench.org.merge("Lead", master, [loser])
    assert bench.get("Event", visit, "LastModifiedDate", "SystemModstamp") == {
        "LastModifiedDate": "2026-03-18T12:00:00.000+0000",
        "SystemModstamp": "2026-03-18T12:01:00.000+0000",
    }


def test_merged_members_of_one_campaign_stay_one_member(bench: Bench) -> None:
    campaign = bench.insert("Campaign", Name="Spring")
    master, loser = bench.lead(), bench.lead()
    for lead in (master, loser):
        bench.insert("CampaignMember", CampaignId=campaign, LeadId=lead)
    bench.org.merge("Lead", master, [loser])
    assert bench.column("SELECT LeadId FROM CampaignMember") == [master]


@pytest.mark.parametrize("losers", [0, 3])
def test_a_merge_takes_one_or_two_losers(bench: Bench, losers: int) -> None:
    with pytest.raises(SalesforceFault, match="one or two"):
        bench.org.merge("Lead", bench.lead(), [bench.lead() for _ in range(losers)])


def test_a_merge_refuses_other_objects_repeats_and_the_deleted(bench: Bench) -> None:
    lead, gone = bench.lead(), bench.lead()
    bench.delete("Lead", gone)
    for losers, code in (
        ([bench.contact()], "MALFORMED_ID"),
        ([lead], "INVALID_ID_FIELD"),
        ([gone], "ENTITY_IS_DELETED"),
    ):
        with pytest.raises(SalesforceFault) as refused:
            bench.org.merge("Lead", lead, losers)
        assert refused.value.code == code
    with pytest.raises(SalesforceFault, match="Event does not support merge"):
        bench.org.merge("Event", bench.event(), [bench.event()])


def test_a_deleted_record_is_seen_by_query_all_only_and_deleting_it_again_says_so(bench: Bench) -> None:
    lead = bench.lead()
    assert bench.delete("Lead", lead)[0].success
    assert bench.column("SELECT Id FROM Lead") == []
    assert bench.rows("SELECT Id, IsDeleted FROM Lead", include_deleted=True) == [(lead, True)]
    again, never = bench.delete("Lead", lead, lead[:14] + "z")
    assert only_error(again)[0] == "ENTITY_IS_DELETED"
    assert only_error(never)[0] == "INVALID_CROSS_REFERENCE_KEY"


def test_deleting_a_person_takes_their_own_events_and_memberships_along(bench: Bench) -> None:
    lead, campaign = bench.lead(), bench.insert("Campaign", Name="Spring")
    visit = bench.event(WhoId=lead)
    member = bench.insert("CampaignMember", CampaignId=campaign, LeadId=lead)
    bench.delete("Lead", lead)
    assert bench.column("SELECT Id FROM Event WHERE IsDeleted = TRUE", include_deleted=True) == [visit]
    assert bench.column("SELECT Id FROM CampaignMember WHERE IsDeleted = TRUE", include_deleted=True) == [
        member
    ]
    assert bench.write("undelete", "Lead", [{"Id": lead}])[0].success
    assert bench.column("SELECT Id FROM Event") == [visit]
    assert bench.column("SELECT Id FROM CampaignMember") == [member]


def test_an_event_that_concerns_a_surviving_record_too_only_loses_the_person(bench: Bench) -> None:
    account = bench.insert("Account", Name="Acme")
    contact = bench.contact()
    visit = bench.event(WhoId=contact, WhatId=account)
    bench.delete("Contact", contact)
    assert bench.get("Event", visit, "WhoId", "WhatId") == {"WhoId": None, "WhatId": account}


def test_deleting_an_account_takes_its_contacts_and_their_events_along(bench: Bench) -> None:
    account = bench.insert("Account", Name="Acme")
    contact = bench.contact(AccountId=account)
    bench.event(WhoId=contact, WhatId=account)
    bench.delete("Account", account)
    assert bench.column("SELECT COUNT(Id) FROM Contact") == [0]
    assert bench.column("SELECT COUNT(Id) FROM Event") == [0]
    bench.write("undelete", "Account", [{"Id": account}])
    assert bench.column("SELECT COUNT(Id) FROM Contact") == [1]
    assert bench.column("SELECT COUNT(Id) FROM Event") == [1]


def test_hard_deletion_leaves_nothing_behind(bench: Bench) -> None:
    visit = bench.event(Booking_Key__c="k")
    assert bench.write("hardDelete", "Event", [{"Id": visit}])[0].success
    assert bench.column("SELECT Id FROM Event", include_deleted=True) == []
    assert (
        only_error(bench.write("undelete", "Event", [{"Id": visit}])[0])[0] == "INVALID_CROSS_REFERENCE_KEY"
    )


def test_what_was_not_deleted_cannot_be_undeleted(bench: Bench) -> None:
    assert only_error(bench.write("undelete", "Lead", [{"Id": bench.lead()}])[0])[0] == "UNDELETE_FAILED"


def test_undeleting_restores_the_record_with_its_key(bench: Bench) -> None:
    visit = bench.event(Booking_Key__c="k")
    bench.delete("Event", visit)
    bench.write("undelete", "Event", [{"Id": visit}])
    again = bench.write(
        "upsert", "Event", [{"Booking_Key__c": "k", "Subject": "x"}], external_id="Booking_Key__c"
    )[0]
    assert (again.id, again.created) == (visit, False)
