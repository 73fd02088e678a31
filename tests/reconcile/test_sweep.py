"""The daily sweep finds what slipped by the watermark, and the next run reads it (rule Q5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from include.frames import INSTANT, TEXT, WHOLE
from include.ledger.contracts import SETTLED
from include.pipeline.context import Selection
from include.reconcile.sweep import slips, sweep
from include.source.changes import ChangeQuery
from include.source.marks import MARKS, read_marks
from include.source.tables import answers
from tests.pipeline.world import NOW, World
from tests.source.bookings import BOTH_KINDS, T0, add_answer, add_simple_bookings, minutes_after
from tests.source.test_visibility import kept_snapshot

STARTS_FROM = datetime(2026, 1, 1, tzinfo=UTC)
DAY = datetime(2026, 2, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)


def marks(*rows: tuple[str, str | None, datetime | None, datetime]) -> pd.DataFrame:
    columns = dict(zip(MARKS.columns, zip(*rows, strict=True), strict=True))
    return MARKS.conform(
        pd.DataFrame(
            {
                name: pd.to_datetime(pd.Series(values, dtype=object), utc=True).astype(INSTANT)
                if MARKS.columns[name] == INSTANT
                else pd.Series(values, dtype=TEXT)
                for name, values in columns.items()
            }
        )
    )


def settled(**versions: datetime) -> pd.DataFrame:
    rows = {
        "booking_key": pd.Series([key.replace("_", "-").strip("k") for key in versions], dtype=TEXT),
        "settled_version": pd.Series([_micros(at) for at in versions.values()], dtype=WHOLE),
    }
    frame = pd.DataFrame(rows)
    missing = {name: pd.Series(index=frame.index, dtype=dtype) for name, dtype in SETTLED.columns.items()}
    return SETTLED.conform(frame.assign(**{name: missing[name] for name in missing if name not in rows}))


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def found(read: pd.DataFrame, known: pd.DataFrame) -> dict[str, str]:
    rows = slips(read, known, namespace="", starts_from=STARTS_FROM)
    return dict(zip(rows["booking_key"], rows["slip"], strict=True))


@pytest.mark.rule("Q5")
def test_a_pair_without_outcome_or_with_an_older_one_slipped_by() -> None:
    read = marks(("1", "7", DAY, DAY), ("2", "8", DAY, DAY), ("3", "9", DAY, DAY), ("4", None, DAY, DAY))
    known = settled(k1_7=DAY, k2_8=DAY - timedelta(microseconds=1))
    assert found(read, known) == {"2-8": "outdated", "3-9": "unrecorded", "4-": "unrecorded"}


@pytest.mark.rule("S14")
def test_a_booking_before_the_first_day_that_was_never_recorded_is_left_to_backfills() -> None:
    early = STARTS_FROM - timedelta(seconds=1)
    read = marks(("1", "7", early, DAY), ("2", "8", None, DAY), ("3", "9", early, DAY))
    assert found(read, settled(k3_9=early)) == {"2-8": "unrecorded", "3-9": "outdated"}


@pytest.mark.rule("Q5")
def test_marks_leave_out_what_the_next_run_reads_by_itself(booking_db) -> None:
    add_simple_bookings(booking_db, 1, 2, 3)
    with booking_db.begin() as connection:
        add_answer(connection, 2, 2, updated_at=minutes_after(10))
        add_answer(connection, 3, 3, updated_at=minutes_after(3))
    upcoming = ChangeQuery(kinds=BOTH_KINDS, since=minutes_after(5))
    read = pd.concat(read_marks(booking_db, upcoming, bookings_per_chunk=2), ignore_index=True)
    assert read["appointment_id"].tolist() == ["1", "3"]
    assert read["changed_at"].tolist() == [T0, minutes_after(3)]


@pytest.mark.rule("Q5")
@pytest.mark.postgres
def test_marks_leave_out_what_the_last_run_could_not_see(postgres_booking_db) -> None:
    add_simple_bookings(postgres_booking_db, 1, 2)
    seen = kept_snapshot(postgres_booking_db)
    with postgres_booking_db.begin() as connection:
        add_answer(connection, 2, 2)
        connection.execute(answers.update().values(updated_at=T0))
    upcoming = ChangeQuery(kinds=BOTH_KINDS, since=minutes_after(5), last_snapshot=seen)
    (read,) = read_marks(postgres_booking_db, upcoming)
    assert read["appointment_id"].tolist() == ["1"]


def slip_in(world: World, booking_id: int, client_id: int, *, kind: str = "appointment") -> None:
    """Add a booking whose rows all bear a time long below the watermark."""
    stamps = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    world.booking(booking_id, kind=kind, **stamps)
    world.insert(
        "attendees", appointment_id=booking_id, client_id=client_id, is_primary=True, updated_at=LONG_AGO
    )


@pytest.mark.rule("Q5")
def test_rows_slipped_in_below_the_watermark_are_synced_by_the_run_after_the_sweep(world: World) -> None:
    for client_id in range(1, 5):
        world.client(client_id)
        world.booking(100 + client_id, client_id)
    world.booking(200, 1, kind="walk_in")
    world.sync()
    world.walk_ins()
    slip_in(world, 301, 1)
    slip_in(world, 302, 2)
    slip_in(world, 303, 3, kind="walk_in")
    assert (world.sync()["read"], world.walk_ins()["read"]) == (0, 0)
    swept = sweep(world.run(Selection.REPAIR), world.wiring(), bookings_per_chunk=2)
    assert swept == {"swept": 3, "unrecorded": 3, "outdated": 0}
    assert (world.sync()["written"], world.walk_ins()["written"]) == (2, 1)
    assert {"301-1", "302-2", "303-3"} <= {event["Coconut_Booking_Key__c"] for event in world.events()}
    assert sweep(world.run(Selection.REPAIR), world.wiring())["unrecorded"] == 0


@pytest.mark.rule("Q5")
def test_a_change_by_a_clock_that_stepped_back_is_synced_by_the_run_after_the_sweep(world: World) -> None:
    world.client(1)
    for booking_id in (101, 102):
        world.booking(booking_id, 1)
    world.sync()
    world.edit(101, notes="Later", updated_at=LONG_AGO)
    world.change("attendees", {"appointment_id": 101}, updated_at=LONG_AGO)
    assert world.sync()["read"] == 0
    swept = sweep(world.run(Selection.REPAIR), world.wiring())
    assert swept == {"swept": 1, "unrecorded": 0, "outdated": 1}
    assert world.sync()["updated"] == 1
    assert world.event("101-1")["Description"] == "Later"
    assert sweep(world.run(Selection.REPAIR), world.wiring())["outdated"] == 0


@pytest.mark.rule("Q5")
def test_a_sweep_before_the_first_run_finds_nothing(world: World) -> None:
    world.client(1)
    world.booking(101, 1)
    assert sweep(world.run(Selection.REPAIR), world.wiring())["swept"] == 0
    assert world.sync()["written"] == 1
