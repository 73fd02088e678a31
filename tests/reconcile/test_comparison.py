"""Three frames side by side: every difference has one name, and what is on its way or set aside has none."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from include.reconcile.comparison import booking_numbers
from include.reconcile.findings import Remedy
from tests.reconcile.builders import (
    EVENT,
    OTHER_EVENT,
    TERMS,
    WHO,
    event,
    events_of,
    found,
    link,
    wanted,
)
from tests.reconcile.reconciling import told

pytestmark = pytest.mark.rule("Q7")

NO_LINK = {"event_id": None, "payload": None, "who_id": None, "owner_id": None}
UNSEEN = {"seen_event_id": None, "seen_payload_hash": None}
DUE = {"action": "create", "outcome": None, "reason": None}
DELETED = {"reason": "deleted_without_event", **UNSEEN}


def test_what_agrees_is_not_told() -> None:
    assert told(found([link()], [wanted()], [event()])) == []


def test_nothing_at_all_is_no_difference() -> None:
    assert told(found([], [], [])) == []


@pytest.mark.parametrize(
    "same",
    [
        {"StartDateTime": "2026-06-04T12:00:00.000+0000"},
        {"StartDateTime": "2026-06-04T12:00:00Z"},
        {"Coconut_Is_Primary__c": "TRUE"},
        {"Subject": " Advice with Ann Lee [Appointment] "},
        {"Description": ""},
    ],
)
def test_another_spelling_of_the_same_value_is_no_drift(same: dict[str, str]) -> None:
    assert told(found([link()], [wanted()], [event(**same)])) == []


def test_fields_that_hold_something_else_are_named() -> None:
    changed = event(Subject="Lunch", Description="Bring cake", StartDateTime="2026-06-04T13:00:00.000Z")
    (drifted,) = found([link()], [wanted()], [changed]).to_dict("records")
    assert (drifted["finding"], drifted["fields"]) == ("drifted", "Subject StartDateTime Description")


def test_a_field_that_an_empty_value_leaves_alone_may_hold_anything_where_nothing_was_written() -> None:
    terms = replace(TERMS, left_alone=frozenset({"Description"}))
    assert told(found([link()], [wanted()], [event(Description="Bring cake")], terms)) == []


def test_an_event_of_which_nobody_knows_what_was_written_does_not_drift() -> None:
    pairs = [wanted(seen_payload_hash=None)]
    assert told(found([link(payload=None)], pairs, [event(Subject="Lunch")])) == []


@pytest.mark.rule("F4")
def test_a_field_whose_value_salesforce_refused_does_not_drift_and_the_others_do() -> None:
    left_out = link(written={"Description": None, "refused:Description": "too long"})
    held = event(Description="what stood there before")
    assert told(found([left_out], [wanted()], [held])) == []
    (drifted,) = found([left_out], [wanted()], [{**held, "Subject": "Lunch"}]).to_dict("records")
    assert (drifted["finding"], drifted["fields"]) == ("drifted", "Subject")


def test_an_event_that_is_gone_is_missing() -> None:
    assert told(found([link()], [wanted()], [])) == [("missing", "1-10")]


@pytest.mark.rule("S12")
def test_an_event_that_users_deleted_is_not_missing_where_the_setting_leaves_it_so() -> None:
    assert told(found([link()], [wanted()], [], replace(TERMS, leaves_deleted=True))) == []


def test_an_event_that_neither_side_knows_but_the_booking_is_due_is_missing() -> None:
    assert told(found([link(**NO_LINK)], [wanted(**DUE, **UNSEEN)], [])) == [("missing", "1-10")]


def test_an_event_under_the_pairs_key_is_taken_up_and_not_written_twice() -> None:
    (unlinked,) = found([link(**NO_LINK)], [wanted(**DUE, **UNSEEN)], [event()]).to_dict("records")
    assert (unlinked["finding"], unlinked["event_id"]) == ("unlinked", EVENT)


def test_an_event_is_taken_up_though_the_ledger_lost_the_pair_altogether() -> None:
    pairs = [wanted(**DUE, **UNSEEN, is_known=False, is_settled=False, seen_version=None)]
    assert told(found([], pairs, [event()])) == [("unlinked", "1-10")]


def test_another_event_took_the_place_of_the_one_that_was_written() -> None:
    (unlinked,) = found([link()], [wanted()], [event(event_id=OTHER_EVENT)]).to_dict("records")
    assert (unlinked["finding"], unlinked["event_id"], unlinked["known_event_id"]) == (
        "unlinked",
        OTHER_EVENT,
        EVENT,
    )


def test_a_booking_that_the_ledger_never_met_and_the_org_neither_is_left_to_the_sync() -> None:
    pairs = [wanted(**DUE, **UNSEEN, is_known=False, is_settled=False, seen_version=None)]
    assert told(found([], pairs, [])) == []


@pytest.mark.parametrize(
    "pairs",
    [[], [wanted(**DELETED)], [wanted(reason="shared_event", **UNSEEN)]],
    ids=["no such pair", "deleted", "another attendee carries the Event"],
)
def test_an_event_under_a_key_that_nobody_asks_for_is_extra(pairs: list[dict[str, object]]) -> None:
    links = [link(**NO_LINK)] if pairs else []
    assert told(found(links, pairs, [event()])) == [("extra", "1-10")]


@pytest.mark.rule("S9")
def test_an_event_whose_booking_vanished_is_orphaned() -> None:
    assert told(found([link()], [], [event()])) == [("orphaned", "1-10")]


@pytest.mark.rule("T4")
def test_disabled_clients_are_not_touched_by_what_vanished_either() -> None:
    terms = replace(TERMS, disabled_clients=frozenset({"10"}))
    assert told(found([link()], [], [event()], terms)) == []
    assert told(found([], [], [event()], terms)) == []


@pytest.mark.parametrize("outcome", ["held", "quarantined", "disabled"])
def test_what_is_set_aside_is_not_compared(outcome: str) -> None:
    pairs = [wanted(outcome=outcome, reason="client_disabled")]
    assert told(found([link()], pairs, [event(Subject="Lunch")])) == []
    assert told(found([link()], pairs, [])) == []


@pytest.mark.parametrize("outcome", ["held", "quarantined", "disabled"])
def test_what_salesforce_or_an_earlier_setting_kept_back_is_left_to_what_it_waits_for(outcome: str) -> None:
    pairs = [wanted(**DUE, **UNSEEN)]
    assert told(found([link(**NO_LINK, last_outcome=outcome)], pairs, [])) == []


@pytest.mark.parametrize(
    "moving",
    [
        {"is_settled": False},
        {"seen_version": 6},
        {"seen_event_id": OTHER_EVENT},
        {"seen_payload_hash": "another"},
    ],
)
def test_what_moved_while_it_was_compared_is_left_to_the_sync(moving: dict[str, object]) -> None:
    assert told(found([link()], [wanted(**moving)], [event(Subject="Lunch")])) == []
    assert told(found([link()], [wanted(**moving)], [])) == []


def test_what_would_be_written_otherwise_now_is_stale_and_not_drift() -> None:
    pairs = [wanted(action="update", outcome=None, reason=None, fields="Subject Coconut_Service__c")]
    (stale,) = found([link()], pairs, [event()]).to_dict("records")
    assert (stale["finding"], stale["fields"]) == ("stale", "Subject Coconut_Service__c")


def test_an_event_that_would_be_deleted_now_is_stale_too() -> None:
    assert told(found([link()], [wanted(action="delete", outcome=None, reason=None)], [event()])) == [
        ("stale", "1-10")
    ]


def test_an_event_that_would_be_deleted_now_and_is_gone_is_nothing() -> None:
    assert told(found([link()], [wanted(action="delete", outcome=None, reason=None)], [])) == []


@pytest.mark.rule("S12")
@pytest.mark.parametrize(
    ("changed", "finding"),
    [({"owner_id": OTHER_EVENT}, "owner_changed"), ({"who_id": None}, "person_changed")],
)
def test_an_owner_or_a_person_that_salesforce_users_chose_is_told_and_stays(
    changed: dict[str, str | None], finding: str
) -> None:
    (told_of,) = found([link()], [wanted()], [event(**changed)]).to_dict("records")
    assert (told_of["finding"], told_of["remedy"]) == (finding, Remedy.NONE)


@pytest.mark.rule("M7")
def test_an_event_that_went_with_its_converted_person_was_not_moved_by_a_user() -> None:
    contact = "003000000000001AAA"
    terms = replace(TERMS, moved_people=pd.Series({WHO: contact}, dtype="str"))
    assert told(found([link()], [wanted()], [event(who_id=contact)], terms)) == []
    assert told(found([link()], [wanted()], [event(who_id="003000000000009AAA")], terms)) == [
        ("person_changed", "1-10")
    ]


def test_a_copy_that_our_own_user_made_is_mended_and_any_other_left_to_a_person() -> None:
    ours = event(event_id=OTHER_EVENT, booking_key=None)
    users = event(event_id="00U000000000003AAA", booking_key=None, is_ours=False)
    copies = found([link()], [wanted()], [event(), ours, users])
    assert dict(zip(copies["event_id"], copies["remedy"], strict=True)) == {
        OTHER_EVENT: Remedy.REPAIR,
        "00U000000000003AAA": Remedy.PERSON,
    }
    assert set(copies["finding"]) == {"duplicate"}


def test_a_copy_under_a_key_that_is_none_is_left_to_a_person() -> None:
    copy = event(event_id=OTHER_EVENT, booking_key="1-10 (copy)")
    (row,) = found([link()], [wanted()], [event(), copy]).to_dict("records")
    assert (row["finding"], row["remedy"]) == ("duplicate", Remedy.PERSON)


@pytest.mark.rule("S4")
def test_events_of_another_coconut_in_the_same_org_are_nobodys_business() -> None:
    theirs = event(event_id=OTHER_EVENT, booking_key="eu-1-10")
    assert told(found([link()], [wanted()], [event(), theirs])) == []
    ours = replace(TERMS, namespace="eu-")
    links, pairs = (
        [link(booking_key="eu-1-10", event_id=OTHER_EVENT)],
        [wanted(booking_key="eu-1-10", seen_event_id=OTHER_EVENT)],
    )
    assert told(found(links, pairs, [event(), theirs], ours)) == []


def test_where_two_coconuts_share_an_org_no_copy_is_deleted() -> None:
    terms = replace(TERMS, namespace="eu-")
    (copy,) = found([], [], [event(booking_key=None)], terms).to_dict("records")
    assert (copy["finding"], copy["remedy"]) == ("duplicate", Remedy.PERSON)


def test_an_event_belongs_to_the_booking_of_its_key_rather_than_to_the_number_it_bears() -> None:
    events = events_of(
        event(booking_id="7"),
        event(booking_key=None, booking_id="7"),
        event(booking_key="x", booking_id=None),
    )
    numbers = booking_numbers(events, "")
    assert numbers.tolist()[:2] == ["1", "7"]
    assert numbers.isna().tolist() == [False, False, True]
