"""Attendees who are one Salesforce record share one Event (rule S4)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.reasons import Reason
from tests.mapping.builders import (
    CONTACT,
    EVENT,
    LEAD,
    OTHER_EVENT,
    OTHER_LEAD,
    booking,
    decision,
    link_of,
    mapped,
    only,
    sent,
    verdict,
)

SHARED = ("none", "unchanged", Reason.SHARED_EVENT)
CREATE, DELETE = ("create", None, None), ("delete", None, None)


def by_key(events: pd.DataFrame) -> dict[str, pd.Series]:
    return {row["booking_key"]: row for _, row in events.iterrows()}


def written(client_id: int, who_id: str = LEAD, **changes: Any) -> dict[str, Any]:
    """The link that a first sync of booking 1 with this attendee leaves behind."""
    row = only(mapped([booking(1, client_id)], decisions=[decision(client_id, who_id)]))
    return link_of(row, **changes)


@pytest.mark.rule("S4")
def test_each_attendee_has_an_event_of_their_own() -> None:
    events = mapped(
        [booking(1, 10), booking(1, 11, is_primary=False)], decisions=[decision(10), decision(11, OTHER_LEAD)]
    )
    assert [sent(row)["WhoId"] for _, row in events.iterrows()] == [LEAD, OTHER_LEAD]
    assert list(events["Coconut_Is_Primary__c"]) == ["true", "false"]


@pytest.mark.rule("S4")
def test_the_primary_attendee_carries_the_shared_event() -> None:
    rows = by_key(
        mapped([booking(1, 9, is_primary=False), booking(1, 10)], decisions=[decision(9), decision(10)])
    )
    assert verdict(rows["1-10"]) == CREATE
    assert verdict(rows["1-9"]) == SHARED
    assert sent(rows["1-9"]) == {}


@pytest.mark.rule("S4")
def test_without_a_primary_attendee_the_lowest_client_number_carries_it() -> None:
    rows = by_key(mapped([booking(1, client_id, is_primary=False) for client_id in (100, 20, 9)]))
    assert [verdict(rows[key]) for key in ("1-9", "1-20", "1-100")] == [CREATE, SHARED, SHARED]


@pytest.mark.rule("S4")
def test_two_rows_of_one_new_person_share_too() -> None:
    person = {"person_ref": "new:10"}
    rows = by_key(
        mapped(
            [booking(1, 10), booking(1, 11, is_primary=False)],
            decisions=[decision(10, None, **person), decision(11, None, **person)],
        )
    )
    assert (verdict(rows["1-10"]), verdict(rows["1-11"])) == (CREATE, SHARED)


@pytest.mark.rule("S4")
def test_one_person_in_two_bookings_has_two_events() -> None:
    events = mapped([booking(1, 10), booking(2, 11)])
    assert set(events["action"]) == {"create"}


@pytest.mark.rule("S4")
def test_attendees_who_turn_out_to_be_one_record_lose_the_second_event() -> None:
    links = [written(10), written(11, OTHER_LEAD, event_id=OTHER_EVENT)]
    rows = by_key(mapped([booking(1, 10), booking(1, 11, is_primary=False)], links=links))
    assert verdict(rows["1-10"])[:2] == ("none", "unchanged")
    assert verdict(rows["1-11"]) == ("delete", None, Reason.SHARED_EVENT)
    assert rows["1-11"]["event_id"] == OTHER_EVENT


@pytest.mark.rule("S4")
def test_an_attendee_who_is_removed_loses_the_event() -> None:
    rows = by_key(
        mapped(
            [booking(1, 10, attendee_deleted=True), booking(1, 11)],
            decisions=[decision(10), decision(11, OTHER_LEAD)],
            links=[written(10)],
        )
    )
    assert verdict(rows["1-10"]) == DELETE
    assert verdict(rows["1-11"]) == CREATE


@pytest.mark.rule("S4")
def test_an_attendee_replaced_by_another_row_of_the_same_record_keeps_the_event() -> None:
    rows = by_key(mapped([booking(1, 10, attendee_deleted=True), booking(1, 12)], links=[written(10)]))
    taker = rows["1-12"]
    assert verdict(taker) == ("update", None, None)
    assert (taker["event_id"], taker["rekeyed_from"]) == (EVENT, "1-10")
    assert sent(taker) == {"Coconut_Booking_Key__c": "1-12"}
    assert verdict(rows["1-10"]) == SHARED
    assert rows["1-10"]["detail"] == "Its Event passed to 1-12"


@pytest.mark.rule("S4")
@pytest.mark.rule("Q4")
def test_whoever_comes_after_a_run_that_was_to_pass_an_event_on_passes_it_on_too() -> None:
    claimed = {"booking_key": "1-12", "appointment_id": "1", "client_id": "12", "claimed_version": 2**60}
    rows = by_key(
        mapped([booking(1, 10, attendee_deleted=True), booking(1, 12)], links=[written(10), claimed])
    )
    taker = rows["1-12"]
    assert verdict(taker) == ("update", None, None)
    assert (taker["event_id"], taker["rekeyed_from"]) == (EVENT, "1-10")
    assert sent(taker).keys() > {
        "Coconut_Booking_Key__c",
        "Subject",
    }  # it may stand there as the other run knew it
    assert verdict(rows["1-10"]) == SHARED


@pytest.mark.rule("S4")
def test_a_replaced_attendees_event_is_found_through_a_conversion() -> None:
    converted = decision(12, CONTACT, sobject="Contact", followed_from=LEAD)
    rows = by_key(
        mapped(
            [booking(1, 10, attendee_deleted=True), booking(1, 12)],
            decisions=[decision(10), converted],
            links=[written(10)],
        )
    )
    assert rows["1-12"]["rekeyed_from"] == "1-10"
    assert "WhoId" not in sent(rows["1-12"])


@pytest.mark.rule("S4")
def test_a_new_primary_attendee_of_the_same_record_takes_the_event_over() -> None:
    rows = by_key(mapped([booking(1, 10, is_primary=False), booking(1, 12)], links=[written(10)]))
    assert rows["1-12"]["rekeyed_from"] == "1-10"
    assert verdict(rows["1-10"]) == SHARED


@pytest.mark.rule("S4")
def test_of_two_removed_attendees_one_passes_the_event_on_and_the_other_loses_it() -> None:
    rows = by_key(
        mapped(
            [
                booking(1, 10, attendee_deleted=True, is_primary=False),
                booking(1, 11, attendee_deleted=True, is_primary=False),
                booking(1, 12),
            ],
            links=[written(10), written(11, event_id=OTHER_EVENT)],
        )
    )
    assert rows["1-12"]["rekeyed_from"] == "1-10"
    assert verdict(rows["1-10"]) == SHARED
    assert verdict(rows["1-11"]) == DELETE


@pytest.mark.rule("S4")
def test_a_replacement_that_cannot_sync_now_costs_nobody_the_event() -> None:
    rows = by_key(
        mapped(
            [booking(1, 10, attendee_deleted=True), booking(1, 12)], links=[written(10)], owners=_no_owner()
        )
    )
    assert verdict(rows["1-12"])[1] == "quarantined"
    assert pd.isna(rows["1-12"]["event_id"])
    assert pd.isna(rows["1-12"]["rekeyed_from"])
    assert verdict(rows["1-10"]) == SHARED


@pytest.mark.rule("S9")
def test_a_deleted_booking_passes_no_event_on() -> None:
    rows = by_key(
        mapped(
            [
                booking(1, 10, attendee_deleted=True, booking_deleted=True),
                booking(1, 12, booking_deleted=True),
            ],
            links=[written(10)],
        )
    )
    assert verdict(rows["1-10"]) == DELETE
    assert verdict(rows["1-12"]) == ("none", "unchanged", Reason.DELETED_WITHOUT_EVENT)


@pytest.mark.rule("T4")
def test_no_second_event_is_made_while_a_disabled_attendee_has_one_on_the_same_record() -> None:
    for deleted in (False, True):
        disabled = booking(1, 10, client_disabled=True, attendee_deleted=deleted)
        rows = by_key(mapped([disabled, booking(1, 12, is_primary=False)], links=[written(10)]))
        assert verdict(rows["1-10"]) == ("none", "disabled", Reason.CLIENT_DISABLED)
        assert verdict(rows["1-12"]) == SHARED


@pytest.mark.rule("S4")
def test_no_second_event_is_made_when_only_one_of_the_attendees_is_read_again() -> None:
    row = only(mapped([booking(1, 12, is_primary=False)], links=[written(10)]))
    assert verdict(row) == SHARED


def _no_owner() -> Any:
    from include.mapping.owner import check_owners
    from include.settings.model import Settings

    return check_owners(Settings(), set())
