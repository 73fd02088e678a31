"""When a zone's clocks change: the nights on which a careless conversion shifts a booking by an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo


def clock_change_near(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of the zone's clock change nearest to ``now``, found to the minute by halving."""
    for days in range(1, 370):
        for earlier, later in (
            (now - timedelta(days=days), now - timedelta(days=days - 1)),
            (now + timedelta(days=days - 1), now + timedelta(days=days)),
        ):
            if _offset(earlier, zone) != _offset(later, zone):
                return _narrow(earlier, later, zone)
    msg = f"{zone.key} has no clock change within a year of the given instant."
    raise ValueError(msg)


def _narrow(earlier: datetime, later: datetime, zone: ZoneInfo) -> datetime:
    before = _offset(earlier, zone)
    earlier, later = (moment.replace(second=0, microsecond=0) for moment in (earlier, later))
    while later - earlier > timedelta(minutes=1):
        middle = earlier + timedelta(minutes=(later - earlier) // timedelta(minutes=2))
        earlier, later = (middle, later) if _offset(middle, zone) == before else (earlier, middle)
    return later


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
