"""What keeps a pair from having an Event, in the order of asking (rules S2, S5, S8, S9, S11, S14, T4, Q1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import pandas as pd

from include.frames import TEXT
from include.reasons import Action, Reason
from include.settings.model import OnCancel, Settings, Switch

APPOINTMENT: Final = "appointment"
WALK_IN: Final = "walk_in"
KINDS: Final = (APPOINTMENT, WALK_IN)
CANCELLED: Final = "cancelled"
FINAL_STATUSES: Final = ("complete", "no_show", CANCELLED)
STATUSES: Final = ("booked", "confirmed", "arrived", "in_service", *FINAL_STATUSES)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an organisation lets through.

    Attributes:
        settings: the settings in force.
        sync_from: the first local day that syncs.
        is_legacy: the organisation is on the legacy integration (rule G1).
        legacy_until: until when it was; missing where it never was, and where a backfill asks for what was not synced.
    """

    settings: Settings
    sync_from: date
    is_legacy: bool = False
    legacy_until: datetime | None = None

    @property
    def are_events_off(self) -> bool:
        """Tell whether no Event may be written (rule S11)."""
        return self.settings.sync_events is Switch.OFF

    @property
    def deletes_cancelled(self) -> bool:
        """Tell whether a cancelled booking loses its Event (rule S8)."""
        return self.settings.on_cancel is OnCancel.DELETE


@dataclass(frozen=True, slots=True)
class Hurdle:
    """One rule: the pairs it applies to, and what they come to."""

    applies: Callable[[pd.DataFrame, Terms], pd.Series[bool]]
    reason: Reason | None = None
    action: Action = Action.NONE


def is_removed(pairs: pd.DataFrame) -> pd.Series[bool]:
    """Tell which pairs are gone in Coconut: the booking, or this attendee of it."""
    return pairs["booking_deleted"] | pairs["attendee_deleted"]


def _loses_event(pairs: pd.DataFrame, terms: Terms) -> pd.Series[bool]:
    return (pairs["status"] == CANCELLED) & terms.deletes_cancelled


def _is_too_early(pairs: pd.DataFrame, terms: Terms) -> pd.Series[bool]:
    """Tell which pairs start before bookings sync; one that has its Event, or was backfilled, is kept current."""
    return (
        (pairs["local_day"] < terms.sync_from.isoformat())
        & ~pairs["may_have_event"]
        & ~pairs["is_backfilled"]
    )


def _is_not_synced_by_legacy(pairs: pd.DataFrame, terms: Terms) -> pd.Series[bool]:
    """Tell which pairs the legacy integration does not sync (rule G1)."""
    is_synced = (pairs["kind"] == APPOINTMENT) & pairs["staff_id"].notna() & pairs["has_event"]
    return ~is_synced & terms.is_legacy


def _is_before_cut_over(pairs: pd.DataFrame, terms: Terms) -> pd.Series[bool]:
    """Tell which pairs never synced before the migration, and have not changed since (rule G1)."""
    if terms.legacy_until is None:
        return pd.Series(False, index=pairs.index)
    is_new_to_us = ~(
        pairs["has_event"] | pairs["is_adopted"] | pairs["is_unsettled"] | pairs["is_backfilled"]
    )
    is_new_to_us &= pairs["link_written_version"].isna()
    return is_new_to_us & (pairs["changed_at"] < terms.legacy_until)


def _time_fault(reason: Reason) -> Hurdle:
    return Hurdle(lambda pairs, _: pairs["time_fault"] == str(reason), reason)


HURDLES: Final = (
    # A disabled client is not touched, not even by deletions, until enabled again.
    Hurdle(lambda pairs, _: pairs["client_disabled"], Reason.CLIENT_DISABLED),
    Hurdle(
        lambda pairs, terms: is_removed(pairs) & pairs["may_have_event"] & terms.are_events_off,
        Reason.EVENTS_OFF,
    ),
    Hurdle(lambda pairs, _: is_removed(pairs) & pairs["may_have_event"], action=Action.DELETE),
    Hurdle(lambda pairs, _: is_removed(pairs), Reason.DELETED_WITHOUT_EVENT),
    Hurdle(lambda pairs, _: pairs["client_id"].isna(), Reason.NO_ATTENDEE),
    Hurdle(lambda pairs, _: ~pairs["client_exists"], Reason.CLIENT_MISSING),
    Hurdle(lambda pairs, _: pairs["client_deleted"], Reason.CLIENT_DELETED),
    Hurdle(lambda pairs, _: ~pairs["kind"].isin(KINDS), Reason.UNKNOWN_KIND),
    Hurdle(lambda pairs, _: ~pairs["status"].isin(STATUSES), Reason.UNKNOWN_STATUS),
    Hurdle(_is_not_synced_by_legacy, Reason.NOT_SYNCED_BY_LEGACY),
    Hurdle(_is_before_cut_over, Reason.BEFORE_CUT_OVER),
    Hurdle(
        lambda pairs, _: (pairs["kind"] == WALK_IN) & ~pairs["status"].isin(FINAL_STATUSES),
        Reason.WALK_IN_NOT_FINAL,
    ),
    _time_fault(Reason.MISSING_START),
    _time_fault(Reason.NO_END),
    _time_fault(Reason.ENDS_BEFORE_START),
    _time_fault(Reason.TOO_LONG),
    _time_fault(Reason.UNKNOWN_TIME_ZONE),
    Hurdle(_is_too_early, Reason.BEFORE_SYNC_FROM),
    Hurdle(lambda pairs, _: pairs["scope_settings"].notna(), Reason.OUT_OF_SCOPE),
    Hurdle(
        lambda pairs, terms: _loses_event(pairs, terms) & pairs["may_have_event"] & terms.are_events_off,
        Reason.EVENTS_OFF,
    ),
    Hurdle(lambda pairs, terms: _loses_event(pairs, terms) & pairs["may_have_event"], action=Action.DELETE),
    Hurdle(_loses_event, Reason.DELETED_WITHOUT_EVENT),
)
"""Asked before anyone asks who the person is. ``pairs`` is the working frame of ``include.mapping.events``."""


def scope_settings(bookings: pd.DataFrame, settings: Settings) -> pd.Series[str]:
    """Return the names of the settings that put each booking out of scope, joined by commas (rule S14).

    Services and locations may be listed by id or by name, in any letter case; an empty list lets everything through.
    """
    blocked = pd.Series("", index=bookings.index, dtype=TEXT)
    for setting, columns in (
        ("scope_services", ("service_id", "service_name")),
        ("scope_locations", ("location_id", "location_name")),
        ("scope_statuses", ("status",)),
    ):
        listed = {name.strip().casefold() for name in getattr(settings, setting)}
        if not listed:
            continue
        is_in = pd.Series(False, index=bookings.index)
        for column in columns:
            is_in |= bookings[column].str.strip().str.casefold().isin(listed)
        blocked = blocked.mask(~is_in, blocked + "," + setting)
    return blocked.str.slice(1).mask(blocked == "").astype(TEXT)
