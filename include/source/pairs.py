"""A set of bookings as frames: their pairs of booking and attendee, the clients concerned, the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd
from sqlalchemy import select

from include.frames import ANSWERS, BOOKINGS, CLAIM, CLIENTS, INSTANT, TEXT, WHOLE
from include.source.columns import IDS, ColumnsRead, among, fetch_frame, selected
from include.source.tables import answers, appointments, attendees, clients, locations, questions, services

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from sqlalchemy import Connection

_EPOCH: Final = pd.Timestamp(0, tz="UTC")


@dataclass(frozen=True, slots=True)
class SourceChunk:
    """Some bookings, whole.

    Attributes:
        bookings: ``frames.BOOKINGS``, ordered by booking and client; a booking's pairs are all in one chunk.
        clients: ``frames.CLIENTS``, one row per distinct client of the pairs.
        answers: ``frames.ANSWERS``, every answer given with these bookings.
    """

    bookings: pd.DataFrame
    clients: pd.DataFrame
    answers: pd.DataFrame

    def where(self, is_kept: pd.Series[bool]) -> SourceChunk:
        """Return the chunk with these of its bookings only; the caller keeps or leaves a booking whole."""
        kept = self.bookings[is_kept]
        is_client = self.clients["client_id"].isin(kept["client_id"])
        is_answer = self.answers["appointment_id"].isin(kept["appointment_id"])
        return SourceChunk(
            bookings=kept.reset_index(drop=True),
            clients=self.clients[is_client].reset_index(drop=True),
            answers=self.answers[is_answer].reset_index(drop=True),
        )


_PAIR_COLUMNS: Final[ColumnsRead] = {
    "appointment_id": (appointments.c.id, IDS),
    "client_id": (attendees.c.client_id, TEXT),
    "is_primary": (attendees.c.is_primary, CLAIM),
    "kind": (appointments.c.kind, TEXT),
    "status": (appointments.c.status, TEXT),
    "service_id": (appointments.c.service_id, TEXT),
    "service_name": (services.c.name, TEXT),
    "service_minutes": (services.c.duration_minutes, WHOLE),
    "location_id": (appointments.c.location_id, TEXT),
    "location_name": (locations.c.name, TEXT),
    "location_address": (locations.c.address, TEXT),
    "location_city": (locations.c.city, TEXT),
    "location_timezone": (locations.c.timezone, TEXT),
    "staff_id": (appointments.c.staff_id, TEXT),
    "starts_at": (appointments.c.starts_at, INSTANT),
    "ends_at": (appointments.c.ends_at, INSTANT),
    "timezone": (appointments.c.timezone, TEXT),
    "meeting_method": (appointments.c.meeting_method, TEXT),
    "booked_through": (appointments.c.booked_through, TEXT),
    "notes": (appointments.c.notes, TEXT),
    "utm_campaign": (appointments.c.utm_campaign, TEXT),
    "cancellation_reason": (appointments.c.cancellation_reason, TEXT),
    "booked_at": (appointments.c.created_at, INSTANT),
    "booking_deleted": (appointments.c.deleted_at.is_not(None), CLAIM),
    "attendee_deleted": (attendees.c.deleted_at.is_not(None), CLAIM),
    "client_exists": (clients.c.id.is_not(None), CLAIM),
    "client_deleted": (clients.c.deleted_at.is_not(None), CLAIM),
    "client_disabled": (clients.c.sync_disabled, CLAIM),
    "client_first_name": (clients.c.first_name, TEXT),
    "client_last_name": (clients.c.last_name, TEXT),
    "booking_updated_at": (appointments.c.updated_at, INSTANT),
    "attendee_updated_at": (attendees.c.updated_at, INSTANT),
}

_CLIENT_COLUMNS: Final[ColumnsRead] = {
    "client_id": (clients.c.id, TEXT),
    **{
        name: (clients.c[name], TEXT)
        for name in (
            "salesforce_id", "first_name", "last_name", "email", "phone", "company", "address", "city", "region",
            "postal_code", "country", "locale",
        )
    },
    "sync_disabled": (clients.c.sync_disabled, CLAIM),
    "is_deleted": (clients.c.deleted_at.is_not(None), CLAIM),
    "created_at": (clients.c.created_at, INSTANT),
    "updated_at": (clients.c.updated_at, INSTANT),
}  # fmt: skip

_ANSWER_COLUMNS: Final[ColumnsRead] = {
    "appointment_id": (answers.c.appointment_id, IDS),
    "client_id": (answers.c.client_id, TEXT),
    "question_id": (answers.c.question_id, TEXT),
    "name": (questions.c.name, TEXT),
    "label": (questions.c.label, TEXT),
    "scope": (questions.c.scope, TEXT),
    "value": (answers.c.value, TEXT),
    "answered_at": (answers.c.updated_at, INSTANT),
}


def read_chunk(connection: Connection, appointment_ids: Collection[int]) -> SourceChunk:
    """Read these bookings whole: deleted pairs, dangling references and all.

    A reference that leads nowhere (a service that is gone, an attendee without client row) gives missing values, never
    a lost pair. A booking without attendees is one row without ``client_id``.
    """
    pairs = _read_pairs(connection, appointment_ids)
    given = _read_answers(connection, appointment_ids)
    pairs["changed_at"] = newest_change(pairs, given)
    ids = {int(client_id) for client_id in pairs.loc[pairs["client_exists"], "client_id"].unique()}
    return SourceChunk(
        bookings=BOOKINGS.conform(pairs.assign(appointment_id=pairs["appointment_id"].astype(TEXT))),
        clients=read_clients(connection, ids),
        answers=ANSWERS.conform(given.assign(appointment_id=given["appointment_id"].astype(TEXT))),
    )


def read_clients(connection: Connection, client_ids: Collection[int]) -> pd.DataFrame:
    """Read client rows by id, soft-deleted ones included; returns ``frames.CLIENTS`` ordered by number."""
    query = (
        select(*selected(_CLIENT_COLUMNS, connection.dialect))
        .where(among(clients.c.id, client_ids, connection.dialect))
        .order_by(clients.c.id)
    )
    return CLIENTS.conform(fetch_frame(connection, query, _CLIENT_COLUMNS))


def read_client_answers(
    connection: Connection, client_ids: Collection[int], names: Collection[str]
) -> pd.DataFrame:
    """Read the newest answer of each client to each of these questions about clients, whichever booking it came with.

    Returns:
        ``frames.ANSWERS``, one row per client and question.
    """
    query = (
        select(*selected(_ANSWER_COLUMNS, connection.dialect))
        .select_from(answers.join(questions, questions.c.id == answers.c.question_id))
        .where(questions.c.scope == "client", questions.c.name.in_(names))
        .where(among(answers.c.client_id, client_ids, connection.dialect))
        .order_by(answers.c.updated_at, answers.c.appointment_id)
    )
    given = fetch_frame(connection, query, _ANSWER_COLUMNS)
    given = given.assign(appointment_id=given["appointment_id"].astype(TEXT))
    return ANSWERS.conform(given.drop_duplicates(["client_id", "question_id"], keep="last"))


def _read_pairs(connection: Connection, appointment_ids: Collection[int]) -> pd.DataFrame:
    joined = (
        appointments.outerjoin(attendees, attendees.c.appointment_id == appointments.c.id)
        .outerjoin(clients, clients.c.id == attendees.c.client_id)
        .outerjoin(services, services.c.id == appointments.c.service_id)
        .outerjoin(locations, locations.c.id == appointments.c.location_id)
    )
    query = (
        select(*selected(_PAIR_COLUMNS, connection.dialect))
        .select_from(joined)
        .where(among(appointments.c.id, appointment_ids, connection.dialect))
        .order_by(appointments.c.id, attendees.c.client_id)
    )
    return fetch_frame(connection, query, _PAIR_COLUMNS)


def _read_answers(connection: Connection, appointment_ids: Collection[int]) -> pd.DataFrame:
    query = (
        select(*selected(_ANSWER_COLUMNS, connection.dialect))
        .select_from(answers.outerjoin(questions, questions.c.id == answers.c.question_id))
        .where(among(answers.c.appointment_id, appointment_ids, connection.dialect))
        .order_by(answers.c.appointment_id, answers.c.client_id, answers.c.question_id)
    )
    return fetch_frame(connection, query, _ANSWER_COLUMNS)


def newest_change(pairs: pd.DataFrame, given: pd.DataFrame) -> pd.Series[Any]:
    """Return the newest change of the whole booking, of its row, any attendee or any answer, aligned with ``pairs``."""
    keyed = pairs.set_index("appointment_id")
    stamps = [
        keyed["booking_updated_at"],
        keyed["attendee_updated_at"],
        given.set_index("appointment_id")["answered_at"],
    ]
    newest: pd.Series[Any] = (
        pd.concat(stamps).groupby(level=0).max().reindex(keyed.index).reset_index(drop=True)
    )
    # A database that lets updated_at be empty still has to give every booking a version.
    return newest.fillna(pairs["booked_at"]).fillna(_EPOCH)
