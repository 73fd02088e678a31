"""What an earlier read could not see: late commits, savepoints, frozen rows, snapshots of something else (Q5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from include.source.changes import ChangeQuery, ChangeReader
from include.source.clients import ChangedClients
from include.source.snapshot import open_snapshot
from include.source.tables import answers, appointments, attendees, clients
from include.source.visibility import first_unseen, snapshot_of
from tests.engines import OpenEngine
from tests.source.bookings import BOTH_KINDS, T0, add_answer, add_simple_bookings, minutes_after, read_ids

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

SINCE = minutes_after(5)
EPOCH = 1 << 32


def kept_snapshot(engine: Engine) -> str:
    reader = ChangeReader(engine, ChangeQuery(kinds=BOTH_KINDS))
    assert list(reader.chunks())
    assert reader.snapshot is not None
    return reader.snapshot


def read_after(engine: Engine, snapshot: str | None) -> list[str]:
    return read_ids(engine, ChangeQuery(kinds=BOTH_KINDS, since=SINCE, last_snapshot=snapshot))


def back_date(engine: Engine, *booking_ids: int) -> None:
    """Change bookings at a time long before ``SINCE``."""
    with engine.begin() as connection:
        connection.execute(
            update(appointments).where(appointments.c.id.in_(booking_ids)).values(updated_at=T0)
        )


@pytest.mark.rule("Q5")
def test_what_committed_after_the_last_read_is_found_whatever_time_it_bears(
    postgres_booking_db: Engine,
) -> None:
    add_simple_bookings(postgres_booking_db, 1, 2, 3, 4)
    with postgres_booking_db.begin() as connection:
        add_answer(connection, 4, 4)
    with postgres_booking_db.connect() as slow:
        slow.execute(update(appointments).where(appointments.c.id == 1).values(updated_at=T0))
        seen = kept_snapshot(postgres_booking_db)
        slow.commit()
    with postgres_booking_db.begin() as connection:
        connection.execute(update(attendees).where(attendees.c.appointment_id == 3).values(updated_at=T0))
        connection.execute(update(answers).values(value="a mortgage"))
    assert read_after(postgres_booking_db, seen) == ["1", "3", "4"]
    assert read_after(postgres_booking_db, kept_snapshot(postgres_booking_db)) == []


@pytest.mark.rule("Q5")
def test_what_a_savepoint_of_an_open_transaction_wrote_is_found(postgres_booking_db: Engine) -> None:
    """A snapshot lists open transactions, not their subtransactions, which look as if they were done."""
    add_simple_bookings(postgres_booking_db, 1, 2, 3)
    with postgres_booking_db.connect() as slow:
        slow.execute(update(appointments).where(appointments.c.id == 1).values(updated_at=T0))
        with slow.begin_nested():
            slow.execute(update(appointments).where(appointments.c.id == 2).values(updated_at=T0))
        back_date(postgres_booking_db, 3)
        seen = kept_snapshot(postgres_booking_db)
        slow.commit()
    assert {"1", "2"} <= set(read_after(postgres_booking_db, seen))


@pytest.mark.rule("Q5")
def test_frozen_rows_are_neither_missed_nor_read_again(postgres_booking_db: Engine) -> None:
    add_simple_bookings(postgres_booking_db, 1, 2)
    seen = kept_snapshot(postgres_booking_db)
    back_date(postgres_booking_db, 2)
    with postgres_booking_db.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM (FREEZE)"))
    assert read_after(postgres_booking_db, seen) == ["2"]
    assert read_after(postgres_booking_db, kept_snapshot(postgres_booking_db)) == []


@pytest.mark.rule("Q5")
def test_a_transaction_that_was_rolled_back_is_no_change(postgres_booking_db: Engine) -> None:
    add_simple_bookings(postgres_booking_db, 1)
    seen = kept_snapshot(postgres_booking_db)
    with postgres_booking_db.connect() as connection:
        connection.execute(update(appointments).values(updated_at=T0))
        connection.rollback()
    assert read_after(postgres_booking_db, seen) == []


@pytest.mark.rule("Q5")
def test_clients_that_committed_late_are_found_too(postgres_booking_db: Engine) -> None:
    add_simple_bookings(postgres_booking_db, 1, 2)
    with postgres_booking_db.connect() as slow:
        slow.execute(update(clients).where(clients.c.id == 2).values(first_name="Ada"))
        first = ChangedClients(postgres_booking_db, since=None)
        assert len(list(first.chunks())) == 1
        slow.commit()
    late = ChangedClients(postgres_booking_db, since=SINCE, last_snapshot=first.snapshot)
    assert [chunk["client_id"].tolist() for chunk in late.chunks()] == [["2"]]
    assert late.high_water is None


@pytest.mark.rule("Q5")
@pytest.mark.parametrize("kept", ["rubbish", "1/1/1 10:10", None])
def test_a_snapshot_of_something_else_leaves_the_overlap(
    postgres_booking_db: Engine, kept: str | None
) -> None:
    add_simple_bookings(postgres_booking_db, 1, 2)
    with postgres_booking_db.begin() as connection:
        connection.execute(update(appointments).where(appointments.c.id == 2).values(updated_at=SINCE))
    assert read_after(postgres_booking_db, kept) == ["2"]


@pytest.mark.rule("Q5")
def test_the_snapshot_of_a_copy_of_the_database_is_recognised(
    new_postgres_database: Callable[..., URL], postgres_booking_template: URL, open_engine: OpenEngine
) -> None:
    url = new_postgres_database(template=postgres_booking_template)
    original = open_engine(url)
    add_simple_bookings(original, 1)
    kept = kept_snapshot(original)
    original.dispose()
    copy = open_engine(new_postgres_database(template=url))
    copied = kept_snapshot(copy)
    assert first_unseen(kept, copied) is None
    assert first_unseen(copied, copied) is not None


@pytest.mark.rule("Q5")
def test_tables_that_are_views_have_no_snapshot(postgres_booking_db: Engine) -> None:
    add_simple_bookings(postgres_booking_db, 1)
    with postgres_booking_db.begin() as connection:
        connection.execute(text("ALTER TABLE appointments RENAME TO kept_elsewhere"))
        connection.execute(text("CREATE VIEW appointments AS SELECT * FROM kept_elsewhere"))
    with open_snapshot(postgres_booking_db) as connection:
        assert snapshot_of(connection) is None
    assert read_after(postgres_booking_db, "1/1/1 10:10") == []


@pytest.mark.rule("Q5")
def test_a_login_that_may_not_read_the_control_data_has_no_snapshot_but_reads(
    postgres_booking_db: Engine,
) -> None:
    add_simple_bookings(postgres_booking_db, 1)
    with postgres_booking_db.connect() as connection:
        connection.execute(text("CREATE ROLE reads_only"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reads_only"))
        connection.execute(text("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"))
        connection.execute(text("SET LOCAL ROLE reads_only"))
        assert snapshot_of(connection) is None
        assert connection.execute(text("SELECT count(*) FROM appointments")).scalar() == 1
        connection.rollback()


@pytest.mark.rule("Q5")
@pytest.mark.parametrize(
    ("kept", "current", "unseen"),
    [
        ("7/1/5 90:100", "7/1/5 150:160", 90),
        (f"7/1/5 {EPOCH - 20}:{EPOCH - 10}", f"7/1/5 {EPOCH + 5}:{EPOCH + 9}", EPOCH - 20),
        ("7/1/5 90:100", "7/2/5 150:160", None),
        ("7/1/5 90:100", "7/1/6 150:160", None),
        ("7/1/5 90:100", "8/1/5 150:160", None),
        ("7/1/5 90:100", "7/1/5 80:99", None),
        ("7/1/5 90:100", f"7/1/5 {EPOCH}:{EPOCH}", None),
        ("7/1/5 90:100", None, None),
        (None, "7/1/5 90:100", None),
    ],
    ids=[
        "same history",
        "across an epoch",
        "another timeline",
        "another database",
        "another cluster",
        "earlier transactions",
        "too many transactions ago",
        "the database cannot say",
        "nothing kept",
    ],
)
def test_snapshots_compare_within_one_history_only(
    kept: str | None, current: str | None, unseen: int | None
) -> None:
    assert first_unseen(kept, current) == unseen
