"""What the booking database says the org should hold, worked out without any of the product's own rules.

Plain SQL and Python on purpose: had it shared code with the product, it would share the product's mistakes.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import available_timezones

_SUFFIX: Final = {"appointment": " [Appointment]", "walk_in": " [Walk-In]"}
_STATUSES: Final = {"booked", "confirmed", "arrived", "in_service", "complete", "no_show", "cancelled"}
_FINAL: Final = {"complete", "no_show", "cancelled"}
_LONGEST: Final = timedelta(days=14)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_ZONES: Final = available_timezones()

_PAIRS: Final = """
    SELECT a.id, a.kind, a.status, a.staff_id, a.starts_at, a.ends_at, a.timezone, a.deleted_at,
           a.utm_campaign,
           t.client_id, t.is_primary, t.deleted_at AS removed_at,
           c.id AS known_client, c.first_name, c.last_name, c.email, c.salesforce_id,
           c.sync_disabled, c.deleted_at AS client_deleted_at,
           l.timezone AS location_timezone, s.duration_minutes, f.email AS staff_email
    FROM appointments a
    LEFT JOIN attendees t ON t.appointment_id = a.id
    LEFT JOIN clients c ON c.id = t.client_id
    LEFT JOIN locations l ON l.id = a.location_id
    LEFT JOIN services s ON s.id = a.service_id
    LEFT JOIN staff f ON f.id = a.staff_id
"""

_LAST_CHANGES: Final = """
    SELECT id, MAX(updated_at) FROM (
        SELECT id, updated_at FROM appointments
        UNION ALL SELECT appointment_id, updated_at FROM attendees
        UNION ALL SELECT appointment_id, updated_at FROM answers
    ) GROUP BY id
"""


@dataclass(frozen=True, slots=True)
class Client:
    """What tells who somebody is."""

    id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    salesforce_id: str | None


@dataclass(frozen=True, slots=True)
class ExpectedEvent:
    """One Event that should be there, before it is known who and whose it is."""

    key: str
    appointment_id: int
    client: Client
    is_primary: bool
    suffix: str
    starts_at: datetime
    ends_at: datetime
    staff_id: int | None
    staff_email: str | None
    status: str
    campaign: str


@dataclass(slots=True)
class Expectation:
    """All of it: Events by key, the pairs that have to stay as they were, and why."""

    events: dict[str, ExpectedEvent] = field(default_factory=dict)
    left_alone: dict[str, str] = field(default_factory=dict)


def read_expectation(booking_database: Path) -> Expectation:
    """Read every pair of booking and attendee and decide: an Event, none, or as it was."""
    expectation = Expectation()
    with closing(sqlite3.connect(f"file:{booking_database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        for row in connection.execute(_PAIRS):
            key = f"{row['id']}-{row['client_id'] if row['client_id'] is not None else ''}"
            if why := _left_alone(row):
                expectation.left_alone[key] = why
            elif row["deleted_at"] is None and row["removed_at"] is None:
                expectation.events[key] = _event(key, row)
    return expectation


def last_changes(booking_database: Path) -> dict[int, str]:
    """Return when each booking changed last: its row, its attendees or their answers."""
    with closing(sqlite3.connect(f"file:{booking_database}?mode=ro", uri=True)) as connection:
        return dict(connection.execute(_LAST_CHANGES).fetchall())


def clients_of(booking_database: Path) -> list[Client]:
    """Return every client row; which of them are one person is decided over all of them."""
    with closing(sqlite3.connect(f"file:{booking_database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT id, first_name, last_name, email, salesforce_id FROM clients ORDER BY id"
        )
        return [Client(*row) for row in rows]


def _left_alone(row: sqlite3.Row) -> str | None:
    """Return why a pair neither gets nor loses an Event; nothing where it simply syncs or is deleted."""
    if row["client_id"] is None:
        return None if row["deleted_at"] is not None else "booking without attendee"
    if row["sync_disabled"]:
        return "disabled client"
    if row["deleted_at"] is not None or row["removed_at"] is not None:
        return None
    return _unusable_client(row) or _unusable_booking(row)


def _unusable_client(row: sqlite3.Row) -> str | None:
    if row["known_client"] is None:
        return "no such client"
    if row["client_deleted_at"] is not None:
        return "deleted client"
    if not _text(row["first_name"]) and not _text(row["last_name"]):
        return "client without a name"
    email = _text(row["email"])
    if email and not _EMAIL.fullmatch(email):
        return "e-mail that is none"
    return None


def _unusable_booking(row: sqlite3.Row) -> str | None:
    if row["kind"] not in _SUFFIX:
        return "unknown kind"
    if row["status"] not in _STATUSES:
        return "unknown status"
    if row["kind"] == "walk_in" and row["status"] not in _FINAL:
        return "walk-in that is not final"
    zone = row["timezone"] or row["location_timezone"]
    if zone is not None and zone not in _ZONES:
        return "unknown time zone"
    return _unusable_times(row)


def _unusable_times(row: sqlite3.Row) -> str | None:
    if row["starts_at"] is None:
        return "no start"
    if row["ends_at"] is None and not row["duration_minutes"]:
        return "no end"
    starts_at, ends_at = _times(row)
    if ends_at < starts_at:
        return "ends before its start"
    return "longer than 14 days" if ends_at - starts_at > _LONGEST else None


def _event(key: str, row: sqlite3.Row) -> ExpectedEvent:
    starts_at, ends_at = _times(row)
    client = Client(row["client_id"], row["first_name"], row["last_name"], row["email"], row["salesforce_id"])
    return ExpectedEvent(
        key=key,
        appointment_id=row["id"],
        client=client,
        is_primary=bool(row["is_primary"]),
        suffix=_SUFFIX[row["kind"]],
        starts_at=starts_at,
        ends_at=ends_at,
        staff_id=row["staff_id"],
        staff_email=row["staff_email"],
        status=row["status"],
        campaign=_text(row["utm_campaign"]),
    )


def _times(row: sqlite3.Row) -> tuple[datetime, datetime]:
    starts_at = _instant(row["starts_at"])
    if row["ends_at"] is None:
        return starts_at, starts_at + timedelta(minutes=row["duration_minutes"])
    return starts_at, _instant(row["ends_at"])


def _instant(stored: str) -> datetime:
    return datetime.fromisoformat(stored).replace(tzinfo=UTC, microsecond=0)


def _text(value: Any) -> str:
    return str(value or "").strip()
