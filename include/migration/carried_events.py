"""Which legacy Events can be taken over, and why the others cannot (rules G5, G8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import CLAIM, TEXT, FrameContract
from include.ledger.contracts import MIGRATION_ITEMS
from include.legacy import Attention, ItemKind, ItemOutcome
from include.matching.normalise import salesforce_id_18

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENT_PREFIX: Final = "00U"
"""What the Id of every Event begins with ("Standard Object Key Prefixes", Salesforce Help)."""

LINKED_PAIRS: Final = FrameContract(
    "linked_pairs",
    {
        # one row per legacy event link
        "item_key": TEXT,  # appointment_id-client_id
        "appointment_id": TEXT,
        "client_id": TEXT,
        "legacy_value": TEXT,  # the Event's Id as Coconut holds it
        "event_id": TEXT,  # the same with 18 characters; missing where it is no Id of an Event
        "inventory": "Int64",
        # what Coconut says of the pair now
        "booking_exists": CLAIM,
        "attends": CLAIM,
        "is_primary": CLAIM,
    },
)

_JUDGED: Final = ("item_key", "legacy_value", "inventory")


def event_ids(legacy_values: pd.Series[str]) -> pd.Series[str]:
    """Return the Ids of Events with 18 characters; missing where a value is none."""
    ids = salesforce_id_18(legacy_values)
    return ids.where(ids.str.startswith(EVENT_PREFIX).eq(True))


def linked_pairs(links: pd.DataFrame, attendances: pd.DataFrame) -> pd.DataFrame:
    """Return what Coconut says of legacy event links (``LINKED_PAIRS``), in the order of the links.

    Args:
        links: columns ``appointment_id``, ``client_id``, ``event_id`` as Coconut holds it and ``inventory``.
        attendances: contract ``source.attendance.ATTENDANCES``, all rows of the links' bookings.
    """
    rows = links.reset_index(drop=True).rename(columns={"event_id": "legacy_value"})
    standing = attendances[~attendances["booking_deleted"]]
    present = standing[~standing["is_removed"]].drop_duplicates(["appointment_id", "client_id"])
    pairs = ["appointment_id", "client_id"]
    found = rows[pairs].merge(present[[*pairs, "is_primary"]], on=pairs, how="left", indicator=True)
    return LINKED_PAIRS.conform(
        rows.assign(
            item_key=rows["appointment_id"] + "-" + rows["client_id"],
            event_id=event_ids(rows["legacy_value"]),
            booking_exists=rows["appointment_id"].isin(standing["appointment_id"].unique().tolist()),
            attends=found["_merge"].eq("both").to_numpy(),
            is_primary=found["is_primary"].eq(True).to_numpy(),
        )
    )


def in_turn(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with the one first that keeps a shared Event: an attendee, the primary one, the lowest numbers.

    Args:
        pairs: contract ``LINKED_PAIRS``.
    """
    numbers = {name: pd.to_numeric(pairs[name]) for name in ("appointment_id", "client_id")}
    order = pd.DataFrame(
        {"is_gone": ~pairs["attends"], "is_other": ~pairs["is_primary"], **numbers}, index=pairs.index
    )
    return pairs.loc[order.sort_values(list(order.columns), kind="stable").index]


def judge_event_links(
    pairs: pd.DataFrame,
    events: pd.DataFrame,
    known: pd.DataFrame,
    successors: pd.DataFrame,
    *,
    namespace: str = "",
) -> pd.DataFrame:
    """Return each link with its outcome, reason and detail (contract ``MIGRATION_ITEMS``), in the order of ``pairs``.

    Args:
        pairs: contract ``LINKED_PAIRS``: all links of a booking, and all that name one Event, are judged together.
        events: contract ``event_facts.EVENT_FACTS``; an Event that is not there is unknown to the org.
        known: the ledger's Events, columns ``booking_key`` and ``event_id``.
        successors: converted Leads that Events point at, columns ``who_id`` and ``person_id`` (the Contact).
        namespace: the setting ``key_namespace``.
    """
    facts = _with_facts(pairs, events, known, successors, namespace=namespace)
    reasons = _own_reasons(facts)
    details = pd.Series(pd.NA, index=facts.index, dtype=TEXT)
    for names, why in ((["event_id"], Attention.EVENT_SERVES_SEVERAL), (_PERSON, Attention.SECOND_EVENT)):
        sound = in_turn(facts[reasons.isna()])
        sound = sound[sound[names].notna().all(axis=1)]
        keeper = sound.groupby(names)["item_key"].transform("first")
        is_later = keeper.ne(sound["item_key"])
        reasons.loc[is_later.index[is_later]] = why.value
        details.loc[is_later.index[is_later]] = "the Event of " + keeper[is_later] + " is carried over"
    is_converted = reasons.isna() & facts["person_id"].ne(facts["who_id"]) & facts["person_id"].notna()
    details = details.mask(is_converted, "points at a converted Lead, whose Contact takes its place")
    return _items(facts, reasons, details)


_PERSON: Final = ["appointment_id", "person_id"]


def _with_facts(
    pairs: pd.DataFrame,
    events: pd.DataFrame,
    known: pd.DataFrame,
    successors: pd.DataFrame,
    *,
    namespace: str,
) -> pd.DataFrame:
    facts = pairs.reset_index(drop=True)
    facts = facts.merge(events.assign(is_found=True), on="event_id", how="left")
    ours = known.rename(columns={"booking_key": "our_key", "event_id": "known_event_id"})
    facts = facts.assign(our_key=namespace + facts["item_key"]).merge(
        ours[["our_key", "known_event_id"]], on="our_key", how="left"
    )
    facts = facts.merge(successors, on="who_id", how="left")
    return facts.assign(person_id=facts["person_id"].fillna(facts["who_id"]))


def _own_reasons(facts: pd.DataFrame) -> pd.Series[str]:
    """Return what keeps a link from being carried over, whatever the others say; the first that holds."""
    is_keyed_otherwise = facts["held_key"].notna() & facts["held_key"].ne(facts["our_key"])
    is_linked_otherwise = facts["known_event_id"].notna() & facts["known_event_id"].ne(facts["event_id"])
    held: Sequence[tuple[Attention, pd.Series[bool]]] = (
        (Attention.EVENT_ID_MALFORMED, facts["event_id"].isna()),
        (Attention.BOOKING_GONE, ~facts["booking_exists"]),
        (Attention.ATTENDEE_GONE, ~facts["attends"]),
        (Attention.EVENT_GONE, ~facts["is_found"].eq(True)),
        (Attention.EVENT_DELETED, facts["is_deleted"].eq(True)),
        (Attention.EVENT_KEYED_OTHERWISE, is_keyed_otherwise),
        (Attention.LINKED_OTHERWISE, is_linked_otherwise),
    )
    reasons = pd.Series(pd.NA, index=facts.index, dtype=TEXT)
    for why, holds in held:
        reasons = reasons.mask(reasons.isna() & holds, why.value)
    return reasons


def _items(facts: pd.DataFrame, reasons: pd.Series[str], details: pd.Series[str]) -> pd.DataFrame:
    outcomes = reasons.isna().map({True: ItemOutcome.CARRIED.value, False: ItemOutcome.NEEDS_ATTENTION.value})
    return MIGRATION_ITEMS.conform(
        facts[[*_JUDGED]].assign(
            kind=ItemKind.EVENT_LINK.value, outcome=outcomes, reason=reasons, detail=details
        )
    )
