"""Whether somebody has to approve what a run is about to do (rule Q10).

A booking database that was emptied by mistake, or one that belongs to somebody else, looks like a great many deletions
or creations; so does a wrong setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from include.settings.model import Settings

FEWEST_DELETIONS: Final = 50
"""Deletions below this number wait for nobody, whatever share of the known Events they are."""


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """What a run is about to do, in rows; ``known_events`` is what the ledger knew before it wrote."""

    events_to_delete: int
    events_to_create: int
    people_to_create: int
    known_events: int

    @property
    def writes(self) -> dict[str, int]:
        """Return the counts of what is written, which is what somebody approves."""
        return {name: number for name, number in asdict(self).items() if name != "known_events"}

    def to_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, counts: Mapping[str, int]) -> Self:
        """Return what ``to_json`` wrote."""
        return cls(**counts)


def guard(planned: PlannedChanges, settings: Settings) -> tuple[str, ...]:
    """Return one sentence for each guard rail that the run hits; none where nobody has to approve it.

    Deletions are guarded where they are more than ``delete_guard_percent`` of the known Events, and at least
    ``FEWEST_DELETIONS``; creations of people and Events together where they are more than ``create_guard_rows``.
    """
    return tuple(
        sentence
        for sentence in (_of_deletions(planned, settings), _of_creations(planned, settings))
        if sentence
    )


def _of_deletions(planned: PlannedChanges, settings: Settings) -> str:
    deletions, known, percent = planned.events_to_delete, planned.known_events, settings.delete_guard_percent
    if deletions < FEWEST_DELETIONS or deletions * 100 <= percent * known:
        return ""
    return (
        f"{deletions} of {known} known Events would be deleted, and the setting delete_guard_percent lets "
        f"{percent:g} % pass."
    )


def _of_creations(planned: PlannedChanges, settings: Settings) -> str:
    people, events, most = planned.people_to_create, planned.events_to_create, settings.create_guard_rows
    if not most or people + events <= most:
        return ""
    return (
        f"{people} people and {events} Events would be created, and the setting create_guard_rows lets {most} "
        "together pass."
    )
