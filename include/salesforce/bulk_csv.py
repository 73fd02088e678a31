"""CSV files as Bulk API 2.0 wants them ("Prepare CSV Files", Bulk API 2.0 Developer Guide).

UTF-8 without byte order mark, one kind of line ending in the whole file, inside values too, a fixed order of columns,
no ``nan``, and an empty cell for a field that is left alone.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from include.frames import TEXT

LARGEST_FILE_BYTES: Final = 95_000_000
"""Salesforce takes 150 MB after base64 encoding and advises to stay under 100 MB; quotes and header need room too."""

_ROWS_PER_WRITE: Final = 50_000


@dataclass(frozen=True, slots=True)
class BulkFile:
    """What was written: the SHA-256 of the bytes in hexadecimal, rows without the header, and bytes."""

    digest: str
    rows: int
    bytes: int


class _MeasuringFile(io.RawIOBase):
    """Pass bytes on to a file, which stays its owner's to flush and close, while measuring them."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self._hash.update(chunk)
        self.bytes += len(chunk)
        self._file.write(chunk)
        return len(chunk)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def write_bulk_csv(rows: pd.DataFrame, columns: Sequence[str], file: IO[bytes]) -> BulkFile:
    """Write the named columns of a wire frame to a binary file.

    ``NaN`` and empty text become empty cells (the field is left alone), ``#N/A`` stays (the field is set to null).
    The same rows always give the same bytes.
    """
    measured = _MeasuringFile(file)
    schema = pa.schema([(name, pa.large_string()) for name in columns])
    options = csv.WriteOptions(include_header=True, quoting_style="needed")
    with csv.CSVWriter(cast("IO[bytes]", measured), schema, write_options=options) as writer:
        for start in range(0, len(rows), _ROWS_PER_WRITE):
            writer.write_table(_wire_table(rows.iloc[start : start + _ROWS_PER_WRITE], schema))
    return BulkFile(digest=measured.digest, rows=len(rows), bytes=measured.bytes)


def bulk_parts(
    rows: pd.DataFrame, columns: Sequence[str], *, largest_bytes: int = LARGEST_FILE_BYTES
) -> Iterator[pd.DataFrame]:
    """Split rows, in order, into frames whose CSV files stay within ``largest_bytes`` each."""
    if rows.empty:
        return
    sizes = pd.concat([_value_bytes(rows[name]) for name in columns], axis="columns").sum(axis="columns")
    header = sum(len(name) + 3 for name in columns)
    part = _part_numbers(sizes.tolist(), largest_bytes - header)
    for _, positions in pd.Series(range(len(rows))).groupby(part):
        yield rows.iloc[positions.tolist()]


def _wire_table(rows: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    arrays = [_one_line_ending(_as_arrow(rows[name])) for name in schema.names]
    return pa.Table.from_arrays(arrays, schema=schema)


def _as_arrow(values: pd.Series) -> pa.LargeStringArray:
    return pa.array(values.astype(TEXT), type=pa.large_string(), from_pandas=True)


def _one_line_ending(values: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return texts whose newlines are all LF, and null for empty ones.

    A line ending inside a value that differs from the file's fails the whole job (``ClientInputError : LineEnding
    is invalid on user data``).
    """
    values = pc.replace_substring(values, pattern="\r\n", replacement="\n")
    values = pc.replace_substring(values, pattern="\r", replacement="\n")
    is_empty = pc.equal(values, pa.scalar("", pa.large_string()))
    return cast("pa.LargeStringArray", pc.if_else(is_empty, pa.scalar(None, pa.large_string()), values))


def _value_bytes(values: pd.Series) -> pd.Series:
    """Return an upper bound of each cell's bytes: the text, its doubled quotes, two quotes and a comma."""
    array = _as_arrow(values)
    text_bytes = pc.binary_length(array).to_pandas().fillna(0)
    quotes = pc.count_substring(array, pattern='"').to_pandas().fillna(0)
    return pd.Series((text_bytes + quotes + 3).to_numpy(), index=values.index)


def _part_numbers(sizes: Sequence[float], largest_bytes: int) -> list[int]:
    numbers: list[int] = []
    part, used = 0, 0.0
    for size in sizes:
        if used and used + size > largest_bytes:
            part, used = part + 1, 0.0
        used += size
        numbers.append(part)
    return numbers
