"""Memberships of campaigns that travel by Bulk API, meet moved people, are cut off or refused (rule M13)."""

from __future__ import annotations

import pytest

from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.settle_run import settle_run
from tests.pipeline.test_bulk_loading import checked, fault, kill_when_asked
from tests.pipeline.test_campaigns import campaign, lead_of, members, notes
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("M13")


def lock_members(world: World, campaign_id: str) -> None:
    """Have the org refuse every change of this Campaign's members until its faults are taken back."""
    fault(
        world,
        type="lock_rows",
        sobject="CampaignMember",
        field="CampaignId",
        values=[campaign_id],
        times=1000,
    )


@pytest.mark.rule("Q6")
@pytest.mark.parametrize("entity_type", ["lead", "contact"])
def test_memberships_made_and_changed_by_bulk_are_known_by_campaign_and_person(
    world: World, entity_type: str
) -> None:
    spring, autumn = campaign(world), campaign(world, "Autumn")
    world.set(load_api="bulk", entity_type=entity_type)
    world.booking(1, world.client(10), utm_campaign="Spring")
    world.booking(2, 10, utm_campaign="Autumn", status="complete")
    world.booking(3, world.client(11), utm_campaign="Spring")
    run_id = world.sync()["run_id"]
    first, second = lead_of(world, 10), lead_of(world, 11)
    assert members(world, spring) == {first: "Sent", second: "Sent"}
    assert members(world, autumn) == {first: "Responded"}
    (job,) = world.ledger.jobs(run_id, step="add_members")
    assert (job.sent, job.succeeded) == (3, 3)
    known = world.ledger.campaign_members([first, second])
    assert set(known["member_id"]) == {row["Id"] for row in world.org.records("CampaignMember")}
    world.edit(3, status="complete")
    world.sync()
    assert members(world, spring) == {first: "Sent", second: "Responded"}


def test_a_person_account_becomes_a_member_by_its_contact(world: World) -> None:
    spring = campaign(world)
    world.set_up_org(person_accounts=True)
    world.set(entity_type="person_account")
    world.booking(1, world.client(10), utm_campaign="Spring")
    world.sync()
    (account,) = world.org.records("Account", IsPersonAccount=True)
    assert members(world, spring) == {account["PersonContactId"]: "Sent"}
    assert world.event("1-10")["WhoId"] == account["PersonContactId"]
    world.edit(1, status="complete")
    world.sync()
    assert members(world, spring) == {account["PersonContactId"]: "Responded"}


@pytest.mark.rule("M7")
@pytest.mark.parametrize("load_api", ["rest", "bulk"])
def test_a_lead_that_is_converted_before_it_becomes_a_member_is_followed_to_its_contact(
    world: World, load_api: str
) -> None:
    spring = campaign(world)
    world.set(load_api=load_api)
    lead = world.lead(FirstName="Ann", LastName="Lee 10", Email="ann10@example.com")
    world.booking(1, world.client(10), utm_campaign="Spring")
    contacts: list[str] = []
    world.sync(before_loading=lambda: contacts.append(world.convert(lead)))
    assert members(world, spring) == {contacts[0]: "Sent"}
    world.sync()
    assert members(world, spring) == {contacts[0]: "Sent"}
    assert world.event("1-10")["WhoId"] == contacts[0]


@pytest.mark.rule("Q4")
def test_a_membership_whose_answer_was_lost_is_made_once_and_follows_the_booking(world: World) -> None:
    spring = campaign(world)
    lead = world.lead(FirstName="Ann", LastName="Lee 10", Email="ann10@example.com")
    world.set(load_api="rest")
    world.booking(1, world.client(10), utm_campaign="Spring")
    run = checked(world)
    fault(world, type="drop", kind="collections_create", when="after", times=1)
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    settle_run(run, world.wiring())
    assert members(world, spring) == {lead: "Sent"}
    world.edit(1, status="complete")
    world.sync()
    assert members(world, spring) == {lead: "Responded"}
    assert len(world.org.records("CampaignMember")) == 1
    assert notes(world, lead) == []


@pytest.mark.rule("Q4")
@pytest.mark.parametrize(
    ("load_api", "kind"),
    [("rest", "collections_create"), ("bulk", "bulk_ingest_upload"), ("bulk", "bulk_ingest_results")],
)
def test_a_task_that_is_killed_while_it_makes_members_makes_each_once(
    world: World, load_api: str, kind: str
) -> None:
    spring = campaign(world)
    lead = world.lead(FirstName="Ann", LastName="Lee 10", Email="ann10@example.com")
    world.set(load_api=load_api)
    world.booking(1, world.client(10), utm_campaign="Spring", status="complete")
    run = checked(world)
    world.org.forget_calls()
    fault(world, type="hang", kind=kind, seconds=1)
    kill_when_asked(world, run, "load_people", kind)
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    settle_run(run, world.wiring())
    world.org.control("POST", "drain", {})
    (member,) = world.org.records("CampaignMember")
    assert (member["CampaignId"], member["LeadId"], member["Status"]) == (spring, lead, "Responded")
    known = world.ledger.campaign_members([lead])
    assert known[["member_id", "member_status"]].values.tolist() == [[member["Id"], "Responded"]]


@pytest.mark.rule("Q6")
def test_a_membership_that_was_locked_is_tried_again_by_the_next_run_by_itself(world: World) -> None:
    spring = campaign(world)
    world.booking(1, world.client(10), utm_campaign="Spring")
    lock_members(world, spring)
    assert world.sync()["written"] == 1
    world.org.control("DELETE", "faults", {})
    assert members(world, spring) == {}
    assert notes(world, lead_of(world, 10)) == ["transient_exhausted"]
    world.sync()
    assert members(world, spring) == {lead_of(world, 10): "Sent"}
    assert notes(world, lead_of(world, 10)) == []
    assert world.ledger.dirty_appointments(("appointment", "walk_in")) == frozenset()


@pytest.mark.rule("M13")
def test_nobody_is_told_that_a_membership_will_be_tried_again_once_its_booking_is_gone(world: World) -> None:
    spring = campaign(world)
    world.booking(1, world.client(10), utm_campaign="Spring")
    lock_members(world, spring)
    world.sync()
    world.org.control("DELETE", "faults", {})
    world.edit(1, deleted_at=world.now)
    world.sync()
    assert members(world, spring) == {}
    assert notes(world, lead_of(world, 10)) == []


@pytest.mark.rule("Q6")
def test_a_status_that_was_locked_is_tried_again_though_its_booking_went_to_another_campaign(
    world: World,
) -> None:
    spring, autumn = campaign(world), campaign(world, "Autumn")
    world.booking(1, world.client(10), utm_campaign="Spring", status="complete")
    world.booking(2, 10, utm_campaign="Spring")
    world.sync()
    lead = lead_of(world, 10)
    lock_members(world, spring)
    world.edit(1, utm_campaign="Autumn")
    world.sync()
    world.org.control("DELETE", "faults", {})
    assert members(world, spring) == {lead: "Responded"}
    world.sync()
    assert members(world, spring) == {lead: "Sent"}, "the booking that is left decides"
    assert members(world, autumn) == {lead: "Responded"}
