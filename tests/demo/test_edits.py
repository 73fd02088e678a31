"""A working day's edits change what they say they change, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from sqlalchemy import create_engine

from include.demo.edits import EditKind, EditSummary, apply_edits
from include.demo.filling import fill, refuse_unless_empty
from include.demo.plan import DemoPlan
from include.source.changes import ChangeQuery, ChangeReader
from tests.engines import OpenEngine

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

NOW = datetime(2024, 11, 20, 15, 30, tzinfo=UTC)
EDITED_AT = NOW + timedelta(hours=1)
BOTH_KINDS = ("appointment", "walk_in")


def read_pairs(engine: Engine, since: datetime | None = None) -> pd.DataFrame:
    reader = ChangeReader(engine, ChangeQuery(kinds=BOTH_KINDS, since=since))
    return pd.concat([chunk.bookings for chunk in reader.chunks()], ignore_index=True)


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, pd.DataFrame, EditSummary]]:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('demo') / 'coconut.db'}")
    refuse_unless_empty(engine)
    fill(engine, DemoPlan(bookings=3_000, seed=7, now=NOW))
    before = read_pairs(engine)
    yield engine, before, apply_edits(engine, seed=7, now=EDITED_AT, count=300)
    engine.dispose()


@pytest.mark.rule("S1")
def test_exactly_the_named_bookings_changed(edited: tuple[Engine, pd.DataFrame, EditSummary]) -> None:
    engine, _, summary = edited
    changed = read_pairs(engine, since=EDITED_AT)
    assert set(changed["appointment_id"].astype(int)) == summary.all_ids
    assert 250 <= len(summary.all_ids) <= 300


def test_no_booking_is_edited_twice_and_every_kind_of_edit_is_made(
    edited: tuple[Engine, pd.DataFrame, EditSummary],
) -> None:
    by_kind = edited[2].appointment_ids
    assert sum(len(keys) for keys in by_kind.values()) == len(edited[2].all_ids)
    assert all(by_kind[kind] for kind in EditKind)


@pytest.mark.rule("S12")
def test_each_kind_of_edit_changes_the_columns_it_says(
    edited: tuple[Engine, pd.DataFrame, EditSummary],
) -> None:
    engine, before, summary = edited
    columns = {
        EditKind.RESCHEDULED: {"starts_at", "ends_at"},
        EditKind.CANCELLED: {"status", "cancellation_reason"},
        EditKind.DELETED: {"booking_deleted"},
        EditKind.RESTAFFED: {"staff_id"},
        EditKind.NOTES_CHANGED: {"notes"},
        EditKind.ANSWER_CHANGED: set(),
        EditKind.ATTENDEE_REMOVED: {"attendee_deleted"},
        EditKind.WALK_IN_FINISHED: {"status"},
        EditKind.ONLY_TOUCHED: set(),
    }
    keyed = ["appointment_id", "client_id"]
    old, new = (frame.set_index(keyed).drop(columns="changed_at") for frame in (before, read_pairs(engine)))
    for kind, expected in columns.items():
        ids = [str(key) for key in summary.appointment_ids[kind]]
        was, is_now = (frame.loc[frame.index.get_level_values(0).isin(ids)] for frame in (old, new))
        differs = (was != is_now) & ~(was.isna() & is_now.isna())
        changed = set(differs.columns[differs.any()])
        assert changed <= expected, kind
        assert changed or not expected, kind


@pytest.mark.rule("S2")
def test_a_finished_walk_in_was_not_final_before(edited: tuple[Engine, pd.DataFrame, EditSummary]) -> None:
    _, before, summary = edited
    finished = before[
        before["appointment_id"].astype(int).isin(summary.appointment_ids[EditKind.WALK_IN_FINISHED])
    ]
    assert set(finished["kind"]) == {"walk_in"}
    assert set(finished["status"]) <= {"booked", "confirmed", "arrived", "in_service"}


def test_edits_of_an_empty_database_are_none(tmp_path: Path, open_engine: OpenEngine) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    refuse_unless_empty(engine)
    assert apply_edits(engine, seed=1, now=NOW, count=10).all_ids == frozenset()


@pytest.mark.postgres
def test_postgresql_is_filled_and_edited_exactly_like_sqlite(
    sqlite_booking_db: Engine, postgres_booking_db: Engine
) -> None:
    def after_a_day(engine: Engine) -> pd.DataFrame:
        fill(engine, DemoPlan(bookings=400, seed=7, now=NOW))
        apply_edits(engine, seed=7, now=EDITED_AT, count=60)
        return read_pairs(engine)

    pd.testing.assert_frame_equal(after_a_day(sqlite_booking_db), after_a_day(postgres_booking_db))
