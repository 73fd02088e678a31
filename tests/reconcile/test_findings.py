"""Findings become orders: what the ledger learns, which bookings are read, what is counted and told."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from include.frames import EVENT_LINKS
from include.ledger.contracts import EVENT_CORRECTIONS
from include.mapping.plan import BOOKING_KEY
from include.pipeline.repairs import GONE_PAIRS, corrected
from include.reconcile.corrections import corrections
from include.reconcile.findings import FINDINGS, FOUND, Finding, Remedy
from include.reconcile.repair_order import gone_pairs, repair_order, within_guard
from include.reconcile.report import counts_of, field_counts, report_lines
from include.settings.model import Settings
from tests.mapping.builders import frame
from tests.reconcile.builders import (
    EVENT,
    OTHER_EVENT,
    OWNER,
    TERMS,
    WHO,
    WRITTEN,
    event,
    events_of,
    found,
    link,
    links_of,
    wanted,
    wanted_of,
)

pytestmark = pytest.mark.rule("Q7")

NO_EVENT = {"event_id": None, "payload": None, "who_id": None, "owner_id": None}


def learnt(
    links: list[dict[str, object]], pairs: list[dict[str, object]], events: list[dict[str, object]]
) -> dict[str, object]:
    (one,) = corrections(found(links, pairs, events), links_of(*links), events_of(*events), TERMS).to_dict(
        "records"
    )
    return one


def test_every_finding_says_what_it_means_and_what_a_repair_does() -> None:
    assert list(FINDINGS) == list(Finding)
    assert all(text.text.endswith(".") and text.repair.endswith(".") for text in FINDINGS.values())


def test_an_event_that_is_gone_is_forgotten_so_that_it_is_created_again() -> None:
    one = learnt([link()], [wanted()], [])
    assert [pd.isna(one[name]) for name in ("event_id", "payload", "who_id", "owner_id")] == [True] * 4
    assert (one["known_event_id"], one["known_version"]) == (EVENT, 5)


def test_of_an_event_that_drifted_the_ledger_learns_what_stands_there_and_keeps_the_rest() -> None:
    one = learnt([link()], [wanted()], [event(Subject="Lunch", owner_id=OTHER_EVENT)])
    assert json.loads(str(one["payload"])) == {**WRITTEN, "Subject": "Lunch"}
    assert (one["event_id"], one["owner_id"], one["who_id"]) == (EVENT, OWNER, WHO)


@pytest.mark.rule("F4")
def test_of_an_event_that_drifted_the_ledger_goes_on_knowing_what_salesforce_refused() -> None:
    written = {"Description": None, "refused:Description": "too long"}
    one = learnt([link(written=written)], [wanted()], [event(Subject="Lunch")])
    assert json.loads(str(one["payload"])) == {**WRITTEN, **written, "Subject": "Lunch"}


def test_an_event_under_our_key_is_taken_up_as_it_is() -> None:
    pairs = [wanted(action="create", outcome=None, reason=None, seen_event_id=None, seen_payload_hash=None)]
    one = learnt([link(**NO_EVENT)], pairs, [event(Subject="Lunch")])
    assert (one["event_id"], one["owner_id"], one["who_id"]) == (EVENT, OWNER, WHO)
    assert json.loads(str(one["payload"]))["Subject"] == "Lunch"


def test_a_plan_sees_links_as_the_ledger_is_about_to_learn_them() -> None:
    links = frame(EVENT_LINKS, [link(), link(booking_key="1-11", client_id="11")])
    rows = [
        {"booking_key": "1-10", "appointment_id": "1", "client_id": "10", "known_event_id": EVENT},
        {"booking_key": "1-12", "appointment_id": "1", "client_id": "12", "event_id": OTHER_EVENT},
    ]
    seen = corrected(links, frame(EVENT_CORRECTIONS, rows)).set_index("booking_key")
    assert seen["event_id"].fillna("none").to_dict() == {"1-10": "none", "1-11": EVENT, "1-12": OTHER_EVENT}
    assert seen.loc["1-10", "claimed_version"] == 5


@pytest.mark.rule("S9")
def test_pairs_that_coconut_lost_are_read_as_deleted_ones_of_the_newest_known_version() -> None:
    links = links_of(link(claimed_version=7, settled_version=6, status="booked"))
    events = events_of(event(), event(event_id=OTHER_EVENT, booking_key="9-1"))
    rows = found([link()], [], [event(), event(event_id=OTHER_EVENT, booking_key="9-1")])
    gone = gone_pairs(rows, links, wanted_of(links)).set_index("booking_key")
    assert gone.loc["1-10", ["version", "status"]].tolist() == [7, "booked"]
    assert gone.loc["9-1", ["appointment_id", "client_id"]].tolist() == ["9", "1"]
    assert pd.isna(gone.loc["9-1", "version"])
    assert len(events) == len(gone)


def test_an_order_names_bookings_clients_and_copies_and_nothing_that_is_left_alone() -> None:
    rows = [
        {"finding": "stale", "remedy": "repair", "appointment_id": "1", "booking_key": "1-10"},
        {"finding": "owner_changed", "remedy": "none", "appointment_id": "2", "booking_key": "2-10"},
        {"finding": "person_gone", "remedy": "repair", "client_id": "3"},
        {"finding": "duplicate", "remedy": "repair", "appointment_id": "4", "event_id": EVENT},
        {"finding": "duplicate", "remedy": "person", "appointment_id": "5", "event_id": OTHER_EVENT},
    ]
    order = repair_order(frame(FOUND, rows), EVENT_CORRECTIONS.empty(), GONE_PAIRS.empty())
    assert (order.appointment_ids, order.client_ids, order.copies) == ((1,), (3,), (EVENT,))
    nothing = repair_order(frame(FOUND, rows[1:2]), EVENT_CORRECTIONS.empty(), GONE_PAIRS.empty())
    assert nothing.is_empty


@pytest.mark.rule("Q10")
@pytest.mark.parametrize(("copies", "remedy"), [(49, Remedy.REPAIR), (51, Remedy.PERSON)])
def test_more_copies_than_the_guard_lets_pass_are_left_to_a_person(copies: int, remedy: Remedy) -> None:
    rows = [{"finding": "duplicate", "remedy": "repair", "event_id": str(one)} for one in range(copies)]
    judged = within_guard(frame(FOUND, rows), Settings(), known_events=100)
    assert set(judged["remedy"]) == {remedy}


def test_a_report_counts_findings_and_fields_and_names_nobody() -> None:
    rows = found([link()], [wanted()], [event(Subject="Lunch", Description="Bring cake")])
    counts = counts_of(rows)
    assert (counts["drifted"], counts["missing"], counts["to_repair"]) == (1, 0, 1)
    assert field_counts(rows) == {"drifted": {"Subject": 1, "Description": 1}}
    lines = "\n".join(report_lines({"compared": 1, **counts}, rows))
    assert "booking_key=1-10" in lines
    assert "fields=Subject Description" in lines
    assert "Ann" not in lines
    assert "Lunch" not in lines


def test_a_report_says_that_nothing_differs() -> None:
    assert report_lines({"compared": 2, **counts_of(FOUND.empty())}, FOUND.empty())[-1] == "Nothing differs."


def test_what_was_written_has_our_key_first() -> None:
    assert next(iter(WRITTEN)) == BOOKING_KEY
