"""Brings the ledger's tables to the state this release needs, once, whoever comes first."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from include.errors import ConfigurationError
from include.ledger.engine import reading, upsert, writing
from include.ledger.tables import ledger_info

MIGRATING_LOCK = 7_312_000
VERSION_TABLE = "ledger_alembic_version"
_MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(engine: Engine, *, now: datetime) -> None:
    """Migrate the ledger when it is behind, and record the installation when it is new.

    Processes that start together take turns: by an advisory lock on PostgreSQL, by the database's own write lock on
    SQLite. The whole migration is one transaction.

    Raises:
        LedgerUnavailableError: the database does not answer.
        ConfigurationError: a newer release has migrated the ledger.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    with reading(engine) as connection:
        if _revision(connection) == scripts.get_current_head():
            return
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING_LOCK})
        _refuse_unknown(_revision(connection), scripts)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        installed = upsert(connection, ledger_info).values(id=1, installed_at=now)
        connection.execute(installed.on_conflict_do_nothing(index_elements=[ledger_info.c.id]))


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()


def _refuse_unknown(revision: str | None, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is not None and revision not in known:
        msg = (
            f"The ledger is at revision {revision}, which this release does not know; "
            "deploy the release that migrated it, or restore the ledger's backup from before."
        )
        raise ConfigurationError(msg)
