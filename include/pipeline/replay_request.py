"""What a person asks ``replay_quarantine`` to read again, validated whole (rule Q2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError
from include.pipeline.request_values import RequestValues
from include.reasons import KEPT_BACK, REASONS, Outcome, Reason

if TYPE_CHECKING:
    from include.pipeline.context import JsonValue

REPLAYED_OUTCOMES: Final = tuple(map(str, KEPT_BACK))
REPLAYED_REASONS: Final = tuple(str(reason) for reason, text in REASONS.items() if text.outcome in KEPT_BACK)
"""The reasons that a pair may wait with, in the order of the code."""

_KEY: Final = re.compile(r"\S{0,100}?[0-9]{1,18}-[0-9]{0,18}|[0-9]{1,18}")
"""A booking key (namespace, booking, hyphen, client or nothing), or a booking's id alone."""


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Which of the waiting pairs are read again: those that meet every condition that is given.

    Attributes:
        reasons: any of these reasons.
        outcomes: any of these outcomes.
        keys: any of these booking keys, or ids of bookings.
        older_than: waiting for at least this long.
        newer_than: waiting for less than this.
        is_everything: every pair that waits; only on an explicit word, and with no condition beside it.
    """

    reasons: tuple[Reason, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    keys: tuple[str, ...] = ()
    older_than: timedelta | None = None
    newer_than: timedelta | None = None
    is_everything: bool = False

    @classmethod
    def from_conf(cls, conf: Mapping[str, JsonValue]) -> ReplayRequest:
        """Read ``reasons``, ``outcomes``, ``keys``, ``older_than``, ``newer_than`` and ``all``.

        Raises:
            ConfigurationError: a value that is none, a condition that nothing can meet, or no condition at all; all
                problems are named together.
        """
        values = RequestValues(conf)
        request = cls(
            reasons=tuple(map(Reason, values.choices("reasons", REPLAYED_REASONS))),
            outcomes=tuple(map(Outcome, values.choices("outcomes", REPLAYED_OUTCOMES))),
            keys=values.matching("keys", _KEY, "neither keys nor ids of bookings"),
            older_than=values.age("older_than"),
            newer_than=values.age("newer_than"),
            is_everything=values.is_on("all"),
        )
        problems = values.problems or request._contradictions()
        if problems:
            msg = "The replay is refused; correct the run's configuration:"
            raise ConfigurationError(msg, problems)
        return request

    @property
    def has_condition(self) -> bool:
        """Tell whether anything narrows the request."""
        ages = (self.older_than, self.newer_than)
        return bool(self.reasons or self.outcomes or self.keys) or any(age is not None for age in ages)

    def to_text(self) -> str:
        """Return the request as JSON for the ledger; it holds reasons, keys and ages only."""
        ages = {"older_than": self.older_than, "newer_than": self.newer_than}
        return json.dumps(
            {
                "reasons": self.reasons,
                "outcomes": self.outcomes,
                "keys": self.keys,
                **{name: None if age is None else age.total_seconds() for name, age in ages.items()},
                "all": self.is_everything,
            }
        )

    def _contradictions(self) -> list[str]:
        found = []
        if not self.has_condition and not self.is_everything:
            found.append(
                "nothing is named: give a reason, a key or an age, or set all to read everything that waits"
            )
        if self.has_condition and self.is_everything:
            found.append("all: leave it off, or leave the other conditions out")
        if self.older_than is not None and self.newer_than is not None and self.older_than >= self.newer_than:
            found.append("older_than: nothing is older than that and newer than newer_than")
        if (
            self.reasons
            and self.outcomes
            and not any(REASONS[one].outcome in self.outcomes for one in self.reasons)
        ):
            found.append("outcomes: none of the reasons has such an outcome")
        return found
