"""All that the ledger knows of one booking, for the person who asks why it is where it is (M9, T5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, or_, select

from include.ledger.tables import (
    campaign_bookings,
    campaign_members,
    client_switches,
    dirty_keys,
    event_links,
    field_reports,
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
    ``person_choices``, ``switches`` of ``client_switches``, ``campaigns`` of ``campaign_bookings``. ``memberships`` are
    rows of ``campaign_members`` of the client's record, ``reports`` of ``field_reports`` of every client who is it.
    """

    link: Row | None
    decisions: Sequence[Row]
    choices: Sequence[Row]
    switches: Sequence[Row]
    campaigns: Sequence[Row]
    memberships: Sequence[Row]
    reports: Sequence[Row]


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
    link = links[0] if links else None
    return ClientHistory(
        link=link,
        decisions=decided,
        choices=choices,
        switches=switches,
        campaigns=_rows(
            connection,
            campaign_bookings,
            campaign_bookings.c.client_id == client_id,
            order=[campaign_bookings.c.updated_at.desc(), campaign_bookings.c.booking_key],
        ),
        memberships=_memberships(connection, link),
        reports=_reports(connection, client_id, link),
    )


def _memberships(connection: Connection, link: Row | None) -> Sequence[Row]:
    if link is None:
        return []
    members = campaign_members.c
    return _rows(
        connection,
        campaign_members,
        members.record_id.in_([link["record_id"], link["who_id"]]),
        order=[members.updated_at.desc(), members.campaign_id],
    )


def _reports(connection: Connection, client_id: str, link: Row | None) -> Sequence[Row]:
    """Return the reports of a client, and of the others who are the same record: one of them is told for all."""
    reports, is_told = field_reports.c, field_reports.c.client_id == client_id
    if link is not None:
        same = select(person_links.c.client_id).where(person_links.c.record_id == link["record_id"])
        is_told = or_(is_told, reports.client_id.in_(same))
    return _rows(connection, field_reports, is_told, order=[reports.at.desc(), reports.id.desc()])


def _rows(
    connection: Connection,
    table: Table,
    wanted: ColumnElement[bool],
    *,
    order: Sequence[ColumnElement[Any]] = (),
) -> Sequence[Row]:
    query = select(table).where(wanted).order_by(*order)
    return [dict(row) for row in connection.execute(query).mappings()]
