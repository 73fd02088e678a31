"""Writes the demo data into an empty booking database, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from include.demo import catalogue
from include.demo.bookings import BookingBatch, booking_batches
from include.demo.clients import client_batches, with_salesforce_ids
from include.demo.hand_made import hand_made_bookings, hand_made_clients
from include.demo.plan import FIRST_BOOKING, DemoPlan
from include.demo.texts import make_texts
from include.errors import ConfigurationError
from include.source import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Table

    from include.demo.plan import Row


@dataclass(slots=True)
class FillSummary:
    """How many rows went in, and when the first booking starts (for the setting ``sync_from``)."""

    clients: int = 0
    bookings: int = 0
    attendees: int = 0
    answers: int = 0
    first_start: datetime | None = None


def refuse_unless_empty(engine: Engine) -> None:
    """Make the tables where they are missing, and refuse a database that somebody uses.

    Raises:
        ConfigurationError: there are bookings or clients already; demo data never mixes with others.
    """
    tables.create_all(engine)
    with engine.connect() as connection:
        taken = [
            table.name
            for table in (tables.appointments, tables.clients, tables.staff)
            if connection.execute(select(func.count()).select_from(table)).scalar()
        ]
    if taken:
        msg = (
            f"The booking database already holds rows in {', '.join(taken)}: "
            "point coconut_db at an empty database to fill it with demo data."
        )
        raise ConfigurationError(msg)


def fill(
    engine: Engine,
    plan: DemoPlan,
    *,
    salesforce_ids: Mapping[int, str] | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> FillSummary:
    """Fill an empty booking database.

    Args:
        engine: where to write; see :func:`refuse_unless_empty`.
        plan: how much, from which seed and around which instant.
        salesforce_ids: Salesforce Ids that Coconut holds, by client id.
        report: told the number of bookings written, after every batch.
    """
    texts = make_texts(plan.seed)
    summary = FillSummary()
    with engine.begin() as connection:
        _insert(connection, tables.locations, catalogue.location_rows())
        _insert(connection, tables.services, catalogue.service_rows())
        _insert(connection, tables.questions, catalogue.question_rows())
        _insert(connection, tables.staff, catalogue.staff_rows(plan, texts))
    for clients in chain((hand_made_clients(plan),), client_batches(plan, texts)):
        with engine.begin() as connection:
            _insert(connection, tables.clients, with_salesforce_ids(clients, salesforce_ids or {}))
        summary.clients += len(clients)
    by_hand = hand_made_bookings(plan)
    drawn = booking_batches(
        plan,
        texts,
        first_id=FIRST_BOOKING + len(by_hand.appointments),
        count=plan.bookings - len(by_hand.appointments),
    )
    for batch in chain((by_hand,), drawn):
        with engine.begin() as connection:
            _insert(connection, tables.appointments, batch.appointments)
            _insert(connection, tables.attendees, batch.attendees)
            _insert(connection, tables.answers, batch.answers)
        _count(summary, batch)
        report(summary.bookings)
    return summary


def _insert(connection: Connection, table: Table, rows: list[Row]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _count(summary: FillSummary, batch: BookingBatch) -> None:
    summary.bookings += len(batch.appointments)
    summary.attendees += len(batch.attendees)
    summary.answers += len(batch.answers)
    starts = [row["starts_at"] for row in batch.appointments if row["starts_at"] is not None]
    earliest = min(starts, default=None)
    if earliest is not None and (summary.first_start is None or earliest < summary.first_start):
        summary.first_start = earliest
