"""Legacy Events, and which change is one that they are to be written for (rules G1, G8)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.frames import ANSWERS, BOOKINGS, TEXT
from include.mapping.adoption import image_of
from include.mapping.fields import default_mappings
from include.mapping.pairs import digest_pairs
from include.mapping.plan import BOOKING_KEY, parse_payloads
from include.reasons import Reason
from include.settings.field_mapping import FieldMapping, Sobject
from tests.mapping.builders import (
    BANKER,
    EVENT,
    LEAD,
    NOW,
    OTHER_EVENT,
    OTHER_LEAD,
    UNASSIGNED,
    booking,
    decision,
    frame,
    mapped,
    only,
    sent,
    staff_link,
    verdict,
)


def _records(**columns: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=TEXT)


@pytest.mark.rule("G8")
def test_an_image_holds_instants_as_we_send_them_however_the_api_spells_them() -> None:
    records = _records(
        Id=[EVENT, OTHER_EVENT],
        StartDateTime=["2026-06-08T14:00:00.000+0000", "2026-06-08T14:00:00.000Z"],
        Subject=["2026-06-08", None],
    )
    images = image_of(records, ["Subject", "StartDateTime"])
    read = parse_payloads(images["image"], [BOOKING_KEY, "Subject", "StartDateTime"])
    assert images["event_id"].tolist() == [EVENT, OTHER_EVENT]
    assert read["StartDateTime"].tolist() == ["2026-06-08T14:00:00.000Z"] * 2
    assert read["Subject"].fillna("nothing").tolist() == ["2026-06-08", "nothing"]


@pytest.mark.rule("G8")
def test_a_field_that_the_org_does_not_have_is_empty_in_the_image_and_texts_stay_as_they_are() -> None:
    records = _records(Id=[EVENT], Description=['two\nlines, "quoted" }\\ {"a":1}'])
    images = image_of(records, ["Description", "Coconut_Kind__c"])
    read = parse_payloads(images["image"], [BOOKING_KEY, "Description", "Coconut_Kind__c"])
    assert read["Description"].tolist() == records["Description"].tolist()
    assert read[[BOOKING_KEY, "Coconut_Kind__c"]].isna().all(axis=None)


@pytest.mark.rule("G8")
def test_no_events_have_no_images() -> None:
    assert image_of(_records(Id=[], Subject=[]), ["Subject"]).empty


def _adopted(row: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The link of a legacy Event as it was taken over: it says what its booking says, in the legacy writer's words."""
    (digest,) = digest_pairs(frame(BOOKINGS, [booking(**(row or {}))]), ANSWERS.empty())
    held = _records(
        Id=[EVENT],
        Subject=["Meeting"],
        StartDateTime=["2026-06-08T14:00:00.000+0000"],
        EndDateTime=["2026-06-08T15:00:00.000+0000"],
    )
    (image,) = image_of(held, ["Subject", "StartDateTime", "EndDateTime", "Location"])["image"]
    return {
        "booking_key": "1-10",
        "appointment_id": "1",
        "client_id": "10",
        "event_id": EVENT,
        "who_id": LEAD,
        "owner_id": BANKER,
        "payload": image,
        "adopted_digest": digest,
        "is_backfilled": False,
        "is_adopted": True,
    } | changes


@pytest.mark.rule("G8")
def test_a_legacy_event_whose_booking_says_the_same_is_left_alone() -> None:
    row = only(mapped([booking()], links=[_adopted()]))
    assert verdict(row) == ("none", "unchanged", Reason.LEGACY_EVENT_KEPT)
    assert sent(row) == {}
    assert not row["needs_person"]


@pytest.mark.rule("G8")
def test_a_killed_run_that_had_claimed_the_pair_is_no_reason_to_write_it() -> None:
    row = only(mapped([booking()], links=[_adopted(claimed_version=2**50)]))
    assert verdict(row)[2] == Reason.LEGACY_EVENT_KEPT


@pytest.mark.rule("G8")
@pytest.mark.parametrize(
    "changes", [{"notes": "Bring the papers"}, {"starts_at": "2026-06-08T14:30:00Z"}, {"status": "cancelled"}]
)
def test_a_booking_edited_since_writes_its_legacy_event_whole_and_by_its_id(changes: dict[str, Any]) -> None:
    row = only(mapped([booking(**changes)], links=[_adopted()]))
    assert (row["action"], row["event_id"]) == ("update", EVENT)
    values = sent(row)
    assert values["Coconut_Booking_Key__c"] == "1-10"
    assert values["Subject"] == "Mortgage with Ana Silva [Appointment]"
    assert {"WhoId", "OwnerId"}.isdisjoint(values)


