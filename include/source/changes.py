"""What changed, read in one snapshot and in bounded memory (design §2, rules Q5 and S9).

A booking has changed when its row, its attendees or their answers changed. The keys of all bookings that a run has to
read are streamed in order; their rows follow a chunk at a time, so memory holds one chunk whatever the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import and_, exists, func, literal, or_, select, union

from include.frames import INSTANT, TEXT, WHOLE
from include.source.columns import IDS, ColumnsRead, among, fetch_frame, selected
from include.source.pairs import SourceChunk, read_chunk
from include.source.snapshot import open_snapshot, translated_errors
from include.source.tables import answers, appointments, attendees, clients
from include.source.visibility import first_unseen, snapshot_of, written_since

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import Column, ColumnElement, Connection, Dialect, Engine, FromClause, Select

APPOINTMENT: Final = "appointment"
KINDS: Final = (APPOINTMENT, "walk_in")
"""Every kind Coconut knows."""

_IDS_PER_QUERY: Final = 20_000
_CLIENT_MARKS: Final[ColumnsRead] = {"id": (clients.c.id, IDS), "updated_at": (clients.c.updated_at, INSTANT)}


@dataclass(frozen=True, slots=True, order=True)
class Watermark:
    """How far the changes have been read: the newest change, and the largest booking id that has it."""

    changed_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """What a run reads.

    Attributes:
        kinds: kinds of booking. Rows of a kind that Coconut does not have are read with ``appointment``, because
            otherwise nobody would ever account for them.
        since: read what changed at this instant or later: the watermark less the overlap. ``None`` reads everything.
        by_change: ``False`` leaves changes aside and reads only the bookings named by the two sets of ids.
        appointment_ids: bookings to read again: their wait moved, or they are dirty.
        client_ids: clients all of whose bookings are read.
        last_snapshot: :attr:`ChangeReader.snapshot` of the last run (PostgreSQL only): reads whatever that run could
            not see as well, however late it was committed and whatever time it bears. A snapshot that is none of this
            database, or of it before a restore, is left aside.
        starts_from: leave out bookings that start before this instant (backfill).
        starts_until: leave out bookings that start at this instant or later (backfill).
        not_after: a change dated later than this (the run's start) is read but does not raise the high-water mark:
            one row dated in the future would otherwise hide all that changes before that date.
    """

    kinds: tuple[str, ...]
    since: datetime | None = None
    by_change: bool = True
    last_snapshot: str | None = None
    appointment_ids: frozenset[int] = frozenset()
    client_ids: frozenset[int] = frozenset()
    starts_from: datetime | None = None
    starts_until: datetime | None = None
    not_after: datetime | None = None


class ChangeReader:
    """Reads what a :class:`ChangeQuery` asks for, once, and then knows how far it got."""

    def __init__(self, engine: Engine, query: ChangeQuery, *, pairs_per_chunk: int = 25_000) -> None:
        """Prepare to read; nothing is asked of the database yet.

        Args:
            engine: the booking database.
            query: what to read.
            pairs_per_chunk: most pairs of booking and attendee in a chunk; only a single booking with more
                attendees than this makes a larger one.
        """
        self._engine = engine
        self._query = query
        self._pairs_per_chunk = pairs_per_chunk
        self._high_water: Watermark | None = None
        self._snapshot: str | None = None

    @property
    def high_water(self) -> Watermark | None:
        """The newest change read so far and its largest booking id; ``None`` when nothing was read by change."""
        return self._high_water

    @property
    def snapshot(self) -> str | None:
        """What this read could see, to be kept with the watermark; ``None`` unless the database is PostgreSQL."""
        return self._snapshot

    def chunks(self) -> Iterator[SourceChunk]:
        """Yield the bookings in order of their id, never splitting one, all from one snapshot.

        Raises:
            SourceUnavailableError: the database does not answer.
            ConfigurationError: it refuses the login, or lacks a table or column.
        """
        with open_snapshot(self._engine) as connection:
            self._snapshot = snapshot_of(connection)
            unseen = first_unseen(self._query.last_snapshot, self._snapshot)
            for appointment_ids in self._parts(connection, unseen):
                chunk = read_chunk(connection, appointment_ids)
                self._note_high_water(chunk.bookings)
                yield chunk

    def _parts(self, connection: Connection, unseen: int | None) -> Iterator[list[int]]:
        """Yield the bookings of one chunk after the other; what is left of one batch of ids begins the next."""
        left: list[int] = []
        for appointment_ids in self._stream_ids(connection, unseen):
            *full, left = self._cut(connection, [*left, *appointment_ids])
            yield from full
        if left:
            yield left

    def _stream_ids(self, connection: Connection, unseen: int | None) -> Iterator[list[int]]:
        keys = _select_keys(self._query, connection.dialect, unseen=unseen)
        keys = keys.execution_options(stream_results=True)
        with connection.execute(keys) as result:
            for rows in result.scalars().partitions(self._pairs_per_chunk):
                yield [int(key) for key in rows]

    def _cut(self, connection: Connection, appointment_ids: Sequence[int]) -> Iterator[list[int]]:
        """Cut bookings into runs of at most ``pairs_per_chunk`` pairs, by counting attendees first."""
        counted = connection.execute(
            select(attendees.c.appointment_id, func.count())
            .where(among(attendees.c.appointment_id, appointment_ids, connection.dialect))
            .group_by(attendees.c.appointment_id)
        ).fetchall()
        pairs_of = dict(tuple(row) for row in counted)
        ends = np.cumsum([max(pairs_of.get(key, 1), 1) for key in appointment_ids])
        start = 0
        while start < len(appointment_ids):
            read_before = ends[start - 1] if start else 0
            stop = int(np.searchsorted(ends, read_before + self._pairs_per_chunk, side="right"))
            stop = max(stop, start + 1)
            yield list(appointment_ids[start:stop])
            start = stop

    def _note_high_water(self, bookings: pd.DataFrame) -> None:
        if not self._query.by_change:
            return
        changed_at = bookings["changed_at"]
        if self._query.since is not None:
            changed_at = changed_at[changed_at >= self._query.since]
        if self._query.not_after is not None:
            changed_at = changed_at[changed_at <= self._query.not_after]
        if changed_at.empty:
            return
        newest = changed_at.max()
        largest = bookings.loc[changed_at.index[changed_at == newest], "appointment_id"].astype("int64").max()
        seen = Watermark(newest.to_pydatetime(), int(largest))
        self._high_water = seen if self._high_water is None else max(self._high_water, seen)


def has_changes(
    engine: Engine, kinds: Sequence[str], since: Watermark | None, *, not_after: datetime | None = None
) -> bool:
    """Say whether anything changed after the watermark: three look-ups in the indexes of ``updated_at``.

    What commits late below the watermark is not seen here but by the next scheduled run, which reads the overlap.

    Args:
        engine: the booking database.
        kinds: as in :class:`ChangeQuery`.
        since: the watermark; ``None`` asks whether there is any booking at all.
        not_after: leave aside changes dated later than this, which never raise the watermark.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    wanted = of_kinds(kinds)
    if since is None:
        probes = [select(appointments.c.id).where(wanted)]
    else:
        probes = [
            select(key)
            .select_from(joined)
            .where(wanted, _is_after(stamp, key, since), *([] if not_after is None else [stamp <= not_after]))
            for key, stamp, joined in _change_marks()
        ]
    with translated_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        return any(connection.execute(select(exists(probe))).scalar() for probe in probes)


def moved_clients(engine: Engine, seen: pd.DataFrame) -> set[str]:
    """Say which clients are not as they were read last, so that what waits for them is read again (Q2).

    A change is told by its time being another, not by its being later than somebody's clock: it may have been made
    before that and committed after, or by a clock that steps. Two changes of one client at one and the same instant, of
    which only the first was read, look alike.

    Args:
        engine: the booking database.
        seen: ``client_id`` (text) and ``client_version`` (whole: ``updated_at`` in microseconds since the epoch;
            missing where there was no such client). A client may appear in several versions.

    Returns:
        Ids of clients whose version is not each of those.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    moved: set[str] = set()
    ids = seen["client_id"].astype(IDS).drop_duplicates()
    for start in range(0, len(ids), _IDS_PER_QUERY):
        asked = ids.iloc[start : start + _IDS_PER_QUERY]
        with open_snapshot(engine) as connection:
            query = select(*selected(_CLIENT_MARKS, connection.dialect)).where(
                among(clients.c.id, asked, connection.dialect)
            )
            found = fetch_frame(connection, query, _CLIENT_MARKS)
        stamps = found["updated_at"]
        versions = (
            stamps.astype("int64").astype(WHOLE).where(stamps.notna()).set_axis(found["id"].astype(TEXT))
        )
        own = seen[seen["client_id"].astype(IDS).isin(asked)]
        current = versions.reindex(own["client_id"]).set_axis(own.index)
        is_same = (current == own["client_version"]).fillna(False) | (
            current.isna() & own["client_version"].isna()
        )
        moved.update(own.loc[~is_same.astype(bool), "client_id"])
    return moved


def _change_marks() -> list[tuple[Column[int], Column[datetime], FromClause]]:
    """Where a booking's changes show: key column, time column, and what to select from to know the kind."""
    of_booking = appointments.c.id
    return [
        (appointments.c.id, appointments.c.updated_at, appointments),
        *(
            (
                table.c.appointment_id,
                table.c.updated_at,
                table.join(appointments, of_booking == table.c.appointment_id),
            )
            for table in (attendees, answers)
        ),
    ]


def _is_after(stamp: Column[datetime], key: Column[int], mark: Watermark) -> ColumnElement[bool]:
    # The first condition alone bounds the index scan; the second orders changes of one instant.
    return and_(stamp >= mark.changed_at, or_(stamp > mark.changed_at, key > mark.id))


def of_kinds(kinds: Sequence[str]) -> ColumnElement[bool]:
    """Filter bookings by kind; one that Coconut does not have goes with ``appointment`` (:class:`ChangeQuery`)."""
    kind = appointments.c.kind
    if APPOINTMENT not in kinds:
        return kind.in_(kinds)
    left_out = [known for known in KINDS if known not in kinds]
    return or_(kind.is_(None), kind.not_in(left_out)) if left_out else literal(value=True)


def _select_keys(query: ChangeQuery, dialect: Dialect, *, unseen: int | None) -> Select[int]:
    """Select the ids of all bookings to read, in order; ``unseen`` is the first transaction the last run missed."""
    keys = select(appointments.c.id).where(of_kinds(query.kinds)).order_by(appointments.c.id)
    if query.starts_from is not None:
        keys = keys.where(appointments.c.starts_at >= query.starts_from)
    if query.starts_until is not None:
        keys = keys.where(appointments.c.starts_at < query.starts_until)
    if query.by_change and query.since is None:
        return keys
    sources: list[Select[int]] = [
        select(appointments.c.id).where(among(appointments.c.id, query.appointment_ids, dialect)),
        select(attendees.c.appointment_id).where(among(attendees.c.client_id, query.client_ids, dialect)),
    ]
    if query.by_change:
        sources += [select(key).where(stamp >= query.since) for key, stamp, _ in _change_marks()]
        if unseen is not None:
            sources += [select(key).where(written_since(unseen, key.table)) for key, _, _ in _change_marks()]
    return keys.where(appointments.c.id.in_(union(*sources)))
