"""All that the ledger knows of one booking, for the person who asks why it is where it is (M9, T5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from include.ledger.tables import (
    client_switches,
    dirty_keys,
    event_links,
    match_decisions,
    person_choices,
    person_links,
    quarantine,
)

Row = Mapping[str, Any]
"""A row of a table under its columns' names."""


@dataclass(frozen=True, slots=True)
class ClientHistory:
    """What the ledger knows of one client; every list newest first.

    ``link`` is a row of ``person_links``; ``decisions`` are rows of ``match_decisions``, ``choices`` of
    ``person_choices``, ``switches`` of ``client_switches``.
    """

    link: Row | None
    decisions: Sequence[Row]
    choices: Sequence[Row]
    switches: Sequence[Row]


@dataclass(frozen=True, slots=True)
class BookingHistory:
    """What the ledger knows of one booking's pairs, by booking key, and of its clients, by client id.

    ``events`` are rows of ``event_links``, ``waiting`` of ``quarantine``; ``dirty`` are keys that the next run reads
    again.
    """

    events: Mapping[str, Row]
    waiting: Mapping[str, Row]
    dirty: frozenset[str]
    clients: Mapping[str, ClientHistory]


def of_booking(connection: Connection, appointment_id: str, client_ids: Collection[str]) -> BookingHistory:
    """Return what is known of a booking, of these clients, and of whoever else attended it as far as it is known."""
    events, waiting, dirty = (
        {
            str(row["booking_key"]): row
            for row in _rows(connection, table, table.c.appointment_id == appointment_id)
        }
        for table in (event_links, quarantine, dirty_keys)
    )
    known = {str(row["client_id"]) for row in [*events.values(), *waiting.values()] if row["client_id"]}
    return BookingHistory(
        events=events,
        waiting=waiting,
        dirty=frozenset(dirty),
        clients={one: _client(connection, one) for one in sorted(known.union(client_ids))},
    )


def _client(connection: Connection, client_id: str) -> ClientHistory:
    links = _rows(connection, person_links, person_links.c.client_id == client_id)
    decided = _rows(
        connection,
        match_decisions,
        match_decisions.c.client_id == client_id,
        order=[match_decisions.c.decided_at.desc(), match_decisions.c.run_id.desc()],
    )
    choices, switches = (
        _rows(connection, table, table.c.client_id == client_id, order=[table.c.id.desc()])
        for table in (person_choices, client_switches)
    )
    return ClientHistory(links[0] if links else None, decided, choices, switches)


def _rows(
    connection: Connection,
    table: Table,
    wanted: ColumnElement[bool],
    *,
    order: Sequence[ColumnElement[Any]] = (),
) -> Sequence[Row]:
    query = select(table).where(wanted).order_by(*order)
    return [dict(row) for row in connection.execute(query).mappings()]
