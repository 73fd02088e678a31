"""Which bookings are read: by change, by key, late and equal times, in bounded memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert, update

from include.source.changes import ChangeQuery, ChangeReader, Watermark, has_changes
from include.source.tables import answers, appointments, attendees
from tests.source.bookings import (
    BOTH_KINDS,
    T0,
    add_answer,
    add_attendee,
    add_booking,
    add_client,
    add_simple_bookings,
    minutes_after,
    read_all,
    read_ids,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

LATER = minutes_after(10)
SINCE = minutes_after(5)


def changed_since(**values: object) -> ChangeQuery:
    return ChangeQuery(**{"kinds": BOTH_KINDS, "since": SINCE, **values})


@pytest.mark.rule("S1")
def test_without_a_watermark_every_booking_is_read_in_order_of_its_id(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 7, 3, 11)
    assert read_ids(booking_db, ChangeQuery(kinds=BOTH_KINDS)) == ["3", "7", "11"]


@pytest.mark.rule("S1")
def test_a_booking_row_that_changed_is_read_and_the_others_are_not(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2)
    with booking_db.begin() as connection:
        connection.execute(
            update(appointments).where(appointments.c.id == 2).values(status="confirmed", updated_at=LATER)
        )
    pairs, high_water = read_all(booking_db, changed_since())
    assert pairs["appointment_id"].tolist() == ["2"]
    assert high_water == Watermark(LATER, 2)


@pytest.mark.rule("Q5")
def test_an_answer_changed_without_the_booking_row_makes_the_whole_booking_change(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2)
    with booking_db.begin() as connection:
        add_attendee(connection, 1, 2, is_primary=False)
        add_answer(connection, 1, 2)
        connection.execute(update(answers).values(value="a mortgage", updated_at=LATER))
    pairs, high_water = read_all(booking_db, changed_since())
    assert pairs["client_id"].tolist() == ["1", "2"]
    assert pairs["changed_at"].tolist() == [LATER, LATER]
    assert high_water == Watermark(LATER, 1)


@pytest.mark.rule("S9")
def test_a_removed_attendee_makes_the_booking_change_and_stays_in_the_frame(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        connection.execute(update(attendees).values(deleted_at=LATER, updated_at=LATER))
    pairs, _ = read_all(booking_db, changed_since())
    assert pairs[["client_id", "attendee_deleted", "booking_deleted"]].values.tolist() == [["1", True, False]]


@pytest.mark.rule("S9")
def test_a_soft_deleted_booking_is_read(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        connection.execute(update(appointments).values(deleted_at=LATER, updated_at=LATER))
    pairs, _ = read_all(booking_db, changed_since())
    assert pairs["booking_deleted"].tolist() == [True]


@pytest.mark.rule("Q5")
def test_the_lower_bound_is_inclusive_to_the_microsecond(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    assert read_ids(booking_db, ChangeQuery(kinds=BOTH_KINDS, since=T0)) == ["1"]
    assert read_ids(booking_db, ChangeQuery(kinds=BOTH_KINDS, since=T0 + timedelta(microseconds=1))) == []


@pytest.mark.rule("S5")
def test_a_bound_in_another_zone_means_the_same_instant(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    elsewhere = T0.astimezone(timezone(timedelta(hours=-9)))
    assert read_ids(booking_db, ChangeQuery(kinds=BOTH_KINDS, since=elsewhere)) == ["1"]


@pytest.mark.rule("Q5")
def test_of_equal_change_times_the_watermark_keeps_the_largest_id(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 9, 10, 2)
    _, high_water = read_all(booking_db, ChangeQuery(kinds=BOTH_KINDS), pairs_per_chunk=1)
    assert high_water == Watermark(T0, 10)
    assert not has_changes(booking_db, BOTH_KINDS, high_water)
    assert has_changes(booking_db, BOTH_KINDS, Watermark(T0, 9))


@pytest.mark.rule("Q5")
def test_a_row_read_again_for_its_wait_does_not_move_the_watermark(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2)
    pairs, high_water = read_all(booking_db, changed_since(appointment_ids=frozenset({1})))
    assert pairs["appointment_id"].tolist() == ["1"]
    assert high_water is None


@pytest.mark.rule("T3")
def test_named_bookings_and_clients_are_read_without_any_change(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2, 3, 4)
    query = ChangeQuery(
        kinds=BOTH_KINDS, by_change=False, appointment_ids=frozenset({4}), client_ids=frozenset({2, 999})
    )
    pairs, high_water = read_all(booking_db, query)
    assert pairs["appointment_id"].tolist() == ["2", "4"]
    assert high_water is None


@pytest.mark.rule("T7")
def test_a_backfill_reads_the_bookings_that_start_in_its_range(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2, 3)
    start = datetime(2024, 5, 1, tzinfo=UTC)
    with booking_db.begin() as connection:
        for booking_id, day in ((1, 0), (2, 1), (3, 2)):
            changed = update(appointments).where(appointments.c.id == booking_id)
            connection.execute(changed.values(starts_at=start + timedelta(days=day)))
    query = ChangeQuery(
        kinds=BOTH_KINDS, starts_from=start + timedelta(days=1), starts_until=start + timedelta(days=2)
    )
    assert read_ids(booking_db, query) == ["2"]


@pytest.mark.rule("S2")
def test_each_dag_reads_its_own_kind(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2)
    with booking_db.begin() as connection:
        connection.execute(update(appointments).where(appointments.c.id == 2).values(kind="walk_in"))
    assert read_ids(booking_db, ChangeQuery(kinds=("appointment",))) == ["1"]
    assert read_ids(booking_db, ChangeQuery(kinds=("walk_in",))) == ["2"]


@pytest.mark.rule("Q2")
@pytest.mark.parametrize("kind", ["video_kiosk", None])
def test_a_kind_nobody_knows_is_read_with_the_appointments_so_that_it_is_accounted_for(
    booking_db: Engine, kind: str | None
) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        connection.execute(update(appointments).values(kind=kind))
    assert read_ids(booking_db, ChangeQuery(kinds=("appointment",))) == ["1"]
    assert read_ids(booking_db, ChangeQuery(kinds=("walk_in",))) == []


@pytest.mark.rule("Q5")
def test_a_chunk_holds_no_more_pairs_than_asked_and_never_splits_a_booking(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, *range(1, 31))
    with booking_db.begin() as connection:
        rows = [
            {"appointment_id": booking, "client_id": client, "is_primary": False, "updated_at": T0}
            for booking in (5, 6, 20)
            for client in range(100, 103)
        ]
        connection.execute(insert(attendees), rows)
    sizes, seen = [], []
    for chunk in ChangeReader(booking_db, ChangeQuery(kinds=BOTH_KINDS), pairs_per_chunk=6).chunks():
        sizes.append(len(chunk.bookings))
        seen.append(set(chunk.bookings["appointment_id"]))
    assert max(sizes) <= 6
    assert sum(sizes) == 39
    assert sum(len(ids) for ids in seen) == len(set().union(*seen)) == 30


@pytest.mark.rule("Q5")
def test_a_read_of_many_chunks_loses_nothing_and_reads_nothing_twice(booking_db: Engine) -> None:
    with booking_db.begin() as connection:
        keys = range(1, 3_001)
        connection.execute(
            insert(appointments),
            [{"id": key, "kind": "walk_in", "starts_at": T0, "updated_at": T0} for key in keys],
        )
        connection.execute(
            insert(attendees), [{"appointment_id": key, "client_id": key, "updated_at": T0} for key in keys]
        )
    reader = ChangeReader(booking_db, ChangeQuery(kinds=BOTH_KINDS, since=T0), pairs_per_chunk=700)
    chunks = [chunk.bookings["appointment_id"].astype(int).tolist() for chunk in reader.chunks()]
    assert [len(chunk) for chunk in chunks] == [700, 700, 700, 700, 200]
    assert [key for chunk in chunks for key in chunk] == list(keys)


@pytest.mark.rule("Q5")
def test_a_booking_with_more_attendees_than_a_chunk_still_stays_whole(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2)
    with booking_db.begin() as connection:
        for client_id in range(10, 15):
            add_attendee(connection, 1, client_id)
    reader = ChangeReader(booking_db, ChangeQuery(kinds=BOTH_KINDS), pairs_per_chunk=3)
    assert [chunk.bookings["appointment_id"].tolist() for chunk in reader.chunks()] == [["1"] * 6, ["2"]]


@pytest.mark.rule("Q5")
def test_what_is_committed_while_a_run_reads_belongs_to_the_next_run(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2)
    chunks = ChangeReader(booking_db, ChangeQuery(kinds=BOTH_KINDS), pairs_per_chunk=1).chunks()
    first = next(chunks)
    with booking_db.begin() as connection:
        connection.execute(update(appointments).values(status="cancelled", updated_at=LATER))
    second = next(chunks)
    assert first.bookings["status"].tolist() == second.bookings["status"].tolist() == ["booked"]
    assert second.bookings["changed_at"].tolist() == [T0]
    assert list(chunks) == []


@pytest.mark.rule("Q5")
def test_a_transaction_that_commits_late_is_found_by_the_overlap(postgres_booking_db: Engine) -> None:
    add_simple_bookings(postgres_booking_db, 1, 2)
    with postgres_booking_db.connect() as slow:
        slow.execute(update(appointments).where(appointments.c.id == 1).values(updated_at=minutes_after(6)))
        with postgres_booking_db.begin() as quick:
            quick.execute(update(appointments).where(appointments.c.id == 2).values(updated_at=LATER))
        pairs, high_water = read_all(postgres_booking_db, changed_since())
        slow.commit()
    assert pairs["appointment_id"].tolist() == ["2"]
    assert high_water == Watermark(LATER, 2)
    overlap = timedelta(minutes=15)
    assert read_ids(postgres_booking_db, changed_since(since=high_water.changed_at - overlap)) == ["1", "2"]


@pytest.mark.rule("Q5")
def test_a_change_dated_in_the_future_is_read_but_does_not_raise_the_watermark(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1, 2)
    with booking_db.begin() as connection:
        connection.execute(
            update(appointments).where(appointments.c.id == 1).values(updated_at=T0 + timedelta(days=400))
        )
    pairs, high_water = read_all(booking_db, ChangeQuery(kinds=BOTH_KINDS, not_after=LATER))
    assert pairs["appointment_id"].tolist() == ["1", "2"]
    assert high_water == Watermark(T0, 2)
    assert not has_changes(booking_db, BOTH_KINDS, high_water, not_after=LATER)


@pytest.mark.rule("T1")
@pytest.mark.parametrize("table", [appointments, attendees, answers], ids=lambda table: table.name)
def test_the_poll_sees_a_change_of_row_attendee_or_answer_of_its_kind(
    booking_db: Engine, table: object
) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        add_answer(connection, 1, 1)
    _, high_water = read_all(booking_db, ChangeQuery(kinds=BOTH_KINDS))
    assert not has_changes(booking_db, ("appointment",), high_water)
    with booking_db.begin() as connection:
        connection.execute(update(table).values(updated_at=LATER))
    assert has_changes(booking_db, ("appointment",), high_water)
    assert not has_changes(booking_db, ("walk_in",), high_water)


@pytest.mark.rule("T1")
def test_the_poll_without_a_watermark_asks_whether_there_is_anything(booking_db: Engine) -> None:
    assert not has_changes(booking_db, BOTH_KINDS, None)
    add_simple_bookings(booking_db, 1)
    assert has_changes(booking_db, BOTH_KINDS, None)


@pytest.mark.rule("Q3")
def test_an_empty_database_gives_no_chunk_and_no_watermark(booking_db: Engine) -> None:
    assert read_all(booking_db, ChangeQuery(kinds=BOTH_KINDS))[1] is None


@pytest.mark.rule("S9")
def test_a_booking_whose_last_attendee_row_vanished_is_still_read(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        connection.execute(delete(attendees))
        connection.execute(update(appointments).values(updated_at=LATER))
    pairs, _ = read_all(booking_db, changed_since())
    assert len(pairs) == 1
    assert pairs["client_id"].isna().all()


@pytest.mark.rule("S4")
def test_a_client_of_several_bookings_brings_all_of_them(booking_db: Engine) -> None:
    add_simple_bookings(booking_db, 1)
    with booking_db.begin() as connection:
        add_client(connection, 50)
        for booking_id in (2, 3):
            add_booking(connection, booking_id)
            add_attendee(connection, booking_id, 50)
    query = ChangeQuery(kinds=BOTH_KINDS, by_change=False, client_ids=frozenset({50}))
    assert read_ids(booking_db, query) == ["2", "3"]


def test_sqlite_has_no_snapshot_to_keep(sqlite_booking_db: Engine) -> None:
    add_simple_bookings(sqlite_booking_db, 1)
    reader = ChangeReader(sqlite_booking_db, ChangeQuery(kinds=BOTH_KINDS))
    assert list(reader.chunks())
    assert reader.snapshot is None
