"""The booking database, the ledger and the org side by side: what agrees is left out (rules Q7, S4, S9, S12, M7).

Three frames of the same bookings are compared: what the ledger says was written, what should be there by the rules in
force, and what the org holds. A pair that is on its way (changed and not yet synced, or written meanwhile) is left to
the sync; a pair that is held, quarantined or disabled is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from include.frames import CLAIM, TEXT, WHOLE, FrameContract
from include.mapping.org_fields import FieldFacts
from include.mapping.org_values import differing_fields
from include.mapping.plan import hash_payloads, parse_payloads
from include.mapping.refused_fields import field_lists, refused_values
from include.reasons import Action, Outcome, Reason
from include.reconcile.findings import FOUND, UNTOUCHED, Finding, Remedy

ORG_EVENTS = FrameContract(
    "org_events",
    {
        # live Events that bear our key or a booking's number; a wire frame with the payload's fields
        "event_id": TEXT,
        "booking_key": TEXT,
        "booking_id": TEXT,
        "who_id": TEXT,
        "owner_id": TEXT,
        "is_ours": CLAIM,  # our own user created it
    },
    wire_fields=True,
)

WANTED = FrameContract(
    "wanted_events",
    {
        # one row per pair in Coconut: what the rules in force would do, and what the ledger held when they were asked
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "kind": TEXT,
        "action": TEXT,  # include.reasons.Action
        "outcome": TEXT,  # missing where something would be written
        "reason": TEXT,
        "fields": TEXT,  # API names of what an update would send, joined by a space
        "is_known": CLAIM,  # the ledger has a link of the pair
        "is_settled": CLAIM,  # this very version has an outcome, and no later one is on its way
        "seen_event_id": TEXT,
        "seen_version": WHOLE,
        "seen_payload_hash": TEXT,
    },
    personal=frozenset({"seen_payload_hash"}),
)

_SET_ASIDE: Final = (Outcome.HELD.value, Outcome.QUARANTINED.value, Outcome.DISABLED.value)
_AS_DUE: Final = (Reason.SAME_AS_LAST_WRITTEN.value, Reason.LEGACY_EVENT_KEPT.value)
_LINK: Final = ["event_id", "who_id", "owner_id", "payload", "claimed_version", "last_outcome"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a comparison goes by.

    Attributes:
        namespace: stands before every key of ours; an Event under another belongs to another Coconut.
        facts: what the org says of Event's fields, by name.
        left_alone: fields that an empty value never clears (rule F4).
        leaves_deleted: an Event that Salesforce users deleted stays deleted (``on_event_deleted_in_salesforce``).
        moved_people: records of people that are gone, by Id, with the ``WhoId`` they became; missing where nobody.
        disabled_clients: clients who are not touched (rule T4).
    """

    namespace: str = ""
    facts: Mapping[str, FieldFacts] = field(default_factory=dict)
    left_alone: frozenset[str] = frozenset()
    leaves_deleted: bool = False
    moved_people: pd.Series[str] = field(default_factory=lambda: pd.Series(dtype=TEXT))
    disabled_clients: frozenset[str] = frozenset()


