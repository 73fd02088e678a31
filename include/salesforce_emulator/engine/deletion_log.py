"""When records were deleted: the log behind `getDeleted`, which knows a time that no later write can move.

Triggers keep it, so that whatever deletes a record (a call, a merge, a parent's deletion) is logged. Undeleting takes a
record out of the log; a hard deletion leaves it there. (REST API Developer Guide, *sObject Get Deleted*.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from include.salesforce_emulator.engine.store import Store

_TABLE = (
    "CREATE TABLE IF NOT EXISTS _deletions (sobject TEXT, id TEXT, deleted_at TEXT, PRIMARY KEY (sobject, id)) "
    "WITHOUT ROWID"
)
_BY_TIME = "CREATE INDEX IF NOT EXISTS _deletions_by_time ON _deletions (sobject, deleted_at, id)"
_ON_DELETION = """
CREATE TRIGGER IF NOT EXISTS "{name}_is_deleted" AFTER UPDATE OF IsDeleted ON "{name}"
WHEN NEW.IsDeleted AND NOT OLD.IsDeleted BEGIN
    INSERT OR REPLACE INTO _deletions VALUES ('{name}', NEW.Id, NEW.SystemModstamp);
END
"""
_ON_RETURN = """
CREATE TRIGGER IF NOT EXISTS "{name}_is_undeleted" AFTER UPDATE OF IsDeleted ON "{name}"
WHEN OLD.IsDeleted AND NOT NEW.IsDeleted BEGIN
    DELETE FROM _deletions WHERE sobject = '{name}' AND id = NEW.Id;
END
"""


def keep_deletion_log(connection: sqlite3.Connection, sobjects: Iterable[str]) -> None:
    """Create the log and the triggers of these tables, where the database lacks them."""
    connection.execute(_TABLE)
    connection.execute(_BY_TIME)
    for name in sobjects:
        for trigger in (_ON_DELETION, _ON_RETURN):
            connection.execute(trigger.format(name=name))


def log_hard_deletions(connection: sqlite3.Connection, sobject: str, ids: Iterable[str], stamp: str) -> None:
    """Log records that go past the recycle bin; those already in it keep the time they went there."""
    connection.executemany(
        "INSERT OR IGNORE INTO _deletions VALUES (?, ?, ?)", [(sobject, item, stamp) for item in ids]
    )


def clear_deletion_log(connection: sqlite3.Connection) -> None:
    """Forget every deletion."""
    connection.execute("DELETE FROM _deletions")


def deletions_between(store: Store, sobject: str, start: str, end: str) -> list[tuple[str, str]]:
    """Return Id and time of the deletions from `start` to `end`, both times as the store keeps them, oldest first."""
    rows = store.fetch(
        "SELECT id, deleted_at FROM _deletions WHERE sobject = ? AND deleted_at BETWEEN ? AND ? "
        "ORDER BY deleted_at, id",
        (sobject, start, end),
    )
    return [(record_id, deleted_at) for record_id, deleted_at in rows]
