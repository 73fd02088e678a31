"""Date literals: TODAY, LAST_N_DAYS:30 and their kind, as half-open ranges of days.

Days are the org's, which lives in GMT; weeks begin on Sunday, as in the locale en_US; the fiscal year is the
calendar's, as in an org that set up no other.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_FIXED = {
    "YESTERDAY": (-1, 0),
    "TODAY": (0, 1),
    "TOMORROW": (1, 2),
    "LAST_90_DAYS": (-90, 1),
    "NEXT_90_DAYS": (1, 91),
}
_PERIOD = re.compile(r"(LAST|THIS|NEXT)_(WEEK|MONTH|(?:FISCAL_)?(?:QUARTER|YEAR))")
_COUNTED = re.compile(r"(LAST|NEXT)_N_(DAY|WEEK|MONTH|(?:FISCAL_)?(?:QUARTER|YEAR))S")
_AGO = re.compile(r"N_(DAY|WEEK|MONTH|(?:FISCAL_)?(?:QUARTER|YEAR))S_AGO")
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_MOST = 9999


def date_range(name: str, count: int | None, today: date) -> tuple[date, date] | None:
    """Return the first day of a date literal and the first day after it, or None if there is no such literal.

    Args:
        name: the literal in capitals, without its number.
        count: its number, for the literals that take one.
        today: the org's present day.
    """
    try:
        return _range(name, count, today)
    except (OverflowError, ValueError):
        return None


def _range(name: str, count: int | None, today: date) -> tuple[date, date] | None:
    if count is None:
        if name in _FIXED:
            first, after = _FIXED[name]
            return today + timedelta(first), today + timedelta(after)
        period = _PERIOD.fullmatch(name)
        if period is None:
            return None
        which, unit = period.groups()
        offset = {"LAST": -1, "THIS": 0, "NEXT": 1}[which]
        return _start(today, unit, offset), _start(today, unit, offset + 1)
    if count > _MOST:
        return None
    counted = _COUNTED.fullmatch(name)
    if counted is not None and count > 0:
        which, unit = counted.groups()
        if which == "LAST":
            # "The last n days" end with today; the last n weeks, months … end before the present one.
            return _start(today, unit, -count), _start(today, unit, 1 if unit == "DAY" else 0)
        return _start(today, unit, 1), _start(today, unit, 1 + count)
    ago = _AGO.fullmatch(name)
    if ago is None:
        return None
    return _start(today, ago[1], -count), _start(today, ago[1], 1 - count)


def _start(today: date, unit: str, offset: int) -> date:
    """Return the first day of the period of that unit, so many periods from the present one."""
    if unit == "DAY":
        return today + timedelta(days=offset)
    if unit == "WEEK":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return sunday + timedelta(weeks=offset)
    months = _MONTHS[unit.removeprefix("FISCAL_")]
    number = (today.year * 12 + today.month - 1) // months + offset
    return date(number * months // 12, number * months % 12 + 1, 1)