def compare(links: pd.DataFrame, wanted: pd.DataFrame, events: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return what differs (``FOUND``), one row per finding.

    Args:
        links: contract ``EVENT_LINK_ROWS`` of some bookings.
        wanted: contract ``WANTED`` of these bookings; pairs that Coconut does not have are missing.
        events: contract ``ORG_EVENTS``: those of the links, and all others that bear these bookings' keys or numbers.
        terms: what the comparison goes by.
    """
    pairs = _side_by_side(links, wanted, events, terms)
    live = events.drop_duplicates("event_id").set_index("event_id")
    strays = _strays(events, pairs, terms)
    found = [
        *_in_standing_events(pairs, live, terms),
        *_without_event(pairs, strays, terms),
        _orphaned(pairs),
        _extra(pairs, strays, terms),
        _copies(strays, terms),
    ]
    return FOUND.conform(pd.concat([FOUND.empty(), *found], ignore_index=True))


def booking_numbers(events: pd.DataFrame, namespace: str) -> pd.Series[str]:
    """Return the number of each Event's booking (``ORG_EVENTS``): that of its key, else the one it bears."""
    return own_keys(events["booking_key"], namespace)["appointment_id"].fillna(events["booking_id"])


def own_keys(keys: pd.Series[str], namespace: str) -> pd.DataFrame:
    """Return ``appointment_id`` and ``client_id`` of keys of ours; both missing where a key is not."""
    bare = keys.where(keys.str.startswith(namespace).eq(True)).str.slice(start=len(namespace))
    parts = bare.str.extract(r"^(\d{1,18})-(\d{0,18})$").set_axis(["appointment_id", "client_id"], axis=1)
    return parts.astype(TEXT)


def drift(payloads: pd.Series[str], found: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Tell field by field where Events differ from their payloads.

    Nothing differs where nobody knows what was written. Nor does a field whose value Salesforce refused: what it held
    before, nobody wrote down (rule F4).

    Args:
        payloads: as last written.
        found: contract ``ORG_EVENTS`` with the same index.
        terms: what the comparison goes by.
    """
    names = wire_names(found)
    written = parse_payloads(payloads, names)
    differs = differing_fields(written, found[names], terms.facts, left_alone=terms.left_alone)
    for name, refused in refused_values(payloads, names).items():
        differs[name] &= refused.isna()
    return differs.mul(payloads.notna(), axis=0)


def wire_names(events: pd.DataFrame) -> list[str]:
    """Return the Salesforce fields that a frame of ``ORG_EVENTS`` carries."""
    return [name for name in map(str, events) if name not in ORG_EVENTS.columns]


def _side_by_side(
    links: pd.DataFrame, wanted: pd.DataFrame, events: pd.DataFrame, terms: Terms
) -> pd.DataFrame:
    """Return one row per pair, indexed by booking key: what is wanted, what was written (``link_…``), and claims.

    ``is_open``: nothing of it moved between the two looks at the ledger, and it may be compared and repaired.
    ``is_due``: it should have an Event. ``stands``: its Event is in the org.
    """
    written = links.drop_duplicates("booking_key").set_index("booking_key")
    pairs = wanted.drop_duplicates("booking_key").set_index("booking_key")
    pairs = pairs.join(written[_LINK].add_prefix("link_"), how="outer")
    is_in_source = pairs["appointment_id"].notna()
    for name in ("appointment_id", "client_id", "kind"):
        pairs[name] = pairs[name].fillna(written[name].reindex(pairs.index))
    is_linked = pd.Series(pairs.index.isin(written.index), index=pairs.index)
    is_known, is_settled = (pairs[name].eq(True) for name in ("is_known", "is_settled"))
    has_moved = _differ(pairs["seen_event_id"], pairs["link_event_id"])
    has_moved |= _differ(pairs["seen_version"], pairs["link_claimed_version"])
    has_moved |= _differ(pairs["seen_payload_hash"], hash_payloads(pairs["link_payload"]))
    is_quiet = is_in_source & ((is_settled & is_linked & ~has_moved) | ~(is_known | is_linked))
    is_as_due = pairs["action"].eq(Action.NONE.value) & pairs["reason"].isin(_AS_DUE)
    return pairs.assign(
        is_in_source=is_in_source,
        is_linked=is_linked,
        is_open=is_quiet & ~pairs["outcome"].isin(_SET_ASIDE) & ~pairs["link_last_outcome"].isin(_SET_ASIDE),
        is_due=pairs["action"].isin([Action.CREATE.value, Action.UPDATE.value]) | is_as_due,
        stands=pairs["link_event_id"].isin(events["event_id"]) & pairs["link_event_id"].notna(),
        is_disabled=pairs["client_id"].isin(terms.disabled_clients),
    )


def _in_standing_events(pairs: pd.DataFrame, live: pd.DataFrame, terms: Terms) -> list[pd.DataFrame]:
    """Compare the Events that the ledger knows and the org holds with what was written, and that with what is due."""
    standing = pairs[pairs["is_open"] & pairs["is_linked"] & pairs["stands"]]
    due = standing[standing["is_due"]]
    found = live.loc[due["link_event_id"]].set_axis(due.index)
    # Into a legacy Event that is as it was taken over we have written nothing that could drift.
    is_ours = due["reason"].ne(Reason.LEGACY_EVENT_KEPT.value)
    due = due.assign(drifted=field_lists(drift(due["link_payload"].where(is_ours), found, terms)))
    owner, who = due["link_owner_id"], due["link_who_id"]
    became = who.map(terms.moved_people).astype(TEXT)
    is_followed = who.isin(terms.moved_people.index) & (became.isna() | became.eq(found["who_id"]))
    is_elsewhere = who.notna() & _differ(who, found["who_id"]) & ~is_followed
    is_stale = standing["action"].isin([Action.UPDATE.value, Action.DELETE.value])
    return [
        _rows(Finding.DRIFTED, due[due["drifted"].notna()], fields="drifted"),
        _rows(Finding.STALE, standing[is_stale], fields="fields"),
        _rows(Finding.OWNER_CHANGED, due[owner.notna() & _differ(owner, found["owner_id"])]),
        _rows(Finding.PERSON_CHANGED, due[is_elsewhere]),
    ]


def _without_event(pairs: pd.DataFrame, strays: pd.DataFrame, terms: Terms) -> list[pd.DataFrame]:
    """Return the pairs that should have an Event, and whose Event as the ledger knows it is not there."""
    lost = pairs[pairs["is_open"] & pairs["is_due"] & ~pairs["stands"]]
    keyed = strays[strays["is_own"]].drop_duplicates("booking_key").set_index("booking_key")
    lost = lost.assign(under_key=lost.index.to_series().map(keyed["event_id"]).astype(TEXT), nowhere=None)
    is_found = lost["under_key"].notna()
    stays_deleted = lost["link_event_id"].notna() & terms.leaves_deleted
    return [
        _rows(Finding.UNLINKED, lost[is_found], event_id="under_key"),
        _rows(Finding.MISSING, lost[~is_found & lost["is_linked"] & ~stays_deleted], event_id="nowhere"),
    ]


def _orphaned(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the Events of pairs that Coconut does not have any more."""
    orphans = pairs[~pairs["is_in_source"] & pairs["link_event_id"].notna() & ~pairs["is_disabled"]]
    standing = orphans["link_event_id"].where(orphans["stands"])
    return _rows(Finding.ORPHANED, orphans.assign(standing=standing), event_id="standing")


def _strays(events: pd.DataFrame, pairs: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return the Events that are those of no link, with the pair that their key names, if it is a key of ours."""
    strays = events[~events["event_id"].isin(pairs["link_event_id"])].reset_index(drop=True)
    named = own_keys(strays["booking_key"], terms.namespace)
    return strays.assign(
        appointment_id=named["appointment_id"].fillna(strays["booking_id"]),
        client_id=named["client_id"].mask(named["client_id"] == ""),
        is_own=named["appointment_id"].notna(),
    )


def _extra(pairs: pd.DataFrame, strays: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return the Events under a key of ours that no pair asks for."""
    keyed = strays[strays["is_own"]].set_index("booking_key")
    home = pairs.reindex(keyed.index)
    is_unknown = ~keyed.index.isin(pairs.index)
    is_vanished = home["is_in_source"].eq(False) & home["link_event_id"].isna()
    is_unasked = home["is_open"].eq(True) & home["is_due"].eq(False)
    is_extra = (is_unknown | is_vanished | is_unasked) & ~keyed["client_id"].isin(terms.disabled_clients)
    links = home[["kind", "link_event_id", "link_claimed_version"]]
    return _rows(Finding.EXTRA, keyed.join(links[~links.index.duplicated()])[is_extra], event_id="event_id")


def _copies(strays: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return the Events that bear a booking's number without being anybody's.

    One without a key that our own user made cannot be meant by a Salesforce user. Where two Coconuts share the org
    (``namespace``), a number alone does not tell whose booking it is.
    """
    is_of_another_coconut = _ends_in_own_number(strays)
    copies = strays[~strays["is_own"] & ~is_of_another_coconut]
    is_ours = copies["is_ours"] & copies["booking_key"].isna() & (terms.namespace == "")
    rows = _rows(
        Finding.DUPLICATE, copies.assign(booking_key=None).set_index("booking_key"), event_id="event_id"
    )
    return rows.assign(remedy=is_ours.map({True: Remedy.REPAIR.value, False: Remedy.PERSON.value}).to_numpy())


def _ends_in_own_number(events: pd.DataFrame) -> pd.Series[bool]:
    """Tell which keys are whole, in whatever namespace: they end in the number that the Event bears, and a client's."""
    number = events["booking_key"].str.extract(r"(\d+)-\d*$", expand=False)
    return number.notna() & number.eq(events["booking_id"])


def _rows(
    finding: Finding, pairs: pd.DataFrame, *, event_id: str = "link_event_id", fields: str = ""
) -> pd.DataFrame:
    """Return one finding per row of ``pairs``, indexed by booking key; the last two arguments name its columns."""
    remedy = Remedy.NONE if finding in UNTOUCHED else Remedy.REPAIR
    rows = pairs.reindex(columns=["appointment_id", "client_id", "kind"]).reset_index(names="booking_key")
    return FOUND.conform(
        rows.assign(
            finding=finding.value,
            remedy=remedy.value,
            event_id=pairs[event_id].to_numpy() if event_id in pairs else None,
            record_id=None,
            fields=pairs[fields].to_numpy() if fields else None,
            known_event_id=pairs["link_event_id"].to_numpy() if "link_event_id" in pairs else None,
            known_version=pairs["link_claimed_version"].to_numpy()
            if "link_claimed_version" in pairs
            else None,
        )
    )


def _differ(left: pd.Series, right: pd.Series) -> pd.Series[bool]:
    same = (left == right).fillna(False).astype(bool) | (left.isna() & right.isna())
    return ~same
