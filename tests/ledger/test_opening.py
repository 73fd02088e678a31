from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Engine, create_engine, insert, select, text

from include.errors import ConfigurationError, LedgerConflictError, LedgerUnavailableError
from include.ledger import tables
from include.ledger.migrate import VERSION_TABLE
from include.ledger.repository import Ledger
from tests.ledger.builders import INSTALLED, at


@pytest.mark.rule("design")
def test_the_migrations_make_exactly_the_tables_the_code_uses(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, tables.metadata) == []


@pytest.mark.rule("design")
def test_processes_that_open_a_new_ledger_together_make_it_once(empty_url: URL) -> None:
    def open_by_itself(minute: int) -> datetime:
        engine = create_engine(empty_url)
        installed_at = Ledger.open(engine, now=at(minute)).current_settings().installed_at
        engine.dispose()
        return installed_at

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(open_by_itself, range(6)))) == 1


@pytest.mark.rule("S14")
def test_opening_again_keeps_the_day_of_installation(ledger: Ledger) -> None:
    again = Ledger.open(ledger.engine, now=at(60 * 24 * 30))
    assert again.current_settings().installed_at == INSTALLED
    assert again.current_settings().sync_from == INSTALLED.date()


@pytest.mark.rule("design")
def test_a_ledger_that_a_newer_release_migrated_is_refused(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="9999"):
        Ledger.open(ledger.engine)


@pytest.mark.rule("design")
def test_a_database_that_is_neither_postgresql_nor_sqlite_is_refused() -> None:
    class Dialect:
        name = "mysql"

    class Stranger:
        dialect = Dialect()
        hide_parameters = False

    with pytest.raises(ConfigurationError, match="PostgreSQL or SQLite"):
        Ledger.open(Stranger())  # type: ignore[arg-type]


@pytest.mark.rule("Q6")
def test_a_server_that_does_not_answer_is_transient_and_said_in_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = create_engine(f"postgresql+psycopg://sync:secret@127.0.0.1:{port}/ledger")
    with pytest.raises(LedgerUnavailableError, match="sync_ledger") as caught:
        Ledger.open(engine)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.rule("Q6")
def test_a_folder_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'missing' / 'ledger.db'}")
    with pytest.raises(LedgerUnavailableError, match="sync_ledger"):
        Ledger.open(engine)


@pytest.mark.rule("Q11")
def test_an_error_of_the_database_quotes_no_values(ledger_engine: Engine) -> None:
    ledger = Ledger.open(ledger_engine, now=INSTALLED)
    with ledger.engine.connect() as connection, pytest.raises(Exception, match="hidden") as caught:
        connection.execute(
            insert(tables.sync_state).values(name="ada@example.org", value=None, updated_at=at(1))
        )
    assert "[SQL parameters hidden" in str(caught.value)


@pytest.mark.rule("S5")
def test_instants_come_back_aware_in_utc_and_to_the_microsecond(ledger: Ledger) -> None:
    winter_in_toronto = datetime(2026, 3, 1, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=-5)))
    ledger.mark_staff_synced(winter_in_toronto)
    kept = ledger.staff_synced_at()
    assert kept == winter_in_toronto
    assert kept is not None
    assert kept.tzinfo is UTC


@pytest.mark.rule("S5")
def test_an_instant_without_a_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(Exception, match="aware"):
        ledger.mark_staff_synced(datetime(2026, 3, 1))  # noqa: DTZ001


@pytest.mark.rule("Q10")
def test_the_first_org_is_recorded_and_another_is_refused(ledger: Ledger) -> None:
    assert ledger.bound_org() is None
    ledger.bind_org("00D000000000001AAA")
    ledger.bind_org("00D000000000001AAA")
    with pytest.raises(LedgerConflictError, match=r"00D000000000001AAA.*00D000000000002AAA"):
        ledger.bind_org("00D000000000002AAA")
    assert ledger.bound_org() == "00D000000000001AAA"


@pytest.mark.rule("Q10")
def test_an_administrator_may_rebind_the_ledger(ledger: Ledger) -> None:
    ledger.bind_org("00D000000000001AAA")
    ledger.rebind_org("00D000000000002AAA", who="ada", now=at(1))
    ledger.bind_org("00D000000000002AAA")
    with ledger.engine.connect() as connection:
        assert connection.execute(select(tables.ledger_info.c.bound_by)).scalar_one() == "ada"
        history = [tables.org_bindings.c[name] for name in ("replaced_org_id", "org_id", "bound_by")]
        assert [
            tuple(row) for row in connection.execute(select(*history).order_by(tables.org_bindings.c.id))
        ] == [
            (None, "00D000000000001AAA", "first sign-in"),
            ("00D000000000001AAA", "00D000000000002AAA", "ada"),
        ]
