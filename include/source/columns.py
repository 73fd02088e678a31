"""Fetched rows as typed columns: whole columns at a time, so that a million rows cost no Python work per row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
from sqlalchemy import BigInteger, ColumnElement, Text, any_, bindparam, cast, func, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import NullType

from include.frames import CLAIM, INSTANT, TEXT, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import Connection, Dialect, Select

IDS: Final = "int64"
"""Dtype of key columns inside this package; they leave it as text."""


ColumnsRead = Mapping[str, tuple[ColumnElement[Any], str]]
"""Name in the frame to what is selected and its dtype: one of ``include.frames``, or ``IDS`` for keys never missing."""


def selected(columns: ColumnsRead, dialect: Dialect) -> list[ColumnElement[Any]]:
    """Return what to select for ``columns``: values as the driver delivers them, without converting each.

    PostgreSQL is asked for instants as text, because its driver refuses whole rows over a date that Python's
    ``datetime`` cannot hold (``infinity``, or a year of five digits).
    """
    chosen: list[ColumnElement[Any]] = []
    for column, dtype in columns.values():
        if dtype == INSTANT and dialect.name == "postgresql":
            chosen.append(cast(column, Text))
        else:
            chosen.append(column if dtype == CLAIM else type_coerce(column, NullType()))
    return chosen


def among(column: ColumnElement[int], ids: Collection[int], dialect: Dialect) -> ColumnElement[bool]:
    """Filter by membership with one bound value where the database can, whatever the number of ids."""
    wanted = sorted(int(key) for key in ids)
    if dialect.name == "postgresql":
        return column == any_(bindparam(None, wanted, type_=ARRAY(BigInteger)))
    if dialect.name == "sqlite":
        listed = func.json_each(str(wanted)).table_valued("value")
        return column.in_(select(listed.c.value))
    return column.in_(wanted)


def fetch_frame(
    connection: Connection, query: Select[*tuple[Any, ...]], columns: ColumnsRead
) -> pd.DataFrame:
    """Run ``query``, which selects ``selected(columns)``, and return its rows as a frame.

    Ids asked for as text arrive as text, claims that are missing as ``False``.
    """
    rows = connection.execute(query).fetchall()
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pd.DataFrame(
        {
            name: _BUILDERS[dtype](column)
            for (name, (_, dtype)), column in zip(columns.items(), values, strict=True)
        }
    )


def _text(values: Sequence[Any]) -> pd.Series[Any]:
    array: pa.Array[Any]
    try:
        array = pa.array(values)
        if not pa.types.is_string(array.type):
            array = array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # A column of mixed types, which only SQLite allows.
        array = pa.array([None if value is None else str(value) for value in values], pa.string())
    return pd.Series(array.to_pandas(), dtype=TEXT)


def _instant(values: Sequence[Any]) -> pd.Series[Any]:
    if any(isinstance(value, str) for value in values):
        # An instant that cannot be read is missing, and its row is quarantined for it.
        parsed = pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601", errors="coerce")
        return parsed.astype(INSTANT)
    return pd.Series(pa.array(values, pa.timestamp("us", tz="UTC")).to_pandas(), dtype=INSTANT)


def _claim(values: Sequence[Any]) -> pd.Series[Any]:
    return pd.Series(
        pa.array(values, pa.bool_()).fill_null(False).to_numpy(zero_copy_only=False), dtype=CLAIM
    )


def _whole(values: Sequence[Any]) -> pd.Series[Any]:
    return pd.Series(values, dtype=WHOLE)


def _ids(values: Sequence[Any]) -> pd.Series[Any]:
    return pd.Series(values, dtype=IDS)


_BUILDERS: Final[dict[str, Callable[[Sequence[Any]], pd.Series[Any]]]] = {
    TEXT: _text,
    INSTANT: _instant,
    CLAIM: _claim,
    WHOLE: _whole,
    IDS: _ids,
}
