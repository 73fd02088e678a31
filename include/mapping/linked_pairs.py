"""The working frame of all rules about Events: pairs with their times, and what the ledger knows of them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pandas as pd

from include.frames import BOOKINGS, EVENT_LINKS
from include.mapping.hurdles import scope_settings
from include.mapping.pairs import booking_keys, digest_pairs, source_versions
from include.mapping.times import event_times, utc_instants
from include.mapping.verdicts import Verdicts
from include.reasons import Reason
from include.settings.model import Settings

REKEYED_FROM: Final = "rekeyed_from"
"""Extra column of the events frame: the booking key that an Event had until this update (rule S4)."""

_INSTANTS: Final = ("starts_at", "ends_at", "booked_at", "changed_at")
_SHOWN_LENGTH: Final = 40


def linked_pairs(
    bookings: pd.DataFrame,
    answers: pd.DataFrame,
    event_links: pd.DataFrame,
    *,
    settings: Settings,
    now: datetime,
) -> pd.DataFrame:
    """Return one row per pair, in the order of ``bookings``, and with an index of its own.

    Args:
        bookings: contract ``BOOKINGS``.
        answers: contract ``ANSWERS`` of these bookings.
        event_links: contract ``EVENT_LINKS``: all links of these bookings.
        settings: they say what is out of scope, and the namespace of the keys.
        now: tells past Events from upcoming ones.

    Returns:
        The columns of ``bookings``, the pair's key and version, the times of ``include.mapping.times``, ``is_past``,
        the link's columns as ``link_…``; and whether the pair has an Event, may have one, was backfilled, has a legacy
        Event that we never wrote (``is_adopted``), or a write that was never settled (``is_unsettled``).
    """
    bookings = BOOKINGS.conform(bookings.assign(**{name: utc_instants(bookings[name]) for name in _INSTANTS}))
    pairs = bookings.assign(
        booking_key=booking_keys(bookings, namespace=settings.key_namespace),
        source_version=source_versions(bookings),
        source_digest=digest_pairs(bookings, answers),
        scope_settings=scope_settings(bookings, settings),
    )
    times = event_times(bookings)
    pairs[times.columns] = times
    pairs["is_past"] = pairs["ends_at"] < now
    return _with_links(pairs, event_links)


def note_values(pairs: pd.DataFrame, verdicts: Verdicts) -> None:
    """Say which value Coconut sent where it is not one of those it knows."""
    for reason, values in (
        (Reason.UNKNOWN_KIND, pairs["kind"]),
        (Reason.UNKNOWN_STATUS, pairs["status"]),
        (Reason.UNKNOWN_TIME_ZONE, pairs["time_zone"]),
    ):
        verdicts.note(reason, "Coconut says: " + values.str.slice(stop=_SHOWN_LENGTH).fillna("nothing"))


def _with_links(pairs: pd.DataFrame, event_links: pd.DataFrame) -> pd.DataFrame:
    links = EVENT_LINKS.conform(event_links).drop(columns=["appointment_id", "client_id"])
    links = links.drop_duplicates("booking_key").set_index("booking_key").add_prefix("link_")
    linked = pairs.join(links, on="booking_key")
    claimed, written = linked["link_claimed_version"], linked["link_written_version"].fillna(-1)
    settled = linked["link_settled_version"].fillna(-1)
    has_event = linked["link_event_id"].notna()
    return linked.assign(
        has_event=has_event,
        may_have_event=has_event | (claimed > written).fillna(False).astype(bool),
        is_backfilled=linked["link_is_backfilled"].eq(True),
        is_adopted=linked["link_is_adopted"].eq(True),
        is_unsettled=((claimed > written) & (claimed > settled)).fillna(False).astype(bool),
    )
