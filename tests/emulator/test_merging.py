"""Merging: who may merge with whom, what the request may change, what becomes of the losers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import OrgSetup
from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    """An org with Person Accounts."""
    made = Bench()
    made.org.configure(OrgSetup(person_accounts=True))
    yield made
    made.close()


def person(bench: Bench, **values: object) -> tuple[str, str]:
    """Insert a Person Account; return its Id and its Contact's."""
    account = bench.insert("Account", **{"LastName": "Doe", **values})
    return account, str(bench.get("Account", account, "PersonContactId")["PersonContactId"])


def code(refused: pytest.ExceptionInfo[SalesforceFault]) -> str:
    return refused.value.code


def test_people_merge_with_their_contacts_and_all_that_pointed_at_them(bench: Bench) -> None:
    (master, master_contact), (loser, loser_contact) = person(bench), person(bench)
    campaign = bench.insert("Campaign", Name="Spring")
    member = bench.insert("CampaignMember", CampaignId=campaign, ContactId=loser_contact)
    visit = bench.event(WhoId=loser_contact)
    deal = bench.insert(
        "Opportunity", Name="Loan", StageName="Prospecting", CloseDate="2026-04-01", AccountId=loser
    )
    merged = bench.org.merge("Account", master, [loser])
    assert (merged.id, merged.merged_record_ids) == (master, (loser,))
    assert {visit, member, deal} <= set(merged.updated_related_ids)
    assert bench.get("Event", visit, "WhoId", "AccountId") == {"WhoId": master_contact, "AccountId": master}
    assert bench.get("CampaignMember", member, "ContactId") == {"ContactId": master_contact}
    assert bench.get("Opportunity", deal, "AccountId") == {"AccountId": master}
    deleted = "SELECT Id, MasterRecordId FROM {} WHERE IsDeleted = TRUE"
    assert bench.rows(deleted.format("Account"), include_deleted=True) == [(loser, master)]
    assert bench.rows(deleted.format("Contact"), include_deleted=True) == [(loser_contact, master_contact)]
    assert bench.rows("SELECT Id, AccountId FROM Contact") == [(master_contact, master)]


def test_a_loser_that_is_undeleted_has_its_contact_again(bench: Bench) -> None:
    (master, _), (loser, loser_contact) = person(bench), person(bench)
    bench.org.merge("Account", master, [loser])
    assert bench.write("undelete", "Account", [{"Id": loser}])[0].success
    assert bench.get("Contact", loser_contact, "AccountId", "MasterRecordId") == {
        "AccountId": loser,
        "MasterRecordId": None,
    }


def test_people_merge_with_people_only_and_through_their_accounts_only(bench: Bench) -> None:
    (account, contact), business = person(bench), bench.insert("Account", Name="Acme")
    for sobject, master, loser in (
        ("Account", account, business),
        ("Account", business, account),
        ("Contact", contact, bench.contact()),
        ("Contact", bench.contact(), contact),
    ):
        with pytest.raises(SalesforceFault) as refused:
            bench.org.merge(sobject, master, [loser])
        assert code(refused) == "INVALID_PERSON_ACCOUNT_OPERATION"


def test_businesses_merge_with_their_contacts_under_the_master(bench: Bench) -> None:
    master, losers = bench.insert("Account", Name="A"), [bench.insert("Account", Name="B") for _ in range(2)]
    contacts = [bench.contact(AccountId=loser) for loser in losers]
    visit = bench.event(WhoId=contacts[0])
    bench.org.merge("Account", master, losers)
    assert bench.rows("SELECT Id, AccountId FROM Contact ORDER BY Id") == [
        (item, master) for item in contacts
    ]
    assert bench.get("Event", visit, "AccountId") == {"AccountId": master}


def test_the_request_may_give_the_master_values_even_a_unique_one_of_a_loser(bench: Bench) -> None:
    master, loser = bench.lead(), bench.lead(Person_Key__c="k", Email="l@example.com")
    bench.org.merge("Lead", master, [loser], fields={"Person_Key__c": "k", "Email": "l@example.com"})
    assert bench.get("Lead", master, "Person_Key__c", "Email") == {
        "Person_Key__c": "k",
        "Email": "l@example.com",
    }


def test_values_that_an_update_would_refuse_undo_the_whole_merge(bench: Bench) -> None:
    master, loser = bench.lead(), bench.lead()
    with pytest.raises(SalesforceFault) as refused:
        bench.org.merge("Lead", master, [loser], fields={"Email": "nonsense"})
    assert code(refused) == "INVALID_EMAIL_ADDRESS"
    assert bench.get("Lead", loser, "IsDeleted") == {"IsDeleted": False}


def test_a_converted_lead_may_lose_but_not_win(bench: Bench) -> None:
    converted, open_lead = bench.lead(), bench.lead()
    bench.org.convert_lead(converted)
    with pytest.raises(SalesforceFault) as refused:
        bench.org.merge("Lead", converted, [open_lead])
    assert code(refused) == "CANNOT_UPDATE_CONVERTED_LEAD"
    bench.org.merge("Lead", open_lead, [converted])
    assert bench.column("SELECT Id FROM Lead") == [open_lead]


def test_a_merge_that_would_close_a_circle_of_parents_is_refused(bench: Bench) -> None:
    top = bench.insert("Account", Name="Top")
    middle = bench.insert("Account", Name="Middle", ParentId=top)
    bottom = bench.insert("Account", Name="Bottom", ParentId=middle)
    with pytest.raises(SalesforceFault) as refused:
        bench.org.merge("Account", bottom, [top])
    assert code(refused) == "CIRCULAR_DEPENDENCY"
    assert bench.column("SELECT COUNT(Id) FROM Account") == [3]


def test_a_converted_lead_keeps_naming_the_loser(bench: Bench) -> None:
    made = bench.org.convert_lead(bench.lead())
    master = bench.contact()
    bench.org.merge("Contact", master, [made["contactId"]])
    assert bench.column("SELECT ConvertedContactId FROM Lead") == [made["contactId"]]
