"""A few hundred edits of a filled booking database, as a working day brings them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import and_, func, insert, select, update

from include.demo.catalogue import question_rows
from include.demo.plan import FIRST_STAFF
from include.source.columns import among
from include.source.tables import answers, appointments, attendees, staff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.random import Generator
    from sqlalchemy import Connection, Engine, RowMapping

_SAMPLE_PER_EDIT: Final = 20
_NOT_FINAL: Final = ("booked", "confirmed", "arrived", "in_service")
_DRAWN: Final = appointments.c.status.in_((*_NOT_FINAL, "complete", "no_show", "cancelled"))


class EditKind(StrEnum):
    """What somebody did to a booking."""

    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    RESTAFFED = "restaffed"
    NOTES_CHANGED = "notes_changed"
    ANSWER_CHANGED = "answer_changed"
    ATTENDEE_REMOVED = "attendee_removed"
    WALK_IN_FINISHED = "walk_in_finished"
    BOOKED = "booked"
    ONLY_TOUCHED = "only_touched"


_SHARES: Final = {
    EditKind.WALK_IN_FINISHED: 0.08,
    EditKind.ATTENDEE_REMOVED: 0.05,
    EditKind.RESCHEDULED: 0.27,
    EditKind.CANCELLED: 0.12,
    EditKind.DELETED: 0.08,
    EditKind.RESTAFFED: 0.14,
    EditKind.NOTES_CHANGED: 0.1,
    EditKind.ANSWER_CHANGED: 0.1,
    EditKind.BOOKED: 0.04,
    EditKind.ONLY_TOUCHED: 0.02,
}


@dataclass(frozen=True, slots=True)
class EditSummary:
    """Ids of the bookings edited, by what was done; no booking was edited twice."""

    appointment_ids: Mapping[EditKind, tuple[int, ...]]

    @property
    def all_ids(self) -> frozenset[int]:
        """Every booking edited."""
        return frozenset(key for keys in self.appointment_ids.values() for key in keys)

    def __str__(self) -> str:
        done = ", ".join(
            f"{len(keys)} {kind.value.replace('_', ' ')}" for kind, keys in self.appointment_ids.items()
        )
        return f"{len(self.all_ids)} edits: {done}"


def apply_edits(engine: Engine, *, seed: int, now: datetime, count: int) -> EditSummary:
    """Edit about ``count`` bookings of a filled booking database, each in one way, in one transaction.

    Args:
        engine: the booking database.
        seed: the same seed on the same database edits the same bookings.
        now: the instant of the edits (aware); written to the ``updated_at`` of what changed.
        count: how many bookings to edit; fewer where the database lacks candidates.
    """
    rng = np.random.default_rng([seed, count])
    with engine.begin() as connection:
        sample = _sample(connection, rng, count * _SAMPLE_PER_EDIT)
        done: dict[EditKind, tuple[int, ...]] = {}
        for kind, share in _SHARES.items():
            candidates = _candidates(connection, kind, sample)
            chosen = candidates[: max(1, round(count * share))]
            for booking in chosen:
                del sample[booking["id"]]
            done[kind] = _EDITS[kind](connection, rng, chosen, now) if chosen else ()
    return EditSummary(done)


def _sample(connection: Connection, rng: Generator, size: int) -> dict[int, RowMapping]:
    """Draw live bookings with a start and an attendee, in random order."""
    lowest, highest = connection.execute(
        select(func.min(appointments.c.id), func.max(appointments.c.id))
    ).one()
    if lowest is None:
        return {}
    span = highest - lowest + 1
    ids = lowest + (rng.permutation(span) if span <= size else np.unique(rng.integers(0, span, size)))
    rows = connection.execute(
        select(appointments).where(
            among(appointments.c.id, ids.tolist(), connection.dialect),
            appointments.c.deleted_at.is_(None),
            appointments.c.starts_at.is_not(None),
            appointments.c.kind.in_(("appointment", "walk_in")),
            _DRAWN,
            appointments.c.id.in_(select(attendees.c.appointment_id).where(attendees.c.deleted_at.is_(None))),
        )
    ).mappings()
    found = {row["id"]: row for row in rows}
    return {int(key): found[key] for key in rng.permutation(sorted(found))}


def _candidates(connection: Connection, kind: EditKind, sample: Mapping[int, RowMapping]) -> list[RowMapping]:
    if kind is EditKind.WALK_IN_FINISHED:
        return [row for row in sample.values() if row["kind"] == "walk_in" and row["status"] in _NOT_FINAL]
    if kind is EditKind.ATTENDEE_REMOVED:
        groups = connection.execute(
            select(attendees.c.appointment_id)
            .where(
                among(attendees.c.appointment_id, sample, connection.dialect),
                attendees.c.deleted_at.is_(None),
            )
            .group_by(attendees.c.appointment_id)
            .having(func.count() > 1)
        ).scalars()
        with_several = set(groups)
        return [row for key, row in sample.items() if key in with_several]
    planned = [row for row in sample.values() if row["kind"] == "appointment"]
    if kind is EditKind.CANCELLED:
        return [row for row in planned if row["status"] != "cancelled"]
    return planned


def _change(connection: Connection, booking: RowMapping, now: datetime, **values: object) -> int:
    connection.execute(
        update(appointments).where(appointments.c.id == booking["id"]).values(updated_at=now, **values)
    )
    return int(booking["id"])


def _reschedule(
    connection: Connection, rng: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    moved = []
    for booking in chosen:
        step = timedelta(days=int(rng.integers(1, 9)), minutes=15 * int(rng.integers(-8, 9)))
        ends_at = booking["ends_at"] and booking["ends_at"] + step
        moved.append(
            _change(connection, booking, now, starts_at=booking["starts_at"] + step, ends_at=ends_at)
        )
    return tuple(moved)


def _cancel(
    connection: Connection, rng: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    reasons = ("Changed plans", 'Wrote "not needed any more"', "")
    return tuple(
        _change(
            connection, row, now, status="cancelled", cancellation_reason=reasons[int(rng.integers(0, 3))]
        )
        for row in chosen
    )


def _delete(
    connection: Connection, _: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    return tuple(_change(connection, row, now, deleted_at=now) for row in chosen)


def _restaff(
    connection: Connection, rng: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    """Give every booking another staff member, or nobody."""
    everybody = connection.execute(select(staff.c.id).where(staff.c.id > FIRST_STAFF)).scalars().all()
    changed = []
    for booking in chosen:
        others = [key for key in (None, *everybody) if key != booking["staff_id"]]
        changed.append(_change(connection, booking, now, staff_id=others[int(rng.integers(0, len(others)))]))
    return tuple(changed)


def _change_notes(
    connection: Connection, rng: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    texts = (
        'Now says "please call"',
        "Two\nlines, and a comma",
        "Moved room 🚪➡️",
        "Bringt einen Übersetzer mit",
    )
    return tuple(
        _change(connection, row, now, notes=f"{texts[int(rng.integers(0, len(texts)))]} ({row['id']})")
        for row in chosen
    )


def _change_answer(
    connection: Connection, _: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    """Change what the first attendee answered to the first question, leaving the booking's own row alone."""
    question = question_rows()[0]["id"]
    for booking in chosen:
        client = connection.execute(
            select(func.min(attendees.c.client_id)).where(
                attendees.c.appointment_id == booking["id"], attendees.c.deleted_at.is_(None)
            )
        ).scalar_one()
        key = {"appointment_id": booking["id"], "client_id": client, "question_id": question}
        given = {"value": f"Something else: {booking['id']}", "updated_at": now}
        changed = connection.execute(
            update(answers)
            .where(and_(*(answers.c[name] == value for name, value in key.items())))
            .values(given)
        )
        if changed.rowcount == 0:
            connection.execute(insert(answers).values(**key, **given))
    return tuple(int(row["id"]) for row in chosen)


