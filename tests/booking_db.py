"""The booking database on both engines: every test that asks for ``booking_db`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from include.source.tables import create_all
from tests.postgres import create_database

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine


@pytest.fixture(scope="session")
def postgres_booking_template(postgres_server: URL) -> URL:
    """Return a database with Coconut's tables, for copying."""
    url = create_database(postgres_server)
    engine = create_engine(url)
    create_all(engine)
    engine.dispose()
    return url


@pytest.fixture
def postgres_booking_db(
    new_postgres_database: Callable[..., URL], postgres_booking_template: URL
) -> Iterator[Engine]:
    engine = create_engine(new_postgres_database(template=postgres_booking_template))
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_booking_db(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def booking_db(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.getfixturevalue(f"{request.param}_booking_db")
    return engine
