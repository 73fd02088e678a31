"""When a booking is: exact instants, and the day it falls on where it takes place (rules S5, S14)."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any, Final, cast
from zoneinfo import available_timezones

import pandas as pd

from include.frames import INSTANT, TEXT
from include.mapping.wire_text import format_instants
from include.reasons import Reason

LONGEST: Final = timedelta(days=14)
"""An Event must not be longer (Object Reference, Event, "DurationInMinutes")."""


def event_times(bookings: pd.DataFrame) -> pd.DataFrame:
    """Return when each booking is.

    Instants are truncated to seconds before anything is compared. An end that is missing follows from the service's
    minutes; an end equal to the start is fine. A booking's own time zone beats its location's, even a wrong one.

    Args:
        bookings: ``starts_at``, ``ends_at``, ``service_minutes``, ``timezone``, ``location_timezone``.

    Returns:
        ``starts_at``, ``ends_at`` (UTC, whole seconds), ``time_zone``, ``local_day`` (ISO date in that zone) and
        ``time_fault`` (a ``Reason``; missing where all is well), with the index of ``bookings``.
    """
    starts_at = whole_seconds(bookings["starts_at"])
    duration = pd.to_timedelta(bookings["service_minutes"].astype("float64"), unit="min")
    ends_at = whole_seconds(bookings["ends_at"].fillna((starts_at + duration).astype(INSTANT)))
    zone = time_zones(bookings)
    is_known = zone.isin(_zones())
    fault = pd.Series(index=bookings.index, dtype=TEXT)
    for reason, is_faulty in (
        (Reason.MISSING_START, starts_at.isna()),
        (Reason.NO_END, ends_at.isna()),
        (Reason.ENDS_BEFORE_START, ends_at < starts_at),
        (Reason.TOO_LONG, ends_at - starts_at > LONGEST),
        (Reason.UNKNOWN_TIME_ZONE, ~is_known),
    ):
        fault = fault.mask(fault.isna() & is_faulty, str(reason))
    return pd.DataFrame(
        {
            "starts_at": starts_at,
            "ends_at": ends_at,
            "time_zone": zone,
            "local_day": local_days(starts_at, zone),
            "time_fault": fault,
        }
    )


def time_zones(bookings: pd.DataFrame) -> pd.Series[str]:
    """Return each booking's time zone: its own, else its location's."""
    own, located = bookings["timezone"].str.strip(), bookings["location_timezone"].str.strip()
    return own.mask(own == "").fillna(located.mask(located == "")).astype(TEXT)


def utc_instants(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return instants in UTC at microseconds; naive ones are UTC already (rule S5)."""
    if getattr(values.dtype, "tz", None) is None:
        values = values.astype("datetime64[us]").dt.tz_localize("UTC")
    return cast("pd.Series[Any]", values.dt.tz_convert("UTC").astype(INSTANT))


def whole_seconds(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return instants truncated to seconds."""
    return cast("pd.Series[Any]", utc_instants(values).dt.floor("s").astype(INSTANT))


@cache
def _zones() -> frozenset[str]:
    # A machine's tz database also lists its own setting, and a zone that stands for "not set".
    return frozenset(available_timezones() - {"localtime", "Factory"})


def local_days(instants: pd.Series[Any], zones: pd.Series[str]) -> pd.Series[str]:
    """Return the ISO date of each instant in its zone; missing where there is no instant, or no such zone."""
    days = pd.Series(index=instants.index, dtype=TEXT)
    for zone, group in instants.groupby(zones.where(zones.isin(_zones()))):
        days.loc[group.index] = format_instants(group, str(zone), "%Y-%m-%d")
    return days
