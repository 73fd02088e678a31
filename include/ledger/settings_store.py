"""Settings in the ledger: versions, and an audit of every change (C4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from include.errors import LedgerConflictError
from include.ledger.tables import ledger_info, mapping_versions, settings_changes, settings_versions
from include.settings.mapping_yaml import FIELD_MAPPINGS
from include.settings.model import Settings


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """The settings at one version.

    ``changed_at`` gives each setting's last change, or the installation; ``field_mappings`` stands for the newest
    version of those.
    """

    version: int
    settings: Settings
    saved_at: datetime
    installed_at: datetime
    changed_at: Mapping[str, datetime]

    @property
    def sync_from(self) -> date:
        """Return the first local day whose bookings sync (S14): the day of installation unless set."""
        return self.settings.sync_from or self.installed_at.date()


def current(connection: Connection) -> SettingsVersion:
    """Return the newest version; version 0 holds the defaults."""
    newest = select(settings_versions).order_by(settings_versions.c.version.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    return _defaults(connection) if row is None else _from_row(connection, row)


def at_version(connection: Connection, version: int) -> SettingsVersion:
    """Return one version.

    Raises:
        LedgerConflictError: there is no such version.
    """
    if version == 0:
        return _defaults(connection)
    query = select(settings_versions).where(settings_versions.c.version == version)
    row = connection.execute(query).mappings().first()
    if row is None:
        msg = f"The ledger has no settings version {version}; it may have been restored from an older copy."
        raise LedgerConflictError(msg)
    return _from_row(connection, row)


def save(connection: Connection, settings: Settings, *, who: str, now: datetime) -> SettingsVersion:
    """Save a new version with its audit rows, unless nothing differs from the current one."""
    connection.execute(
        select(ledger_info.c.id).with_for_update()
    )  # one saver at a time: each audits against the last
    before = current(connection)
    old, new = (version.model_dump(mode="json") for version in (before.settings, settings))
    changed = [name for name in new if new[name] != old[name]]
    if not changed:
        return before
    saved = insert(settings_versions).values(saved_at=now, saved_by=who, settings=new)
    version = connection.execute(saved.returning(settings_versions.c.version)).scalar_one()
    connection.execute(
        insert(settings_changes),
        [
            {"version": version, "name": name, "old": _text(old[name]), "new": _text(new[name])}
            for name in changed
        ],
    )
    return at_version(connection, version)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _installed_at(connection: Connection) -> datetime:
    installed_at: datetime = connection.execute(select(ledger_info.c.installed_at)).scalar_one()
    return installed_at


def _defaults(connection: Connection) -> SettingsVersion:
    installed_at = _installed_at(connection)
    return SettingsVersion(
        version=0,
        settings=Settings(),
        saved_at=installed_at,
        installed_at=installed_at,
        changed_at=_mappings_changed(connection, dict.fromkeys(Settings.model_fields, installed_at)),
    )


def _from_row(connection: Connection, row: RowMapping) -> SettingsVersion:
    installed_at = _installed_at(connection)
    changes = (
        select(settings_changes.c.name, func.max(settings_versions.c.saved_at))
        .join(settings_versions)
        .where(settings_changes.c.version <= row["version"])
        .group_by(settings_changes.c.name)
    )
    changed_at = dict.fromkeys(Settings.model_fields, installed_at)
    changed_at |= {name: at for name, at in connection.execute(changes).all() if name in changed_at}
    stored: dict[str, Any] = row["settings"]
    known = {name: value for name, value in stored.items() if name in Settings.model_fields}
    return SettingsVersion(
        version=row["version"],
        settings=Settings.model_validate(known),
        saved_at=row["saved_at"],
        installed_at=installed_at,
        changed_at=_mappings_changed(connection, changed_at),
    )


def _mappings_changed(connection: Connection, changed_at: dict[str, datetime]) -> dict[str, datetime]:
    saved_at = connection.execute(select(func.max(mapping_versions.c.saved_at))).scalar_one()
    return changed_at if saved_at is None else {**changed_at, FIELD_MAPPINGS: saved_at}
