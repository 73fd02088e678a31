"""From the rows of a request to the engine and back: headers, nested references, row locks, all-or-none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from include.salesforce_emulator.engine.errors import RowError, SalesforceFault
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.org import OperationName as Operation
from include.salesforce_emulator.engine.org import Org, RowResult, WriteOptions
from include.salesforce_emulator.engine.tables import Table
from include.salesforce_emulator.server.faults import FaultBook
from include.salesforce_emulator.server.wire import ApiRequest, bad_json, flag

Row = Mapping[str, object]

_FIRST_VERSION_WITH_DUPLICATE_RULE_HEADER = 52.0


def options_of(request: ApiRequest) -> WriteOptions:
    """Read the headers and parameters that change how REST writes.

    Raises:
        SalesforceFault: MALFORMED_ID, `Sforce-Auto-Assign` is neither TRUE nor FALSE nor shaped like an Id.
    """
    duplicate_rule = request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
    knows_duplicate_rule = float(request.version or 0) >= _FIRST_VERSION_WITH_DUPLICATE_RULE_HEADER
    assign = request.headers.get("sforce-auto-assign", "").strip()
    names_rule = assign.lower() not in ("", "true", "false")
    if names_rule and normalise_id(assign) is None:
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "MALFORMED_ID", f"malformed id {assign}")
    return WriteOptions(
        user_id=request.user_id,
        auto_assign=assign.lower() != "false",
        assignment_rule_id=assign if names_rule else None,
        allow_duplicates=knows_duplicate_rule and "allowsave=true" in duplicate_rule,
        update_only=flag(request.query.get("updateOnly")),
    )


def flat_row(org: Org, sobject: str, record: Mapping[str, object]) -> dict[str, object]:
    """Turn a REST record into the engine's row: no attributes, references by external id as dotted columns.

    Raises:
        SalesforceFault: JSON_PARSER_ERROR, a nested object is no reference; NOT_FOUND, there is no such sObject.
    """
    row: dict[str, object] = {}
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, Mapping):
            column, key = _reference(org, sobject, name, value)
            row[column] = key
        elif isinstance(value, list):
            raise bad_json(f"the value of {name} must not be a list")
        else:
            row[name] = value
    return row


def _reference(org: Org, sobject: str, name: str, value: Mapping[str, object]) -> tuple[str, object]:
    keys = [key for key in value if key != "attributes"]
    if len(keys) != 1 or isinstance(value[keys[0]], (dict, list)):
        raise bad_json(f"the reference {name} must name exactly one field")
    attributes = value.get("attributes")
    target = attributes.get("type") if isinstance(attributes, Mapping) else None
    column = f"{name}.{keys[0]}"
    if isinstance(target, str) and _is_polymorphic(org, sobject, name):
        column = f"{target}:{column}"
    return column, value[keys[0]]


def _is_polymorphic(org: Org, sobject: str, relationship: str) -> bool:
    field = org.sobject(sobject).relationship(relationship)
    return field is not None and bool(field.is_polymorphic)


def write_rows(
    org: Org,
    faults: FaultBook,
    operation: Operation,
    sobject: str,
    rows: Sequence[Row],
    *,
    external_id: str | None,
    options: WriteOptions,
) -> list[RowResult]:
    """Write rows through the engine, except those that a scripted fault holds locked; one result a row, in order."""
    fields = faults.locked_fields(sobject)
    if not fields:
        return org.write(operation, sobject, rows, external_id=external_id, options=options)
    stored = _stored(org, sobject, rows, fields)
    locked = [faults.locks_row(sobject, {**stored.get(_id_of(row) or "", {}), **row}) for row in rows]
    free = (
        rows.without(locked)
        if isinstance(rows, Table)
        else [row for row, is_locked in zip(rows, locked, strict=True) if not is_locked]
    )
    written = iter(org.write(operation, sobject, free, external_id=external_id, options=options))
    return [_locked(row) if is_locked else next(written) for row, is_locked in zip(rows, locked, strict=True)]


def _stored(
    org: Org, sobject: str, rows: Iterable[Row], fields: frozenset[str]
) -> dict[str, dict[str, object]]:
    """Return the records, by Id, of the rows that do not bring every field a lock looks at."""
    ids = {_id_of(row) for row in rows if not fields <= row.keys()}
    return org.stored_records(sobject, [record_id for record_id in ids if record_id is not None])


def _id_of(row: Row) -> str | None:
    record_id = row.get("Id")
    return normalise_id(record_id) if isinstance(record_id, str) else None


def _locked(row: Row) -> RowResult:
    record_id = row.get("Id")
    known = record_id if isinstance(record_id, str) else None
    message = f"unable to obtain exclusive access to this record or 1 records: {known or ''}".rstrip(": ")
    return RowResult(known, created=False, errors=(RowError("UNABLE_TO_LOCK_ROW", message),))


def error_json(error: RowError, *, code_key: str) -> dict[str, object]:
    """Return a row's error as JSON; the code is ``errorCode`` in single writes, ``statusCode`` elsewhere."""
    return {code_key: error.code, "message": error.message, "fields": list(error.fields)}
