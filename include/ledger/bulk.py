"""Frames in and out of the database by columns: rows go to a temporary table first, then rules of SQL work on sets.

A temporary table takes a million keys as readily as ten, which lists of bound parameters do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import BigInteger, Boolean, Column, Connection, MetaData, Select, Table, Text
from sqlalchemy.types import TypeEngine

from include.frames import CLAIM, INSTANT, TEXT, WHOLE, FrameContract
from include.ledger.types import Instant

_SQL_TYPES: dict[str, type[TypeEngine[Any]]] = {
    TEXT: Text,
    WHOLE: BigInteger,
    CLAIM: Boolean,
    INSTANT: Instant,
}
_KEYS = FrameContract("keys", {"key": TEXT})


def stage(connection: Connection, contract: FrameContract, frame: pd.DataFrame) -> Table:
    """Put a frame into a temporary table named after its contract and return that table.

    A table staged before under the same contract on this connection is replaced. Rows go by ``COPY`` on PostgreSQL.

    Raises:
        FrameContractError: the frame does not fit the contract.
    """
    rows = contract.conform(frame)
    table = Table(
        f"staged_{contract.name}",
        MetaData(),
        *(Column(name, _SQL_TYPES[dtype]) for name, dtype in contract.columns.items()),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    schema = "pg_temp" if connection.dialect.name == "postgresql" else "temp"
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema}.{table.name}")
    table.create(connection, checkfirst=False)
    _fill(connection, table, rows)
    return table


def stage_keys(connection: Connection, keys: Collection[str]) -> Table:
    """Put distinct keys into a temporary table with the one column ``key``."""
    return stage(connection, _KEYS, pd.DataFrame({"key": pd.Series(sorted(set(keys)), dtype=TEXT)}))


def read(connection: Connection, query: Select[Any], contract: FrameContract) -> pd.DataFrame:
    """Return a query's rows as a frame of the contract; the query names its columns like the contract."""
    result = connection.execute(query)
    names = list(result.keys())
    columns: list[tuple[Any, ...]] = list(zip(*result.all(), strict=True)) or [() for _ in names]
    frame = pd.DataFrame(
        {
            name: _series(values, contract.columns[name])
            for name, values in zip(names, columns, strict=True)
            if name in contract.columns
        }
    )
    return contract.conform(frame)


def _series(values: tuple[Any, ...], dtype: str) -> pd.Series[Any]:
    if dtype == INSTANT:
        return pd.to_datetime(pd.Series(values, dtype=object), utc=True).astype(INSTANT)
    if dtype == CLAIM:
        return pd.Series([value is True for value in values], dtype=CLAIM)
    return pd.Series(values, dtype=dtype)


def _fill(connection: Connection, table: Table, rows: pd.DataFrame) -> None:
    if rows.empty:
        return
    cursor: Any = connection.connection.cursor()
    names = ", ".join(f'"{name}"' for name in rows.columns)
    if connection.dialect.name == "postgresql":
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in _tuples(rows, zone="+00:00"):
                copy.write_row(row)
        connection.exec_driver_sql(f"ANALYZE {table.name}")
    else:
        marks = ", ".join("?" * len(rows.columns))
        statement = f"INSERT INTO temp.{table.name} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
        cursor.executemany(statement, _tuples(rows, zone=""))
    cursor.close()


def _tuples(rows: pd.DataFrame, *, zone: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(_values(rows[name], zone=zone) for name in rows.columns), strict=True)


def _values(series: pd.Series[Any], *, zone: str) -> list[Any]:
    """Return a column as what the drivers take: text, int, bool or None; instants as ISO text."""
    missing = series.isna().to_numpy()
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        texts = np.datetime_as_string(series.dt.tz_convert(None).to_numpy(dtype="datetime64[us]"), unit="us")
        values: list[Any] = [f"{text}{zone}" for text in texts.tolist()] if zone else texts.tolist()
    else:
        values = series.astype(object).tolist()
    if missing.any():
        return [
            None if is_missing else value for value, is_missing in zip(values, missing.tolist(), strict=True)
        ]
    return values
