"""Connections are read however they were set, and become SQLAlchemy URLs and Salesforce credentials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.errors import ConfigurationError
from include.orchestration.connections import (
    SALESFORCE,
    database_url,
    ledger_engine,
    read_connection,
    salesforce_credentials,
    source_engine,
    staging_url,
)


def set_connection(monkeypatch: pytest.MonkeyPatch, conn_id: str, value: str | dict[str, object]) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)


def url_of(monkeypatch: pytest.MonkeyPatch, value: str | dict[str, object]) -> str:
    set_connection(monkeypatch, "coconut_db", value)
    return database_url(read_connection("coconut_db")).render_as_string(hide_password=False)


def test_a_sqlite_uri_names_an_absolute_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        url_of(monkeypatch, "sqlite:////srv/some%20folder/coconut.db")
        == "sqlite:////srv/some folder/coconut.db"
    )


@pytest.mark.parametrize("value", ["sqlite:///relative.db", "sqlite://"])
def test_a_sqlite_file_that_every_process_would_see_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with pytest.raises(ConfigurationError, match="use sqlite:////absolute"):
        url_of(monkeypatch, value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_goes_by_psycopg_with_its_options(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    given = f"{scheme}://reader:p%40ss@db.example:5433/coconut?sslmode=require"

    assert (
        url_of(monkeypatch, given)
        == "postgresql+psycopg://reader:p%40ss@db.example:5433/coconut?sslmode=require"
    )


def test_an_explicit_url_wins_over_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "mysql", "host": "other", "extra": {"url": "mysql+pymysql://u:p@h/coconut"}}

    assert url_of(monkeypatch, connection) == "mysql+pymysql://u:p@h/coconut"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"conn_type": "generic", "host": "h"}, "choose the type of its database"),
        ({"conn_type": "postgres", "extra": {"url": "no url"}}, "is no SQLAlchemy URL: correct it"),
    ],
)
def test_a_connection_that_makes_no_url_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, value: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        url_of(monkeypatch, value)


def test_a_missing_connection_says_how_to_set_it() -> None:
    with pytest.raises(
        ConfigurationError, match=r"coconut_db cannot be read .*set AIRFLOW_CONN_COCONUT_DB or add it"
    ):
        source_engine()


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    set_connection(
        monkeypatch, "sync_ledger", {"conn_type": "x", "extra": {"url": "oracle+cx_oracle://h/db"}}
    )

    with pytest.raises(ConfigurationError, match="needs the SQLAlchemy driver oracle"):
        ledger_engine()


@pytest.mark.rule("P2")
def test_the_extras_of_airflows_salesforce_provider_become_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    extra = {
        "instance_url": "https://acme.my.salesforce.com",
        "consumer_key": "3MVG9",
        "extra__salesforce__private_key_file_path": str(key),
        "security_token": "",
        "domain": "acme.my",
    }
    set_connection(
        monkeypatch, SALESFORCE, {"conn_type": "salesforce", "login": "sync@acme.example", "extra": extra}
    )

    credentials = salesforce_credentials()

    assert credentials.grant == "jwt_bearer"
    assert credentials.base_url == "https://acme.my.salesforce.com"
    assert credentials.private_key_file == str(key)
    assert credentials.security_token is None
    assert credentials.connection_id == SALESFORCE


@pytest.mark.parametrize("value", ["", "/srv/staging"])
def test_a_staging_area_that_is_no_url_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("APPOINTMENT_SYNC_STAGING", value)

    with pytest.raises(ConfigurationError, match="set it to file:///"):
        staging_url()
