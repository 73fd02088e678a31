"""Everything that going back has to leave as it was: the org, the booking database, and what the ledger decides by."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from include.ledger import tables as ledger
from include.source import tables as source
from tests.pipeline.world import World

State = dict[str, dict[Any, dict[str, Any]]]

SOBJECTS: Final = ("Account", "Campaign", "CampaignMember", "Contact", "Event", "Lead", "Task", "User")
HISTORY: Final = frozenset(
    {
        "alembic_version",
        "ledger_info",
        "org_bindings",
        "runs",
        "run_api_calls",
        "reports",
        "jobs",
        "load_claims",
        "legacy_migrations",
        *(name for name in ledger.metadata.tables if name.startswith("migration_")),
    }
)
"""Tables that tell what was done, and that no sync decides by; the binding to the org is the first sign-in's."""

MEASURED: Final = frozenset({("org_api_usage",)})
"""Keys of ``sync_state`` that say how much of its limits the org has used, whoever used it."""


def legacy_state(world: World) -> State:
    """Return every row of the org, deleted ones too, of the booking database, and of the ledger but its history."""
    state: State = {}
    for sobject in SOBJECTS:
        rows = world.org.control("GET", f"records/{sobject}?include_deleted=true")
        state[f"org: {sobject}"] = {row["Id"]: row for row in rows}
    for engine, metadata, name in (
        (world.source, source.metadata, "Coconut"),
        (world.ledger.engine, ledger.metadata, "ledger"),
    ):
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                if table.name not in HISTORY:
                    rows = _rows(connection, table)
                    kept = {key: row for key, row in rows.items() if key not in MEASURED}
                    state[f"{name}: {table.name}"] = kept
    return state


def differences(before: State, after: State) -> list[str]:
    """Return in words which rows came, went or changed, and in which columns."""
    found: list[str] = []
    for part, expected in before.items():
        actual = after[part]
        for key in sorted({*expected, *actual}, key=str):
            old, new = expected.get(key), actual.get(key)
            if old is None or new is None:
                found.append(f"{part} {key} {'came' if old is None else 'is gone'}")
            elif old != new:
                changed = {name: (old[name], new[name]) for name in old if old[name] != new[name]}
                found.append(f"{part} {key}: {changed}")
    return found


def rows_of(world: World, table: str) -> dict[Any, dict[str, Any]]:
    """Return the rows of one table of the ledger by their key."""
    with world.ledger.engine.connect() as connection:
        return _rows(connection, ledger.metadata.tables[table])


def _rows(connection: sa.Connection, table: sa.Table) -> dict[Any, dict[str, Any]]:
    keys = [column.name for column in table.primary_key]
    rows = connection.execute(sa.select(table)).mappings()
    return {tuple(row[name] for name in keys): dict(row) for row in rows}
