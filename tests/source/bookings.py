"""Builders of booking-database rows, with defaults that a test overrides where it matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import insert

from include.source.changes import ChangeQuery, ChangeReader, Watermark
from include.source.tables import (
    answers,
    appointments,
    attendees,
    clients,
    locations,
    questions,
    services,
    staff,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T0 = datetime(2024, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
BOTH_KINDS = ("appointment", "walk_in")


def minutes_after(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def add_catalogue(connection: Connection) -> None:
    """One service, one location, one staff member, one question, all with id 1."""
    connection.execute(insert(services).values(id=1, name="Account opening", duration_minutes=45))
    connection.execute(
        insert(locations).values(
            id=1, name="Harbour", address="1 Quay", city="Halifax", timezone="America/Halifax"
        )
    )
    connection.execute(
        insert(staff).values(id=1, first_name="Ada", email="ada@example.org", active=True, updated_at=T0)
    )
    connection.execute(
        insert(questions).values(id=1, name="reason", label="What is it about?", scope="appointment")
    )


def add_client(connection: Connection, client_id: int, **values: object) -> None:
    row = {"first_name": "Zoë", "last_name": "Ng", "email": f"c{client_id}@example.org", "updated_at": T0}
    connection.execute(insert(clients).values(id=client_id, **{**row, "created_at": T0, **values}))


def add_booking(connection: Connection, booking_id: int, **values: object) -> None:
    row: dict[str, object] = {
        "kind": "appointment",
        "status": "booked",
        "service_id": 1,
        "location_id": 1,
        "staff_id": 1,
        "starts_at": T0 + timedelta(days=2),
        "ends_at": T0 + timedelta(days=2, minutes=30),
        "timezone": "America/Halifax",
        "created_at": T0,
        "updated_at": T0,
    }
    connection.execute(insert(appointments).values(id=booking_id, **{**row, **values}))


def add_attendee(connection: Connection, booking_id: int, client_id: int, **values: object) -> None:
    row = {"is_primary": True, "updated_at": T0}
    connection.execute(
        insert(attendees).values(appointment_id=booking_id, client_id=client_id, **{**row, **values})
    )


def add_answer(connection: Connection, booking_id: int, client_id: int, **values: object) -> None:
    row = {"question_id": 1, "value": "a loan", "updated_at": T0}
    connection.execute(
        insert(answers).values(appointment_id=booking_id, client_id=client_id, **{**row, **values})
    )


def add_simple_bookings(engine: Engine, *booking_ids: int) -> None:
    """Bookings with one attendee each, who has the booking's number, and the catalogue they refer to."""
    with engine.begin() as connection:
        add_catalogue(connection)
        for booking_id in booking_ids:
            add_client(connection, booking_id)
            add_booking(connection, booking_id)
            add_attendee(connection, booking_id, booking_id)


def read_all(
    engine: Engine, query: ChangeQuery, *, pairs_per_chunk: int = 1000
) -> tuple[pd.DataFrame, Watermark | None]:
    """The pairs of all chunks in one frame, and the high-water mark."""
    reader = ChangeReader(engine, query, pairs_per_chunk=pairs_per_chunk)
    frames = [chunk.bookings for chunk in reader.chunks()]
    return (pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()), reader.high_water


def read_ids(engine: Engine, query: ChangeQuery) -> list[str]:
    """Ids of the bookings read, in the order read."""
    pairs, _ = read_all(engine, query)
    return [] if pairs.empty else pairs["appointment_id"].drop_duplicates().tolist()
