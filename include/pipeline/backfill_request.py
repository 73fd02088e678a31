"""What a person asks ``backfill_bookings`` for: local days, cut into windows (rules T7, S14)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Self

from include.errors import ConfigurationError
from include.pipeline.context import Selection
from include.pipeline.request_values import RequestValues

if TYPE_CHECKING:
    from include.pipeline.context import JsonValue

KINDS: Final = Selection.BACKFILL.kinds
DAYS_PER_WINDOW: Final = 7
MOST_WINDOWS: Final = 1_000
"""Airflow maps a task at most ``core.max_map_length`` times, 1,024 unless it is changed."""

ARCHIVED_AFTER: Final = timedelta(days=365)
"""Salesforce archives Events that ended so long ago; lists and reports leave those out (Salesforce Help, "Archived
Activities"). They can still be written through the API."""

_EARLIEST_LOCAL: Final = timedelta(hours=14)
_LATEST_LOCAL: Final = timedelta(hours=12)
"""A local day begins up to 14 hours before the UTC day of the same date, and ends up to 12 hours after it."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Local days of bookings' starts, first and last one included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}_{self.last}"

    @property
    def starts_from(self) -> datetime:
        """Return the first instant (UTC) at which one of the days has begun anywhere."""
        return datetime.combine(self.first, time(), UTC) - _EARLIEST_LOCAL

    @property
    def starts_until(self) -> datetime:
        """Return the instant (UTC) at which all of the days are over everywhere."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC) + _LATEST_LOCAL


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """The bookings of one backfill: those of ``kinds`` that start on local days of ``days``.

    Attributes:
        days: first and last local day, both included.
        kinds: booking kinds, in the order of the code.
        days_per_window: how many days one run of the pipeline takes at a time.
        includes_archived: Events old enough for Salesforce to archive are wanted.
        is_catch_up: only bookings with a pair that has no Event are wanted, those that the legacy integration never
            synced (rule G1).
    """

    days: Window
    kinds: tuple[str, ...] = KINDS
    days_per_window: int = DAYS_PER_WINDOW
    includes_archived: bool = False
    is_catch_up: bool = False

    @classmethod
    def from_conf(cls, conf: Mapping[str, JsonValue], *, today: date) -> Self:
        """Read ``from``, ``until``, ``kinds``, ``days_per_window``, ``include_archived`` and ``catch_up``.

        Raises:
            ConfigurationError: a day is missing or is none, the days are too many or in the wrong order, or Events old
                enough to be archived are not asked for by name; all problems are named together.
        """
        values = RequestValues(conf)
        first, last = values.day("from"), values.day("until")
        for name, day in (("from", first), ("until", last)):
            if day is None and not any(problem.startswith(name) for problem in values.problems):
                values.problems.append(f"{name}: name a day")
        request = cls(
            days=Window(first or today, last or today),
            kinds=values.choices("kinds", KINDS) or KINDS,
            days_per_window=values.number("days_per_window", default=DAYS_PER_WINDOW),
            includes_archived=values.is_on("include_archived"),
            is_catch_up=values.is_on("catch_up"),
        )
        problems = values.problems or request._contradictions(today)
        if problems:
            msg = "The backfill is refused; correct the run's configuration:"
            raise ConfigurationError(msg, problems)
        return request

    def windows(self) -> list[Window]:
        """Return the days in windows, the earliest first."""
        step = timedelta(days=self.days_per_window)
        count = (self.days.last - self.days.first) // step + 1
        firsts = [self.days.first + step * number for number in range(count)]
        return [Window(first, min(first + step - timedelta(days=1), self.days.last)) for first in firsts]

    def to_text(self, *, mapping_version: int) -> str:
        """Return the request as JSON that is equal for equal requests under the same field mappings."""
        catch_up = {"catch_up": True} if self.is_catch_up else {}
        return json.dumps(
            {
                "from": self.days.first.isoformat(),
                "until": self.days.last.isoformat(),
                "kinds": self.kinds,
                "mapping_version": mapping_version,
                **catch_up,
            }
        )

    def _contradictions(self, today: date) -> list[str]:
        if self.days.last < self.days.first:
            return ["until: it lies before from"]
        found = []
        if len(self.windows()) > MOST_WINDOWS:
            found.append(
                f"days_per_window: this makes more than {MOST_WINDOWS} windows; take more days at a time"
            )
        newest_archived = today - ARCHIVED_AFTER
        if self.days.first <= newest_archived and not self.includes_archived:
            found.append(
                f"include_archived: Salesforce archives Events of {newest_archived} and before, and shows them in no "
                "list or report; set it, or begin later"
            )
        return found
