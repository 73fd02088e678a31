"""Each reason why a legacy Event cannot be taken over, in frames of a few rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.legacy import Attention
from include.migration.carried_events import in_turn, judge_event_links, linked_pairs
from include.migration.event_facts import EVENT_FACTS
from include.salesforce.record_ids import to_18
from include.source.attendance import ATTENDANCES
from tests.ledger.builders import frame

pytestmark = pytest.mark.rule("G5")

ONE, TWO, THREE = (to_18(f"00U00000000000{number}") for number in (1, 2, 3))
LEAD, CONTACT, OTHER = to_18("00Q000000000001"), "003000000000001AAA", "003000000000002AAA"


def links(*rows: tuple[str, str | None]) -> pd.DataFrame:
    """Legacy links by key."""
    keys = [key.partition("-") for key, _ in rows]
    columns = {
        "appointment_id": [one[0] for one in keys],
        "client_id": [one[2] for one in keys],
        "event_id": [event_id for _, event_id in rows],
    }
    return pd.DataFrame(columns, dtype="str").assign(inventory=1)


def attending(*keys: str, **marks: dict[str, bool]) -> pd.DataFrame:
    rows = [
        {
            "appointment_id": key.partition("-")[0],
            "client_id": key.partition("-")[2],
            **marks.get(_name(key), {}),
        }
        for key in keys
    ]
    return frame(ATTENDANCES, rows, {})


def _name(key: str) -> str:
    return "pair_" + key.replace("-", "_")


def event(event_id: str, **values: Any) -> dict[str, Any]:
    return {"event_id": event_id, "who_id": CONTACT, "owner_id": "005", **values}


def judged(
    legacy: pd.DataFrame,
    attendances: pd.DataFrame,
    *events: dict[str, Any],
    known: dict[str, str] | None = None,
    converted: dict[str, str] | None = None,
    namespace: str = "",
) -> pd.DataFrame:
    ledger = pd.DataFrame(
        {"booking_key": list(known or {}), "event_id": list((known or {}).values())}, dtype="str"
    )
    became = {"who_id": list(converted or {}), "person_id": list((converted or {}).values())}
    found = judge_event_links(
        linked_pairs(legacy, attendances),
        frame(EVENT_FACTS, list(events), {}),
        ledger,
        pd.DataFrame(became, dtype="str"),
        namespace=namespace,
    )
    assert found["item_key"].tolist() == (legacy["appointment_id"] + "-" + legacy["client_id"]).tolist()
    assert found["outcome"].eq("carried").tolist() == found["reason"].isna().tolist()
    return found.set_index("item_key")


def reasons(found: pd.DataFrame) -> dict[str, str]:
    return found["reason"].dropna().to_dict()


def test_a_link_whose_booking_attendee_and_event_are_there_is_carried_by_either_form_of_the_id() -> None:
    found = judged(links(("1-7", ONE), ("2-7", TWO[:15])), attending("1-7", "2-7"), event(ONE), event(TWO))
    assert reasons(found) == {}
    assert found.loc["2-7", "legacy_value"] == TWO[:15]


@pytest.mark.parametrize("text", [None, "", "x", LEAD, ONE[:17]])
def test_what_is_no_id_of_an_event_needs_attention(text: str | None) -> None:
    assert reasons(judged(links(("1-7", text)), attending("1-7"))) == {"1-7": "event_id_malformed"}


@pytest.mark.parametrize(
    ("marks", "why"),
    [
        ({"booking_deleted": True}, Attention.BOOKING_GONE),
        ({"is_removed": True}, Attention.ATTENDEE_GONE),
    ],
)
def test_a_pair_that_was_removed_needs_attention(marks: dict[str, bool], why: Attention) -> None:
    there = attending("1-7", pair_1_7=marks)
    assert reasons(judged(links(("1-7", ONE)), there, event(ONE))) == {"1-7": why.value}


def test_a_pair_that_never_was_needs_attention() -> None:
    found = judged(links(("1-7", ONE), ("2-8", TWO)), attending("1-8"), event(ONE), event(TWO))
    assert reasons(found) == {"1-7": "attendee_gone", "2-8": "booking_gone"}


def test_an_event_that_the_org_does_not_know_or_has_in_the_recycle_bin_needs_attention() -> None:
    found = judged(links(("1-7", ONE), ("2-7", TWO)), attending("1-7", "2-7"), event(TWO, is_deleted=True))
    assert reasons(found) == {"1-7": "event_gone", "2-7": "event_deleted"}


def test_an_event_with_another_pairs_key_needs_attention_and_one_with_its_own_does_not() -> None:
    found = judged(
        links(("1-7", ONE), ("2-7", TWO)),
        attending("1-7", "2-7"),
        event(ONE, held_key="b:9-9"),
        event(TWO, held_key="b:2-7"),
        namespace="b:",
    )
    assert reasons(found) == {"1-7": "event_keyed_otherwise"}


def test_a_pair_that_the_modern_integration_gave_another_event_needs_attention() -> None:
    found = judged(
        links(("1-7", ONE), ("2-7", TWO)),
        attending("1-7", "2-7"),
        event(ONE),
        event(TWO),
        known={"1-7": THREE, "2-7": TWO},
    )
    assert reasons(found) == {"1-7": "linked_otherwise"}


def test_of_several_attendees_of_one_event_the_primary_one_keeps_it() -> None:
    there = attending("1-7", "1-8", "1-9", pair_1_8={"is_primary": True})
    found = judged(links(("1-7", ONE), ("1-8", ONE[:15]), ("1-9", ONE)), there, event(ONE))
    assert reasons(found) == {"1-7": "event_serves_several", "1-9": "event_serves_several"}
    assert found.loc["1-7", "detail"] == "the Event of 1-8 is carried over"


def test_of_several_bookings_of_one_event_the_lowest_number_keeps_it_and_numbers_are_no_texts() -> None:
    found = judged(links(("10-7", ONE), ("9-7", ONE)), attending("10-7", "9-7"), event(ONE, who_id=None))
    assert reasons(found) == {"10-7": "event_serves_several"}


def test_who_cannot_be_carried_over_keeps_no_event_from_others() -> None:
    there = attending("1-7", "1-8", pair_1_7={"is_removed": True})
    found = judged(links(("1-7", ONE), ("1-8", ONE)), there, event(ONE))
    assert reasons(found) == {"1-7": "attendee_gone"}


def test_a_bookings_second_event_on_the_same_record_needs_attention() -> None:
    there = attending("1-7", "1-8", "2-9")
    legacy = links(("1-7", ONE), ("1-8", TWO), ("2-9", THREE))
    found = judged(legacy, there, event(ONE), event(TWO), event(THREE))
    assert reasons(found) == {"1-8": "second_event"}


def test_events_of_a_booking_on_different_records_or_on_none_are_all_carried() -> None:
    there = attending("1-7", "1-8", "1-9")
    legacy = links(("1-7", ONE), ("1-8", TWO), ("1-9", THREE))
    found = judged(legacy, there, event(ONE), event(TWO, who_id=OTHER), event(THREE, who_id=None))
    assert reasons(found) == {}
    nobody = [event(one, who_id=None) for one in (ONE, TWO, THREE)]
    assert reasons(judged(legacy, there, *nobody)) == {}


@pytest.mark.rule("M7")
def test_a_converted_lead_counts_as_the_contact_it_became() -> None:
    found = judged(
        links(("1-7", ONE), ("1-8", TWO), ("2-9", THREE)),
        attending("1-7", "1-8", "2-9"),
        event(ONE),
        event(TWO, who_id=LEAD),
        event(THREE, who_id=LEAD),
        converted={LEAD: CONTACT},
    )
    assert reasons(found) == {"1-8": "second_event"}
    assert found.loc["2-9", "detail"] == "points at a converted Lead, whose Contact takes its place"


def test_attendees_come_before_others_the_primary_one_first() -> None:
    there = attending("1-7", "1-8", "1-9", pair_1_9={"is_primary": True}, pair_1_7={"is_removed": True})
    pairs = linked_pairs(links(("1-7", ONE), ("1-8", ONE), ("1-9", ONE)), there)
    assert in_turn(pairs)["client_id"].tolist() == ["9", "8", "7"]


def test_nothing_is_carried_of_nothing() -> None:
    assert judged(links(), attending()).empty
