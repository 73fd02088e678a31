"""The ledger on both engines: every test that asks for ``ledger`` runs on SQLite and on PostgreSQL.

Tables are migrated once a session; each test gets a copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url

from include.ledger.repository import Ledger
from tests.ledger.builders import INSTALLED
from tests.postgres import create_database

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine


@pytest.fixture(scope="session")
def postgresql_template(postgres_server: URL) -> URL:
    return _migrated(create_database(postgres_server))


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
    return request.getfixturevalue("new_postgres_database")()


@pytest.fixture
def ledger_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    template: URL = request.getfixturevalue(f"{dialect}_template")
    if dialect == "sqlite":
        file = tmp_path / "ledger.db"
        shutil.copyfile(str(template.database), file)
        return make_url(f"sqlite:///{file}")
    return request.getfixturevalue("new_postgres_database")(template=template)


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
