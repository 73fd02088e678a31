"""Rows of a write, read into drafts: columns planned once, values converted, the record each row means found."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.columns import ColumnPlan, flatten, plan_columns
from include.salesforce_emulator.engine.drafts import Batch, Draft
from include.salesforce_emulator.engine.errors import RowError, SalesforceFault
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.references import find_by_field, match_key
from include.salesforce_emulator.engine.schema import Field, Schema, SObject
from include.salesforce_emulator.engine.store import Store, quote
from include.salesforce_emulator.engine.table_reading import read_table
from include.salesforce_emulator.engine.tables import Table
from include.salesforce_emulator.engine.values import CLEAR, RefusedValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class RowReader:
    """Reads the rows of one write; plans are kept for every set of columns met.

    Tables are read column by column, see `table_reading`; everything else row by row.
    """

    def __init__(
        self, sobject: SObject, schema: Schema, *, from_csv: bool, whole: Schema | None = None
    ) -> None:
        self._sobject = sobject
        self._schema = schema
        self._whole = whole
        self._from_csv = from_csv
        self._plans: dict[tuple[str, ...], ColumnPlan] = {}

    def read(self, rows: Sequence[Mapping[str, Any]]) -> list[Draft]:
        """Return a draft a row, in order; what cannot be read is refused on its draft."""
        if isinstance(rows, Table) and self._from_csv:
            return read_table(rows, self._plan(rows.columns), self._read_id) if rows else []
        return [self._read_row(row) for row in rows]

    def _read_row(self, row: Mapping[str, Any]) -> Draft:
        if not self._from_csv:
            row = flatten(row, self._sobject)
        plan = self._plan(tuple(row))
        draft = Draft(values={}, plan=plan)
        if plan.refusal is not None:
            draft.error = plan.refusal
            return draft
        try:
            self._read_values(row, plan, draft)
        except RefusedValueError as refused:
            draft.error = refused.row_error
        if plan.id_key is not None:
            self._read_id(row[plan.id_key], draft)
        return draft

    def _plan(self, keys: tuple[str, ...]) -> ColumnPlan:
        plan = self._plans.get(keys)
        if plan is None:
            plan = plan_columns(keys, self._sobject, self._schema, from_csv=self._from_csv, whole=self._whole)
            self._plans[keys] = plan
        return plan

    def _read_values(self, row: Mapping[str, Any], plan: ColumnPlan, draft: Draft) -> None:
        values = draft.values
        from_csv = self._from_csv
        for column in plan.plain:
            value, name = row[column.key], column.field.name
            if value is None or value == "":
                if not from_csv:
                    values[name] = None
            elif from_csv and value == CLEAR:
                values[name] = None
            else:
                values[name] = column.convert(value)
        if plan.relationships:
            draft.lookups = tuple(self._lookups(row, plan, values))

    def _lookups(
        self, row: Mapping[str, Any], plan: ColumnPlan, values: dict[str, Any]
    ) -> list[tuple[int, str]]:
        lookups = []
        for position, column in enumerate(plan.relationships):
            value = row[column.key]
            if value in (None, ""):
                if not self._from_csv:
                    values[column.field.name] = None
            elif self._from_csv and value == CLEAR:
                values[column.field.name] = None
            elif isinstance(value, str):
                lookups.append((position, value))
            else:
                message = f"{column.key} must be a text that identifies one {column.target.name}"
                raise RefusedValueError("JSON_PARSER_ERROR", message, (column.field.name,))
        return lookups

    def _read_id(self, value: Any, draft: Draft) -> None:
        if value is None or value == "":
            return
        draft.id = normalise_id(value) if isinstance(value, str) else None
        if draft.id is None:
            draft.refuse("MALFORMED_ID", f"bad id {value}", "Id")
        elif draft.id[:3] != self._sobject.key_prefix:
            message = f"Record ID: id value of incorrect type: {value}"
            draft.error = RowError("MALFORMED_ID", message, ("Id",))


def match_field(sobject: SObject, name: str) -> Field:
    """Return the field an upsert matches by.

    Raises:
        SalesforceFault: it is not a field of the object, or neither an External ID nor an idLookup.
    """
    field = sobject.field(name)
    if field is None or not field.is_matchable:
        message = (
            f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for "
            f"{sobject.name}"
        )
        raise SalesforceFault(400, "INVALID_FIELD", message)
    return field


def find_ids_for_update(batch: Batch) -> None:
    """Refuse rows of an update without an Id, or whose Id another row of the batch has too."""
    seen: set[str] = set()
    for draft in batch.accepted():
        if draft.id is None:
            draft.refuse("MISSING_ARGUMENT", "Id not specified in an update call", "Id")
        elif draft.id in seen:
            draft.refuse("DUPLICATE_VALUE", f"duplicate id in the list: {draft.id}", "Id")
        else:
            seen.add(draft.id)


def find_ids_for_upsert(batch: Batch, match: Field) -> None:
    """Find the record each row of an upsert means by its key; rows that share a key are all refused."""
    if match.name == "Id":
        return
    for draft in batch.accepted():
        if draft.id is not None:
            message = "The Id field should not be specified in the sobject data."
            draft.refuse("INVALID_FIELD_FOR_INSERT_UPDATE", message, "Id")
        elif draft.values.get(match.name) is None:
            draft.refuse("MISSING_ARGUMENT", f"{match.name} not specified", match.name)
    keys = [match_key(match, str(draft.values[match.name])) for draft in batch.accepted()]
    found = find_by_field(batch.store, batch.sobject, match, keys)
    times = Counter(keys)
    for draft, key in zip(list(batch.accepted()), keys, strict=True):
        value, ids = draft.values[match.name], found.get(key, [])
        if times[key] > 1:
            draft.refuse("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", match.name)
        elif len(ids) > 1:
            message = f"{match.name}: more than one record found for external id field: [{', '.join(ids)}]"
            draft.refuse("DUPLICATE_EXTERNAL_ID", message, match.name)
        elif ids:
            draft.id = ids[0]


def load_before(batch: Batch) -> None:
    """Read the stored record of every draft that has an Id; a row whose record is gone is refused."""
    ids = [draft.id for draft in batch.accepted() if draft.id is not None]
    if not ids:
        return
    before = read_records(batch.store, batch.sobject, ids)
    for draft in batch.accepted():
        if draft.id is None:
            continue
        record = before.get(draft.id)
        if record is None:
            draft.refuse("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        elif record["IsDeleted"]:
            draft.refuse("ENTITY_IS_DELETED", "entity is deleted")
        else:
            draft.before = record


def read_records(store: Store, sobject: SObject, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the stored records of the given Ids, deleted ones too, by Id and field name."""
    names = [
        "Id",
        "IsDeleted",
        *(field.name for field in sobject.fields if field.name not in ("Id", "IsDeleted")),
    ]
    columns = ", ".join(map(quote, names))
    rows = store.fetch(
        f"SELECT {columns} FROM {quote(sobject.name)} WHERE Id IN (SELECT value FROM json_each(?))",  # noqa: S608
        (json.dumps(ids),),
    )
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def check_unique(batch: Batch, matched_by: Field | None) -> None:
    """Refuse rows whose unique values another record holds, in the org or earlier in the batch."""
    for field in batch.sobject.unique_fields:
        if matched_by is not None and field.name == matched_by.name:
            continue
        name = field.name
        drafts = [d for d in batch.accepted() if d.values.get(name) is not None and d.changes(name)]
        if not drafts:
            continue
        values = [str(draft.values[field.name]) for draft in drafts]
        holders: dict[str, list[str]] = defaultdict(
            list, find_by_field(batch.store, batch.sobject, field, values)
        )
        for position, (draft, value) in enumerate(zip(drafts, values, strict=True)):
            key = match_key(field, value)
            others = [holder for holder in holders[key] if holder != draft.id]
            if others:
                message = (
                    f"duplicate value found: {field.name} duplicates value on record with id: {others[0]}"
                )
                draft.refuse("DUPLICATE_VALUE", message)
            else:
                holders[key].append(draft.id or f"row {position + 1} of this request")
