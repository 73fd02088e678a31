"""One consistent, read-only view of the booking database, and its driver's errors in our own words."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from include.errors import ConfigurationError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

_WRONG_SETTINGS: Final = (
    "authentication failed",
    "does not exist",
    "no such table",
    "no such column",
    "not a database",
    "could not decode",
)
"""What drivers say when waiting cannot help; libpq gives a refused login no error code, so the text has to do."""


@contextmanager
def open_snapshot(engine: Engine) -> Iterator[Connection]:
    """Yield a connection on which every read sees the database as it was at the first one.

    PostgreSQL: ``REPEATABLE READ READ ONLY``. SQLite: one deferred read transaction, which the driver would otherwise
    not begin for reads. Other databases: ``REPEATABLE READ``.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    with translated_errors(engine), engine.connect() as plain:
        if engine.dialect.name == "sqlite":
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")
        elif engine.dialect.name == "postgresql":
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            # A replica may keep its UTC instants in columns without a zone; comparisons must not shift them.
            connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'; SET LOCAL DateStyle TO ISO")
            yield connection
        else:
            yield plain.execution_options(isolation_level="REPEATABLE READ")


@contextmanager
def translated_errors(engine: Engine) -> Iterator[None]:
    """Turn the driver's errors into ours; the messages name host and database, never a login.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login or the read.
    """
    try:
        _refuse_missing_file(engine)
        yield
    except DBAPIError as error:
        where = describe_place(engine)
        text = str(error.orig).lower()
        is_transient = isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated
        if is_transient and not any(words in text for words in _WRONG_SETTINGS):
            msg = f"The booking database {where} does not answer; check that it runs and that coconut_db points at it."
            raise SourceUnavailableError(msg) from error
        msg = f"The booking database {where} refuses to be read; check login, database and permissions of coconut_db."
        raise ConfigurationError(msg) from error
    except SQLAlchemyError as error:
        where = describe_place(engine)
        msg = f"The booking database {where} cannot be read ({type(error).__name__}); check coconut_db."
        raise ConfigurationError(msg) from error


def describe_place(engine: Engine) -> str:
    """Name the database for people: host, port and database, without user or password."""
    url = engine.url
    host = f"{url.host}:{url.port}/" if url.host and url.port else f"{url.host}/" if url.host else ""
    return f"{host}{url.database or ''}" or engine.dialect.name


def _refuse_missing_file(engine: Engine) -> None:
    """SQLite would create an empty database in place of a file that is not there."""
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database or database.startswith((":memory:", "file:")):
        return
    if not Path(database).is_file():
        msg = f"The booking database {database} does not exist; check the path in coconut_db."
        raise SourceUnavailableError(msg)
