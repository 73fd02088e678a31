"""Documents that the ledger keeps whole, version by version, with an audit of what each version changed (rule C4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, insert, select

from include.errors import LedgerConflictError
from include.ledger.tables import ledger_info

Document = Any
"""What is kept in a JSON column: a whole set of settings, or of field mappings."""

Parts = Mapping[tuple[str, ...], str]
"""The audited parts of a document as text, by the columns that name them in the table of changes."""


@dataclass(frozen=True, slots=True)
class Version:
    """A document at one version; version 0 has none, stands for the defaults and dates from the installation."""

    number: int
    document: Document | None
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class VersionedStore:
    """The versions of one document.

    Attributes:
        name: what people call the document.
        versions: the table with ``version``, ``saved_at``, ``saved_by`` and the document's column.
        column: the name of that column.
        changes: the table with ``version``, the columns that name a part, ``old`` and ``new``.
        parts: takes a document apart for the audit.
    """

    name: str
    versions: Table
    column: str
    changes: Table
    parts: Callable[[Document], Parts]

    def newest(self, connection: Connection) -> Version:
        """Return the version in force."""
        query = select(self.versions).order_by(self.versions.c.version.desc()).limit(1)
        row = connection.execute(query).mappings().first()
        return _first_version(connection) if row is None else self._version(row)

    def at(self, connection: Connection, number: int) -> Version:
        """Return one version.

        Raises:
            LedgerConflictError: there is no such version.
        """
        if number == 0:
            return _first_version(connection)
        query = select(self.versions).where(self.versions.c.version == number)
        row = connection.execute(query).mappings().first()
        if row is None:
            msg = f"The ledger has no {self.name} version {number}; it may have been restored from an older copy."
            raise LedgerConflictError(msg)
        return self._version(row)

    def lock(self, connection: Connection) -> None:
        """Keep others from saving until the transaction ends: everybody audits against the version before."""
        connection.execute(select(ledger_info.c.id).with_for_update())

    def add(
        self,
        connection: Connection,
        before: Document,
        after: Document,
        *,
        who: str,
        now: datetime,
        even_if_equal: bool = False,
    ) -> None:
        """Add a version with its audit, unless nothing differs; the caller holds the lock and has read ``before``."""
        if after == before and not even_if_equal:
            return
        values = {"saved_at": now, "saved_by": who, self.column: after}
        saved = insert(self.versions).values(values).returning(self.versions.c.version)
        version: int = connection.execute(saved).scalar_one()
        old, new = self.parts(before), self.parts(after)
        names = [column.name for column in self.changes.primary_key if column.name != "version"]
        changes = [
            {
                "version": version,
                **dict(zip(names, part, strict=True)),
                "old": old.get(part),
                "new": new.get(part),
            }
            for part in {**old, **new}
            if old.get(part) != new.get(part)
        ]
        if changes:
            connection.execute(insert(self.changes), changes)

    def _version(self, row: RowMapping) -> Version:
        return Version(row["version"], row[self.column], row["saved_at"])


def installed_at(connection: Connection) -> datetime:
    """Return when the ledger was made."""
    instant: datetime = connection.execute(select(ledger_info.c.installed_at)).scalar_one()
    return instant


def _first_version(connection: Connection) -> Version:
    return Version(0, None, installed_at(connection))
