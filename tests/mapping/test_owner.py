"""Who owns an Event (rules S6, S7, S12)."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from include.mapping.owner import OwnerCheck, check_owners
from include.reasons import Reason, WaitsFor
from include.settings.model import Settings
from tests.mapping.builders import (
    BANKER,
    NOW,
    UNASSIGNED,
    booking,
    link_of,
    mapped,
    only,
    sent,
    staff_link,
    verdict,
)

NEW_UNASSIGNED = "005000000000009AAA"
PAST = {"starts_at": "2026-05-10T14:00:00Z", "ends_at": "2026-05-10T15:00:00Z"}


def with_setting(value: str) -> Settings:
    return Settings(unassigned_events_owner=value)


@pytest.mark.rule("S6")
def test_a_linked_staff_member_owns_the_event() -> None:
    row = only(mapped([booking(staff_id="3")], staff_links=[staff_link(3)]))
    assert sent(row)["OwnerId"] == row["desired_owner_id"] == BANKER


@pytest.mark.rule("S6")
@pytest.mark.parametrize("staff_links", [[], [staff_link(3, None)], [staff_link(3, is_active=False)]])
def test_without_a_usable_link_the_unassigned_owner_owns_it(staff_links: list[dict[str, Any]]) -> None:
    assert sent(only(mapped([booking(staff_id="3")], staff_links=staff_links)))["OwnerId"] == UNASSIGNED
    assert sent(only(mapped([booking(staff_id=None)], staff_links=staff_links)))["OwnerId"] == UNASSIGNED


@pytest.mark.rule("S6")
def test_an_id_of_15_characters_names_the_same_user() -> None:
    assert sent(only(mapped([booking()], settings=with_setting(UNASSIGNED[:15]))))["OwnerId"] == UNASSIGNED


@pytest.mark.rule("S6")
@pytest.mark.parametrize(
    ("value", "reason", "waits_for", "waits_for_key"),
    [
        ("", Reason.NO_EVENTS_OWNER, WaitsFor.SETTING, "unassigned_events_owner"),
        ("  ", Reason.NO_EVENTS_OWNER, WaitsFor.SETTING, "unassigned_events_owner"),
        ("Ana", Reason.EVENTS_OWNER_MALFORMED, WaitsFor.SETTING, "unassigned_events_owner"),
        ("005000000000001AAB", Reason.EVENTS_OWNER_MALFORMED, WaitsFor.SETTING, "unassigned_events_owner"),
        ("00Q000000000001AAA", Reason.EVENTS_OWNER_MALFORMED, WaitsFor.SETTING, "unassigned_events_owner"),
        (NEW_UNASSIGNED, Reason.EVENTS_OWNER_INACTIVE, WaitsFor.SALESFORCE_USER, NEW_UNASSIGNED),
    ],
)
def test_an_unusable_unassigned_owner_quarantines_only_the_rows_that_need_it(
    value: str, reason: Reason, waits_for: WaitsFor, waits_for_key: str
) -> None:
    events = mapped(
        [booking(1, 10), booking(2, 11, staff_id="3")],
        staff_links=[staff_link(3)],
        settings=with_setting(value),
    )
    without_staff, with_staff = events.iloc[0], events.iloc[1]
    assert verdict(without_staff) == ("none", "quarantined", reason)
    assert (without_staff["waits_for"], without_staff["waits_for_key"]) == (waits_for, waits_for_key)
    assert not without_staff["needs_person"]
    assert sent(without_staff) == {}
    assert verdict(with_staff) == ("create", None, None)


@pytest.mark.rule("S6")
def test_the_row_is_written_once_the_setting_is_fixed() -> None:
    assert verdict(only(mapped([booking()], settings=with_setting(""))))[1] == "quarantined"
    assert verdict(only(mapped([booking()], settings=with_setting(UNASSIGNED)))) == ("create", None, None)


@pytest.mark.rule("M11")
def test_an_empty_default_owner_is_no_fault() -> None:
    state = check_owners(Settings(), set()).default_owner
    assert (state.user_id, state.reason) == (None, None)


@pytest.mark.rule("M11")
@pytest.mark.parametrize(
    ("value", "reason"),
    [("x", Reason.DEFAULT_OWNER_MALFORMED), (BANKER, Reason.DEFAULT_OWNER_INACTIVE), (UNASSIGNED, None)],
)
def test_a_default_owner_is_checked_like_the_unassigned_one(value: str, reason: Reason | None) -> None:
    assert check_owners(Settings(default_owner=value), {UNASSIGNED}).default_owner.reason == reason


@pytest.mark.rule("S6")
def test_the_checked_owners_survive_staging_as_json() -> None:
    checked = check_owners(Settings(unassigned_events_owner="x", default_owner=BANKER), {BANKER})
    assert OwnerCheck.from_json(json.loads(json.dumps(asdict(checked)))) == checked


@pytest.mark.rule("S7")
def test_an_event_on_the_unassigned_owner_moves_when_the_staff_link_appears() -> None:
    written = only(mapped([booking(staff_id="3")]))
    row = only(mapped([booking(staff_id="3")], staff_links=[staff_link(3)], links=[link_of(written)]))
    assert verdict(row) == ("update", None, None)
    assert sent(row) == {"OwnerId": BANKER}


@pytest.mark.rule("S7")
def test_a_past_event_keeps_an_owner_who_was_deactivated_and_an_upcoming_one_does_not() -> None:
    for when, moves in ((PAST, False), ({}, True)):
        written = only(mapped([booking(staff_id="3", **when)], staff_links=[staff_link(3)]))
        row = only(
            mapped(
                [booking(staff_id="3", status="complete", **when)],
                staff_links=[staff_link(3, is_active=False)],
                links=[link_of(written)],
            )
        )
        assert row["action"] == "update"
        assert sent(row).get("OwnerId") == (UNASSIGNED if moves else None)
        assert row["desired_owner_id"] == (UNASSIGNED if moves else BANKER)


@pytest.mark.rule("S7")
@pytest.mark.parametrize("value", ["", "malformed"])
def test_a_past_event_of_a_deactivated_owner_syncs_even_without_an_unassigned_owner(value: str) -> None:
    written = only(mapped([booking(staff_id="3", **PAST)], staff_links=[staff_link(3)]))
    row = only(
        mapped(
            [booking(staff_id="3", status="complete", **PAST)],
            staff_links=[staff_link(3, is_active=False)],
            links=[link_of(written)],
            settings=with_setting(value),
        )
    )
    assert sent(row) == {"Coconut_Status__c": "complete"}


@pytest.mark.rule("S7")
def test_a_past_event_keeps_an_unassigned_owner_who_was_deactivated() -> None:
    written = only(mapped([booking(**PAST)]))
    owners = check_owners(with_setting(UNASSIGNED), set())
    row = only(mapped([booking(status="no_show", **PAST)], links=[link_of(written)], owners=owners))
    assert sent(row) == {"Coconut_Status__c": "no_show"}
    upcoming = only(mapped([booking()]))
    row = only(mapped([booking(status="confirmed")], links=[link_of(upcoming)], owners=owners))
    assert verdict(row) == ("none", "quarantined", Reason.EVENTS_OWNER_INACTIVE)


@pytest.mark.rule("S12")
def test_the_owner_is_sent_again_only_when_the_bookings_staff_changed() -> None:
    written = only(mapped([booking(staff_id="3")], staff_links=[staff_link(3)]))
    same = only(
        mapped(
            [booking(staff_id="3", status="confirmed")], staff_links=[staff_link(3)], links=[link_of(written)]
        )
    )
    assert sent(same) == {"Coconut_Status__c": "confirmed"}, "what a Salesforce user changed stays"
    other_user = "005000000000004AAA"
    moved = only(
        mapped(
            [booking(staff_id="4")],
            staff_links=[staff_link(3), staff_link(4, other_user)],
            links=[link_of(written)],
        )
    )
    assert sent(moved) == {"OwnerId": other_user}
    nobody = only(mapped([booking(staff_id=None)], staff_links=[staff_link(3)], links=[link_of(written)]))
    assert sent(nobody) == {"OwnerId": UNASSIGNED}


@pytest.mark.rule("S12")
def test_a_new_unassigned_owner_does_not_move_events_whose_staff_did_not_change() -> None:
    written = only(mapped([booking()]))
    owners = check_owners(with_setting(NEW_UNASSIGNED), {NEW_UNASSIGNED})
    row = only(mapped([booking(status="confirmed")], links=[link_of(written)], owners=owners))
    assert sent(row) == {"Coconut_Status__c": "confirmed"}
    assert row["desired_owner_id"] == UNASSIGNED
    created = only(mapped([booking(2, 11)], owners=owners))
    assert sent(created)["OwnerId"] == NEW_UNASSIGNED


@pytest.mark.rule("S7")
def test_an_event_is_past_when_it_ended_before_now() -> None:
    ends_at = NOW - timedelta(seconds=1)
    when = {"starts_at": (NOW - timedelta(hours=1)).isoformat(), "ends_at": ends_at.isoformat()}
    written = only(mapped([booking(staff_id="3", **when)], staff_links=[staff_link(3)]))
    inactive = [staff_link(3, is_active=False)]
    row = only(mapped([booking(staff_id="3", **when)], staff_links=inactive, links=[link_of(written)]))
    assert verdict(row) == ("none", "unchanged", Reason.SAME_AS_LAST_WRITTEN)
    running = only(
        mapped(
            [booking(staff_id="3", **when)],
            staff_links=inactive,
            links=[link_of(written)],
            now=NOW - timedelta(minutes=30),
        )
    )
    assert pd.notna(running["OwnerId"])
