"""Attendees of one booking who are one Salesforce record have one Event between them (rule S4)."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from include.frames import TEXT
from include.mapping.verdicts import Verdicts
from include.reasons import Action, Reason

LINK_COLUMNS: Final = ("event_id", "who_id", "owner_id", "staff_id", "payload")
"""What a pair inherits from the pair whose Event it takes over."""

_BETWEEN: Final = "\x1f"


def share_events(pairs: pd.DataFrame, verdicts: Verdicts, event_links: pd.DataFrame) -> pd.DataFrame:
    """Leave one pair per booking and person to carry the Event, and settle the others.

    The carrier is the primary attendee, else the lowest client id. A carrier without an Event takes over that of
    another attendee who is the same record, or who was removed from the booking: it is re-keyed, so that it stays the
    same Event, also when a run that was cut off may have done so already. An Event that may not be touched now (its
    client is disabled, say) stands for all: no second one is made.

    Args:
        pairs: the working frame of ``include.mapping.events``, with ``person`` (the WhoId to be, else the person
            reference) and ``followed_from`` (the Id that the person's record had before).
        verdicts: what the pairs came to so far; open ones are settled here where another pair carries the Event.
        event_links: contract ``EVENT_LINKS``, all links of these bookings.

    Returns:
        ``pairs`` with ``rekeyed_from`` (the booking key an Event had before) and the links as they were taken over.
    """
    is_carrier = _carriers(pairs, verdicts.is_open)
    is_other = verdicts.is_open & ~is_carrier
    verdicts.settle(_stands_already(pairs, verdicts, event_links), reason=Reason.SHARED_EVENT)
    donors = _donors(pairs, verdicts, is_carrier=is_carrier, is_other=is_other)
    shared = _take_over(pairs, donors)
    is_donor = pd.Series(pairs.index.isin(donors), index=pairs.index)
    receivers = pd.Series(donors.index, index=donors.to_numpy()).map(pairs["booking_key"])
    passed_on = "Its Event passed to " + receivers.reindex(pairs.index).astype(TEXT)
    verdicts.revoke(is_donor, reason=Reason.SHARED_EVENT, details=passed_on)
    verdicts.settle(is_other & pairs["may_have_event"], reason=Reason.SHARED_EVENT, action=Action.DELETE)
    verdicts.settle(is_other, reason=Reason.SHARED_EVENT)
    return shared


def _carriers(pairs: pd.DataFrame, is_open: pd.Series[bool]) -> pd.Series[bool]:
    order = _in_order(pairs[is_open].assign(rank=0), ["appointment_id", "person"])
    first = order[~order.duplicated(["appointment_id", "person"])].index
    return pd.Series(pairs.index.isin(first), index=pairs.index)


def _stands_already(pairs: pd.DataFrame, verdicts: Verdicts, event_links: pd.DataFrame) -> pd.Series[bool]:
    """Tell which open pairs have no Event, while one stands that this run leaves alone."""
    is_in_motion = pairs["has_event"] & (verdicts.is_open | verdicts.does(Action.DELETE))
    in_motion = pairs.loc[is_in_motion, "booking_key"]
    left_alone = event_links[event_links["event_id"].notna() & ~event_links["booking_key"].isin(in_motion)]
    if left_alone.empty:
        return pd.Series(False, index=pairs.index)
    standing = _key(left_alone["appointment_id"], left_alone["who_id"])
    stands = _key(pairs["appointment_id"], pairs["person"]).isin(standing)
    stands |= _key(pairs["appointment_id"], pairs["followed_from"]).isin(standing)
    of_group = (
        pairs["may_have_event"]
        .where(verdicts.is_open, False)
        .groupby([pairs["appointment_id"], pairs["person"]], dropna=False)
    )
    return stands & ~of_group.transform("any")


def _donors(
    pairs: pd.DataFrame, verdicts: Verdicts, *, is_carrier: pd.Series[bool], is_other: pd.Series[bool]
) -> pd.Series[Any]:
    """Return the row whose Event each carrier takes over: index = carrier's row, value = donor's row."""
    is_removed = verdicts.does(Action.DELETE) & pairs["attendee_deleted"] & ~pairs["booking_deleted"]
    gives = pairs["has_event"] & (is_removed | is_other)
    offers = pairs[gives].assign(rank=is_other[gives].astype("int64"))
    offers["person"] = offers["person"].where(is_other[gives], offers["link_who_id"])
    offers = _in_order(offers, ["appointment_id", "person"])
    offered = pd.Series(offers.index, index=_key(offers["appointment_id"], offers["person"]))
    offered = offered[~offered.index.duplicated() & offered.index.notna()]
    takers = pairs[is_carrier & verdicts.is_open & ~pairs["has_event"]]
    found = _key(takers["appointment_id"], takers["person"]).map(offered)
    found = found.fillna(_key(takers["appointment_id"], takers["followed_from"]).map(offered)).dropna()
    return found.drop_duplicates().astype(pairs.index.dtype)


def _take_over(pairs: pd.DataFrame, donors: pd.Series[Any]) -> pd.DataFrame:
    shared = pairs.assign(rekeyed_from=pd.Series(index=pairs.index, dtype=TEXT))
    if donors.empty:
        return shared
    for name in LINK_COLUMNS:
        shared.loc[donors.index, f"link_{name}"] = pairs.loc[donors, f"link_{name}"].to_numpy()
    shared.loc[donors.index, "rekeyed_from"] = pairs.loc[donors, "booking_key"].to_numpy()
    shared.loc[donors.index, ["has_event", "may_have_event"]] = True
    return shared


def _in_order(pairs: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Sort by group, then ``rank``, then primary attendee, then client id as a number."""
    sortable = pairs.assign(
        is_secondary=~pairs["is_primary"], number=pd.to_numeric(pairs["client_id"], errors="coerce")
    )
    return sortable.sort_values([*groups, "rank", "is_secondary", "number", "client_id"], kind="stable")


def _key(appointment_ids: pd.Series[str], persons: pd.Series[str]) -> pd.Series[str]:
    return appointment_ids + _BETWEEN + persons
