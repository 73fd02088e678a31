"""Reads the three Airflow connections, in a task, in a trigger and in a plain process alike.

Airflow's stores disagree about where a connection may be read from: ``airflow.sdk`` asks the supervisor of a task or a
trigger and, in a plain process, sees environment variables and secrets backends but not the metadata database;
``airflow.models`` sees that too, but must not be used from a task.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote

from include.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL, Engine

    from include.salesforce.credentials import SalesforceCredentials

COCONUT_DB: Final = "coconut_db"
SYNC_LEDGER: Final = "sync_ledger"
SALESFORCE: Final = "salesforce_default"
STAGING_VARIABLE: Final = "APPOINTMENT_SYNC_STAGING"

# The provider's extras → fields of our credentials; ca_file is our own, for an org behind a private certificate.
_SALESFORCE_EXTRAS: Final = {
    "instance_url": "instance_url",
    "security_token": "security_token",
    "consumer_key": "consumer_key",
    "consumer_secret": "consumer_secret",
    "private_key": "private_key",
    "private_key_file_path": "private_key_file",
    "domain": "domain",
    "version": "version",
    "ca_file": "ca_file",
}
_DRIVERS: Final = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mssql": "mssql+pyodbc",
}


class AirflowConnection(Protocol):
    """What Airflow's two connection classes have in common."""

    conn_id: str
    conn_type: str
    host: str | None
    login: str | None
    password: str | None
    port: int | None
    schema: str | None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """Return the extra fields; an unreadable extra is empty."""


def read_connection(conn_id: str) -> AirflowConnection:
    """Return an Airflow connection, however it was set.

    Raises:
        ConfigurationError: when there is none of that name, or it cannot be read.
    """
    try:
        if _inside_task_or_trigger():
            from airflow.sdk import Connection as TaskConnection

            return TaskConnection.get(conn_id)  # type: ignore[no-any-return]
        from airflow.models import (
            Connection as StoredConnection,  # the only one that sees the metadata database here
        )

        return StoredConnection.get_connection_from_secrets(conn_id)  # type: ignore[no-any-return]  # noqa: AIR311
    except Exception as error:
        raise unreadable(conn_id, error) from error


