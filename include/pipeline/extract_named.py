"""Read bookings by their ids, whether anything changed or not: what waits, or what a repair mends (rules Q2, Q7)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from include.ledger.quarantine import WaitingPairs
from include.pipeline.replay_request import ReplayRequest
from include.pipeline.staged_reading import StagedReading, with_switches
from include.source.changes import ChangeQuery, ChangeReader

if TYPE_CHECKING:
    from datetime import datetime

    from include.ledger.repository import SettingsVersion


def read_named(reading: StagedReading, appointment_ids: Collection[int]) -> None:
    """Stage these bookings with all their attendees, soft-deleted ones included.

    A booking that Coconut does not have any more is not read, and what the ledger knows of it stays.

    Raises:
        SourceUnavailableError: the booking database does not answer.
    """
    wiring = reading.wiring
    query = ChangeQuery(
        kinds=reading.run.selection.kinds, by_change=False, appointment_ids=frozenset(appointment_ids)
    )
    for chunk in ChangeReader(wiring.source.engine, query).chunks():
        reading.add(with_switches(chunk, wiring.ledger))


def read_replayed(reading: StagedReading, settings: SettingsVersion, _mapping_version: int) -> None:
    """Stage the bookings of the pairs that wait and that ``replay_quarantine`` is asked for.

    Ages count up to the run's clock. A booking is read whole: which attendee carries a shared Event (rule S4) is seen
    only over all of them.

    Raises:
        ConfigurationError: the request is refused.
        SourceUnavailableError: the booking database does not answer.
    """
    run, ledger = reading.run, reading.wiring.ledger
    request = ReplayRequest.from_conf(run.conf)
    reading.begin(settings, request=request.to_text())
    read_named(reading, ledger.waiting_appointments(_waiting(request, now=run.now)))


def _waiting(request: ReplayRequest, *, now: datetime) -> WaitingPairs:
    return WaitingPairs(
        reasons=request.reasons,
        outcomes=request.outcomes,
        keys=request.keys,
        first_seen_before=None if request.older_than is None else now - request.older_than,
        first_seen_since=None if request.newer_than is None else now - request.newer_than,
    )
