"""Writers of the booking database who all work at once: each with a plan from a seed, and a clock that may be wrong.

A writer's transactions begin in one run of the sync and commit in that run or in a later one; what they write bears the
time of the statement, as the applications behind a booking system do it, and never the time of the commit.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Condition
from typing import Any

import sqlalchemy as sa

from include.source.tables import answers, appointments, attendees

BOOKINGS_EACH = 3
WRONG_CLOCK = timedelta(hours=2)
_STATUSES = ("booked", "confirmed", "cancelled", "complete", "no_show")


@dataclass
class Clockwork:
    """Which run is at work, and what time it is: ``now`` moves with the runs, statements get microseconds apart."""

    start: datetime
    step: timedelta
    runs: int = 0
    _moved: Condition = field(default_factory=Condition)
    _micros: Iterator[int] = field(default_factory=count)

    @property
    def now(self) -> datetime:
        return self.start + self.runs * self.step + timedelta(microseconds=next(self._micros))

    def next_run(self) -> datetime:
        """Let the next run begin, wake who waits for it, and return the run's clock."""
        with self._moved:
            self.runs += 1
            self._moved.notify_all()
        return self.now

    def end(self) -> None:
        """Let nobody wait any more."""
        with self._moved:
            self.runs = sys.maxsize
            self._moved.notify_all()

    def wait_for_run(self, number: int) -> None:
        """Wait until a run has begun; the runs never wait for a writer."""
        with self._moved:
            self._moved.wait_for(lambda: self.runs >= number)


@dataclass
class Writer:
    """One application: it makes bookings and changes and deletes its own."""

    number: int
    source: sa.Engine
    clock: Clockwork
    clients: range
    random: random.Random
    runs: int
    made: list[int] = field(default_factory=list)
    _words: Iterator[int] = field(default_factory=lambda: count(1))

    def work(self) -> int:
        """Carry out the plan and return the number of transactions."""
        plan = self._plan()
        for begins, commits in plan:
            self.clock.wait_for_run(begins)
            with self.source.begin() as connection:
                stamp = self._stamp()
                self._write(connection, stamp)
                if commits > begins:
                    with connection.begin_nested():  # a savepoint, as object-relational mappers make them
                        self._write(connection, stamp)
                self.clock.wait_for_run(commits)
        return len(plan)

    def _plan(self) -> list[tuple[int, int]]:
        """Return the runs in which each transaction begins and commits, one after the other."""
        plan: list[tuple[int, int]] = []
        run = self.random.randrange(3)
        while run < self.runs:
            is_long = self.random.random() < 0.3
            last = min(run + self.random.randint(1, 4), self.runs) if is_long else run
            plan.append((run, last))
            run = last + self.random.randint(1, 5)
        return plan

    def _stamp(self) -> datetime:
        is_wrong = self.random.random() < 0.15
        return self.clock.now - (WRONG_CLOCK if is_wrong else timedelta())

    def _write(self, connection: sa.Connection, stamp: datetime) -> None:
        if len(self.made) < BOOKINGS_EACH:
            self._book(connection, stamp)
            return
        booking_id = self.random.choice(self.made)
        change = self.random.choice(
            (self._edit, self._edit, self._answer, self._attend, self._leave, self._delete)
        )
        change(connection, booking_id, stamp)

    def _word(self) -> str:
        return f"word-{self.number}-{next(self._words)}"

    def _book(self, connection: sa.Connection, stamp: datetime) -> None:
        booking_id = self.number * 100 + len(self.made)
        self.made.append(booking_id)
        starts_at = self.clock.start + timedelta(days=3)
        row = {
            "id": booking_id,
            "kind": self.random.choice(("appointment", "appointment", "walk_in")),
            "status": "complete",
            "service_id": 1,
            "location_id": 1,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(minutes=30),
            "notes": self._word(),
            "created_at": stamp,
            "updated_at": stamp,
        }
        connection.execute(appointments.insert().values(row))
        for position, client_id in enumerate(self.random.sample(self.clients, 2)):
            self._seat(connection, booking_id, client_id, is_primary=position == 0, stamp=stamp)

    def _seat(
        self, connection: sa.Connection, booking_id: int, client_id: int, *, is_primary: bool, stamp: datetime
    ) -> None:
        row = {
            "appointment_id": booking_id,
            "client_id": client_id,
            "is_primary": is_primary,
            "updated_at": stamp,
        }
        connection.execute(attendees.insert().values(row))

    def _edit(self, connection: sa.Connection, booking_id: int, stamp: datetime) -> None:
        values = {"notes": self._word(), "status": self.random.choice(_STATUSES)}
        self._change(connection, appointments, {"id": booking_id}, stamp, **values)

    def _delete(self, connection: sa.Connection, booking_id: int, stamp: datetime) -> None:
        """Delete a booking, or bring it back."""
        is_deleted = sa.case(
            (appointments.c.deleted_at.is_(None), sa.literal(stamp, appointments.c.deleted_at.type))
        )
        self._change(connection, appointments, {"id": booking_id}, stamp, deleted_at=is_deleted)

    def _attend(self, connection: sa.Connection, booking_id: int, stamp: datetime) -> None:
        seated = sa.select(attendees.c.client_id).where(attendees.c.appointment_id == booking_id)
        free = sorted(set(self.clients) - set(connection.execute(seated).scalars()))
        if not free:
            return
        self._seat(connection, booking_id, self.random.choice(free), is_primary=False, stamp=stamp)

    def _leave(self, connection: sa.Connection, booking_id: int, stamp: datetime) -> None:
        seated = sa.select(attendees.c.client_id).where(
            attendees.c.appointment_id == booking_id, attendees.c.is_primary.is_(False)
        )
        client_id = self.random.choice(sorted(connection.execute(seated).scalars()))
        where = {"appointment_id": booking_id, "client_id": client_id}
        self._change(connection, attendees, where, stamp, deleted_at=stamp)

    def _answer(self, connection: sa.Connection, booking_id: int, stamp: datetime) -> None:
        primary = sa.select(attendees.c.client_id).where(
            attendees.c.appointment_id == booking_id, attendees.c.is_primary
        )
        where = {
            "appointment_id": booking_id,
            "client_id": connection.execute(primary).scalar_one(),
            "question_id": 1,
        }
        changed = self._change(connection, answers, where, stamp, value=self._word())
        if not changed:
            connection.execute(answers.insert().values(**where, value=self._word(), updated_at=stamp))

    def _change(
        self,
        connection: sa.Connection,
        table: sa.Table,
        where: Mapping[str, int],
        stamp: datetime,
        **values: Any,
    ) -> int:
        clause = sa.and_(*(table.c[name] == value for name, value in where.items()))
        return connection.execute(table.update().where(clause).values(updated_at=stamp, **values)).rowcount


@contextmanager
def at_work(writers: list[Writer], clock: Clockwork) -> Iterator[list[Future[int]]]:
    """Let all writers work at once, each in a thread and a session of its own, and wait for all of them."""
    with ThreadPoolExecutor(len(writers)) as threads:
        ends = [threads.submit(writer.work) for writer in writers]
        try:
            yield ends
        except BaseException:
            clock.end()  # or the runs that failed would be waited for
            raise
        for end in ends:
            end.result()
