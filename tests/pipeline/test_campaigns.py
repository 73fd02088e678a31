"""Members of campaigns (M13), from the booking database to the local org."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from include.pipeline.campaign_reading import CampaignReader
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("M13")


def campaign(world: World, name: str = "Spring", **values: Any) -> str:
    (campaign_id,) = world.org.seed("Campaign", {"Name": name, "IsActive": True, **values})
    return campaign_id


def members(world: World, campaign_id: str) -> dict[str, str]:
    """Return the status of each member by the record's Id."""
    return {
        row["ContactId"] or row["LeadId"]: row["Status"]
        for row in world.org.records("CampaignMember", CampaignId=campaign_id)
    }


def notes(world: World, record_id: str) -> list[str]:
    return world.ledger.campaign_members([record_id])["note"].dropna().tolist()


def lead_of(world: World, client_id: int) -> str:
    return str(world.ledger.person_links([str(client_id)])["who_id"].iloc[0])


def test_a_booking_makes_its_person_a_member_and_its_status_follows_the_bookings(world: World) -> None:
    spring = campaign(world)
    world.booking(1, world.client(10), utm_campaign="Spring")
    world.sync()
    assert members(world, spring) == {lead_of(world, 10): "Sent"}
    world.edit(1, status="complete")
    world.sync()
    assert members(world, spring) == {lead_of(world, 10): "Responded"}
    assert world.event("1-10")["WhoId"] == lead_of(world, 10)


def test_a_campaign_is_named_by_its_id_too_and_rules_name_one_for_services_and_locations(
    world: World,
) -> None:
    spring, mortgages = campaign(world), campaign(world, "Mortgages")
    world.insert("services", id=2, name="Mortgage", duration_minutes=30)
    world.set(campaign_rules=[{"campaign": "Mortgages", "service": "mortgage"}])
    world.booking(1, world.client(10), utm_campaign=spring[:15], service_id=2)
    world.booking(2, world.client(11), service_id=2)
    world.booking(3, world.client(12))
    world.sync()
    assert members(world, spring) == {lead_of(world, 10): "Sent"}
    assert members(world, mortgages) == {lead_of(world, 11): "Sent"}


@pytest.mark.parametrize(
    ("seeded", "note"),
    [
        ([], "unknown_campaign"),
        ([{"Name": "Spring"}, {"Name": "Spring"}], "several_campaigns"),
        ([{"Name": "Spring", "IsActive": False}], "inactive_campaign"),
        ([{"Name": "spring"}], "unknown_campaign"),
    ],
)
def test_a_campaign_that_cannot_be_told_is_noted_and_the_event_is_written(
    world: World, seeded: list[dict[str, Any]], note: str
) -> None:
    for values in seeded:
        campaign(world, name=values["Name"], IsActive=values.get("IsActive", True))
    world.booking(1, world.client(10), utm_campaign="Spring")
    assert world.sync()["written"] == 1
    assert notes(world, lead_of(world, 10)) == [note]
    assert world.org.records("CampaignMember") == []


def test_a_note_goes_once_the_campaign_is_there_and_the_booking_is_read_again(world: World) -> None:
    world.booking(1, world.client(10), utm_campaign="Spring")
    world.sync()
    spring = campaign(world)
    world.edit(1, notes="Bring papers.")
    world.sync()
    assert members(world, spring) == {lead_of(world, 10): "Sent"}
    assert notes(world, lead_of(world, 10)) == []


def test_the_most_advanced_booking_of_a_person_decides_whichever_run_saw_it(world: World) -> None:
    spring = campaign(world)
    world.client(10, last_name="Lee", email="ann@example.com")
    world.client(11, last_name="Lee", email="ann@example.com")
    world.booking(1, 10, utm_campaign="Spring", status="complete")
    world.sync()
    world.booking(2, 11, utm_campaign="Spring", status="cancelled")
    world.booking(3, 11, kind="walk_in", utm_campaign="Spring", status="no_show")
    world.sync()
    world.walk_ins()
    assert members(world, spring) == {lead_of(world, 10): "Responded"}
    world.edit(1, deleted_at=world.now)
    world.sync()
    assert members(world, spring) == {lead_of(world, 10): "Sent"}, "deleted bookings count no more"


