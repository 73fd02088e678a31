"""Rows that all have the same columns, as a file brings them: lists of texts, not a mapping a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload


class Table(Sequence[Mapping[str, Any]]):
    """A sequence of rows by column name that stays what the file was until somebody asks for a row.

    Attributes:
        columns: the names of the columns.
        records: the values of each row, as many as there are columns.
    """

    __slots__ = ("columns", "records")

    def __init__(self, columns: Sequence[str], records: Sequence[Sequence[str]]) -> None:
        self.columns = tuple(columns)
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Table: ...

    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | Table:
        if isinstance(index, slice):
            return Table(self.columns, self.records[index])
        return dict(zip(self.columns, self.records[index], strict=True))

    def without(self, dropped: Sequence[bool]) -> Table:
        """Return the table without the rows flagged."""
        kept = [record for record, is_dropped in zip(self.records, dropped, strict=True) if not is_dropped]
        return Table(self.columns, kept)
