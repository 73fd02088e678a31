"""How the ledger's database is spoken to: one way to read, one way to write, and errors in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.schema import Table

from include.errors import ConfigurationError, LedgerConflictError, LedgerUnavailableError

BUSY_TIMEOUT_MS = 30_000
_WRITING = "ledger_is_writing"


def configure(engine: Engine) -> Engine:
    """Make an engine fit for the ledger; calling it again changes nothing.

    SQLite gets write-ahead logging, foreign keys, a wait of 30 seconds for locks, and transactions that really begin:
    the driver's own begin comes too late for a read followed by a write to be atomic.

    Raises:
        ConfigurationError: the engine speaks neither PostgreSQL nor SQLite.
    """
    engine.hide_parameters = True  # error texts must not quote rows
    if engine.dialect.name == "postgresql":
        return engine
    if engine.dialect.name != "sqlite":
        msg = f"The ledger needs PostgreSQL or SQLite, not {engine.dialect.name}; change the connection sync_ledger."
        raise ConfigurationError(msg)
    if not event.contains(engine, "connect", _prepare_sqlite):
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        engine.dispose()
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection for reading; what happens on it is rolled back (temporary tables, for instance).

    Raises:
        LedgerUnavailableError: the database does not answer.
    """
    with _own_words(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose work is committed as one transaction, or not at all.

    Raises:
        LedgerUnavailableError: the database does not answer, or its locks outlasted the wait.
        LedgerConflictError: the database refuses the rows as contradictory.
    """
    with _own_words(), engine.connect() as connection:
        connection.execution_options(**{_WRITING: True})  # takes effect in place
        with connection.begin():
            yield connection


@contextmanager
def _own_words() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise _unavailable(error) from error
    except IntegrityError as error:
        msg = f"The ledger contradicts what it is asked to record ({type(error.orig).__name__}); nothing was recorded."
        raise LedgerConflictError(msg) from None  # PostgreSQL quotes the row's key
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _unavailable(error) from error
        raise


def _unavailable(error: DBAPIError) -> LedgerUnavailableError:
    cause = str(error.orig).strip().splitlines()
    return LedgerUnavailableError(
        f"The ledger's database does not answer ({cause[0] if cause else type(error.orig).__name__}); "
        "check that it runs and that the connection sync_ledger names it."
    )


def upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's insert, which knows ``on_conflict_do_update``."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
