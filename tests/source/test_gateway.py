"""Bad booking databases are explained; small reads."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from sqlalchemy import insert

from include.errors import ConfigurationError, SourceUnavailableError
from include.frames import STAFF
from include.source.changes import ChangeQuery, ChangeReader, has_changes, moved_clients
from include.source.gateway import SourceGateway
from include.source.staff import read_staff
from include.source.tables import staff
from tests.engines import OpenEngine
from tests.source.bookings import BOTH_KINDS, T0, add_client, minutes_after

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.mark.rule("Q3")
def test_an_empty_booking_database_passes_the_check(booking_db: Engine) -> None:
    SourceGateway(booking_db).check()
    assert list(ChangeReader(booking_db, ChangeQuery(kinds=BOTH_KINDS)).chunks()) == []
    assert read_staff(booking_db).empty


@pytest.mark.rule("Q1")
def test_all_missing_tables_and_columns_are_reported_together(booking_db: Engine) -> None:
    with booking_db.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE appointments DROP COLUMN notes")
        connection.exec_driver_sql("ALTER TABLE clients DROP COLUMN phone")
        connection.exec_driver_sql("DROP TABLE questions")
    with pytest.raises(ConfigurationError) as caught:
        SourceGateway(booking_db).check()
    assert set(caught.value.problems) == {
        "column appointments.notes",
        "column clients.phone",
        "table questions",
    }


@pytest.mark.rule("Q1")
def test_a_column_missing_without_a_check_stops_the_read_as_a_configuration_error(booking_db: Engine) -> None:
    with booking_db.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE appointments DROP COLUMN notes")
        connection.exec_driver_sql(
            "INSERT INTO appointments (id, kind, updated_at) VALUES (1, 'walk_in', '2024-01-01')"
        )
    with pytest.raises(ConfigurationError):
        list(ChangeReader(booking_db, ChangeQuery(kinds=BOTH_KINDS)).chunks())


@pytest.mark.rule("Q6")
def test_a_server_that_is_not_there_is_unavailable_and_no_credential_is_told(open_engine: OpenEngine) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        engine = open_engine(f"postgresql+psycopg://reader:s3cret@127.0.0.1:{port}/coconut")
        for attempt in (
            SourceGateway(engine).check,
            lambda: has_changes(engine, BOTH_KINDS, None),
            lambda: read_staff(engine),
        ):
            with pytest.raises(SourceUnavailableError) as caught:
                attempt()
            assert f"127.0.0.1:{port}/coconut" in str(caught.value)
            assert "s3cret" not in str(caught.value)
            assert "reader" not in str(caught.value)


@pytest.mark.rule("Q6")
def test_a_refused_login_is_a_matter_of_configuration(
    postgres_booking_db: Engine, open_engine: OpenEngine
) -> None:
    url = postgres_booking_db.url.set(username="nobody_we_know", password="s3cret")
    with pytest.raises(ConfigurationError) as caught:
        SourceGateway(open_engine(url)).check()
    assert "s3cret" not in str(caught.value)
    assert "nobody_we_know" not in str(caught.value)


@pytest.mark.rule("Q6")
def test_a_missing_sqlite_file_is_reported_and_not_created(tmp_path: Path, open_engine: OpenEngine) -> None:
    path = tmp_path / "coconut.db"
    with pytest.raises(SourceUnavailableError):
        SourceGateway(open_engine(f"sqlite:///{path}")).check()
    assert not path.exists()


@pytest.mark.rule("S7")
def test_staff_arrive_by_the_contract(booking_db: Engine) -> None:
    with booking_db.begin() as connection:
        connection.execute(insert(staff).values(id=10, email="bo@example.org", active=False, updated_at=T0))
        connection.execute(insert(staff).values(id=9, first_name="Ada", active=True, updated_at=T0))
    frame = read_staff(booking_db)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == dict(STAFF.columns)
    assert frame[["staff_id", "is_active"]].values.tolist() == [["9", True], ["10", False]]


def microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.rule("Q2")
def test_a_client_in_another_version_than_was_read_is_named_whichever_is_later(booking_db: Engine) -> None:
    with booking_db.begin() as connection:
        for client_id, minutes in ((1, 0), (2, 2), (3, -2), (4, 0), (5, 0)):
            add_client(connection, client_id, updated_at=minutes_after(minutes))
    seen = pd.DataFrame(
        {
            "client_id": ["1", "2", "3", "4", "4", "5", "404", "405"],
            "client_version": pd.array(
                [
                    *[microseconds(T0)] * 4,
                    microseconds(T0) - 1,  # read in two versions, one of which is gone
                    pd.NA,  # there was no such client
                    pd.NA,
                    microseconds(T0),  # there is none any more
                ],
                dtype="Int64",
            ),
        }
    )
    assert moved_clients(booking_db, seen) == {"2", "3", "4", "5", "405"}
    assert moved_clients(booking_db, seen.head(0)) == set()


@pytest.mark.rule("Q6")
def test_text_that_is_no_utf_8_is_not_mistaken_for_an_outage(sqlite_booking_db: Engine) -> None:
    with sqlite_booking_db.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO staff (id, first_name, updated_at) VALUES (1, CAST(x'fffe' AS TEXT), '2024-01-01 00:00:00')"
        )
    with pytest.raises(ConfigurationError):
        read_staff(sqlite_booking_db)
