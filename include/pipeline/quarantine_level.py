"""Whether the quarantine rose so much that people have to be told (rule Q9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.reasons import Outcome

if TYPE_CHECKING:
    from include.pipeline.context import Wiring

SMALLEST_RISE: Final = 20
"""Rows."""

SMALLEST_SHARE: Final = 0.25
"""Of the rows that people were last told of."""


@dataclass(frozen=True, slots=True)
class RisingQuarantine:
    """How many rows are quarantined, and how many were when people were last told, in rows."""

    now: int
    told: int
    most_frequent: str

    @property
    def sentence(self) -> str:
        """Return the rise in words."""
        return (
            f"{self.now} rows are quarantined, {self.now - self.told} more than when you were last told. "
            f"The most frequent reason is {self.most_frequent}."
        )


def has_risen(*, now: int, told: int) -> bool:
    """Tell whether the quarantine grew by enough rows, and by a large enough share of what people know of."""
    rise = now - told
    return rise >= SMALLEST_RISE and rise >= SMALLEST_SHARE * told


def rising_quarantine(wiring: Wiring) -> RisingQuarantine | None:
    """Return what people have to be told of, or nothing.

    Where fewer rows are quarantined than people were told of, the next rise counts from there. Held and disabled rows
    are as somebody wants them, and do not count.
    """
    ledger = wiring.ledger
    counts = ledger.quarantine_counts()
    quarantined = counts[counts["outcome"] == Outcome.QUARANTINED]
    now, told = int(quarantined["rows"].sum()), ledger.quarantine_told()
    if has_risen(now=now, told=told):
        most = quarantined.sort_values("rows", ascending=False, kind="stable")["reason"]
        return RisingQuarantine(now, told, str(most.iloc[0]))
    if now < told:
        ledger.tell_quarantine(now)
    return None
