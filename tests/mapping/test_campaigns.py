"""Which campaign a booking belongs to, and what becomes of its person's membership."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.frames import (
    ASKED_MEMBERS,
    CAMPAIGN_BOOKINGS,
    CAMPAIGN_PAIRS,
    CAMPAIGN_STATUSES,
    CAMPAIGNS,
    EVENTS,
    MEMBERSHIPS,
    RESOLVED_PAIRS,
    TOUCHED_CAMPAIGNS,
)
from include.mapping.campaigns import campaign_pairs, choose_campaigns
from include.mapping.members import CampaignFacts, counting_pairs, noted_members, plan_members, touched_by
from include.settings.model import MEMBER_STATUSES, Settings
from tests.mapping.builders import BOOKINGS, LEAD, OTHER_LEAD, booking, frame

pytestmark = pytest.mark.rule("M13")

SPRING, AUTUMN = "701000000000001AAA", "701000000000002AAA"
MEMBER = "00v000000000001AAA"
RULES = {
    "campaign_rules": [
        {"campaign": "Mortgages downtown", "service": " mortgage", "location": "7"},
        {"campaign": "Mortgages", "service": "5"},
        {"campaign": "Everybody"},
    ]
}


def campaigns_of(*bookings: dict[str, Any], **settings: Any) -> list[str | None]:
    pairs = campaign_pairs(frame(BOOKINGS, list(bookings)), Settings.model_validate(settings))
    return [None if pd.isna(name) else name for name in pairs["campaign"]]


def choice(name: str, *campaigns: tuple[str, str, bool]) -> tuple[str | None, str | None]:
    rows = [{"campaign_id": one, "name": called, "is_active": active} for one, called, active in campaigns]
    (row,) = choose_campaigns(pd.Series([name], dtype="str"), frame(CAMPAIGNS, rows)).to_dict("records")
    found, note = row["campaign_id"], row["note"]
    return (None if pd.isna(found) else found, None if pd.isna(note) else note)


def planned(
    *bookings: tuple[str, str],
    now: str | None = None,
    asked: str | None = None,
    statuses: dict[str, str] | None = None,
    may_write: bool = True,
    may_read_statuses: bool = True,
) -> tuple[str, str | None, str | None]:
    """Return action, status and note of one Lead with bookings ``(key, status)`` in a campaign of three statuses."""
    rows = [
        {"booking_key": key, "campaign_id": SPRING, "client_id": "10", "person_ref": LEAD, "who_id": LEAD}
        | {"status": status}
        for key, status in bookings
    ]
    own = [
        {"campaign_id": SPRING, "label": label, "is_default": label == "Sent", "has_responded": responded}
        for label, responded in (("Sent", False), ("Invited", False), ("Responded", True))
    ]
    membership = {"campaign_id": SPRING, "who_id": LEAD, "member_id": MEMBER, "member_status": now}
    before = {"campaign_id": SPRING, "who_id": LEAD, "asked_status": asked}
    facts = CampaignFacts(
        statuses=frame(CAMPAIGN_STATUSES, own if may_read_statuses else []),
        memberships=frame(MEMBERSHIPS, [membership] if now else []),
        asked=frame(ASKED_MEMBERS, [before] if asked else []),
        may_write=may_write,
        may_read_statuses=may_read_statuses,
    )
    touched = frame(TOUCHED_CAMPAIGNS, [{"client_id": "10", "person_ref": LEAD, "campaign_id": SPRING}])
    (row,) = plan_members(
        frame(CAMPAIGN_BOOKINGS, rows), touched, facts, statuses or MEMBER_STATUSES
    ).to_dict("records")
    status, note = row["member_status"], row["note"]
    return row["action"], None if pd.isna(status) else status, None if pd.isna(note) else note


def test_a_bookings_own_campaign_goes_before_the_first_rule_that_fits() -> None:
    assert campaigns_of(
        booking(1, utm_campaign=" Spring "),
        booking(2),
        booking(3, location_id="8"),
        booking(4, service_id="6", service_name="Savings", utm_campaign=" "),
        **RULES,
    ) == ["Spring", "Mortgages downtown", "Mortgages", "Everybody"]
    assert campaigns_of(booking(1)) == [None]


def test_a_booking_without_attendee_makes_nobody_a_member() -> None:
    assert campaigns_of(booking(1, None, utm_campaign="Spring")) == []


@pytest.mark.parametrize("name", [SPRING, SPRING[:15], "Spring"])
def test_a_campaign_is_meant_by_either_form_of_its_id_or_by_its_exact_name(name: str) -> None:
    assert choice(name, (SPRING, "Spring", True)) == (SPRING, None)


def test_an_active_campaign_is_meant_where_an_inactive_one_has_its_name() -> None:
    assert choice("Spring", (AUTUMN, "Spring", False), (SPRING, "Spring", True)) == (SPRING, None)


@pytest.mark.parametrize(
    ("name", "campaigns", "note"),
    [
        ("Spring", [], "unknown_campaign"),
        ("Spring", [(SPRING, "spring", True)], "unknown_campaign"),
        (AUTUMN, [(SPRING, "Spring", True)], "unknown_campaign"),
        ("Spring", [(SPRING, "Spring", True), (AUTUMN, "Spring", True)], "several_campaigns"),
        ("Spring", [(SPRING, "Spring", False)], "inactive_campaign"),
        (SPRING, [(SPRING, "Spring", False)], "inactive_campaign"),
    ],
)
def test_a_name_that_leads_to_no_campaign_says_why(
    name: str, campaigns: list[tuple[str, str, bool]], note: str
) -> None:
    assert choice(name, *campaigns) == (None, note)


def test_a_pair_counts_when_it_is_written_or_registered_or_stands_as_it_was() -> None:
    pairs = frame(
        CAMPAIGN_PAIRS, [{"booking_key": str(n), "source_version": n, "is_gone": False} for n in range(6)]
    )
    verdicts = [
        {"outcome": None, "needs_person": True},
        {"outcome": "unchanged", "reason": "shared_event"},
        {"outcome": "held", "reason": "events_off", "needs_person": True},
        {"outcome": "held", "reason": "out_of_scope"},
        {"outcome": "unchanged", "reason": "overtaken"},
        {"outcome": "quarantined", "reason": "no_end"},
    ]
    claims = {"is_primary": True, "needs_person": False}
    events = frame(EVENTS, [{"booking_key": str(n), **claims, **row} for n, row in enumerate(verdicts)])
    assert counting_pairs(pairs, events)["booking_key"].tolist() == ["0", "1", "2"]


def test_the_most_advanced_booking_gives_the_status_of_a_new_member() -> None:
    assert planned(("1-10", "booked")) == ("create", "Sent", None)
    assert planned(("1-10", "cancelled"), ("2-10", "complete"), ("3-10", "no_show")) == (
        "create",
        "Responded",
        None,
    )


@pytest.mark.parametrize(
    ("status", "now", "asked", "action"),
    [
        ("complete", "Sent", "Sent", "update"),
        ("booked", "Responded", "Responded", "update"),
        ("complete", "Responded", "Sent", "none"),
        ("complete", "Sent", "Responded", "none"),
        ("complete", "Invited", "Sent", "update"),
        ("booked", "Invited", "Responded", "none"),
        ("booked", "Responded", None, "none"),
        ("complete", "Sent", None, "update"),
        ("complete", None, "Responded", "none"),
        ("complete", None, "Sent", "create"),
    ],
)
def test_a_status_follows_the_table_until_somebody_else_changes_it(
    status: str, now: str | None, asked: str | None, action: str
) -> None:
    assert planned(("1-10", status), now=now, asked=asked)[0] == action


def test_a_status_that_the_campaign_lacks_leaves_its_default_to_new_members_and_changes_no_other() -> None:
    table = {"booked": "Attended"}
    assert planned(("1-10", "booked"), statuses=table) == ("create", "Sent", "status_not_in_campaign")
    assert planned(("1-10", "booked"), statuses=table, now="Responded")[::2] == (
        "none",
        "status_not_in_campaign",
    )


def test_a_status_is_sent_as_the_campaign_spells_it_and_a_silent_table_leaves_the_default() -> None:
    assert planned(("1-10", "booked"), statuses={"booked": "responded"}) == ("create", "Responded", None)
    assert planned(("1-10", "booked"), statuses={"complete": "Responded"}) == ("create", "Sent", None)


def test_without_permission_nothing_is_planned_and_without_the_statuses_none_is_sent() -> None:
    assert planned(("1-10", "booked"), may_write=False)[::2] == ("none", "not_permitted")
    assert planned(("1-10", "booked"), may_read_statuses=False) == ("create", None, "not_permitted")


def test_what_a_booking_counted_towards_before_is_touched_too() -> None:
    known = frame(CAMPAIGN_BOOKINGS, [{"booking_key": "1-10", "campaign_id": AUTUMN, "client_id": "10"}])
    pairs = frame(
        RESOLVED_PAIRS,
        [
            {"booking_key": "1-10", "campaign_id": SPRING, "client_id": "10"}
            | {"source_version": 1, "is_gone": False, "was_counted": True}
        ],
    )
    assert touched_by(pairs, known)["campaign_id"].tolist() == [SPRING, AUTUMN]


def test_a_name_that_leads_nowhere_is_noted_once_a_person() -> None:
    row = {"campaign": "Spring", "note": "unknown_campaign", "source_version": 1, "is_gone": False}
    rows = [
        row | {"booking_key": f"{n}-10", "client_id": "10", "person_ref": person, "was_counted": False}
        for n, person in enumerate([LEAD, LEAD, OTHER_LEAD, None])
    ]
    noted = noted_members(frame(RESOLVED_PAIRS, rows))
    assert noted["person_ref"].tolist() == [LEAD, OTHER_LEAD]
    assert set(noted["action"]) == {"none"}
