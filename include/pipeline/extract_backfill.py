"""Read the bookings that start on the local days of one window of a backfill (rules T7, S14)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from include.mapping.times import local_days, time_zones, whole_seconds
from include.pipeline.backfill_request import BackfillRequest
from include.pipeline.catch_up import never_synced, refuse_catch_up
from include.pipeline.staged_reading import StagedReading, with_switches
from include.source.changes import ChangeQuery, ChangeReader

if TYPE_CHECKING:
    from include.ledger.repository import SettingsVersion
    from include.pipeline.backfill_request import Window
    from include.source.pairs import SourceChunk


def read_window(reading: StagedReading, settings: SettingsVersion, mapping_version: int) -> None:
    """Stage every booking of the window, whether anything changed or not; no watermark moves.

    The day from which bookings sync does not count: syncing earlier ones is what a backfill is for (rule S14).

    Raises:
        ConfigurationError: the request is refused, or a catch-up was not planned first.
        SourceUnavailableError: the booking database does not answer.
    """
    run, wiring = reading.run, reading.wiring
    request = BackfillRequest.from_conf(run.conf, today=run.now.date())
    if request.is_catch_up:
        refuse_catch_up([request], run, wiring)
    reading.begin(settings, request=request.to_text(mapping_version=mapping_version))
    reading.sync_from = date.min
    query = ChangeQuery(
        kinds=request.kinds, starts_from=request.days.starts_from, starts_until=request.days.starts_until
    )
    for chunk in ChangeReader(wiring.source.engine, query).chunks():
        wanted = of_days(chunk, request.days)
        if request.is_catch_up:
            wanted = never_synced(wanted, wiring.ledger, namespace=settings.settings.key_namespace)
        if len(wanted.bookings):
            reading.add(with_switches(wanted, wiring.ledger))


def of_days(chunk: SourceChunk, days: Window) -> SourceChunk:
    """Return the bookings of a chunk that start on these days where they take place; in UTC if nobody knows where."""
    starts_at = whole_seconds(chunk.bookings["starts_at"])
    where_it_is = local_days(starts_at, time_zones(chunk.bookings))
    day = where_it_is.fillna(starts_at.dt.strftime("%Y-%m-%d"))
    return chunk.where(day.between(days.first.isoformat(), days.last.isoformat()))
