"""Read the bookings that changed since the watermark, and those that waited and may go on (rules T1, Q2, Q5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.ledger.runs import Snapshots
from include.mapping.pairs import source_versions
from include.pipeline.staged_reading import with_switches
from include.pipeline.sync_staff import read_active_users
from include.pipeline.versions_in_order import known_of
from include.source.changes import ChangeQuery, ChangeReader, moved_clients

if TYPE_CHECKING:
    from include.ledger.repository import Ledger, SettingsVersion
    from include.pipeline.context import SyncRun, Wiring
    from include.pipeline.staged_reading import StagedReading
    from include.source.pairs import SourceChunk

PAIRS_PER_CHUNK = 25_000


def read_bookings(reading: StagedReading, settings: SettingsVersion, _mapping_version: int) -> None:
    """Stage what changed since the watermark less the overlap or was not visible to the last run, and what moved.

    A pair that is shown again unchanged was accounted for before and is not read a second time.
    """
    reading.begin(settings)
    run, wiring = reading.run, reading.wiring
    kinds = run.selection.kinds
    mark, last_snapshot = wiring.ledger.watermark(run.selection), wiring.ledger.snapshot(run.selection)
    reread = wiring.ledger.dirty_appointments(kinds) | _moved(run, wiring, settings)
    query = ChangeQuery(
        kinds=kinds,
        since=None if mark is None else mark[0] - settings.settings.source_overlap,
        last_snapshot=last_snapshot,
        appointment_ids=reread,
        not_after=run.now,
    )
    reader = ChangeReader(wiring.source.engine, query, pairs_per_chunk=PAIRS_PER_CHUNK)
    for source_chunk in reader.chunks():
        fresh = _without_settled(
            with_switches(source_chunk, wiring.ledger),
            wiring.ledger,
            reread=reread,
            namespace=settings.settings.key_namespace,
        )
        if len(fresh.bookings):
            reading.add(fresh)
    reading.high_water, reading.snapshots = reader.high_water, Snapshots(last_snapshot, reader.snapshot)


def _moved(run: SyncRun, wiring: Wiring, settings: SettingsVersion) -> frozenset[int]:
    def active_users(user_ids: set[str]) -> set[str]:
        return set(read_active_users(wiring.salesforce, user_ids))

    return wiring.ledger.moved_appointments(
        run.selection.kinds,
        settings=settings,
        moved_clients=lambda seen: moved_clients(wiring.source.engine, seen),
        active_users=active_users,
        now=run.now,
        selection=run.selection,
    )


def _without_settled(
    chunk: SourceChunk, ledger: Ledger, *, reread: frozenset[int], namespace: str
) -> SourceChunk:
    """Drop the bookings whose very content has a recorded outcome already, except those read again on purpose.

    A booking stays whole: which attendee carries a shared Event (rule S4) is seen only over all of them.
    """
    bookings = chunk.bookings
    known = known_of(chunk, ledger.settled(bookings["appointment_id"].unique()), namespace=namespace)
    is_newer = (known["known_version"] < source_versions(bookings)).fillna(True).astype(bool)
    is_reread = bookings["appointment_id"].isin([str(number) for number in reread])
    is_fresh = is_newer | ~known["is_same"] | is_reread
    return chunk.where(is_fresh.groupby(bookings["appointment_id"]).transform("any"))
