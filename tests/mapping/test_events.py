"""What each pair of booking and attendee comes to (rules S1, S2, S8-S12, S14, T4, Q1)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from include.frames import BOOKINGS, EVENTS
from include.mapping.event_fields import payload_mappings
from include.mapping.events import REKEYED_FROM, booking_keys, digest_pairs, source_versions
from include.mapping.fields import default_mappings
from include.reasons import Reason
from include.settings.field_mapping import FieldMapping, set_problems
from include.settings.model import OnCancel, Settings, Switch
from tests.mapping.builders import (
    ANSWERS,
    CONTACT,
    EVENT,
    LEAD,
    OTHER_LEAD,
    SETTINGS,
    answer,
    booking,
    decision,
    frame,
    link_of,
    mapped,
    only,
    sent,
    staff_link,
    verdict,
)

PAST = {"starts_at": "2026-05-10T14:00:00Z", "ends_at": "2026-05-10T15:00:00Z"}
UNCHANGED = ("none", "unchanged", Reason.SAME_AS_LAST_WRITTEN)
CREATE, UPDATE, DELETE = ("create", None, None), ("update", None, None), ("delete", None, None)


def written(**changes: Any) -> dict[str, Any]:
    """The link that a first sync of this booking leaves behind."""
    return link_of(only(mapped([booking(**changes)])))


def with_settings(**changes: Any) -> Settings:
    return SETTINGS.model_copy(update=changes)


@pytest.mark.rule("S1")
def test_a_new_booking_creates_an_event_with_every_field() -> None:
    row = only(mapped([booking(notes="Bring papers", staff_id="3")], staff_links=[staff_link(3)]))
    assert verdict(row) == CREATE
    assert sent(row) == {
        "Coconut_Booking_Key__c": "1-10",
        "Subject": "Mortgage with Ana Silva [Appointment]",
        "StartDateTime": "2026-06-08T14:00:00.000Z",
        "EndDateTime": "2026-06-08T15:00:00.000Z",
        "Location": "Main branch, 1 King St, Toronto",
        "Description": "Bring papers",
        "ShowAs": "Busy",
        "Coconut_Booking_Id__c": "1",
        "Coconut_Is_Primary__c": "true",
        "Coconut_Kind__c": "appointment",
        "Coconut_Status__c": "booked",
        "Coconut_Service__c": "Mortgage",
        "Coconut_Location__c": "Main branch",
        "Coconut_Booked_Through__c": "client_view",
        "Coconut_Meeting_Method__c": "in_person",
        "Coconut_Booked_At__c": "2026-05-01T09:00:00.000Z",
        "Coconut_Edit_Url__c": "https://app.coconutcalendar.com/appointments/1",
        "WhoId": LEAD,
        "OwnerId": "005000000000002AAA",
    }


@pytest.mark.rule("S1")
def test_a_rescheduled_booking_sends_its_times_and_nothing_else() -> None:
    moved = booking(starts_at="2026-06-09T14:00:00Z", ends_at="2026-06-09T15:00:00Z")
    row = only(mapped([moved], links=[written()]))
    assert row["event_id"] == EVENT
    assert sent(row) == {
        "StartDateTime": "2026-06-09T14:00:00.000Z",
        "EndDateTime": "2026-06-09T15:00:00.000Z",
    }


@pytest.mark.rule("F1")
def test_an_event_carries_exactly_the_fields_that_are_mapped() -> None:
    fields = set(mapped([booking()]).columns) - set(EVENTS.columns) - {REKEYED_FROM}
    assert fields == {mapping.target for mapping in default_mappings("Event")}


@pytest.mark.rule("S12")
def test_what_related_record_an_event_has_is_never_sent() -> None:
    what = FieldMapping.model_validate({"sobject": "Event", "target": "WhatId", "source": "answer.account"})
    assert "WhatId" not in mapped([booking()]).columns
    assert set_problems([*default_mappings(), what]) == [
        "Event.WhatId: cannot be mapped, because it belongs to Salesforce users, and is never sent"
    ]


@pytest.mark.rule("S2")
@pytest.mark.parametrize("status", ["booked", "confirmed", "arrived", "in_service"])
def test_a_walk_in_that_is_not_final_is_held_and_needs_nobody(status: str) -> None:
    row = only(mapped([booking(kind="walk_in", status=status)]))
    assert verdict(row) == ("none", "held", Reason.WALK_IN_NOT_FINAL)
    assert row["waits_for"] == "row"
    assert not row["needs_person"]


@pytest.mark.rule("S2")
@pytest.mark.parametrize("status", ["complete", "no_show", "cancelled"])
def test_a_walk_in_syncs_when_it_becomes_final(status: str) -> None:
    row = only(mapped([booking(kind="walk_in", status=status)]))
    assert verdict(row) == CREATE
    assert row["Subject"].endswith(" [Walk-In]")


@pytest.mark.rule("S2")
def test_a_walk_in_that_leaves_a_final_status_keeps_its_event_until_it_is_final_again() -> None:
    link = written(kind="walk_in", status="complete")
    back = only(mapped([booking(kind="walk_in", status="in_service")], links=[link]))
    assert verdict(back) == ("none", "held", Reason.WALK_IN_NOT_FINAL)
    assert (back["event_id"], sent(back)) == (EVENT, {})
    again = only(mapped([booking(kind="walk_in", status="no_show")], links=[link]))
    assert sent(again) == {"Coconut_Status__c": "no_show"}


@pytest.mark.rule("S8")
def test_a_cancelled_booking_frees_the_calendar_and_says_why() -> None:
    row = only(mapped([booking(status="cancelled", cancellation_reason="Ill")], links=[written()]))
    assert sent(row) == {"Coconut_Status__c": "cancelled", "ShowAs": "Free", "Description": "Cancelled: Ill"}


@pytest.mark.rule("S8")
def test_an_appointment_that_is_no_longer_cancelled_takes_everything_back() -> None:
    link = written(status="cancelled", cancellation_reason="Ill")
    row = only(mapped([booking(status="booked", cancellation_reason="Ill")], links=[link]))
    assert sent(row) == {"Coconut_Status__c": "booked", "ShowAs": "Busy", "Description": "#N/A"}


@pytest.mark.rule("S8")
def test_on_cancel_delete_removes_the_event_and_brings_it_back_when_uncancelled() -> None:
    deleting = with_settings(on_cancel=OnCancel.DELETE)
    link = written()
    gone = only(mapped([booking(status="cancelled")], links=[link], settings=deleting))
    assert verdict(gone) == DELETE
    assert gone["event_id"] == EVENT
    after = {**link, "event_id": None, "payload": None}
    same = only(mapped([booking(status="cancelled")], links=[after], settings=deleting))
    assert verdict(same) == ("none", "unchanged", Reason.DELETED_WITHOUT_EVENT)
    back = only(mapped([booking(status="booked")], links=[after], settings=deleting))
    assert verdict(back) == CREATE
    assert set(sent(back)) >= {"Subject", "WhoId", "OwnerId"}


@pytest.mark.rule("S8")
def test_a_completed_booking_stays_busy() -> None:
    row = only(mapped([booking(status="complete")], links=[written()]))
    assert sent(row) == {"Coconut_Status__c": "complete"}


@pytest.mark.rule("S9")
@pytest.mark.parametrize("what", ["booking_deleted", "attendee_deleted"])
def test_a_deleted_pair_deletes_its_event(what: str) -> None:
    row = only(mapped([booking(**{what: True})], links=[written()]))
    assert verdict(row) == DELETE
    assert row["event_id"] == EVENT
    assert not row["needs_person"]


@pytest.mark.rule("S9")
def test_a_deleted_pair_without_event_is_unchanged_whatever_else_is_wrong_with_it() -> None:
    rows = [
        booking(1, 10, booking_deleted=True),
        booking(2, 11, attendee_deleted=True, kind="party", starts_at=None),
        booking(3, None, booking_deleted=True, client_exists=False),
        booking(4, 12, booking_deleted=True, client_exists=False),
    ]
    events = mapped(rows)
    assert set(events["reason"]) == {Reason.DELETED_WITHOUT_EVENT}
    assert set(events["outcome"]) == {"unchanged"}


@pytest.mark.rule("S9")
def test_a_deleted_pair_whose_creation_never_settled_is_deleted_by_its_key() -> None:
    in_flight = {"booking_key": "1-10", "appointment_id": "1", "client_id": "10", "claimed_version": 5}
    row = only(mapped([booking(booking_deleted=True)], links=[in_flight]))
    assert verdict(row) == DELETE
    assert pd.isna(row["event_id"])


@pytest.mark.rule("S9")
def test_a_client_who_was_deleted_holds_the_booking_and_deletes_nothing() -> None:
    row = only(mapped([booking(client_deleted=True)], links=[written()]))
    assert verdict(row) == ("none", "held", Reason.CLIENT_DELETED)
    assert (row["waits_for"], row["waits_for_key"]) == ("client", "10")


@pytest.mark.rule("T4")
@pytest.mark.parametrize("deleted", [{}, {"booking_deleted": True}, {"attendee_deleted": True}])
def test_a_disabled_client_is_not_touched_not_even_by_deletions(deleted: dict[str, bool]) -> None:
    row = only(mapped([booking(client_disabled=True, **deleted)], links=[written()]))
    assert verdict(row) == ("none", "disabled", Reason.CLIENT_DISABLED)
    assert (row["waits_for"], row["waits_for_key"]) == ("client", "10")
    enabled = only(mapped([booking(**deleted)], links=[written()]))
    assert verdict(enabled) == (DELETE if deleted else UNCHANGED)


@pytest.mark.rule("S11")
def test_with_events_off_people_are_needed_and_nothing_is_written() -> None:
    off = with_settings(sync_events=Switch.OFF)
    events = mapped(
        [booking(1, 10), booking(2, 11, booking_deleted=True)],
        links=[link_of(only(mapped([booking(2, 11)])))],
        settings=off,
    )
    assert [verdict(row) for _, row in events.iterrows()] == [("none", "held", Reason.EVENTS_OFF)] * 2
    assert list(events["needs_person"]) == [True, False]
    assert set(events["waits_for_key"]) == {"sync_events"}


@pytest.mark.rule("S11")
def test_with_events_off_people_are_registered_even_without_an_owner_for_events() -> None:
    off = with_settings(sync_events=Switch.OFF, unassigned_events_owner="")
    assert only(mapped([booking()], settings=off))["needs_person"]


@pytest.mark.rule("S14")
def test_a_booking_before_sync_from_is_held_by_its_local_day_unless_it_has_an_event() -> None:
    early = {"starts_at": "2026-06-08T03:59:00Z", "ends_at": "2026-06-08T05:00:00Z"}
    held = only(mapped([booking(**early)], sync_from=date(2026, 6, 8)))
    assert held["local_day"] == "2026-06-07"
    assert verdict(held) == ("none", "held", Reason.BEFORE_SYNC_FROM)
    assert held["waits_for_key"] == "sync_from"
    assert verdict(only(mapped([booking(**early)], sync_from=date(2026, 6, 7)))) == CREATE
    moved = only(mapped([booking(**early)], links=[written()], sync_from=date(2026, 6, 8)))
    assert moved["action"] == "update"


@pytest.mark.rule("S14")
@pytest.mark.parametrize(
    ("scope", "waits_for_key"),
    [
        ({"scope_services": ("Loans",)}, "scope_services"),
        ({"scope_statuses": ("complete",)}, "scope_statuses"),
        ({"scope_services": ("Loans",), "scope_locations": ("8",)}, "scope_services,scope_locations"),
    ],
)
def test_what_is_out_of_scope_is_held_for_the_settings_that_say_so(
    scope: dict[str, tuple[str, ...]], waits_for_key: str
) -> None:
    row = only(mapped([booking()], settings=with_settings(**scope)))
    assert verdict(row) == ("none", "held", Reason.OUT_OF_SCOPE)
    assert row["waits_for_key"] == waits_for_key


@pytest.mark.rule("S14")
@pytest.mark.parametrize("listed", ["mortgage ", "5"])
def test_services_are_listed_by_name_in_any_case_or_by_id(listed: str) -> None:
    assert verdict(only(mapped([booking()], settings=with_settings(scope_services=("x", listed))))) == CREATE


@pytest.mark.rule("S14")
def test_notes_travel_only_if_the_setting_says_so() -> None:
    row = only(mapped([booking(notes="secret")], settings=with_settings(include_notes=Switch.OFF)))
    assert "Description" not in sent(row)


@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_id": None, "client_exists": False}, Reason.NO_ATTENDEE),
        ({"client_exists": False}, Reason.CLIENT_MISSING),
        ({"kind": "party"}, Reason.UNKNOWN_KIND),
        ({"status": None}, Reason.UNKNOWN_STATUS),
        ({"starts_at": None}, Reason.MISSING_START),
        ({"ends_at": None, "service_minutes": None}, Reason.NO_END),
        ({"ends_at": "2026-06-08T13:00:00Z"}, Reason.ENDS_BEFORE_START),
        ({"ends_at": "2026-07-08T13:00:00Z"}, Reason.TOO_LONG),
        ({"timezone": "Nowhere"}, Reason.UNKNOWN_TIME_ZONE),
    ],
)
def test_bad_input_is_quarantined_with_its_reason_and_waits_for_the_row(
    changes: dict[str, Any], reason: Reason
) -> None:
    bad, good = (row for _, row in mapped([booking(1, 10) | changes, booking(2, 11)]).iterrows())
    assert verdict(bad) == ("none", "quarantined", reason)
    assert bad["waits_for"] == "row"
    assert not bad["needs_person"]
    assert verdict(good) == CREATE


@pytest.mark.rule("Q2")
def test_an_unknown_value_is_named_for_the_administrator() -> None:
    assert only(mapped([booking(kind="party")]))["detail"] == "Coconut says: party"
    assert len(only(mapped([booking(status="x" * 500)]))["detail"]) < 60


@pytest.mark.rule("Q2")
@pytest.mark.parametrize(
    ("reason", "waits_for_key"),
    [
        (Reason.AMBIGUOUS_MATCH, "10"),
        (Reason.INSUFFICIENT_EVIDENCE, "10"),
        (Reason.REGISTRATION_OFF, "register_people"),
    ],
)
def test_a_held_person_holds_the_booking_with_the_same_reason(reason: Reason, waits_for_key: str) -> None:
    held = decision(10, None, action="hold", reason=str(reason))
    row = only(mapped([booking()], decisions=[held]))
    assert verdict(row) == ("none", "held", reason)
    assert row["waits_for_key"] == waits_for_key
    assert not row["needs_person"]


@pytest.mark.rule("Q3")
def test_a_client_about_whom_nothing_was_decided_is_accounted_for() -> None:
    assert verdict(only(mapped([booking()], decisions=[]))) == ("none", "quarantined", Reason.CLIENT_MISSING)


@pytest.mark.rule("Q3")
def test_every_pair_has_an_outcome_or_an_action_and_keeps_its_place() -> None:
    rows = [
        booking(number, 10 + number, status=status)
        for number, status in enumerate(["booked", "lost", "complete"])
    ]
    events = mapped(rows)
    assert list(events["booking_key"]) == ["0-10", "1-11", "2-12"]
    is_written = events["action"].isin(["create", "update", "delete"])
    assert (events["outcome"].isna() == is_written).all()
    pd.testing.assert_frame_equal(EVENTS.conform(events), events)


@pytest.mark.rule("S12")
def test_a_row_whose_payload_is_what_was_last_written_is_unchanged() -> None:
    assert verdict(only(mapped([booking()], links=[written()]))) == UNCHANGED


@pytest.mark.rule("S12")
def test_a_value_that_became_empty_is_cleared() -> None:
    row = only(mapped([booking(booked_through=None)], links=[written()]))
    assert sent(row) == {"Coconut_Booked_Through__c": "#N/A"}


@pytest.mark.rule("S12")
def test_an_answer_that_changed_without_the_booking_row_updates_the_description() -> None:
    first = only(mapped([booking()], answers=[answer(1, 10, 1, value="no")]))
    row = only(mapped([booking()], answers=[answer(1, 10, 1, value="yes")], links=[link_of(first)]))
    assert sent(row) == {"Description": "Question 1: yes"}


@pytest.mark.rule("S12")
def test_an_update_that_never_settled_is_sent_whole() -> None:
    link = written(notes="old") | {"claimed_version": 2**60}
    row = only(mapped([booking()], links=[link]))
    assert row["action"] == "update"
    assert {mapping.target for mapping in payload_mappings(default_mappings())} <= set(sent(row))
    assert sent(row)["Description"] == "#N/A"
    assert "OwnerId" not in sent(row)


@pytest.mark.rule("S12")
def test_the_payload_tells_how_the_event_stands_after_the_write() -> None:
    link = written()
    row = only(mapped([booking(status="confirmed")], links=[link]))
    again = only(mapped([booking(status="confirmed")], links=[{**link, "payload": row["payload"]}]))
    assert verdict(again) == UNCHANGED


@pytest.mark.rule("S12")
def test_a_note_that_reads_like_the_word_for_null_does_not_clear_the_field() -> None:
    assert sent(only(mapped([booking(notes="#N/A")])))["Description"] == "N/A"


@pytest.mark.rule("M1")
def test_an_upcoming_event_moves_to_a_changed_person_and_a_past_one_stays() -> None:
    changed = [decision(10, OTHER_LEAD)]
    assert sent(only(mapped([booking()], decisions=changed, links=[written()]))) == {"WhoId": OTHER_LEAD}
    past = only(mapped([booking(status="complete", **PAST)], decisions=changed, links=[written(**PAST)]))
    assert sent(past) == {"Coconut_Status__c": "complete"}
    assert past["desired_who_id"] == LEAD


@pytest.mark.rule("M7")
def test_a_converted_leads_events_follow_without_sending_what_salesforce_moved_itself() -> None:
    converted = decision(10, CONTACT, sobject="Contact", followed_from=LEAD)
    assert verdict(only(mapped([booking()], decisions=[converted], links=[written()]))) == UNCHANGED
    row = only(mapped([booking(status="confirmed")], decisions=[converted], links=[written()]))
    assert sent(row) == {"Coconut_Status__c": "confirmed"}
    assert row["desired_who_id"] == CONTACT


@pytest.mark.rule("M7")
def test_an_upcoming_event_waits_for_the_person_who_is_made_in_place_of_a_deleted_one() -> None:
    row = only(mapped([booking()], decisions=[decision(10, None)], links=[written()]))
    assert verdict(row) == UPDATE
    assert row["needs_person"]
    assert pd.isna(row["desired_who_id"])
    past = only(mapped([booking(**PAST)], decisions=[decision(10, None)], links=[written(**PAST)]))
    assert verdict(past) == UNCHANGED
    assert not past["needs_person"]


@pytest.mark.rule("M8")
def test_two_bookings_of_one_new_client_refer_to_one_person() -> None:
    events = mapped([booking(1, 10), booking(2, 10)], decisions=[decision(10, None)])
    assert list(events["person_ref"]) == ["new:10", "new:10"]
    assert events["WhoId"].isna().all()
    assert events["needs_person"].all()


@pytest.mark.rule("S4")
def test_the_key_names_appointment_and_client_after_the_namespace() -> None:
    bookings = frame(BOOKINGS, [booking(1, 10), booking(2, None)])
    assert list(booking_keys(bookings)) == ["1-10", "2-"]
    assert list(booking_keys(bookings, namespace="north:")) == ["north:1-10", "north:2-"]
    row = only(mapped([booking()], settings=with_settings(key_namespace="north:")))
    assert row["booking_key"] == sent(row)["Coconut_Booking_Key__c"] == "north:1-10"


@pytest.mark.rule("Q5")
def test_the_version_is_the_change_time_in_microseconds() -> None:
    bookings = frame(BOOKINGS, [booking(changed_at="1970-01-01T00:00:01.000002Z")])
    assert list(source_versions(bookings)) == [1_000_002]


@pytest.mark.rule("Q5")
def test_the_digest_moves_with_any_value_or_answer_but_not_with_the_change_time() -> None:
    def digest(answers: list[dict[str, Any]], **changes: Any) -> str:
        bookings = frame(BOOKINGS, [booking(**changes), booking(2, 11)])
        return digest_pairs(bookings, frame(ANSWERS, answers)).iloc[0]

    one, two = answer(1, 10, 1), answer(1, 10, 2, value="maybe")
    base = digest([one])
    assert len(base) == 16
    assert digest([one, answer(2, 11, 1)], changed_at="2026-05-21T00:00:00Z") == base
    assert digest([one, two]) == digest([two, one]) != base
    others = [
        digest([one], notes="x"),
        digest([one], client_first_name="Anna"),
        digest([one], attendee_deleted=True),
        digest([one], service_minutes=31),
        digest([answer(1, 10, 1, value="no")]),
        digest([]),
    ]
    assert len({base, *others}) == len(others) + 1


@pytest.mark.rule("Q5")
def test_digests_do_not_depend_on_which_rows_are_read_together() -> None:
    alone = digest_pairs(frame(BOOKINGS, [booking()]), frame(ANSWERS, []))
    among_others = digest_pairs(frame(BOOKINGS, [booking(9, None), booking()]), frame(ANSWERS, []))
    assert alone.iloc[0] == among_others.iloc[1]
