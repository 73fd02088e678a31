"""Versions go forward only, and what another run overtook is not taken for a clock that stepped back (rule Q5)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from include.ledger.contracts import SETTLED
from include.mapping.client_outcomes import client_versions, digest_clients
from include.mapping.pairs import booking_keys, digest_pairs, source_versions
from include.pipeline.versions_in_order import clients_in_order, in_order, known_of
from include.source.changes import ChangeQuery, ChangeReader
from include.source.clients import read_named_clients
from include.source.pairs import SourceChunk
from include.source.tables import appointments, clients
from tests.source.bookings import BOTH_KINDS, T0, add_attendee, add_simple_bookings, minutes_after

TICK = timedelta(microseconds=1)


def read(engine: sa.Engine) -> SourceChunk:
    (chunk,) = ChangeReader(engine, ChangeQuery(kinds=BOTH_KINDS)).chunks()
    return chunk


def change(engine: sa.Engine, booking_id: int, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(appointments.update().where(appointments.c.id == booking_id).values(**values))


def settled_at(chunk: SourceChunk, **later: timedelta) -> pd.DataFrame:
    """What the ledger has after it settled a chunk, each booking so much later than its own time."""
    delays = chunk.bookings["appointment_id"].map({key[1:]: delay for key, delay in later.items()})
    micros = (pd.to_timedelta(delays).fillna(pd.Timedelta(0)) / TICK).astype("int64")
    versions = source_versions(chunk.bookings) + micros
    rows = {
        "booking_key": booking_keys(chunk.bookings),
        "settled_version": versions,
        "settled_digest": digest_pairs(chunk.bookings, chunk.answers),
        "known_version": versions,
    }
    return SETTLED.conform(pd.DataFrame(rows))


def times(chunk: SourceChunk) -> dict[str, datetime]:
    return dict(zip(chunk.bookings["appointment_id"], chunk.bookings["changed_at"], strict=True))


def nobody(appointment_ids: set[int]) -> SourceChunk:
    raise AssertionError(appointment_ids)


@pytest.mark.rule("Q5")
def test_bookings_that_are_not_older_than_known_stay_as_they_were_read(sqlite_booking_db: sa.Engine) -> None:
    add_simple_bookings(sqlite_booking_db, 1, 2, 3)
    chunk = read(sqlite_booking_db)
    known = settled_at(chunk, b2=-TICK).query("booking_key != '3-3'")
    assert in_order(chunk, known, namespace="", read_again=nobody) is chunk


@pytest.mark.rule("Q5")
def test_an_older_booking_takes_the_version_known_and_the_next_one_if_it_says_something_else(
    sqlite_booking_db: sa.Engine,
) -> None:
    add_simple_bookings(sqlite_booking_db, 1, 2, 3)
    known = settled_at(read(sqlite_booking_db), b1=timedelta(hours=1), b2=timedelta(hours=2))
    change(sqlite_booking_db, 2, status="cancelled")
    asked: list[set[int]] = []

    def read_again(appointment_ids: set[int]) -> SourceChunk:
        asked.append(appointment_ids)
        late = read(sqlite_booking_db)
        return late.where(late.bookings["appointment_id"].isin([str(one) for one in appointment_ids]))

    ordered = in_order(read(sqlite_booking_db), known, namespace="", read_again=read_again)
    assert asked == [{1, 2}]
    assert times(ordered) == {"1": minutes_after(60), "2": minutes_after(120) + TICK, "3": T0}
    assert known_of(ordered, known, namespace="")["is_same"].tolist() == [True, False, True]


@pytest.mark.rule("Q5")
def test_a_booking_that_another_run_overtook_is_taken_as_it_is_now(sqlite_booking_db: sa.Engine) -> None:
    add_simple_bookings(sqlite_booking_db, 1, 2)
    before = read(sqlite_booking_db)
    change(sqlite_booking_db, 1, status="cancelled", updated_at=minutes_after(5))
    now = read(sqlite_booking_db)
    ordered = in_order(
        before,
        settled_at(now),
        namespace="",
        read_again=lambda _ids: now.where(now.bookings["appointment_id"] == "1"),
    )
    assert times(ordered) == {"1": minutes_after(5), "2": T0}
    assert ordered.bookings["status"].tolist() == ["cancelled", "booked"]
    assert ordered.clients["client_id"].tolist() == ["1", "2"]


@pytest.mark.rule("S4")
def test_all_attendees_of_an_older_booking_take_the_same_version(sqlite_booking_db: sa.Engine) -> None:
    add_simple_bookings(sqlite_booking_db, 1, 2)
    known = settled_at(read(sqlite_booking_db), b1=timedelta(hours=1))
    with sqlite_booking_db.begin() as connection:
        add_attendee(connection, 1, 2, is_primary=False)
    chunk = read(sqlite_booking_db)
    only = chunk.where(chunk.bookings["appointment_id"] == "1")
    ordered = in_order(only, known, namespace="", read_again=lambda _ids: only)
    assert ordered.bookings["changed_at"].tolist() == [minutes_after(60) + TICK] * 2


@pytest.mark.rule("Q4")
def test_a_version_that_was_claimed_and_never_settled_is_no_recorded_outcome(
    sqlite_booking_db: sa.Engine,
) -> None:
    add_simple_bookings(sqlite_booking_db, 1)
    chunk = read(sqlite_booking_db)
    known = settled_at(chunk)
    known["known_version"] += 1
    assert known_of(chunk, known, namespace="")["is_same"].tolist() == [False]


@pytest.mark.rule("Q5")
def test_a_booking_that_is_gone_when_it_is_read_again_is_left_out(sqlite_booking_db: sa.Engine) -> None:
    add_simple_bookings(sqlite_booking_db, 1, 2)
    chunk = read(sqlite_booking_db)
    known = settled_at(chunk, b1=timedelta(hours=1))
    nothing = chunk.where(chunk.bookings["appointment_id"] == "none")
    assert times(in_order(chunk, known, namespace="", read_again=lambda _ids: nothing)) == {"2": T0}


@pytest.mark.rule("S13")
def test_clients_too_take_the_version_known_and_the_next_one_if_they_say_something_else(
    sqlite_booking_db: sa.Engine,
) -> None:
    add_simple_bookings(sqlite_booking_db, 1, 2, 3)
    before = read(sqlite_booking_db).clients
    later = client_versions(before) + pd.Series([0, 60, 60], dtype="Int64")
    rows = {
        "client_id": before["client_id"],
        "settled_version": later,
        "settled_digest": digest_clients(before),
    }
    with sqlite_booking_db.begin() as connection:
        connection.execute(clients.update().where(clients.c.id == 3).values(first_name="Ada"))

    def read_again(client_ids: set[int]) -> pd.DataFrame:
        return read_named_clients(sqlite_booking_db, client_ids)

    ordered = clients_in_order(before, pd.DataFrame(rows), read_again=read_again)
    assert ordered["updated_at"].tolist() == [T0, T0 + 60 * TICK, T0 + 61 * TICK]
    assert ordered["first_name"].tolist() == ["Zoë", "Zoë", "Ada"]
