"""Campaigns: their own statuses, and one membership a person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.engine_bench import Bench, only_error

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def campaign(bench: Bench) -> str:
    return bench.insert("Campaign", Name="Spring")


def test_a_new_campaign_has_the_statuses_sent_and_responded(bench: Bench, campaign: str) -> None:
    soql = "SELECT Label, IsDefault, HasResponded FROM CampaignMemberStatus ORDER BY SortOrder"
    assert bench.rows(soql) == [("Sent", True, False), ("Responded", False, True)]


def test_a_member_starts_with_the_default_status(bench: Bench, campaign: str) -> None:
    lead = bench.lead()
    bench.insert("CampaignMember", CampaignId=campaign, LeadId=lead)
    found = bench.rows("SELECT Status, HasResponded, LeadOrContactId, Type FROM CampaignMember")
    assert found == [("Sent", False, lead, "Lead")]


def test_a_status_implies_the_response(bench: Bench, campaign: str) -> None:
    member = bench.insert(
        "CampaignMember", CampaignId=campaign, ContactId=bench.contact(), Status="responded"
    )
    shown = bench.get("CampaignMember", member, "Status", "HasResponded", "FirstRespondedDate")
    assert shown == {"Status": "Responded", "HasResponded": True, "FirstRespondedDate": "2026-03-18"}


def test_a_status_the_campaign_lacks_is_silently_replaced_by_its_default(bench: Bench, campaign: str) -> None:
    member = bench.insert("CampaignMember", CampaignId=campaign, LeadId=bench.lead(), Status="Attended")
    assert bench.get("CampaignMember", member, "Status") == {"Status": "Sent"}


def test_a_status_added_to_the_campaign_is_kept_and_may_become_the_default(
    bench: Bench, campaign: str
) -> None:
    bench.insert(
        "CampaignMemberStatus", CampaignId=campaign, Label="Attended", IsDefault=True, HasResponded=True
    )
    member = bench.insert("CampaignMember", CampaignId=campaign, LeadId=bench.lead())
    assert bench.get("CampaignMember", member, "Status", "HasResponded") == {
        "Status": "Attended",
        "HasResponded": True,
    }
    again = {"CampaignId": campaign, "Label": "attended"}
    assert only_error(bench.write("insert", "CampaignMemberStatus", [again])[0])[0] == "DUPLICATE_VALUE"


def test_a_second_membership_is_refused_in_the_words_of_salesforce(bench: Bench, campaign: str) -> None:
    row = {"CampaignId": campaign, "LeadId": bench.lead()}
    first, same_batch = bench.write("insert", "CampaignMember", [row, row])
    later = bench.write("insert", "CampaignMember", [row])[0]
    assert first.success
    for refused in (same_batch, later):
        assert (refused.errors[0].code, refused.errors[0].message) == (
            "DUPLICATE_VALUE",
            "Already a campaign member.",
        )


def test_a_member_needs_a_person_and_a_campaign(bench: Bench, campaign: str) -> None:
    rows = [{"CampaignId": campaign}, {"LeadId": bench.lead()}]
    codes = [only_error(result)[0] for result in bench.write("insert", "CampaignMember", rows)]
    assert codes == ["REQUIRED_FIELD_MISSING", "REQUIRED_FIELD_MISSING"]


def test_the_campaign_of_a_member_cannot_change(bench: Bench, campaign: str) -> None:
    member = bench.insert("CampaignMember", CampaignId=campaign, LeadId=bench.lead())
    other = bench.insert("Campaign", Name="Autumn")
    result = bench.update("CampaignMember", member, CampaignId=other)
    assert only_error(result) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ("CampaignId",))


def test_a_converted_lead_s_membership_belongs_to_its_contact(bench: Bench, campaign: str) -> None:
    lead = bench.lead()
    bench.insert("CampaignMember", CampaignId=campaign, LeadId=lead)
    contact = bench.org.convert_lead(lead)["contactId"]
    assert bench.column("SELECT ContactId FROM CampaignMember") == [contact]
    row = {"CampaignId": campaign, "ContactId": contact}
    assert only_error(bench.write("insert", "CampaignMember", [row])[0])[0] == "DUPLICATE_VALUE"
    refused = bench.write("insert", "CampaignMember", [{"CampaignId": campaign, "LeadId": lead}])[0]
    assert only_error(refused)[0] == "CANNOT_UPDATE_CONVERTED_LEAD"
