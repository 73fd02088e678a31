"""The daily sweep: what slipped by the watermark is read again, however it did (rule Q5).

Key and change time of every booking are compared with what the ledger settled, a chunk at a time: time grows with the
number of pairs, memory does not. Where the ledger knows a later time than the booking bears, contents are compared.
What the next run reads by itself has not slipped by. Pairs that vanished from Coconut are no part of it: it is
``compare_org`` that tells of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT, FrameContract
from include.mapping.pairs import booking_keys, source_versions
from include.pipeline.context import Selection
from include.pipeline.staged_reading import with_switches
from include.pipeline.versions_in_order import known_of
from include.source.changes import ChangeQuery
from include.source.marks import read_marks
from include.source.pairs import read_chunk
from include.source.snapshot import open_snapshot

if TYPE_CHECKING:
    from datetime import datetime

    from include.ledger.repository import SettingsVersion
    from include.pipeline.context import SyncRun, Wiring
    from include.source.pairs import SourceChunk

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
            found = _slips_of(marks, wiring, settings)
            if len(found):
                wiring.ledger.mark_dirty(found, reason=_REASON, now=run.now)
            counts[SWEPT] += len(marks)
            for slip, number in found["slip"].value_counts().items():
                counts[str(slip)] += int(number)
    return dict(counts)


def _slips_of(marks: pd.DataFrame, wiring: Wiring, settings: SettingsVersion) -> pd.DataFrame:
    namespace = settings.settings.key_namespace
    settled = wiring.ledger.settled(marks["appointment_id"].unique())
    starts_from = pd.Timestamp(settings.sync_from, tz="UTC") - _FARTHEST_ZONE
    found = slips(marks, settled, namespace=namespace, starts_from=starts_from)
    behind = settled_ahead(marks, settled, namespace=namespace)
    if behind:
        with open_snapshot(wiring.source.engine) as connection:
            chunk = with_switches(read_chunk(connection, behind), wiring.ledger)
        found = pd.concat([found, changed_content(chunk, settled, namespace=namespace)], ignore_index=True)
    return found.drop_duplicates("booking_key")


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


def settled_ahead(marks: pd.DataFrame, settled: pd.DataFrame, *, namespace: str) -> set[int]:
    """Return the bookings (``MARKS``) that settled (``SETTLED``) at a later time than they bear: a clock went back."""
    known = settled.set_index("booking_key")["settled_version"].reindex(
        booking_keys(marks, namespace=namespace)
    )
    is_ahead = (known.set_axis(marks.index) > source_versions(marks)).fillna(False).astype(bool)
    return {int(one) for one in marks.loc[is_ahead, "appointment_id"].unique()}


def changed_content(chunk: SourceChunk, settled: pd.DataFrame, *, namespace: str) -> pd.DataFrame:
    """Return as outdated (``SLIPS``) the pairs whose content is not what settled (``SETTLED``), whatever their time."""
    known = known_of(chunk, settled, namespace=namespace)
    keys = booking_keys(chunk.bookings, namespace=namespace)
    outdated = chunk.bookings.assign(booking_key=keys, slip=Slip.OUTDATED.value)
    return SLIPS.conform(outdated[known["known_version"].notna() & ~known["is_same"]])


def _upcoming(selection: Selection, wiring: Wiring, settings: SettingsVersion) -> ChangeQuery:
    """Return what the next run of a selection will read by itself."""
    mark = wiring.ledger.watermark(selection)
    return ChangeQuery(
        kinds=selection.kinds,
        since=None if mark is None else mark[0] - settings.settings.source_overlap,
        last_snapshot=wiring.ledger.snapshot(selection),
    )