def _remove_attendee(
    connection: Connection, _: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    """Remove the attendee with the largest id, leaving the booking's own row alone."""
    for booking in chosen:
        is_here = and_(attendees.c.appointment_id == booking["id"], attendees.c.deleted_at.is_(None))
        last = connection.execute(select(func.max(attendees.c.client_id)).where(is_here)).scalar_one()
        connection.execute(
            update(attendees)
            .where(attendees.c.appointment_id == booking["id"], attendees.c.client_id == last)
            .values(deleted_at=now, updated_at=now)
        )
    return tuple(int(row["id"]) for row in chosen)


def _finish(
    connection: Connection, _: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    return tuple(_change(connection, row, now, status="complete") for row in chosen)


def _touch(
    connection: Connection, _: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    return tuple(_change(connection, row, now) for row in chosen)


def _book(
    connection: Connection, _: Generator, chosen: Sequence[RowMapping], now: datetime
) -> tuple[int, ...]:
    """Book the same client and service again, a week on; the chosen bookings stay as they are."""
    next_id = int(connection.execute(select(func.max(appointments.c.id))).scalar_one()) + 1
    for number, booking in enumerate(chosen):
        copied = {**booking, "id": next_id + number, "status": "booked", "created_at": now, "updated_at": now}
        copied["cancellation_reason"] = None
        copied["starts_at"] = booking["starts_at"] + timedelta(days=7)
        copied["ends_at"] = booking["ends_at"] and booking["ends_at"] + timedelta(days=7)
        connection.execute(insert(appointments).values(copied))
        client = connection.execute(
            select(func.min(attendees.c.client_id)).where(
                attendees.c.appointment_id == booking["id"], attendees.c.deleted_at.is_(None)
            )
        ).scalar_one()
        connection.execute(
            insert(attendees).values(
                appointment_id=next_id + number, client_id=client, is_primary=True, updated_at=now
            )
        )
    return tuple(range(next_id, next_id + len(chosen)))


_EDITS: Final = {
    EditKind.WALK_IN_FINISHED: _finish,
    EditKind.ATTENDEE_REMOVED: _remove_attendee,
    EditKind.RESCHEDULED: _reschedule,
    EditKind.CANCELLED: _cancel,
    EditKind.DELETED: _delete,
    EditKind.RESTAFFED: _restaff,
    EditKind.NOTES_CHANGED: _change_notes,
    EditKind.ANSWER_CHANGED: _change_answer,
    EditKind.BOOKED: _book,
    EditKind.ONLY_TOUCHED: _touch,
}
