"""When every booking changed, and nothing else of it: what a sweep compares with the ledger (rule Q5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from sqlalchemy import case, func, literal, or_, select

from include.frames import CLAIM, INSTANT, TEXT, FrameContract
from include.source.changes import of_kinds
from include.source.columns import IDS, among, fetch_frame, selected
from include.source.pairs import newest_change
from include.source.snapshot import open_snapshot
from include.source.tables import answers, appointments, attendees
from include.source.visibility import first_unseen, snapshot_of, written_since

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine, Table

    from include.source.changes import ChangeQuery
    from include.source.columns import ColumnsRead

MARKS: Final = FrameContract(
    "marks",
    {
        # one row per pair of booking and attendee, soft-deleted ones included; no client_id without attendee
        "appointment_id": TEXT,
        "client_id": TEXT,
        "starts_at": INSTANT,
        "changed_at": INSTANT,  # newest change of the booking, any of its attendees or any of their answers
    },
)


def read_marks(
    engine: Engine, upcoming: ChangeQuery, *, bookings_per_chunk: int = 25_000
) -> Iterator[pd.DataFrame]:
    """Yield the marks (``MARKS``) of all bookings that the next run does not read by itself, in order of their id.

    Each chunk is read in a snapshot of its own: a sweep may take long, and no replica has to hold rows back for it.

    Args:
        engine: the booking database.
        upcoming: what the next run will read by change: kinds, ``since`` and ``last_snapshot``.
        bookings_per_chunk: most bookings in a chunk.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    after: int | None = None
    while True:
        with open_snapshot(engine) as connection:
            keys = _next_keys(connection, upcoming.kinds, after=after, limit=bookings_per_chunk)
            if not keys:
                return
            marks = _read(connection, keys, upcoming)
        after = keys[-1]
        yield marks


def _next_keys(connection: Connection, kinds: Sequence[str], *, after: int | None, limit: int) -> list[int]:
    query = select(appointments.c.id).where(of_kinds(kinds)).order_by(appointments.c.id).limit(limit)
    if after is not None:
        query = query.where(appointments.c.id > after)
    return [int(key) for key in connection.execute(query).scalars()]


def _read(connection: Connection, keys: Collection[int], upcoming: ChangeQuery) -> pd.DataFrame:
    unseen = first_unseen(upcoming.last_snapshot, snapshot_of(connection))
    joined = appointments.outerjoin(attendees, attendees.c.appointment_id == appointments.c.id)
    of_pairs: ColumnsRead = {
        "appointment_id": (appointments.c.id, IDS),
        "client_id": (attendees.c.client_id, TEXT),
        "starts_at": (appointments.c.starts_at, INSTANT),
        "booked_at": (appointments.c.created_at, INSTANT),
        "booking_updated_at": (appointments.c.updated_at, INSTANT),
        "attendee_updated_at": (attendees.c.updated_at, INSTANT),
        "is_upcoming": (
            or_(*(_is_upcoming(table, upcoming, unseen) for table in (appointments, attendees))),
            CLAIM,
        ),
    }
    is_upcoming = case((_is_upcoming(answers, upcoming, unseen), 1), else_=0)
    of_answers: ColumnsRead = {
        "appointment_id": (answers.c.appointment_id, IDS),
        "answered_at": (func.max(answers.c.updated_at), INSTANT),
        "is_upcoming": (func.max(is_upcoming) == 1, CLAIM),
    }
    dialect = connection.dialect
    pairs = fetch_frame(
        connection,
        select(*selected(of_pairs, dialect))
        .select_from(joined)
        .where(among(appointments.c.id, keys, dialect))
        .order_by(appointments.c.id, attendees.c.client_id),
        of_pairs,
    )
    given = fetch_frame(
        connection,
        select(*selected(of_answers, dialect))
        .where(among(answers.c.appointment_id, keys, dialect))
        .group_by(answers.c.appointment_id),
        of_answers,
    )
    return _marks(pairs, given)


def _is_upcoming(table: Table, upcoming: ChangeQuery, unseen: int | None) -> ColumnElement[bool]:
    recent = literal(value=True) if upcoming.since is None else table.c.updated_at >= upcoming.since
    return recent if unseen is None else or_(recent, written_since(unseen, table))


def _marks(pairs: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Return ``MARKS`` of the bookings of which nothing is upcoming."""
    flags = pd.concat([one.set_index("appointment_id")["is_upcoming"] for one in (pairs, given)])
    is_upcoming = flags.groupby(level=0).any()
    marks = pairs.assign(changed_at=newest_change(pairs, given))
    rest = marks[~marks["appointment_id"].map(is_upcoming).astype(bool)]
    return MARKS.conform(rest.assign(appointment_id=rest["appointment_id"].astype(TEXT)))
