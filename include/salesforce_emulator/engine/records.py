"""Batches of records written: read, matched, checked and stored, a whole batch in one transaction.

Speed matters here, since a Bulk job may bring 200,000 Events: columns are planned once, references and keys looked up
in one query a batch, and rows stored with `executemany`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.access import Access
from include.salesforce_emulator.engine.chunks import rounds_of
from include.salesforce_emulator.engine.drafts import Batch, Draft
from include.salesforce_emulator.engine.errors import RowError, SalesforceFault
from include.salesforce_emulator.engine.ids import make_ids
from include.salesforce_emulator.engine.lifecycle import Recycling
from include.salesforce_emulator.engine.org_setup import OrgSetup, UserPermission, UserSetup
from include.salesforce_emulator.engine.reading import (
    RowReader,
    check_unique,
    find_ids_for_update,
    find_ids_for_upsert,
    load_before,
    match_field,
)
from include.salesforce_emulator.engine.references import check_references, load_referenced, resolve_lookups
from include.salesforce_emulator.engine.rules.access import (
    check_deletion,
    check_object,
    check_parents,
    check_sharing,
)
from include.salesforce_emulator.engine.rules.by_object import apply_after, apply_before
from include.salesforce_emulator.engine.rules.of_setup import OrgRules
from include.salesforce_emulator.engine.schema import FieldType
from include.salesforce_emulator.engine.store import Store, quote, unfilled
from include.salesforce_emulator.engine.values import date_time_text
from include.salesforce_emulator.engine.writes import Operation, RowResult, WriteOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.salesforce_emulator.engine.clock import Clock
    from include.salesforce_emulator.engine.schema import Field, Schema, SObject

_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


class _RollBackError(Exception):
    """Leaves the transaction of an all-or-none write that had a refused row."""


class RecordWriter:
    """Writes batches of records to one org."""

    def __init__(self, schema: Schema, store: Store, clock: Clock, setup: OrgSetup, rules: OrgRules) -> None:
        self._schema = schema
        self._store = store
        self._clock = clock
        self._setup = setup
        self._rules = rules

    def write(
        self,
        operation: Operation,
        sobject: SObject,
        rows: Sequence[Mapping[str, Any]],
        *,
        external_id: str | None,
        options: WriteOptions,
        access: Access | None = None,
    ) -> list[RowResult]:
        """Write rows and return one result a row, in order; without `access`, as the org itself does.

        Raises:
            SalesforceFault: the object does not take the operation, or `external_id` cannot match records.
        """
        _check_operation(operation, sobject)
        access = access or Access(None, UserSetup(), self._schema)
        results: list[RowResult] = []
        try:
            with self._store.transaction():
                results = self._write(
                    operation, sobject, rows, external_id=external_id, options=options, access=access
                )
                if options.all_or_none:
                    _check_all_accepted(results)
        except _RollBackError:
            return [RowResult(None, created=False, errors=item.errors or (_ROLLED_BACK,)) for item in results]
        return results

    def _write(
        self,
        operation: Operation,
        sobject: SObject,
        rows: Sequence[Mapping[str, Any]],
        *,
        external_id: str | None,
        options: WriteOptions,
        access: Access,
    ) -> list[RowResult]:
        seen = access.schema_for(operation)
        drafts = RowReader(seen.get(sobject.name), seen, from_csv=options.from_csv, whole=self._schema).read(
            rows
        )
        now = self._clock.now()
        batch = Batch(
            sobject, self._schema, self._store, self._setup, access, options, now, date_time_text(now), drafts
        )
        if operation in (Operation.INSERT, Operation.UPDATE, Operation.UPSERT):
            match = _matched_by(sobject, external_id, access) if operation is Operation.UPSERT else None
            if options.source == "bulk" and operation is not Operation.INSERT:
                return self._save_in_rounds(batch, operation, match)
            return self._save(batch, operation, match)
        return self._recycle(batch, operation)

    def _save_in_rounds(self, batch: Batch, operation: Operation, match: Field | None) -> list[RowResult]:
        rounds = rounds_of(batch.drafts, match)
        if len(rounds) == 1:
            return self._save(batch, operation, match)
        results: dict[int, RowResult] = {}
        for drafts in rounds:
            saved = self._save(replace(batch, drafts=drafts, referenced={}), operation, match)
            results.update(zip(map(id, drafts), saved, strict=True))
        return [results[id(draft)] for draft in batch.drafts]

    def _save(self, batch: Batch, operation: Operation, match: Field | None) -> list[RowResult]:
        if operation is Operation.INSERT:
            _refuse_ids(batch)
        elif match is not None:
            find_ids_for_upsert(batch, match)
        else:
            find_ids_for_update(batch)
        load_before(batch)
        if match is not None and batch.options.update_only:
            _refuse_new(batch)
        check_object(batch)
        _check_writable(batch, None if match is None else match.name)
        resolve_lookups(batch)
        load_referenced(batch)
        check_references(batch)
        check_parents(batch)
        check_sharing(batch)
        for draft in batch.accepted():
            if draft.is_new:
                _apply_defaults(draft, batch.sobject)
        self._rules.assign(batch)
        apply_before(batch)
        _check_required(batch)
        check_unique(batch, match)
        self._rules.check(batch)
        created = {id(draft) for draft in batch.accepted() if draft.is_new}
        self._insert(batch)
        self._update(batch, created)
        apply_after(batch)
        return [
            RowResult(draft.id, created=id(draft) in created)
            if draft.error is None
            else RowResult(draft.id, created=False, errors=(draft.error, *draft.further_errors))
            for draft in batch.drafts
        ]

    def _recycle(self, batch: Batch, operation: Operation) -> list[RowResult]:
        for draft in batch.accepted():
            if draft.id is None:
                draft.refuse("MISSING_ARGUMENT", f"Id not specified in a {operation} call", "Id")
        if operation is not Operation.UNDELETE:
            check_deletion(batch)
        recycling = Recycling(self._schema, self._store, batch.options.user_id, batch.stamp)
        act = {
            Operation.DELETE: recycling.delete,
            Operation.HARD_DELETE: recycling.hard_delete,
            Operation.UNDELETE: recycling.undelete,
        }[operation]
        errors = act(batch.sobject, [str(draft.id) for draft in batch.accepted()])
        for draft in batch.accepted():
            draft.error = errors.get(str(draft.id))
        return [
            RowResult(draft.id, created=False, errors=() if draft.error is None else (draft.error,))
            for draft in batch.drafts
        ]

    def _insert(self, batch: Batch) -> None:
        new = [draft for draft in batch.accepted() if draft.is_new]
        if not new:
            return
        sobject, user = batch.sobject, batch.options.user_id
        ids = make_ids(sobject.key_prefix, self._store.reserve_numbers(sobject.name, len(new)), len(new))
        audit = (batch.stamp, user, batch.stamp, user, batch.stamp)
        may_set_audit = batch.access.allows(UserPermission.CREATE_AUDIT_FIELDS)
        stamps = [_given_audit(draft, audit) for draft in new] if may_set_audit else repeat(audit, len(new))
        for draft, record_id in zip(new, ids, strict=True):
            draft.id = record_id
        columns = {"Id": ids, **dict(zip(_AUDIT, zip(*stamps, strict=True), strict=True))}
        columns |= _filled_columns(sobject, new)
        with self._store.transaction() as connection:
            connection.executemany(
                f"INSERT INTO {quote(sobject.name)} ({', '.join(map(quote, columns))}) "  # noqa: S608 - schema names
                f"VALUES ({', '.join('?' * len(columns))})",
                zip(*columns.values(), strict=True),
            )

    def _update(self, batch: Batch, created: set[int]) -> None:
        # Only what changes is written: SQLite then leaves the indexes of all other columns alone.
        groups: dict[tuple[str, ...], list[Draft]] = defaultdict(list)
        for draft in batch.accepted():
            if id(draft) not in created and draft.before is not None:
                before = draft.before
                groups[tuple(name for name, value in draft.values.items() if before[name] != value)].append(
                    draft
                )
        for names, drafts in groups.items():
            columns = (*names, *_UPDATE_AUDIT)
            settings = ", ".join(f"{quote(name)} = ?" for name in columns)
            sql = f"UPDATE {quote(batch.sobject.name)} SET {settings} WHERE Id = ?"  # noqa: S608 - schema names
            audit = (batch.stamp, batch.options.user_id, batch.stamp)
            rows = [(*(draft.values[name] for name in names), *audit, draft.id) for draft in drafts]
            with self._store.transaction() as connection:
                connection.executemany(sql, rows)


_AUDIT = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
_OWN_COLUMNS = frozenset({"Id", *_AUDIT})
_UPDATE_AUDIT = ("LastModifiedDate", "LastModifiedById", "SystemModstamp")


def _matched_by(sobject: SObject, external_id: str | None, access: Access) -> Field:
    match = match_field(access.schema.get(sobject.name), external_id or "Id")
    access.require_match(match)
    return match


def _filled_columns(sobject: SObject, new: Sequence[Draft]) -> dict[str, Sequence[Any]]:
    """Return the values of each field to which some new record gives another than its table would; each costs time.

    A custom check box always counts, for its default may have been another when its column was made.
    """
    columns: dict[str, Sequence[Any]] = {}
    given = [draft.values for draft in new]
    for item in sobject.fields:
        if item.name in _OWN_COLUMNS:
            continue
        usual = unfilled(item)
        column = [values.get(item.name, usual) for values in given]
        is_kept = item.custom and item.type is FieldType.BOOLEAN
        if is_kept or column[0] != usual or column.count(usual) < len(column):
            columns[item.name] = column
    return columns


def _given_audit(draft: Draft, usual: tuple[str, ...]) -> tuple[Any, ...]:
    """Take the audit values that a row brings with it, each else as usual."""
    return tuple(draft.values.pop(name, None) or value for name, value in zip(_AUDIT, usual, strict=True))


def _check_all_accepted(results: Sequence[RowResult]) -> None:
    if not all(result.success for result in results):
        raise _RollBackError


def _check_operation(operation: Operation, sobject: SObject) -> None:
    allowed = {
        Operation.INSERT: sobject.createable,
        Operation.UPDATE: sobject.updateable,
        Operation.UPSERT: sobject.createable and sobject.updateable,
    }.get(operation, sobject.deletable)
    if not allowed:
        message = f"entity type {sobject.name} does not support {operation}"
        raise SalesforceFault(400, "INVALID_TYPE_FOR_OPERATION", message)


def _refuse_ids(batch: Batch) -> None:
    for draft in batch.accepted():
        if draft.id is not None:
            draft.refuse("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id")
            draft.id = None


def _refuse_new(batch: Batch) -> None:
    for draft in batch.accepted():
        if draft.is_new:
            draft.refuse("NOT_FOUND", "The requested resource does not exist")


def _check_writable(batch: Batch, key_name: str | None) -> None:
    for draft in batch.accepted():
        read_only = draft.plan.read_only_on_create if draft.is_new else draft.plan.read_only_on_update
        if not read_only:
            continue
        looked_up = {draft.plan.relationships[position].field.name for position, _ in draft.lookups}
        given = tuple(
            name
            for name in read_only
            if (name != key_name or draft.is_new) and (name in draft.values or name in looked_up)
        )
        if given:
            message = (
                f"Unable to create/update fields: {', '.join(given)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set."
            )
            draft.refuse("INVALID_FIELD_FOR_INSERT_UPDATE", message, *given)


def _apply_defaults(draft: Draft, sobject: SObject) -> None:
    """Give a new record the defaults of the fields it leaves out, or names without a value where one must be."""
    given = draft.values
    draft.values = values = {**sobject.default_values, **given}
    if None in given.values():
        for name, default, nillable in sobject.defaults:
            if values[name] is None and not nillable:
                values[name] = default


def _check_required(batch: Batch) -> None:
    on_create = [item.name for item in batch.sobject.fields if item.is_required]
    never_empty = frozenset(
        item.name for item in batch.sobject.fields if not item.nillable and item.createable
    )
    for draft in batch.accepted():
        values = draft.values
        if draft.is_new:
            missing = [name for name in on_create if values.get(name) is None]
        else:
            missing = [name for name in values if name in never_empty and values[name] is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            draft.refuse("REQUIRED_FIELD_MISSING", message, *missing)
