"""Field mappings in the ledger: versions, and an audit of every change (rules F1, F2, C4)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from include.ledger.tables import mapping_changes, mapping_versions
from include.ledger.versions import Document, Parts, Version, VersionedStore
from include.mapping.fields import default_mappings
from include.settings.field_mapping import FieldMapping

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class MappingsVersion:
    """The field mappings at one version, those of all objects; version 0 holds the defaults."""

    version: int
    mappings: tuple[FieldMapping, ...]
    saved_at: datetime


def current(connection: Connection) -> MappingsVersion:
    """Return the newest version; version 0 holds the defaults."""
    return _mappings_of(_STORE.newest(connection))


def at_version(connection: Connection, version: int) -> MappingsVersion:
    """Return one version.

    Raises:
        LedgerConflictError: there is no such version.
    """
    return _mappings_of(_STORE.at(connection, version))


def save(
    connection: Connection, mappings: Iterable[FieldMapping], *, who: str, now: datetime
) -> MappingsVersion:
    """Save a new version with its audit rows, unless nothing differs from the current one."""
    _STORE.lock(connection)
    before = current(connection)
    _STORE.add(connection, _document(before.mappings), _document(mappings), who=who, now=now)
    return current(connection)


def _document(mappings: Iterable[FieldMapping]) -> Document:
    return [mapping.model_dump(mode="json") for mapping in mappings]


def _parts(document: Document) -> Parts:
    return {
        (values["sobject"], values["target"]): json.dumps(values, ensure_ascii=False) for values in document
    }


def _mappings_of(version: Version) -> MappingsVersion:
    if version.document is None:
        return MappingsVersion(version.number, default_mappings(), version.saved_at)
    mappings = tuple(FieldMapping.model_validate(values) for values in version.document)
    return MappingsVersion(version.number, mappings, version.saved_at)


_STORE: Final = VersionedStore(
    name="mappings", versions=mapping_versions, column="mappings", changes=mapping_changes, parts=_parts
)
