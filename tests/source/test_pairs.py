"""What the frames of a chunk hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from sqlalchemy import insert, update

from include.frames import ANSWERS, BOOKINGS, CLIENTS
from include.source.changes import ChangeQuery, ChangeReader
from include.source.pairs import read_client_answers
from include.source.snapshot import open_snapshot
from include.source.tables import appointments, questions
from tests.source.bookings import (
    BOTH_KINDS,
    T0,
    add_answer,
    add_attendee,
    add_booking,
    add_client,
    add_simple_bookings,
    minutes_after,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from include.source.pairs import SourceChunk


def read_one_chunk(engine: Engine) -> SourceChunk:
    (chunk,) = ChangeReader(engine, ChangeQuery(kinds=BOTH_KINDS)).chunks()
    return chunk


@pytest.mark.rule("Q1")
def test_the_frames_have_exactly_the_columns_and_dtypes_of_the_contract(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        add_answer(connection, 1, 1)
    chunk = read_one_chunk(booking_db)
    for frame, contract in ((chunk.bookings, BOOKINGS), (chunk.clients, CLIENTS), (chunk.answers, ANSWERS)):
        assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == dict(contract.columns)
        assert len(frame) == 1


@pytest.mark.rule("S5")
def test_a_pair_carries_its_booking_service_location_and_client(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        connection.execute(update(appointments).values(notes='He said "hi",\nthen 👋', starts_at=T0))
    pair = read_one_chunk(booking_db).bookings.iloc[0]
    assert pair["service_name"] == "Account opening"
    assert pair["service_minutes"] == 45
    assert pair["location_timezone"] == "America/Halifax"
    assert pair["client_first_name"] == "Zoë"
    assert pair["notes"] == 'He said "hi",\nthen 👋'
    assert pair["starts_at"] == T0
    assert pair["client_exists"]
    assert not pair["client_disabled"]


@pytest.mark.rule("Q3")
def test_a_dangling_reference_gives_missing_values_never_a_lost_pair(booking_db: Engine) -> None:
    with booking_db.begin() as connection:
        add_booking(connection, 1, service_id=404, location_id=404, staff_id=404)
        add_attendee(connection, 1, 404)
    chunk = read_one_chunk(booking_db)
    pair = chunk.bookings.iloc[0]
    assert pair["client_id"] == "404"
    assert pair["staff_id"] == "404"
    assert not pair["client_exists"]
    assert pd.isna(pair["service_name"])
    assert pd.isna(pair["location_timezone"])
    assert chunk.clients.empty


@pytest.mark.rule("Q3")
def test_a_booking_that_never_had_an_attendee_is_one_row_without_client(booking_db: Engine) -> None:
    with booking_db.begin() as connection:
        add_booking(connection, 1)
    pairs = read_one_chunk(booking_db).bookings
    assert pairs["appointment_id"].tolist() == ["1"]
    assert pairs["client_id"].isna().tolist() == [True]
    assert pairs["attendee_deleted"].tolist() == [False]


@pytest.mark.rule("S4")
def test_changed_at_is_the_newest_of_row_attendees_and_answers_over_the_whole_booking(
    booking_db: Engine,
) -> None:
    add_simple_bookings(booking_db, 1, 2)
    with booking_db.begin() as connection:
        add_attendee(connection, 1, 2, updated_at=minutes_after(3), is_primary=False)
        add_answer(connection, 1, 1, updated_at=minutes_after(9))
    pairs = read_one_chunk(booking_db).bookings
    assert pairs[["appointment_id", "client_id", "changed_at"]].values.tolist() == [
        ["1", "1", minutes_after(9)],
        ["1", "2", minutes_after(9)],
        ["2", "2", T0],
    ]


@pytest.mark.rule("T4")
def test_a_client_appears_once_with_its_flags_however_many_bookings_it_has(booking_db: Engine) -> None:
    with booking_db.begin() as connection:
        add_client(connection, 5, sync_disabled=True, deleted_at=T0, phone="0612345678", postal_code="01234")
        for booking_id in (1, 2):
            add_booking(connection, booking_id)
            add_attendee(connection, booking_id, 5)
    chunk = read_one_chunk(booking_db)
    assert chunk.clients["client_id"].tolist() == ["5"]
    assert chunk.clients[["sync_disabled", "is_deleted"]].values.tolist() == [[True, True]]
    assert chunk.clients[["phone", "postal_code"]].values.tolist() == [["0612345678", "01234"]]
    assert chunk.bookings[["client_disabled", "client_deleted"]].values.tolist() == [[True, True]] * 2


@pytest.mark.rule("F2")
def test_an_answer_carries_its_question_or_gaps_where_that_is_gone(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        add_answer(connection, 1, 1)
        add_answer(connection, 1, 1, question_id=404, value="orphan")
    answers = read_one_chunk(booking_db).answers
    assert answers["value"].tolist() == ["a loan", "orphan"]
    assert answers["name"].isna().tolist() == [False, True]
    assert answers["scope"].iloc[0] == "appointment"


@pytest.mark.rule("S5")
def test_an_instant_that_sqlite_holds_in_another_form_is_understood_and_rubbish_is_missing(
    sqlite_booking_db: Engine,
) -> None:
    add_simple_bookings(sqlite_booking_db, 1)
    with sqlite_booking_db.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE appointments SET starts_at = '2024-03-01T12:00:00+02:00', ends_at = 'soon'"
        )
    pair = read_one_chunk(sqlite_booking_db).bookings.iloc[0]
    assert pair["starts_at"] == pd.Timestamp("2024-03-01T10:00:00Z")
    assert pd.isna(pair["ends_at"])


@pytest.mark.rule("S5")
def test_instants_in_columns_without_a_zone_are_utc_whatever_the_session_says(
    postgres_booking_db: Engine,
) -> None:
    add_simple_bookings(postgres_booking_db, 1)
    with postgres_booking_db.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE appointments ALTER updated_at TYPE timestamp USING updated_at AT TIME ZONE 'UTC'"
        )
        connection.exec_driver_sql("ALTER ROLE CURRENT_USER SET timezone = 'Pacific/Auckland'")
    postgres_booking_db.dispose()
    try:
        query = ChangeQuery(kinds=BOTH_KINDS, since=T0)
        (chunk,) = ChangeReader(postgres_booking_db, query).chunks()
        assert chunk.bookings["changed_at"].tolist() == [T0]
    finally:
        with postgres_booking_db.begin() as connection:
            connection.exec_driver_sql("ALTER ROLE CURRENT_USER RESET timezone")
        postgres_booking_db.dispose()


@pytest.mark.rule("Q2")
@pytest.mark.parametrize("impossible", ["infinity", "12024-03-01 12:00:00+00", "0044-03-15 12:00:00+00 BC"])
def test_an_instant_that_only_postgresql_can_hold_costs_its_row_not_the_read(
    postgres_booking_db: Engine, impossible: str
) -> None:
    add_simple_bookings(postgres_booking_db, 1, 2)
    with postgres_booking_db.begin() as connection:
        connection.exec_driver_sql(f"UPDATE appointments SET starts_at = '{impossible}' WHERE id = 1")
    pairs = read_one_chunk(postgres_booking_db).bookings
    assert pairs["starts_at"].isna().tolist() == [True, False]


@pytest.mark.rule("F2")
def test_a_clients_newest_answer_is_read_whichever_booking_it_came_with(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2)
    with booking_db.begin() as connection:
        connection.execute(insert(questions).values(id=7, name="trade", label="Trade", scope="client"))
        add_attendee(connection, 2, 1, is_primary=False)
        add_answer(connection, 1, 1, question_id=7, value="Farming", updated_at=minutes_after(9))
        add_answer(connection, 2, 1, question_id=7, value="Banking", updated_at=minutes_after(3))
        add_answer(connection, 2, 2, question_id=7, value="Law", updated_at=minutes_after(5))
        add_answer(connection, 2, 1, question_id=1, value="a loan", updated_at=minutes_after(9))
    with open_snapshot(booking_db) as connection:
        of_both = read_client_answers(connection, {1, 2}, {"trade"})
        of_nobody = read_client_answers(connection, set(), {"trade"})
    assert of_both.set_index("client_id")["value"].to_dict() == {"1": "Farming", "2": "Law"}
    assert of_nobody.empty
