"""The catch-up after a migration: bookings that the legacy integration never synced (rules G1, T7).

It may make an Event for years of walk-ins and bookings without staff, so it is never done by itself: somebody names
days, sees the plan of a dry run, and starts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.mapping.pairs import booking_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.ledger.repository import Ledger
    from include.pipeline.backfill_request import BackfillRequest
    from include.pipeline.context import SyncRun, Wiring
    from include.source.pairs import SourceChunk


def refuse_catch_up(windows: Iterable[BackfillRequest], run: SyncRun, wiring: Wiring) -> None:
    """Stop a catch-up of these windows before anything is read, unless it may begin.

    Raises:
        ConfigurationError: a migration to the modern integration is under way and not cut over yet; or this is not a
            dry run, and none of the same days under the settings and field mappings in force was made before.
    """
    migration = wiring.ledger.newest_migration()
    if migration is not None and migration.is_open and not migration.phase.is_cut_over:
        msg = "A catch-up begins after cut-over: let the migration to the modern integration go on first."
        raise ConfigurationError(msg)
    if run.dry_run:
        return
    settings, mappings = wiring.ledger.current_settings().version, wiring.ledger.current_mappings().version
    texts = (window.to_text(mapping_version=mappings) for window in windows)
    if not all(wiring.ledger.was_planned(text, settings_version=settings) for text in texts):
        msg = (
            "A catch-up can make many Events, so its plan has to be seen first: run the same days with dry_run under "
            "the settings and mappings in force, look at the result, and start it again."
        )
        raise ConfigurationError(msg)


def never_synced(chunk: SourceChunk, ledger: Ledger, *, namespace: str) -> SourceChunk:
    """Return the bookings with a pair that has no Event, whole: who shares an Event is seen over all attendees."""
    bookings = chunk.bookings
    links = ledger.event_links(bookings["appointment_id"].unique())
    synced = links.loc[links["event_id"].notna(), "booking_key"]
    is_without = ~booking_keys(bookings, namespace=namespace).isin(synced) & bookings["client_id"].notna()
    return chunk.where(is_without.groupby(bookings["appointment_id"]).transform("any"))
