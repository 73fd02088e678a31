"""Coconut's booking database as its replica shows it.

The schema belongs to Coconut: it is read, never altered. Names and meaning of the columns are the interface of
``docs/architecture``; anything a careless writer could leave out is nullable here, because a gap has to arrive as a
quarantined row with a reason, not as a read that fails.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect, Engine
    from sqlalchemy.types import TypeEngine

ID: Final = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only where the primary key is declared ``INTEGER``."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant with microseconds: aware UTC in Python, ``timestamptz`` on PostgreSQL, naive UTC text on SQLite.

    A naive value, in Python or in the database, is UTC (rule S5).
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any instant into UTC; databases without zones store it naive."""
        if value is None:
            return None
        instant = as_utc(value)
        return instant if dialect.name == "postgresql" else instant.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn what the database holds into aware UTC."""
        return None if value is None else as_utc(value)

    def coerce_compared_value(self, op: object, value: object) -> TypeEngine[Any]:  # noqa: ARG002
        """Compare columns with instants of the same storage form."""
        return self


def as_utc(value: datetime) -> datetime:
    """Return the instant in UTC, taking a naive value as UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()


def _reference(name: str) -> Column[int]:
    return Column(name, ID, index=True)


def _touched() -> Column[datetime]:
    return Column("updated_at", UtcDateTime, nullable=False, index=True)


clients = Table(
    "clients",
    metadata,
    Column("id", ID, primary_key=True),
    Column("salesforce_id", String(40)),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("company", Text),
    Column("address", Text),
    Column("city", Text),
    Column("region", Text),
    Column("postal_code", Text),
    Column("country", Text),
    Column("locale", String(35)),
    Column("sync_disabled", Boolean),
    Column("created_at", UtcDateTime),
    _touched(),
    Column("deleted_at", UtcDateTime),
)

staff = Table(
    "staff",
    metadata,
    Column("id", ID, primary_key=True),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("email", Text),
    Column("active", Boolean),
    _touched(),
)

locations = Table(
    "locations",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text),
    Column("address", Text),
    Column("city", Text),
    Column("region", Text),
    Column("country", Text),
    Column("timezone", String(64)),
)

services = Table(
    "services",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text),
    Column("duration_minutes", Integer),
)

appointments = Table(
    "appointments",
    metadata,
    Column("id", ID, primary_key=True),
    Column("kind", String(20)),
    Column("status", String(20)),
    _reference("service_id"),
    _reference("location_id"),
    _reference("staff_id"),
    Column("starts_at", UtcDateTime),
    Column("ends_at", UtcDateTime),
    Column("timezone", String(64)),
    Column("meeting_method", String(20)),
    Column("booked_through", String(20)),
    Column("notes", Text),
    Column("utm_campaign", Text),
    Column("cancellation_reason", Text),
    Column("created_at", UtcDateTime),
    _touched(),
    Column("deleted_at", UtcDateTime),
)

attendees = Table(
    "attendees",
    metadata,
    Column("appointment_id", ID, primary_key=True, autoincrement=False),
    Column("client_id", ID, primary_key=True, autoincrement=False, index=True),
    Column("is_primary", Boolean),
    _touched(),
    Column("deleted_at", UtcDateTime),
)

questions = Table(
    "questions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(80)),
    Column("label", Text),
    Column("scope", String(20)),
)

answers = Table(
    "answers",
    metadata,
    Column("appointment_id", ID, primary_key=True, autoincrement=False),
    Column("client_id", ID, primary_key=True, autoincrement=False, index=True),
    Column("question_id", ID, primary_key=True, autoincrement=False, index=True),
    Column("value", Text),
    _touched(),
)

feature_flags = Table(
    "feature_flags",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("enabled", Boolean),
    _touched(),
)

legacy_settings = Table(
    "legacy_settings",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("value", Text),
)

legacy_field_mappings = Table(
    "legacy_field_mappings",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source_field", Text),
    Column("sobject", String(80)),
    Column("target_field", String(120)),
)

legacy_staff_links = Table(
    "legacy_staff_links",
    metadata,
    Column("staff_id", ID, primary_key=True, autoincrement=False),
    Column("salesforce_user_id", String(18)),
)

legacy_event_links = Table(
    "legacy_event_links",
    metadata,
    Column("appointment_id", ID, primary_key=True, autoincrement=False),
    Column("client_id", ID, primary_key=True, autoincrement=False, index=True),
    Column("salesforce_event_id", String(18)),
)

READ_BY_EVERY_RUN: Final = (clients, staff, locations, services, appointments, attendees, questions, answers)
"""The tables without which no sync can run; the others belong to the migration."""


def create_all(engine: Engine) -> None:
    """Create the booking database's tables where they are missing: for demo and tests only.

    On SQLite the file is switched to write-ahead logging, so that a long read and a writer do not wait for each other.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    metadata.create_all(engine)
