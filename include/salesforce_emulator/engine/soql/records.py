"""Records of a query in the shapes REST and Bulk answer: parents nested, children below, types and addresses told."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.salesforce_emulator.engine.schema import NUMBERS, Field, FieldType, Schema
from include.salesforce_emulator.engine.soql.compiled import ChildRows, RecordQuery, TypeofColumn
from include.salesforce_emulator.engine.store import Store

API_VERSION = "66.0"

Row = tuple[Any, ...]
Record = dict[str, Any]


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


@dataclass(frozen=True, slots=True)
class _Value:
    """One field of a record, and where its value stands in a row."""

    name: str
    at: int
    make: Callable[[Any], Any]


@dataclass(slots=True)
class _Node:
    """One level of a JSON record: its own fields and what is nested in it, in the order of the SELECT."""

    name: str
    id_at: int
    entity: str
    items: list[_Value | _Node | _Variants | ChildRows] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Variants:
    """A TYPEOF: the first variant whose Id is there is shown."""

    name: str
    nodes: tuple[_Node, ...]


class RecordReader:
    """Reads pages of one query by row number."""

    def __init__(self, compiled: RecordQuery, store: Store, schema: Schema) -> None:
        self._compiled = compiled
        self._store = store
        self._schema = schema
        self._first = 2 + len(compiled.relationships)
        self._tree = self._build_tree()
        self._children = {
            item.name: RecordReader(item.query, store, schema)
            for item in compiled.shown
            if isinstance(item, ChildRows)
        }

    def records(self, numbers: Sequence[int], *, version: str) -> dict[int, Record]:
        """Return records as REST JSON by row number; those gone meanwhile are left out."""
        root = f"/services/data/v{version}/sobjects/"
        rows = self._fetch(numbers)
        records = {row[0]: self._record(self._tree, row, root) for row in rows}
        for item in self._compiled.shown:
            if isinstance(item, ChildRows):
                found = self._children_of(item, [row[1] for row in rows], version)
                for row in rows:
                    records[row[0]][item.name] = found.get(row[1])
        return records

    def rows(self, numbers: Sequence[int]) -> list[tuple[str, ...]]:
        """Return records as the texts of Bulk CSV rows, in the order of the numbers."""
        convert = [text_value(column.field) for column in self._compiled.columns]
        last = self._first + len(convert)
        by_number = {row[0]: row[self._first : last] for row in self._fetch(numbers)}
        return [
            tuple(
                "" if value is None else make(value)
                for make, value in zip(convert, by_number[number], strict=True)
            )
            for number in numbers
            if number in by_number
        ]

    def _fetch(self, numbers: Sequence[int]) -> list[Row]:
        return self._store.fetch(self._compiled.page_sql, (json.dumps(list(numbers)),))

    def _children_of(self, children: ChildRows, parents: Sequence[str], version: str) -> dict[str, Record]:
        """Return the results nested in each parent that has children, by its Id."""
        numbers: dict[str, list[int]] = defaultdict(list)
        parameters = (*children.parameters, json.dumps(list(parents)))
        for parent, number in self._store.fetch(children.rows_sql, parameters):
            numbers[parent].append(number)
        last = None if children.limit is None else children.offset + children.limit
        wanted = {parent: found[children.offset : last] for parent, found in numbers.items()}
        reader = self._children[children.name]
        records = reader.records([number for found in wanted.values() for number in found], version=version)
        return {
            parent: {
                "totalSize": len(found),
                "done": True,
                "records": [records[number] for number in found if number in records],
            }
            for parent, found in wanted.items()
            if found
        }

    def _build_tree(self) -> _Node:
        root = _Node("", 1, self._compiled.base.name)
        nodes: dict[tuple[str, ...], _Node] = {(): root}
        at = self._first
        after = at + len(self._compiled.columns)
        for item in self._compiled.shown:
            if isinstance(item, ChildRows):
                root.items.append(item)
            elif isinstance(item, TypeofColumn):
                variants, after = _variants(item, after)
                self._node(nodes, item.path[:-1]).items.append(variants)
            else:
                node = self._node(nodes, item.path[:-1])
                node.items.append(_Value(item.path[-1], at, json_value(item.field)))
                at += 1
        return root

    def _node(self, nodes: dict[tuple[str, ...], _Node], path: tuple[str, ...]) -> _Node:
        for length in range(1, len(path) + 1):
            here = path[:length]
            if here not in nodes:
                id_at = 2 + self._compiled.relationships.index(here)
                nodes[here] = _Node(here[-1], id_at, self._entity(here))
                nodes[here[:-1]].items.append(nodes[here])
        return nodes[path]

    def _entity(self, path: tuple[str, ...]) -> str:
        """Return the type shown for a parent: its object, or `Name` behind a polymorphic relationship."""
        current = self._compiled.base
        for name in path:
            reference = current.relationship(name)
            if reference is None or reference.is_polymorphic:
                return "Name"
            current = self._schema.get(reference.reference_to[0])
        return current.name

    def _record(self, node: _Node, row: Row, root: str) -> Record:
        record_id = row[node.id_at]
        target = self._schema.of_id(record_id)
        url = f"{root}{target.name if target else node.entity}/{record_id}"
        record: Record = {"attributes": {"type": node.entity, "url": url}}
        for item in node.items:
            if isinstance(item, _Value):
                value = row[item.at]
                record[item.name] = None if value is None else item.make(value)
            elif isinstance(item, _Node):
                record[item.name] = None if row[item.id_at] is None else self._record(item, row, root)
            elif isinstance(item, _Variants):
                shown = next((one for one in item.nodes if row[one.id_at] is not None), None)
                record[item.name] = None if shown is None else self._record(shown, row, root)
            else:
                record[item.name] = None
        return record


def _variants(item: TypeofColumn, first: int) -> tuple[_Variants, int]:
    """Return the variants of a TYPEOF whose columns begin at `first`, and where the next one's begin."""
    nodes = []
    at = first
    for arm in item.arms:
        node = _Node(item.path[-1], at, arm.entity)
        node.items = [
            _Value(column.path[-1], at + 1 + place, json_value(column.field))
            for place, column in enumerate(arm.columns)
        ]
        nodes.append(node)
        at += 1 + len(arm.columns)
    return _Variants(item.path[-1], tuple(nodes)), at
