"""Who attends a booking, as Coconut has it now: ids and marks only, nothing personal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from include.frames import CLAIM, TEXT, FrameContract
from include.source.columns import ColumnsRead, among, fetch_frame, selected
from include.source.snapshot import open_snapshot
from include.source.tables import appointments, attendees

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    from sqlalchemy import Engine

ATTENDANCES: Final = FrameContract(
    "attendances",
    {
        # one row per attendee of a booking; a booking that never had one is a row without client_id
        "appointment_id": TEXT,
        "client_id": TEXT,
        "is_primary": CLAIM,
        "is_removed": CLAIM,
        "booking_deleted": CLAIM,
    },
)

_COLUMNS: Final[ColumnsRead] = {
    "client_id": (attendees.c.client_id, TEXT),
    "is_primary": (attendees.c.is_primary, CLAIM),
    "is_removed": (attendees.c.deleted_at.is_not(None), CLAIM),
    "booking_deleted": (appointments.c.deleted_at.is_not(None), CLAIM),
}

_OF_BOOKINGS: Final[ColumnsRead] = {"appointment_id": (appointments.c.id, TEXT), **_COLUMNS}


def read_attendance(engine: Engine, appointment_id: int) -> pd.DataFrame:
    """Return ``client_id``, ``is_primary``, ``is_removed`` and ``booking_deleted``, one row per attendee.

    A booking that never had an attendee is one row without ``client_id``; one that does not exist is no row.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    joined = appointments.outerjoin(attendees, attendees.c.appointment_id == appointments.c.id)
    with open_snapshot(engine) as connection:
        query = (
            select(*selected(_COLUMNS, connection.dialect))
            .select_from(joined)
            .where(appointments.c.id == appointment_id)
            .order_by(attendees.c.client_id)
        )
        return fetch_frame(connection, query, _COLUMNS)


def read_attendances(engine: Engine, appointment_ids: Collection[str]) -> pd.DataFrame:
    """Return who attends these bookings (``ATTENDANCES``), removed attendees and deleted bookings included.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    joined = appointments.outerjoin(attendees, attendees.c.appointment_id == appointments.c.id)
    wanted = {int(one) for one in appointment_ids}
    with open_snapshot(engine) as connection:
        query = (
            select(*selected(_OF_BOOKINGS, connection.dialect))
            .select_from(joined)
            .where(among(appointments.c.id, wanted, connection.dialect))
            .order_by(appointments.c.id, attendees.c.client_id)
        )
        return ATTENDANCES.conform(fetch_frame(connection, query, _OF_BOOKINGS))


def count_pairs(engine: Engine) -> int:
    """Return about how many pairs of booking and attendee there are, removed ones included.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    with open_snapshot(engine) as connection:
        return connection.execute(select(func.count()).select_from(attendees)).scalar_one()
