"""Where the org keeps its records: SQLite, a table an object and a column a field, so that SOQL becomes SQL.

One connection serves every thread, guarded by a lock; SQLite serialises writers anyway. Date-times are kept as the
text REST answers (fixed width, UTC, so they sort as text), Booleans as 0 and 1, Ids in their 18 characters.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.deletion_log import clear_deletion_log, keep_deletion_log
from include.salesforce_emulator.engine.schema import IDS, NUMBERS, TEXTS, Field, FieldType, Schema, SObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

ROW = "_row"
DELETED_WITH = "_deleted_with"
"""Id of the record whose deletion took this one along; undeleting that one brings this one back."""

_APPLICATION_ID = 0x53464C4F
"""Marks a database as a local org's in SQLite's header (sqlite.org/pragma.html#pragma_application_id)."""

_AUDIT_USERS = frozenset({"CreatedById", "LastModifiedById"})
_BARE = frozenset({("Event", "OwnerId"), ("Event", "RecurrenceActivityId")})
"""References by which nothing looks records up; on objects that come in bulk every index costs time."""


def quote(name: str) -> str:
    """Return a name of the schema as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Store:
    """The org's database.

    Attributes:
        capacity_kilobytes: returns how much data storage the org has, None if without end (see `storage`).
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = RLock()
        self._depth = 0
        self.capacity_kilobytes: Callable[[], int | None] = lambda: None
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
        )
        _claim(self._connection)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA cache_size = -16384")
        # SQLite folds the case of ASCII only; Salesforce folds every script's (see soql/compare.py for who uses these).
        self._connection.create_function("sf_lower", 1, _lower, deterministic=True)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS _facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
        )
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS _sequences (sobject TEXT PRIMARY KEY, next INTEGER) WITHOUT ROWID"
        )

    @property
    def in_transaction(self) -> bool:
        """Whether some thread is within a transaction now."""
        return self._depth > 0

    def close(self) -> None:
        """Close the database; what is committed stays."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within a transaction that no other thread shares; an exception undoes everything.

        Nested use joins the outer transaction through a savepoint.
        """
        with self._lock:
            begin, commit, undo = _statements(self._depth)
            self._connection.execute(begin)
            self._depth += 1
            try:
                yield self._connection
                self._connection.execute(commit)
            except BaseException:
                if self._connection.in_transaction:  # SQLite itself undoes everything when the disk is full
                    for statement in undo:
                        self._connection.execute(statement)
                raise
            finally:
                self._depth -= 1

    def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return every row of a query."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def create_tables(self, schema: Schema) -> None:
        """Create the tables, columns and indexes the schema needs and the database lacks."""
        with self.transaction() as connection:
            for sobject in schema.objects:
                _create_table(connection, sobject)
            keep_deletion_log(connection, (item.name for item in schema.objects))

    def clear(self, schema: Schema) -> None:
        """Remove every record; Ids are not given again."""
        with self.transaction() as connection:
            for sobject in schema.objects:
                connection.execute(f"DELETE FROM {quote(sobject.name)}")  # noqa: S608 - a name of the schema
            clear_deletion_log(connection)

    def reserve_numbers(self, sobject: str, count: int) -> int:
        """Set so many record numbers of an object aside and return the first."""
        with self.transaction() as connection:
            row = connection.execute("SELECT next FROM _sequences WHERE sobject = ?", (sobject,)).fetchone()
            first = int(row[0]) if row else 1
            connection.execute("INSERT OR REPLACE INTO _sequences VALUES (?, ?)", (sobject, first + count))
        return first

    def fact(self, name: str) -> str | None:
        """Return a fact kept about the org itself, such as its Id."""
        rows = self.fetch("SELECT value FROM _facts WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def keep_fact(self, name: str, value: str) -> None:
        """Keep a fact about the org itself."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO _facts VALUES (?, ?)", (name, value))


def _claim(connection: sqlite3.Connection) -> None:
    """Mark a new database as a local org's, and refuse one that is another program's."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    if application_id == _APPLICATION_ID:
        return
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if application_id or (tables and "_facts" not in tables):
        message = "it is the database of another program"
        raise sqlite3.DatabaseError(message)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")


def _statements(depth: int) -> tuple[str, str, tuple[str, ...]]:
    if depth == 0:
        return "BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)
    name = f"nested_{depth}"
    return f"SAVEPOINT {name}", f"RELEASE {name}", (f"ROLLBACK TO {name}", f"RELEASE {name}")


def _lower(text: str | None) -> str | None:
    return text.lower() if isinstance(text, str) else text


def _create_table(connection: sqlite3.Connection, sobject: SObject) -> None:
    table = quote(sobject.name)
    present = {row[1].lower() for row in connection.execute(f"PRAGMA table_info({table})")}
    own = [item for item in sobject.fields if item.name not in ("Id", "IsDeleted")]
    if not present:
        columns = [
            f"{ROW} INTEGER PRIMARY KEY AUTOINCREMENT",
            "Id TEXT NOT NULL UNIQUE",
            "IsDeleted INTEGER NOT NULL DEFAULT 0",
            f"{DELETED_WITH} TEXT",
            *map(_column, own),
        ]
        connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    else:
        for item in own:
            if item.name.lower() not in present:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {_column(item)}")
    for item in _indexed(sobject):
        index, column = quote(f"{sobject.name}_{item.name}"), quote(item.name)
        connection.execute(
            f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({column}) WHERE {column} IS NOT NULL"
        )


def unfilled(item: Field) -> int | None:
    """Return what a field's column holds where a row is inserted without it."""
    return int(item.default or 0) if item.type is FieldType.BOOLEAN else None


def _column(item: Field) -> str:
    if item.type is FieldType.BOOLEAN:
        return f"{quote(item.name)} INTEGER NOT NULL DEFAULT {unfilled(item)}"
    if item.type is FieldType.INT:
        return f"{quote(item.name)} INTEGER"
    if item.type in NUMBERS:
        return f"{quote(item.name)} REAL"
    if item.type in TEXTS and not item.case_sensitive:
        return f"{quote(item.name)} TEXT COLLATE NOCASE"
    return f"{quote(item.name)} TEXT"


def _indexed(sobject: SObject) -> Iterable[Field]:
    for item in sobject.fields:
        if item.type in IDS:
            is_asked_for = item.name not in _AUDIT_USERS | {"Id"} and (sobject.name, item.name) not in _BARE
        else:
            is_name = item.name_field and item.type is not FieldType.COMBOBOX
            is_asked_for = item.unique or item.is_matchable or is_name or item.name == "SystemModstamp"
        if is_asked_for:
            yield item
