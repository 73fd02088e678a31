"""Records a batch points at: found by key for relationship columns, and checked to exist, all in a few queries."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.drafts import Batch, Draft, Referenced
from include.salesforce_emulator.engine.schema import IDS
from include.salesforce_emulator.engine.store import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.salesforce_emulator.engine.columns import RelationshipColumn
    from include.salesforce_emulator.engine.schema import Field, SObject
    from include.salesforce_emulator.engine.store import Store


def find_by_field(
    store: Store, sobject: SObject, match: Field, values: Iterable[str]
) -> dict[str, list[str]]:
    """Return the Ids of the records, outside the recycle bin, that hold each value; keys as `match_key` makes them."""
    column = quote(match.name)
    rows = store.fetch(
        f"SELECT {column}, Id FROM {quote(sobject.name)} "  # noqa: S608 - names of the schema
        f"WHERE {column} IN (SELECT value FROM json_each(?)) AND IsDeleted = 0 ORDER BY _row",
        (json.dumps(list(values)),),
    )
    found: dict[str, list[str]] = defaultdict(list)
    for value, record_id in rows:
        found[match_key(match, value)].append(record_id)
    return found


def match_key(match: Field, value: str) -> str:
    """Return a value as a field compares it: Ids and case-sensitive fields exactly, others in any case."""
    return value if match.case_sensitive or match.type in IDS else value.lower()


def resolve_lookups(batch: Batch) -> None:
    """Turn the values of relationship columns into Ids; a row whose parent cannot be told is refused."""
    wanted: dict[RelationshipColumn, list[tuple[Draft, str]]] = defaultdict(list)
    for draft in batch.accepted():
        for position, value in draft.lookups:
            wanted[draft.plan.relationships[position]].append((draft, value))
    for column, lookups in wanted.items():
        found = find_by_field(batch.store, column.target, column.match, {value for _, value in lookups})
        for draft, value in lookups:
            ids = found.get(match_key(column.match, value), [])
            if len(ids) == 1:
                draft.values[column.field.name] = ids[0]
                continue
            where = f"for field {column.match.name} in entity {column.target.name}"
            trouble = "not found" if not ids else "found more than once"
            draft.refuse("INVALID_FIELD", f"Foreign key external ID: {value} {trouble} {where}")


def load_referenced(batch: Batch) -> None:
    """Read what rules need to know of every record the batch points at."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for record_id in _referenced_ids(batch) | _people_before(batch):
        wanted[record_id[:3]].add(record_id)
    for prefix, ids in wanted.items():
        target = batch.schema.of_id(prefix)
        if target is not None:
            batch.referenced |= _read(batch.store, target, ids)


def _referenced_ids(batch: Batch) -> set[str]:
    drafts = list(batch.accepted())
    return {
        str(record_id)
        for field in batch.sobject.references
        for record_id in {draft.values.get(field.name) for draft in drafts}
        if record_id is not None
    }


def _people_before(batch: Batch) -> set[str]:
    """Return whom and what activities were about whose relations change."""
    names = {field.name for field in batch.sobject.references} & {"WhoId", "WhatId"}
    return {
        draft.before[name]
        for draft in batch.accepted()
        if names and draft.before is not None and ("WhoId" in draft.values or "WhatId" in draft.values)
        for name in names
        if draft.before[name]
    }


def _read(store: Store, target: SObject, ids: Iterable[str]) -> dict[str, Referenced]:
    active = "IsActive" if target.name == "User" else "1"
    converted = "IsConverted" if target.name == "Lead" else "0"
    account = "AccountId" if target.name == "Contact" else "NULL"
    rows: list[Any] = store.fetch(
        f"SELECT Id, IsDeleted, {active}, {converted}, {account} FROM {quote(target.name)} "  # noqa: S608
        "WHERE Id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return {row[0]: Referenced(target.name, bool(row[1]), bool(row[2]), bool(row[3]), row[4]) for row in rows}


def check_references(batch: Batch) -> None:
    """Refuse rows that point at a record that is not there, or is in the recycle bin."""
    known = batch.referenced
    lost = {item for item in _referenced_ids(batch) if item not in known or known[item].is_deleted}
    if not lost:
        return
    names = [field.name for field in batch.sobject.references]
    for draft in batch.accepted():
        for name in names:
            record_id = draft.values.get(name)
            if record_id not in lost or not draft.changes(name):
                continue
            if record_id in known:
                draft.refuse("ENTITY_IS_DELETED", "entity is deleted")
            else:
                draft.refuse("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
