"""The daily sweep: what slipped by the watermark is read again, however it did (rule Q5).

Key and change time of every booking are compared with what the ledger settled, a chunk at a time: time grows with the
number of pairs, memory does not. What the next run reads by itself has not slipped by. Pairs that vanished from Coconut
are no part of it: ``compare_org`` tells of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT, FrameContract
from include.mapping.pairs import booking_keys, source_versions
from include.pipeline.context import Selection
from include.source.changes import ChangeQuery
from include.source.marks import read_marks

if TYPE_CHECKING:
    from datetime import datetime

    from include.ledger.repository import SettingsVersion
    from include.pipeline.context import SyncRun, Wiring

SWEPT: Final = "swept"
BOOKINGS_PER_CHUNK: Final = 25_000
_REASON: Final = "slipped_by_the_watermark"
_FARTHEST_ZONE: Final = pd.Timedelta(hours=14)
"""``sync_from`` is a day where the booking takes place, and no zone is farther from UTC."""


class Slip(StrEnum):
    """How a pair slipped by the watermark."""

    UNRECORDED = "unrecorded"
    OUTDATED = "outdated"


SLIPS: Final = FrameContract("slips", {"booking_key": TEXT, "appointment_id": TEXT, "slip": TEXT})


def sweep(run: SyncRun, wiring: Wiring, *, bookings_per_chunk: int = BOOKINGS_PER_CHUNK) -> dict[str, object]:
    """Mark dirty what slipped by the watermarks of the booking syncs, and return ``swept`` and a count per ``Slip``.

    A sync that never ended has no watermark yet, and its first run reads everything; nothing of its kind is compared.

    Raises:
        ConfigurationError: the booking database lacks columns, or refuses the login.
        SourceUnavailableError, LedgerUnavailableError: a database does not answer.
    """
    settings = wiring.ledger.current_settings()
    counts = {SWEPT: 0, **{str(slip): 0 for slip in Slip}}
    for selection in (Selection.APPOINTMENTS, Selection.WALK_INS):
        upcoming = _upcoming(selection, wiring, settings)
        if upcoming.since is None:
            continue
        for marks in read_marks(wiring.source.engine, upcoming, bookings_per_chunk=bookings_per_chunk):
            found = slips(
                marks,
                wiring.ledger.settled(marks["appointment_id"].unique()),
                namespace=settings.settings.key_namespace,
                starts_from=pd.Timestamp(settings.sync_from, tz="UTC") - _FARTHEST_ZONE,
            )
            if len(found):
                wiring.ledger.mark_dirty(found, reason=_REASON, now=run.now)
            counts[SWEPT] += len(marks)
            for slip, number in found["slip"].value_counts().items():
                counts[str(slip)] += int(number)
    return dict(counts)


def slips(
    marks: pd.DataFrame, settled: pd.DataFrame, *, namespace: str, starts_from: datetime
) -> pd.DataFrame:
    """Return the pairs without a recorded outcome, or with one that is older than their booking.

    A booking that starts before ``starts_from`` and was never recorded comes by backfill alone (rule S14); without a
    start it counts.

    Args:
        marks: contract ``source.marks.MARKS``.
        settled: contract ``ledger.contracts.SETTLED`` of these bookings.
        namespace: the setting ``key_namespace``.
        starts_from: an aware instant.

    Returns:
        Contract ``SLIPS``.
    """
    keys = booking_keys(marks, namespace=namespace)
    known = settled.set_index("booking_key")["settled_version"].reindex(keys).set_axis(marks.index)
    is_in_scope = marks["starts_at"].isna() | (marks["starts_at"] >= starts_from)
    is_unrecorded = known.isna() & is_in_scope
    is_outdated = (known < source_versions(marks)).fillna(False).astype(bool)
    slip = pd.Series(Slip.OUTDATED.value, index=marks.index).mask(is_unrecorded, Slip.UNRECORDED.value)
    found = marks.assign(booking_key=keys, slip=slip)[is_unrecorded | is_outdated]
    return SLIPS.conform(found)


def _upcoming(selection: Selection, wiring: Wiring, settings: SettingsVersion) -> ChangeQuery:
    """Return what the next run of a selection will read by itself."""
    mark = wiring.ledger.watermark(selection)
    return ChangeQuery(
        kinds=selection.kinds,
        since=None if mark is None else mark[0] - settings.settings.source_overlap,
        last_snapshot=wiring.ledger.snapshot(selection),
    )
