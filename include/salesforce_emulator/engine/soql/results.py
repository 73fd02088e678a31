"""What a query found: pages of it, all of it, and what it takes to go on with it later."""

from __future__ import annotations

import base64
import json
import sqlite3
import zlib
from array import array
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.schema import Field, FieldType, Schema
from include.salesforce_emulator.engine.soql.compiled import (
    AggregateQuery,
    ChildRows,
    Compiled,
    CountQuery,
    RecordQuery,
)
from include.salesforce_emulator.engine.soql.records import API_VERSION, RecordReader, json_value, text_value
from include.salesforce_emulator.engine.soql.translate import translate
from include.salesforce_emulator.engine.store import Store

__all__ = ["API_VERSION", "QueryResult", "restore", "run"]

_PAGE = 2000


class QueryResult:
    """The answer to one query.

    Attributes:
        columns: what was selected, in order, as dotted paths spelled like the schema.
        total_size: how many records there are in all; for `COUNT()` the count, with no records.
        is_aggregate: whether the records are of type AggregateResult.
        sobject: the queried object's name, None for aggregates.
    """

    columns: tuple[str, ...]
    total_size: int
    is_aggregate: bool = False
    sobject: str | None = None

    def records(self, offset: int, limit: int, *, version: str = API_VERSION) -> list[dict[str, Any]]:
        """Return one page as REST JSON records; records gone since the query are left out."""
        raise NotImplementedError

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield every record as the texts of a Bulk CSV row, page by page."""
        raise NotImplementedError

    def state(self) -> str:
        """Return what `restore` needs to go on with this result after a restart: which rows, and their order."""
        raise NotImplementedError


def run(compiled: Compiled, store: Store, schema: Schema) -> QueryResult:
    """Run a translated query.

    Raises:
        SalesforceFault: QUERY_TOO_COMPLICATED, if SQLite refuses the statement.
    """
    try:
        if isinstance(compiled, CountQuery):
            return _CountResult(int(store.fetch(compiled.sql, compiled.parameters)[0][0]))
        if isinstance(compiled, AggregateQuery):
            found = store.fetch(compiled.sql, compiled.parameters)
            return _AggregateResult(compiled.names, compiled.fields, found)
        numbers = array("q", (row[0] for row in store.fetch(compiled.rows_sql, compiled.parameters)))
        _try_children(compiled, store)
    except sqlite3.OperationalError as error:
        message = f"The query is too complicated for the local org ({error}); ask for less at once."
        raise SalesforceFault(400, "QUERY_TOO_COMPLICATED", message) from error
    return _RecordResult(compiled, numbers, store, schema)


def _try_children(compiled: RecordQuery, store: Store) -> None:
    """Let SQLite read the statements for children, so that what it refuses is refused now and not on some page."""
    for item in compiled.shown:
        if isinstance(item, ChildRows):
            store.fetch(item.rows_sql, (*item.parameters, "[]"))
            _try_children(item.query, store)


def restore(state: str, store: Store, schema: Schema) -> QueryResult:
    """Return the result whose `state` was kept, over the same store.

    Args:
        state: what `QueryResult.state` returned.
        store: the org's database.
        schema: what the user may see of it now; the query is translated anew.

    Raises:
        SalesforceFault: the schema no longer has what the query asks for.
    """
    kept = json.loads(state)
    if "count" in kept:
        return _CountResult(kept["count"])
    if "fields" in kept:
        fields = tuple(Field(name=name, type=FieldType(kind), label=name) for name, kind in kept["fields"])
        return _AggregateResult(tuple(kept["names"]), fields, list(map(tuple, kept["rows"])))
    today = date.fromisoformat(kept["today"])
    compiled = translate(
        kept["soql"],
        schema,
        today=today,
        include_deleted=kept["includeDeleted"],
        user_id=kept["userId"],
    )
    numbers = array("q")
    numbers.frombytes(zlib.decompress(base64.b64decode(kept["rows"])))
    if not isinstance(compiled, RecordQuery):
        raise SalesforceFault(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _RecordResult(compiled, numbers, store, schema)


class _CountResult(QueryResult):
    columns = ()
    is_aggregate = True

    def __init__(self, count: int) -> None:
        self.total_size = count

    def records(self, offset: int, limit: int, *, version: str = API_VERSION) -> list[dict[str, Any]]:  # noqa: ARG002
        return []

    def rows(self) -> Iterator[tuple[str, ...]]:
        return iter(())

    def state(self) -> str:
        return json.dumps({"count": self.total_size})


class _AggregateResult(QueryResult):
    is_aggregate = True

    def __init__(
        self, names: tuple[str, ...], fields: tuple[Field, ...], found: Sequence[tuple[Any, ...]]
    ) -> None:
        self.columns = names
        self.total_size = len(found)
        self._found = found
        self._fields = fields

    def state(self) -> str:
        fields = [(item.name, item.type) for item in self._fields]
        return json.dumps({"names": self.columns, "fields": fields, "rows": list(self._found)})

    def records(self, offset: int, limit: int, *, version: str = API_VERSION) -> list[dict[str, Any]]:  # noqa: ARG002
        convert = [json_value(item) for item in self._fields]
        return [
            {"attributes": {"type": "AggregateResult"}}
            | {
                name: None if value is None else make(value)
                for name, make, value in zip(self.columns, convert, row, strict=True)
            }
            for row in self._found[offset : offset + limit]
        ]

    def rows(self) -> Iterator[tuple[str, ...]]:
        convert = [text_value(item) for item in self._fields]
        for row in self._found:
            yield tuple(
                "" if value is None else make(value) for make, value in zip(convert, row, strict=True)
            )


class _RecordResult(QueryResult):
    def __init__(self, compiled: RecordQuery, numbers: array[int], store: Store, schema: Schema) -> None:
        self.columns = tuple(".".join(column.path) for column in compiled.columns)
        self.total_size = len(numbers)
        self.sobject = compiled.base.name
        self._asked = compiled.asked
        self._numbers = numbers
        self._reader = RecordReader(compiled, store, schema)

    def records(self, offset: int, limit: int, *, version: str = API_VERSION) -> list[dict[str, Any]]:
        numbers = self._numbers[offset : offset + limit]
        found = self._reader.records(numbers, version=version)
        return [found[number] for number in numbers if number in found]

    def rows(self) -> Iterator[tuple[str, ...]]:
        for offset in range(0, self.total_size, _PAGE):
            yield from self._reader.rows(self._numbers[offset : offset + _PAGE])

    def state(self) -> str:
        kept = {
            "soql": self._asked.soql,
            "today": self._asked.today.isoformat(),
            "includeDeleted": self._asked.include_deleted,
            "userId": self._asked.user_id,
            "rows": base64.b64encode(zlib.compress(self._numbers.tobytes())).decode("ascii"),
        }
        return json.dumps(kept)
