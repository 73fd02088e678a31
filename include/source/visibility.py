"""Which rows an earlier read could not see, exactly: PostgreSQL's own answer, whatever ``updated_at`` says (rule Q5).

The overlap finds a transaction that committed late as long as it was shorter than the overlap. PostgreSQL can do
without that condition: every row carries the transaction that wrote it (``xmin``), and a snapshot kept from the
earlier read says whether that transaction was visible then ("Transaction ID and Snapshot Information Functions",
PostgreSQL documentation). It costs one pass over the rows, about 0.2 s per million, and needs nothing in the schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, Text, bindparam, case, cast, func, literal_column, not_, select
from sqlalchemy.types import UserDefinedType

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Table

_EPOCH: Final = 1 << 32


class _FullTransactionId(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class _Snapshot(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "pg_snapshot"


def snapshot_of(connection: Connection) -> str | None:
    """Return which transactions this connection's snapshot sees, as text; ``None`` where the database cannot say."""
    if connection.dialect.name != "postgresql":
        return None
    return str(connection.execute(select(cast(func.pg_current_snapshot(), Text))).scalar_one())


def unseen_by(snapshot: str, table: Table) -> ColumnElement[bool]:
    """Filter the rows of ``table`` whose writer was not visible in an earlier snapshot of the same database.

    A row names its transaction by 32 bits only. The missing epoch is that of the current snapshot, or the one before
    where the number is still ahead of it. A row that is billions of transactions old may be taken for unseen and is
    then read once too often; one that was unseen is never missed.
    """
    written_by = cast(cast(literal_column(f"{table.name}.xmin"), Text), BigInteger)
    # A subquery, so that it is computed once and not for every row.
    newest = select(
        cast(cast(func.pg_snapshot_xmax(func.pg_current_snapshot()), Text), BigInteger)
    ).scalar_subquery()
    in_epoch = newest.op("%")(_EPOCH)
    epoch = newest - in_epoch
    full = case((written_by < in_epoch, epoch + written_by), else_=epoch - _EPOCH + written_by)
    writer = cast(cast(func.greatest(full, 3), Text), _FullTransactionId())
    return not_(func.pg_visible_in_snapshot(writer, cast(bindparam(None, snapshot, type_=Text), _Snapshot())))
