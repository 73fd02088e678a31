"""Which rows an earlier read could not see, exactly: PostgreSQL's own answer, whatever ``updated_at`` says (rule Q5).

The overlap finds a transaction that committed late as long as it was shorter than the overlap. PostgreSQL can do
without that condition: every row carries the transaction that wrote it (``xmin``), and all transactions before the
oldest one at work when a snapshot was taken had ended by then. So whatever was written by that transaction or a later
one is read again; rows that were seen after all are known by their content. Neither ``pg_visible_in_snapshot`` nor a
snapshot's list of open transactions would do: both leave out subtransactions (savepoints), and on a hot standby the
list is empty ("Transaction ID and Snapshot Information Functions", PostgreSQL documentation, and ``xid8funcs.c``).
It costs one pass over the rows, about 0.2 s per million, and needs nothing in the schema.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, cast, func, literal_column, select, text
from sqlalchemy.exc import NotSupportedError, ProgrammingError
from sqlalchemy.types import Text, UserDefinedType

from include.source.tables import READ_BY_EVERY_RUN

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Table

_EPOCH: Final = 1 << 32
_COMPARABLE: Final = 1 << 30
"""Rows name their transaction by 32 bits, which tell older from newer over less than half of their range."""

_FIRST_NORMAL: Final = 3
"""Lower transaction ids are PostgreSQL's own marks."""

_STATE: Final = text(
    """
    SELECT control.system_identifier || '/' || checkpoint.timeline_id || '/' || own.oid,
           pg_snapshot_xmin(pg_current_snapshot())::text,
           pg_snapshot_xmax(pg_current_snapshot())::text
    FROM pg_control_system() AS control, pg_control_checkpoint() AS checkpoint, pg_database AS own
    WHERE own.datname = current_database()
      AND (SELECT count(*) FROM unnest(CAST(:tables AS text[])) AS asked(name)
           JOIN pg_class ON pg_class.oid = to_regclass(asked.name) AND pg_class.relkind IN ('r', 'p', 'm'))
          = cardinality(CAST(:tables AS text[]))
    """
)
_KEPT: Final = re.compile(r"(?P<history>\d+/\d+/\d+) (?P<oldest>\d+):(?P<next>\d+)")


class _TransactionId(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid"


def snapshot_of(connection: Connection) -> str | None:
    """Return what this connection's snapshot sees, as text to be kept; ``None`` where the database cannot say.

    The text names the history that the transactions belong to (cluster, its timeline, database), the oldest transaction
    at work, and the next one. A database cannot say where it is no PostgreSQL, where a table is a view or lies in
    another database, and where the login may not read the control data.
    """
    if connection.dialect.name != "postgresql":
        return None
    names = [table.name for table in READ_BY_EVERY_RUN]
    try:
        with connection.begin_nested():
            state = connection.execute(_STATE, {"tables": names}).first()
    except (ProgrammingError, NotSupportedError):
        return None
    return None if state is None else "{} {}:{}".format(*state)


def first_unseen(kept: str | None, current: str | None) -> int | None:
    """Return the first transaction that an earlier read may not have seen; ``None`` where the two do not compare.

    They do not when they are of different databases, when the cluster was restored or failed over since (its timeline
    changed, or it counts from an earlier transaction), and when more than 2^30 transactions lie between them.

    Args:
        kept: ``snapshot_of`` the earlier read.
        current: ``snapshot_of`` this one.
    """
    before, now = (_KEPT.fullmatch(one or "") for one in (kept, current))
    if before is None or now is None or before["history"] != now["history"]:
        return None
    oldest, following = int(before["oldest"]), int(now["next"])
    if int(before["next"]) > following or following - oldest >= _COMPARABLE:
        return None
    return oldest


def written_since(transaction: int, table: Table) -> ColumnElement[bool]:
    """Filter the rows of ``table`` written by this transaction or a later one.

    ``age`` compares within half the range of 32 bits and so across epochs. A row that was frozen keeps its writer's
    number: one that is billions of transactions old may be taken for new and is then read once too often.
    """
    number = max(transaction % _EPOCH, _FIRST_NORMAL)
    border = cast(cast(bindparam(None, str(number), type_=Text), Text), _TransactionId())
    # A subquery, so that it is computed once and not for every row.
    oldest = select(func.age(border)).scalar_subquery()
    return func.age(literal_column(f"{table.name}.xmin")).between(0, oldest)
