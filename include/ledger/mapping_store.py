"""Field mappings in the ledger: versions, and an audit of every change (rules F1, F2, C4)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select

from include.errors import LedgerConflictError
from include.ledger.tables import ledger_info, mapping_changes, mapping_versions
from include.mapping.fields import default_mappings
from include.settings.field_mapping import FieldMapping


@dataclass(frozen=True, slots=True)
class MappingsVersion:
    """The field mappings at one version, those of all objects; version 0 holds the defaults."""

    version: int
    mappings: tuple[FieldMapping, ...]
    saved_at: datetime


def current(connection: Connection) -> MappingsVersion:
    """Return the newest version; version 0 holds the defaults."""
    newest = select(mapping_versions).order_by(mapping_versions.c.version.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    return _defaults(connection) if row is None else _from_row(row)


def at_version(connection: Connection, version: int) -> MappingsVersion:
    """Return one version.

    Raises:
        LedgerConflictError: there is no such version.
    """
    if version == 0:
        return _defaults(connection)
    query = select(mapping_versions).where(mapping_versions.c.version == version)
    row = connection.execute(query).mappings().first()
    if row is None:
        msg = f"The ledger has no mappings version {version}; it may have been restored from an older copy."
        raise LedgerConflictError(msg)
    return _from_row(row)


def save(
    connection: Connection, mappings: Iterable[FieldMapping], *, who: str, now: datetime
) -> MappingsVersion:
    """Save a new version with its audit rows, unless nothing differs from the current one."""
    # One saver at a time: each audits against the one before.
    connection.execute(select(ledger_info.c.id).with_for_update())
    before, after = current(connection), tuple(mappings)
    if after == before.mappings:
        return before
    values = [mapping.model_dump(mode="json") for mapping in after]
    saved = insert(mapping_versions).values(saved_at=now, saved_by=who, mappings=values)
    version: int = connection.execute(saved.returning(mapping_versions.c.version)).scalar_one()
    old, new = _texts(before.mappings), _texts(after)
    changed = [field for field in {**old, **new} if old.get(field) != new.get(field)]
    if changed:
        connection.execute(
            insert(mapping_changes),
            [
                {
                    "version": version,
                    "sobject": sobject,
                    "target": target,
                    "old": old.get((sobject, target)),
                    "new": new.get((sobject, target)),
                }
                for sobject, target in changed
            ],
        )
    return at_version(connection, version)


def _texts(mappings: Iterable[FieldMapping]) -> dict[tuple[str, str], str]:
    return {
        (str(mapping.sobject), mapping.target): json.dumps(
            mapping.model_dump(mode="json"), ensure_ascii=False
        )
        for mapping in mappings
    }


def _defaults(connection: Connection) -> MappingsVersion:
    installed_at: datetime = connection.execute(select(ledger_info.c.installed_at)).scalar_one()
    return MappingsVersion(0, default_mappings(), installed_at)


def _from_row(row: RowMapping) -> MappingsVersion:
    mappings = tuple(FieldMapping.model_validate(values) for values in row["mappings"])
    return MappingsVersion(row["version"], mappings, row["saved_at"])