def find_connection(conn_id: str) -> AirflowConnection | None:
    """Return an Airflow connection that need not be there.

    Raises:
        ConfigurationError: it is there, and cannot be read.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return read_connection(conn_id)
    except ConfigurationError as error:
        if isinstance(error.__cause__, AirflowNotFoundException):
            return None
        raise


async def read_connection_in_trigger(conn_id: str) -> AirflowConnection:
    """Return an Airflow connection from within the triggerer's event loop.

    Raises:
        ConfigurationError: when there is none of that name, or it cannot be read.
    """
    from airflow.sdk import Connection as TaskConnection

    try:
        return await TaskConnection.async_get(conn_id)  # type: ignore[no-any-return]
    except Exception as error:
        raise unreadable(conn_id, error) from error


def _inside_task_or_trigger() -> bool:
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return hasattr(runner, "SUPERVISOR_COMMS")


def unreadable(conn_id: str, error: Exception) -> ConfigurationError:
    """Return the sentence for a connection that cannot be read; the cause stays out of it, for it may hold secrets."""
    return ConfigurationError(
        f"The Airflow connection {conn_id} cannot be read ({type(error).__name__}): "
        f"set AIRFLOW_CONN_{conn_id.upper()} or add it under Admin, Connections."
    )


def database_url(connection: AirflowConnection) -> URL:
    """Return SQLAlchemy's URL of a connection.

    Airflow's own ``get_uri()`` says ``postgres://`` and escapes a SQLite path, which SQLAlchemy does not understand,
    so the URL is built from the fields. An extra field ``url`` wins over all of them; the other extras become the
    query (``sslmode`` …).

    Raises:
        ConfigurationError: when the fields do not make a URL.
    """
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    extras = connection.extra_dejson
    if explicit := extras.get("url"):
        try:
            return make_url(explicit)
        except ArgumentError as error:
            raise ConfigurationError(
                f"The extra field url of the connection {connection.conn_id} is no SQLAlchemy URL: correct it."
            ) from error
    kind = connection.conn_type
    if kind == "sqlite":
        return URL.create("sqlite", database=_sqlite_file(connection))
    if not kind or kind in {"generic", "salesforce"}:
        raise ConfigurationError(
            f"The connection {connection.conn_id} has the type {kind or 'none'}: choose the type of its database, "
            "or give SQLAlchemy's URL in the extra field url."
        )
    return URL.create(
        _DRIVERS.get(kind, kind),
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query={name: str(value) for name, value in extras.items() if isinstance(value, str | int | bool)},
    )


def _sqlite_file(connection: AirflowConnection) -> str:
    # sqlite:////abs/file.db arrives as the schema "/abs/file.db", the form in the UI puts the path into the host.
    path = unquote(connection.schema or connection.host or "")
    if path in {"", ":memory:"}:
        raise ConfigurationError(
            f"The connection {connection.conn_id} names no SQLite file: use sqlite:////absolute/path.db."
        )
    if not Path(path).is_absolute():
        raise ConfigurationError(
            f"The connection {connection.conn_id} has a relative SQLite path, which every process would read "
            "differently: use sqlite:////absolute/path.db."
        )
    return path


def database_engine(connection: AirflowConnection) -> Engine:
    """Return an engine for a connection; nothing is connected yet.

    Raises:
        ConfigurationError: when the fields do not make a URL, or its driver is not installed.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import NoSuchModuleError

    url = database_url(connection)
    try:
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"The connection {connection.conn_id} needs the SQLAlchemy driver {url.drivername}, "
            "which is not installed: install it, or choose another driver."
        ) from error
    logging.getLogger("sqlalchemy.engine.Engine").addFilter(_without_rows)
    return engine


def _without_rows(record: logging.LogRecord) -> bool:
    """Tell whether SQLAlchemy may log a record: at DEBUG it logs every row that it reads (rule Q11)."""
    return record.levelno > logging.DEBUG


def source_engine() -> Engine:
    """Return an engine for the booking database (connection ``coconut_db``)."""
    return database_engine(read_connection(COCONUT_DB))


def ledger_engine() -> Engine:
    """Return an engine for the ledger (connection ``sync_ledger``)."""
    return database_engine(read_connection(SYNC_LEDGER))


def salesforce_extra(extras: Mapping[str, Any], name: str) -> str | None:
    """Return an extra of Airflow's Salesforce provider; blank means absent, and the old prefix still counts."""
    value = extras.get(name, extras.get(f"extra__salesforce__{name}"))
    return str(value) if value not in {None, ""} else None


def salesforce_credentials() -> SalesforceCredentials:
    """Return what signs in to Salesforce (connection ``salesforce_default``, rule P2).

    The extras are those of Airflow's Salesforce provider, so its own hook and operators accept the connection too.
    """
    from include.salesforce.credentials import SalesforceCredentials

    connection = read_connection(SALESFORCE)
    extras = connection.extra_dejson
    given = {
        field: value
        for name, field in _SALESFORCE_EXTRAS.items()
        if (value := salesforce_extra(extras, name)) is not None
    }
    return SalesforceCredentials(
        username=connection.login or None,
        password=connection.password or None,
        connection_id=SALESFORCE,
        **given,
    )


def staging_url() -> str:
    """Return where frames between tasks live: ``file://…`` or ``s3://…``.

    Raises:
        ConfigurationError: when the environment variable is missing or names no URL.
    """
    url = os.environ.get(STAGING_VARIABLE, "")
    if "://" not in url:
        raise ConfigurationError(
            f"The environment variable {STAGING_VARIABLE} says where frames between tasks live: "
            "set it to file:///a/folder/every/worker/sees or s3://bucket/prefix."
        )
    return url
