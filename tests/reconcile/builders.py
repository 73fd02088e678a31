"""Frames of a few rows for the comparison: a test names only what it is about."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from include.ledger.contracts import EVENT_LINK_ROWS
from include.mapping.plan import BOOKING_KEY, hash_payloads
from include.reconcile.comparison import ORG_EVENTS, WANTED, Terms, compare
from tests.mapping.builders import frame
from tests.mapping.org import ORG

WHO = "00Q000000000001AAA"
OWNER = "005000000000001AAA"
EVENT = "00U000000000001AAA"
OTHER_EVENT = "00U000000000002AAA"
WRITTEN = {
    BOOKING_KEY: "1-10",
    "Subject": "Advice with Ann Lee [Appointment]",
    "StartDateTime": "2026-06-04T12:00:00.000Z",
    "Coconut_Is_Primary__c": "true",
    "Description": None,
}
TERMS = Terms(facts=ORG.objects["Event"])


def link(**changes: Any) -> dict[str, Any]:
    """The ledger's row of a pair whose Event was written and settled; ``written`` changes its payload."""
    payload = WRITTEN | {BOOKING_KEY: changes.get("booking_key", "1-10")} | changes.pop("written", {})
    row = {
        "booking_key": "1-10",
        "appointment_id": "1",
        "client_id": "10",
        "kind": "appointment",
        "event_id": EVENT,
        "who_id": WHO,
        "owner_id": OWNER,
        "payload": json.dumps(payload),
        "claimed_version": 5,
        "written_version": 5,
        "settled_version": 5,
    }
    return {**row, **changes}


def wanted(**changes: Any) -> dict[str, Any]:
    """A pair in Coconut that would not be written now, and whose link says what ``link()`` says."""
    row = {
        "booking_key": "1-10",
        "appointment_id": "1",
        "client_id": "10",
        "kind": "appointment",
        "action": "none",
        "outcome": "unchanged",
        "reason": "same_as_last_written",
        "is_known": True,
        "is_settled": True,
        "seen_event_id": EVENT,
        "seen_version": 5,
        "seen_payload_hash": "as in the link",
    }
    return {**row, **changes}


def event(**changes: Any) -> dict[str, Any]:
    """The Event of ``link()``, as the org holds it."""
    row = {
        "event_id": EVENT,
        "booking_key": "1-10",
        "booking_id": "1",
        "who_id": WHO,
        "owner_id": OWNER,
        "is_ours": True,
        **WRITTEN,
        BOOKING_KEY: changes.get("booking_key", "1-10"),
    }
    return {**row, **changes}


def links_of(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame(EVENT_LINK_ROWS, list(rows))


def wanted_of(links: pd.DataFrame, *rows: dict[str, Any]) -> pd.DataFrame:
    """Build ``WANTED``; whoever saw the payload of the link saw that of ``links``."""
    built = frame(WANTED, list(rows))
    hashes = hash_payloads(links.set_index("booking_key")["payload"])
    of_link = built["booking_key"].map(hashes).astype("str")
    return built.assign(
        seen_payload_hash=built["seen_payload_hash"].mask(
            built["seen_payload_hash"].eq("as in the link"), of_link
        )
    )


def events_of(*rows: dict[str, Any]) -> pd.DataFrame:
    names = [*ORG_EVENTS.columns, *WRITTEN]
    built = pd.DataFrame(list(rows), columns=names)
    return ORG_EVENTS.conform(built.assign(is_ours=built["is_ours"].eq(True)))


def found(
    links: list[dict[str, Any]],
    pairs: list[dict[str, Any]],
    events: list[dict[str, Any]],
    terms: Terms = TERMS,
) -> pd.DataFrame:
    known = links_of(*links)
    return compare(known, wanted_of(known, *pairs), events_of(*events), terms)
