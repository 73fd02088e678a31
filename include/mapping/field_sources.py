"""The columns that mappings read, under the names of their sources (rules F1, F2)."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from include.mapping.field_values import ANSWER, TIME_ZONE
from include.mapping.times import event_times
from include.settings.field_mapping import FieldMapping
from include.settings.mapping_sources import SourceKind, source_kind


def sources_read(mappings: Iterable[FieldMapping]) -> frozenset[str]:
    """Return every source that these mappings read, and the time zone where a booking's instant may become a day."""
    sources = {source for mapping in mappings for source in mapping.sources}
    instants = {source for source in sources if source_kind(source) is SourceKind.INSTANT}
    has_booking_instant = any(source.startswith("booking.") for source in instants)
    return frozenset(sources | ({TIME_ZONE} if has_booking_instant else set()))


def questions_read(mappings: Iterable[FieldMapping]) -> frozenset[str]:
    """Return the names of the questions whose answers these mappings read."""
    return frozenset(
        source.removeprefix(ANSWER) for source in sources_read(mappings) if source.startswith(ANSWER)
    )


def client_columns(clients: pd.DataFrame, mappings: Iterable[FieldMapping]) -> pd.DataFrame:
    """Return the ``client.`` sources that the mappings read, with the index of ``clients`` (contract ``CLIENTS``)."""
    return _renamed(clients, "client.", sources_read(mappings))


def booking_columns(bookings: pd.DataFrame, mappings: Iterable[FieldMapping]) -> pd.DataFrame:
    """Return the ``booking.`` sources that the mappings read, with the index of ``bookings``.

    Args:
        bookings: contract ``BOOKINGS``; ``time_zone`` and ``local_day`` are worked out where they are missing.
        mappings: the mappings in force.
    """
    sources = sources_read(mappings)
    derived = {"time_zone", "local_day"}
    if sources & {f"booking.{name}" for name in derived} and not derived <= set(bookings.columns):
        times = event_times(bookings)
        bookings = bookings.assign(**{name: times[name] for name in derived})
    return _renamed(bookings, "booking.", sources)


def _renamed(frame: pd.DataFrame, group: str, sources: frozenset[str]) -> pd.DataFrame:
    names = [name for name in frame.columns if group + name in sources]
    return frame[names].add_prefix(group)
