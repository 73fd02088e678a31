"""The queries that the documentation offers run: on an empty ledger of either kind, and on the local org."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine, create_engine, text

from include.ledger.repository import Ledger
from include.orchestration.connections import salesforce_credentials
from tests.docs.source_text import ROOT
from tests.local_org import LocalOrg, started
from tests.postgres import create_database

pytestmark = pytest.mark.rule("docs")

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    pages = sorted((ROOT / "docs").glob("*.md"))
    found = [match for page in pages for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    return [match["body"] for match in found if match["language"] == language]


def statements(*languages: str) -> list[str]:
    bodies = [body for language in languages for body in blocks(language)]
    return [one.strip() for body in bodies for one in body.split(";") if one.strip()]


@pytest.fixture(scope="module")
def local_org() -> Iterator[LocalOrg]:
    with started() as org:
        yield org


@pytest.fixture(scope="module")
def sqlite_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.db'}")
    yield Ledger.open(engine).engine
    engine.dispose()


@pytest.fixture(scope="module")
def postgresql_ledger(postgres_server: URL) -> Iterator[Engine]:
    engine = create_engine(create_database(postgres_server))
    yield Ledger.open(engine).engine
    engine.dispose()


@pytest.mark.parametrize("statement", statements("sql"))
def test_every_sql_example_runs_on_a_sqlite_ledger(sqlite_ledger: Engine, statement: str) -> None:
    with sqlite_ledger.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.postgres
@pytest.mark.parametrize("statement", statements("sql", "postgresql"))
def test_every_sql_example_runs_on_a_postgresql_ledger(postgresql_ledger: Engine, statement: str) -> None:
    with postgresql_ledger.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("query", blocks("soql"))
def test_every_soql_example_runs_on_the_local_org(local_org: LocalOrg, query: str) -> None:
    assert local_org.query(" ".join(query.split())) == []


def test_every_connection_example_is_a_complete_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    grants = []
    for body in blocks("sh"):
        for word in shlex.split(body, comments=True):
            name, _, value = word.partition("=")
            if name == "AIRFLOW_CONN_SALESFORCE_DEFAULT":
                json.loads(value)
                monkeypatch.setenv(name, value)
                credentials = salesforce_credentials()
                assert credentials.base_url
                grants.append(str(credentials.grant))
    assert grants == ["jwt_bearer", "client_credentials"]
