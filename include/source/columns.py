"""Fetched rows as typed columns: whole columns at a time, so that a million rows cost no Python work per row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
from sqlalchemy import BigInteger, any_, bindparam, func, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import NullType

from include.frames import CLAIM, INSTANT, TEXT, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Dialect, Select

IDS: Final = "int64"
"""Dtype of key columns inside this package; they leave it as text."""


def raw(column: ColumnElement[object]) -> ColumnElement[object]:
    """Select a column as the driver delivers it, without SQLAlchemy's conversion of each value."""
    return type_coerce(column, NullType())


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
    connection: Connection, query: Select[*tuple[Any, ...]], dtypes: Mapping[str, str]
) -> pd.DataFrame:
    """Run ``query`` and return its rows as a frame.

    Args:
        connection: where to read.
        query: selects the columns of ``dtypes`` in that order.
        dtypes: column name to one of the dtypes of ``include.frames``, or ``IDS`` for keys that are never missing.

    Returns:
        One row per row read; keys asked for as text arrive as text, claims that are missing as ``False``.
    """
    rows = connection.execute(query).fetchall()
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(dtypes)
    return pd.DataFrame(
        {name: _BUILDERS[dtype](column) for (name, dtype), column in zip(dtypes.items(), values, strict=True)}
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
        # SQLite keeps instants as text; one that cannot be read is missing, and its row is quarantined for it.
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
