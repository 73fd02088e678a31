"""Campaign bookings and members in the ledger."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.ledger.contracts import CAMPAIGN_MEMBERS, NAMED_CAMPAIGNS, SETTLED_CAMPAIGN_BOOKINGS
from include.ledger.repository import Ledger
from tests.ledger.builders import at, forwards, frame, people

pytestmark = pytest.mark.rule("M13")

SPRING, AUTUMN = "701000000000001AAA", "701000000000002AAA"
LEAD, OTHER_LEAD, CONTACT = "00Q000000000001AAA", "00Q000000000002AAA", "003000000000001AAA"
MEMBER = "00v000000000001AAA"


def record_bookings(ledger: Ledger, *rows: dict[str, Any]) -> None:
    defaults = {"campaign_id": SPRING, "status": "booked", "source_version": 1}
    ledger.record_campaign_bookings(frame(SETTLED_CAMPAIGN_BOOKINGS, list(rows), defaults), now=at(2))


def link(ledger: Ledger, client_id: str, record_id: str) -> None:
    row = {"client_id": client_id, "record_id": record_id, "who_id": record_id}
    ledger.record_people("run-1", people(row), settings_version=0, now=at(2))


def record_members(ledger: Ledger, *rows: dict[str, Any]) -> None:
    defaults = {
        "campaign_id": SPRING,
        "record_id": LEAD,
        "member_id": MEMBER,
        "member_status": "Sent",
        "note": None,
    }
    ledger.record_campaign_members(frame(CAMPAIGN_MEMBERS, list(rows), defaults), now=at(3))


def members(ledger: Ledger, *record_ids: str) -> list[tuple[Any, ...]]:
    known = ledger.campaign_members(record_ids)
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in known.itertuples(index=False, name=None)
    ]


def test_the_bookings_of_a_person_are_those_of_every_client_who_is_that_record(ledger: Ledger) -> None:
    link(ledger, "10", LEAD)
    link(ledger, "11", LEAD)
    link(ledger, "12", OTHER_LEAD)
    record_bookings(
        ledger,
        {"booking_key": "1-10", "client_id": "10"},
        {"booking_key": "2-11", "client_id": "11"},
        {"booking_key": "3-12", "client_id": "12"},
        {"booking_key": "4-13", "client_id": "13"},
    )
    found = ledger.campaign_bookings({"10"}, {LEAD})
    assert found["booking_key"].tolist() == ["1-10", "2-11"]
    assert set(found["who_id"]) == {LEAD}
    unlinked = ledger.campaign_bookings({"13"}, set())
    assert unlinked["booking_key"].tolist() == ["4-13"]
    assert unlinked["person_ref"].isna().all()


def test_an_older_version_of_a_booking_never_takes_the_place_of_a_newer_one(ledger: Ledger) -> None:
    record_bookings(
        ledger, {"booking_key": "1-10", "client_id": "10", "status": "complete", "source_version": 5}
    )
    record_bookings(
        ledger, {"booking_key": "1-10", "client_id": "10", "status": "booked", "source_version": 4}
    )
    assert ledger.campaign_bookings({"10"}, set())["status"].tolist() == ["complete"]


def test_a_booking_that_lost_its_campaign_counts_no_more_and_stays_lost(ledger: Ledger) -> None:
    record_bookings(ledger, {"booking_key": "1-10", "client_id": "10", "source_version": 4})
    record_bookings(
        ledger, {"booking_key": "1-10", "client_id": "10", "campaign_id": None, "source_version": 5}
    )
    record_bookings(ledger, {"booking_key": "1-10", "client_id": "10", "source_version": 4})
    assert ledger.campaign_bookings({"10"}, set()).empty
    assert ledger.campaign_bookings_of_pairs(["1-10"]).empty


def test_what_is_not_said_of_a_member_stays_as_it_was(ledger: Ledger) -> None:
    record_members(ledger, {})
    record_members(ledger, {"member_id": None, "member_status": None, "note": "refused_by_salesforce"})
    assert members(ledger, LEAD) == [(SPRING, LEAD, MEMBER, "Sent", "refused_by_salesforce")]
    record_members(ledger, {"member_status": "Responded"})
    assert members(ledger, LEAD) == [(SPRING, LEAD, MEMBER, "Responded", None)]


def test_a_note_about_a_name_goes_once_the_name_leads_to_a_campaign(ledger: Ledger) -> None:
    nameless = {"campaign_id": "spring", "member_id": None, "member_status": None}
    record_members(ledger, {**nameless, "note": "unknown_campaign"})
    assert members(ledger, LEAD) == [("spring", LEAD, None, None, "unknown_campaign")]
    record_members(ledger, {})
    ledger.drop_campaign_notes(frame(NAMED_CAMPAIGNS, [{"campaign": "spring", "record_id": LEAD}], {}))
    assert members(ledger, LEAD) == [(SPRING, LEAD, MEMBER, "Sent", None)]


@pytest.mark.rule("M7")
def test_members_follow_a_converted_lead_and_what_its_contact_has_already_stays(ledger: Ledger) -> None:
    record_members(
        ledger,
        {},
        {"campaign_id": AUTUMN, "member_status": "Sent"},
        {"campaign_id": AUTUMN, "record_id": OTHER_LEAD, "member_status": "Sent"},
        {"campaign_id": AUTUMN, "record_id": CONTACT, "member_status": "Responded"},
    )
    ledger.follow_people(pd.concat([forwards(LEAD, CONTACT), forwards(OTHER_LEAD, CONTACT)]))
    assert members(ledger, LEAD, OTHER_LEAD) == []
    assert members(ledger, CONTACT) == [
        (SPRING, CONTACT, MEMBER, "Sent", None),
        (AUTUMN, CONTACT, MEMBER, "Responded", None),
    ]