def test_a_membership_that_is_there_already_is_success_and_keeps_what_it_says(world: World) -> None:
    spring, autumn = campaign(world), campaign(world, "Autumn")
    (lead,) = world.org.seed(
        "Lead", {"FirstName": "Ann", "LastName": "Lee 10", "Email": "ann10@example.com", "Company": "Lee"}
    )
    world.org.seed("CampaignMember", {"CampaignId": spring, "LeadId": lead, "Status": "Responded"})
    world.org.seed("CampaignMember", {"CampaignId": autumn, "LeadId": lead, "Status": "Sent"})
    world.client(10)
    world.booking(1, 10, utm_campaign="Spring")
    world.booking(2, 10, utm_campaign="Autumn", status="complete")
    world.sync()
    assert members(world, spring) == {lead: "Responded"}, "a booking says less"
    assert members(world, autumn) == {lead: "Responded"}, "a visit says more"


def test_what_a_salesforce_user_made_of_a_membership_is_never_set_back(world: World) -> None:
    spring = campaign(world)
    world.booking(1, world.client(10), utm_campaign="Spring", status="complete")
    world.sync()
    (member,) = world.org.records("CampaignMember", CampaignId=spring)
    world.org.change("CampaignMember", Id=member["Id"], Status="Sent")
    world.edit(1, notes="Bring papers.")
    world.sync()
    assert members(world, spring) == {lead_of(world, 10): "Sent"}
    world.org.delete("CampaignMember", member["Id"])
    world.edit(1, notes="Bring nothing.")
    world.sync()
    assert members(world, spring) == {}


def test_a_status_that_the_campaign_lacks_is_noted_and_never_sent(world: World) -> None:
    spring = campaign(world)
    world.set(campaign_member_statuses={"booked": "sent", "complete": "Attended"})
    world.client(10)
    world.booking(1, 10, utm_campaign="Spring", status="complete")
    world.booking(2, world.client(11), utm_campaign="Spring")
    world.sync()
    assert members(world, spring) == {lead_of(world, 10): "Sent", lead_of(world, 11): "Sent"}
    assert notes(world, lead_of(world, 10)) == ["status_not_in_campaign"]
    assert notes(world, lead_of(world, 11)) == []


def may_not_see_campaigns(world: World) -> None:
    """Take the permission *Marketing User* from the integration user."""
    with world.org.connect() as salesforce:
        (me,) = world.org.records("User", Id=salesforce.user_id)
    permissions = ["ApiEnabled", "ModifyAllData", "ViewAllData", "UseAnyApiAuth", "ConvertLeads"]
    world.org.control("PUT", "setup", {"users": {me["Username"]: {"permissions": permissions}}})


def test_without_the_marketing_permission_it_is_noted_and_the_event_is_written(world: World) -> None:
    campaign(world)
    may_not_see_campaigns(world)
    world.booking(1, world.client(10), utm_campaign="Spring")
    assert world.sync()["written"] == 1
    assert notes(world, lead_of(world, 10)) == ["not_permitted"]


@pytest.mark.rule("Q8")
def test_what_our_user_may_not_see_of_campaigns_is_asked_for_once(world: World) -> None:
    may_not_see_campaigns(world)
    with world.org.connect() as salesforce:
        reader = CampaignReader(salesforce)
        world.org.forget_calls()
        for _ in range(2):
            assert (reader.may_read_statuses, reader.may_write_members) == (False, False)
    assert world.org.calls()["describe"] == 2


@pytest.mark.rule("M7")
def test_the_membership_of_a_converted_lead_is_its_contacts_from_then_on(world: World) -> None:
    spring = campaign(world)
    world.booking(1, world.client(10), utm_campaign="Spring")
    world.sync()
    lead = lead_of(world, 10)
    world.convert(lead)
    world.edit(1, status="complete")
    world.sync()
    contact = lead_of(world, 10)
    assert contact.startswith("003")
    assert members(world, spring) == {contact: "Responded"}
    assert world.ledger.campaign_members([lead]).empty


@pytest.mark.rule("Q8")
def test_bookings_without_a_campaign_cost_no_call(world: World) -> None:
    def calls_of_a_run() -> Counter[str]:
        world.org.forget_calls()
        world.sync()
        return Counter(world.org.calls())

    world.booking(1, world.client(10))
    world.sync()
    world.booking(2, world.client(11))
    without = calls_of_a_run()
    campaign(world)
    world.booking(3, world.client(12), utm_campaign="Spring")
    # the matching task asks for three objects, the loading task for the one it writes
    assert calls_of_a_run() - without == Counter(describe=4, query=2, collections_create=1)


@pytest.mark.rule("T6")
def test_a_dry_run_says_who_would_become_a_member(world: World) -> None:
    spring = campaign(world)
    world.booking(1, world.client(10), utm_campaign="Spring")
    plan = world.sync(dry_run=True)
    assert (plan["members_to_create"], plan["members_to_update"], plan["members_noted"]) == (1, 0, 0)
    assert members(world, spring) == {}
