"""The booking database of ``tests/source``, on both engines."""

from __future__ import annotations

from tests.source.conftest import postgres_booking_db, postgres_engine, sqlite_engine

__all__ = ["postgres_booking_db", "postgres_engine", "sqlite_engine"]
