"""Settings in the ledger: versions, and an audit of every change (C4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, func, select

from include.ledger.tables import mapping_versions, settings_changes, settings_versions
from include.ledger.versions import Document, Parts, Version, VersionedStore, installed_at
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
    return _settings_of(connection, _STORE.newest(connection))


def at_version(connection: Connection, version: int) -> SettingsVersion:
    """Return one version.

    Raises:
        LedgerConflictError: there is no such version.
    """
    return _settings_of(connection, _STORE.at(connection, version))


def save(connection: Connection, settings: Settings, *, who: str, now: datetime) -> SettingsVersion:
    """Save a new version with its audit rows, unless nothing differs from the current one.

    The first version is saved in any case: that somebody chose the defaults decides which integration is in force (G1).
    """
    _STORE.lock(connection)
    before = current(connection)
    _STORE.add(
        connection,
        _document(before.settings),
        _document(settings),
        who=who,
        now=now,
        even_if_equal=before.version == 0,
    )
    return current(connection)


def _document(settings: Settings) -> Document:
    return settings.model_dump(mode="json")


def _parts(document: Document) -> Parts:
    return {
        (name,): value if isinstance(value, str) else json.dumps(value) for name, value in document.items()
    }


def _settings_of(connection: Connection, version: Version) -> SettingsVersion:
    # A setting that an earlier release had is passed over; one that it did not have has its default.
    known = {name: value for name, value in (version.document or {}).items() if name in Settings.model_fields}
    return SettingsVersion(
        version=version.number,
        settings=Settings.model_validate(known),
        saved_at=version.saved_at,
        installed_at=installed_at(connection),
        changed_at=_changed_at(connection, version.number),
    )


def _changed_at(connection: Connection, version: int) -> dict[str, datetime]:
    """Return when each setting changed last up to a version, and the field mappings up to now.

    The first version settles the integration, whose default is Coconut's to say (rule G1).
    """
    changes = (
        select(settings_changes.c.name, func.max(settings_versions.c.saved_at))
        .join(settings_versions)
        .where(settings_changes.c.version <= version)
        .group_by(settings_changes.c.name)
    )
    changed_at = dict.fromkeys(Settings.model_fields, installed_at(connection))
    changed_at |= {name: at for name, at in connection.execute(changes).all() if name in changed_at}
    up_to = settings_versions.c.version <= version
    first_saved_at = connection.execute(
        select(func.min(settings_versions.c.saved_at)).where(up_to)
    ).scalar_one()
    if first_saved_at is not None:
        changed_at[_INTEGRATION] = max(changed_at[_INTEGRATION], first_saved_at)
    mappings_saved_at = connection.execute(select(func.max(mapping_versions.c.saved_at))).scalar_one()
    return changed_at if mappings_saved_at is None else {**changed_at, FIELD_MAPPINGS: mappings_saved_at}


_INTEGRATION: Final = "integration"

_STORE: Final = VersionedStore(
    name="settings", versions=settings_versions, column="settings", changes=settings_changes, parts=_parts
)