@pytest.mark.rule("G8")
def test_an_event_that_differed_when_it_was_taken_over_is_written_though_nobody_edited_the_booking() -> None:
    moved = {"starts_at": "2026-06-08T14:30:00Z"}
    row = only(mapped([booking(**moved)], links=[_adopted(moved)]))
    assert sent(row)["StartDateTime"] == "2026-06-08T14:30:00.000Z"


@pytest.mark.rule("G8")
@pytest.mark.parametrize(("held", "is_kept"), [("phone", True), ("video", False)])
def test_a_carried_mapping_counts_where_the_event_holds_another_value(held: str, is_kept: bool) -> None:
    carried = FieldMapping(sobject=Sobject.EVENT, target="Legacy_Method__c", source="booking.meeting_method")
    row = {"meeting_method": "phone"}
    link = _adopted(row)
    link["payload"] = link["payload"].replace('"Location":null', f'"Legacy_Method__c":"{held}"')
    mappings = (*default_mappings(), carried)
    found = only(mapped([booking(**row)], links=[link], mappings=mappings))
    assert (verdict(found)[2] == Reason.LEGACY_EVENT_KEPT) is is_kept


@pytest.mark.rule("G8")
@pytest.mark.rule("M1")
def test_an_event_goes_to_the_person_its_client_turns_out_to_be_but_not_to_one_who_is_yet_to_be_made() -> (
    None
):
    moved = only(mapped([booking()], links=[_adopted()], decisions=[decision(10, OTHER_LEAD)]))
    assert sent(moved)["WhoId"] == OTHER_LEAD
    unknown = only(mapped([booking()], links=[_adopted()], decisions=[decision(10, None)]))
    assert verdict(unknown)[2] == Reason.LEGACY_EVENT_KEPT
    edited = only(mapped([booking(notes="New")], links=[_adopted()], decisions=[decision(10, None)]))
    assert "WhoId" not in sent(edited)
    assert not edited["needs_person"]


@pytest.mark.rule("G8")
@pytest.mark.rule("S12")
def test_whoever_owns_a_legacy_event_stays_its_owner_until_the_staff_changes() -> None:
    edited = {"staff_id": "3", "notes": "New"}
    links = [_adopted(staff_id="3", owner_id=UNASSIGNED)]
    same = only(mapped([booking(**edited)], links=links, staff_links=[staff_link(3)]))
    assert "OwnerId" not in sent(same)
    links = [_adopted(staff_id="4", owner_id=UNASSIGNED)]
    other = only(mapped([booking(**edited)], links=links, staff_links=[staff_link(3)]))
    assert sent(other)["OwnerId"] == BANKER


@pytest.mark.rule("G8")
@pytest.mark.rule("S9")
def test_a_booking_that_is_deleted_takes_its_legacy_event_along() -> None:
    row = only(mapped([booking(booking_deleted=True)], links=[_adopted()]))
    assert (row["action"], row["event_id"]) == ("delete", EVENT)


@pytest.mark.rule("G8")
@pytest.mark.rule("S4")
def test_another_attendee_of_the_same_record_shares_a_legacy_event_that_is_left_alone() -> None:
    events = mapped([booking(), booking(1, 11, is_primary=False)], links=[_adopted()])
    assert events["reason"].tolist() == [Reason.LEGACY_EVENT_KEPT, Reason.SHARED_EVENT]


@pytest.mark.rule("G8")
@pytest.mark.rule("S12")
def test_a_legacy_event_that_users_deleted_is_made_anew_under_our_key_once_that_is_known() -> None:
    row = only(mapped([booking()], links=[_adopted(event_id=None, payload=None)], legacy_until=NOW))
    assert row["action"] == "create"


@pytest.mark.rule("G1")
@pytest.mark.parametrize(
    ("changes", "link", "is_held"),
    [
        ({}, None, True),
        ({"changed_at": "2026-06-01T12:00:01Z"}, None, False),
        ({}, {"is_backfilled": True}, False),
        ({}, {"written_version": 1}, False),
        ({}, {"claimed_version": 5}, False),
        ({}, {"claimed_version": 5, "settled_version": 5}, True),
    ],
)
def test_what_was_never_synced_before_the_migration_is_held_until_it_changes_or_a_backfill_asks_for_it(
    changes: dict[str, Any], link: dict[str, Any] | None, is_held: bool
) -> None:
    none = {"event_id": None, "payload": None, "is_adopted": False}
    links = [] if link is None else [_adopted(**{**none, **link})]
    row = only(mapped([booking(**changes)], links=links, legacy_until=NOW))
    held = ("none", "held", Reason.BEFORE_CUT_OVER)
    assert (verdict(row) == held) is is_held
    assert (row["waits_for"] == "backfill") is is_held
