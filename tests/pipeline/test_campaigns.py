"""Members of campaigns (M13), from the booking database to the local org."""

from __future__ import annotations

from typing import Any

import pytest

from include.pipeline.context import SyncRun
from include.pipeline.load_people import load_people
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
