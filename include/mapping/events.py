"""The Event of every pair of booking and attendee, or the reason why there is none (rules S1-S12, S14)."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from include.mapping.pairs import booking_keys, digest_pairs, source_versions

if TYPE_CHECKING:
    import pandas as pd

    from include.mapping.owner import OwnerCheck
    from include.settings.model import Settings

__all__ = ["booking_keys", "digest_pairs", "map_events", "source_versions"]


def map_events(  # noqa: PLR0913 - everything an Event rests on
    bookings: pd.DataFrame,
    answers: pd.DataFrame,
    decisions: pd.DataFrame,
    staff_links: pd.DataFrame,
    event_links: pd.DataFrame,
    *,
    settings: Settings,
    sync_from: date,
    owners: OwnerCheck,
    now: datetime,
) -> pd.DataFrame:
    """Return contract ``EVENTS``, one row per pair."""
    raise NotImplementedError
