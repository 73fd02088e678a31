"""What a query found, in the shapes REST and Bulk answer."""

from __future__ import annotations

import base64
import json
import sqlite3
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from include.salesforce_emulator.errors import SalesforceFault
from include.salesforce_emulator.schema import NUMBERS, Field, FieldType, Schema
from include.salesforce_emulator.soql.translate import (
    AggregateQuery,
    Compiled,
    CountQuery,
    RecordQuery,
    translate,
)
from include.salesforce_emulator.store import Store

API_VERSION = "66.0"
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
    except sqlite3.OperationalError as error:
        message = f"The query is too complicated for the local org ({error}); ask for less at once."
        raise SalesforceFault(400, "QUERY_TOO_COMPLICATED", message) from error
    return _RecordResult(compiled, numbers, store, schema)


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
    compiled = translate(kept["soql"], schema, today=today, include_deleted=kept["includeDeleted"])
    numbers = array("q")
    numbers.frombytes(zlib.decompress(base64.b64decode(kept["rows"])))
    if not isinstance(compiled, RecordQuery):
        raise SalesforceFault(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _RecordResult(compiled, numbers, store, schema)


def json_value(item: Field) -> Callable[[Any], Any]:
    """Return the function that turns a stored value, not None, into REST JSON."""
    if item.type is FieldType.BOOLEAN:
        return bool
    if item.type in NUMBERS:
        return float
    return _as_is


def text_value(item: Field) -> Callable[[Any], str]:
    """Return the function that turns a stored value, not None, into the text of a Bulk CSV cell."""
    if item.type is FieldType.BOOLEAN:
        return lambda value: "true" if value else "false"
    if item.type is FieldType.DATETIME:
        return lambda value: value.replace("+0000", "Z")
    return str


def _as_is(value: Any) -> Any:
    return value


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


@dataclass(slots=True)
class _Node:
    """One level of a JSON record: its own fields and the parents nested in it, in the order of the SELECT."""

    name: str
    id_at: int
    entity: str
    items: list[tuple[str, int, Callable[[Any], Any]] | _Node] = field(default_factory=list)


class _RecordResult(QueryResult):
    def __init__(self, compiled: RecordQuery, numbers: array[int], store: Store, schema: Schema) -> None:
        self.columns = tuple(".".join(column.path) for column in compiled.columns)
        self.total_size = len(numbers)
        self.sobject = compiled.base.name
        self._compiled = compiled
        self._numbers = numbers
        self._store = store
        self._schema = schema
        self._tree = self._build_tree()

    def records(self, offset: int, limit: int, *, version: str = API_VERSION) -> list[dict[str, Any]]:
        root = f"/services/data/v{version}/sobjects/"
        return [self._record(self._tree, row, root) for row in self._page(offset, limit)]

    def rows(self) -> Iterator[tuple[str, ...]]:
        first = 2 + len(self._compiled.relationships)
        convert = [text_value(column.field) for column in self._compiled.columns]
        for offset in range(0, self.total_size, _PAGE):
            for row in self._page(offset, _PAGE):
                yield tuple(
                    "" if value is None else make(value)
                    for make, value in zip(convert, row[first:], strict=True)
                )

    def state(self) -> str:
        asked = self._compiled.asked
        kept = {
            "soql": asked.soql,
            "today": asked.today.isoformat(),
            "includeDeleted": asked.include_deleted,
            "rows": base64.b64encode(zlib.compress(self._numbers.tobytes())).decode("ascii"),
        }
        return json.dumps(kept)

    def _page(self, offset: int, limit: int) -> list[tuple[Any, ...]]:
        numbers = self._numbers[offset : offset + limit]
        found = self._store.fetch(self._compiled.page_sql, (json.dumps(list(numbers)),))
        by_number = {row[0]: row for row in found}
        return [by_number[number] for number in numbers if number in by_number]

    def _build_tree(self) -> _Node:
        root = _Node("", 1, self._compiled.base.name)
        nodes: dict[tuple[str, ...], _Node] = {(): root}
        first = 2 + len(self._compiled.relationships)
        for position, column in enumerate(self._compiled.columns):
            for length in range(1, len(column.path)):
                path = column.path[:length]
                if path not in nodes:
                    id_at = 2 + self._compiled.relationships.index(path)
                    nodes[path] = _Node(path[-1], id_at, self._entity(path))
                    nodes[path[:-1]].items.append(nodes[path])
            nodes[column.path[:-1]].items.append(
                (column.path[-1], first + position, json_value(column.field))
            )
        return root

    def _entity(self, path: tuple[str, ...]) -> str:
        """Return the type shown for a parent: its object, or `Name` behind a polymorphic relationship."""
        current = self._compiled.base
        for name in path:
            reference = current.relationship(name)
            if reference is None or reference.is_polymorphic:
                return "Name"
            current = self._schema.get(reference.reference_to[0])
        return current.name

    def _record(self, node: _Node, row: tuple[Any, ...], root: str) -> dict[str, Any]:
        record_id = row[node.id_at]
        target = self._schema.of_id(record_id)
        url = f"{root}{target.name if target else node.entity}/{record_id}"
        record: dict[str, Any] = {"attributes": {"type": node.entity, "url": url}}
        for item in node.items:
            if isinstance(item, _Node):
                record[item.name] = None if row[item.id_at] is None else self._record(item, row, root)
            else:
                name, position, make = item
                value = row[position]
                record[name] = None if value is None else make(value)
        return record
