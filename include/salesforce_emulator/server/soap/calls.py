"""The SOAP calls on records: convertLead, merge, delete, undelete, emptyRecycleBin.

Facts: SOAP API Developer Guide, the page of each call. Each item of a call succeeds or fails on its own, unless
AllOrNoneHeader says otherwise; results come in the order of the items.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from xml.etree.ElementTree import Element

from include.salesforce_emulator.engine.errors import RowError, SalesforceFault
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.org import RowResult, SObject, WriteOptions
from include.salesforce_emulator.engine.org_setup import UserPermission
from include.salesforce_emulator.engine.schema import NUMBERS, FieldType
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.soap.wire import (
    Content,
    Node,
    SoapCall,
    child,
    children,
    flag,
    is_nil,
    local_name,
    text,
    text_of,
)
from include.salesforce_emulator.server.writing import flat_row, write_rows

_MOST_RECORDS = 200
_MOST_CONVERSIONS = 100
_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid"
)
_Repeated = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of one item: the elements of its result beside errors and success."""

    elements: Mapping[str, str | _Repeated | None]
    errors: tuple[RowError, ...] = ()


class _RollBackError(Exception):
    """One item failed, and all items were to succeed together."""


def convert_leads(server: Server, call: SoapCall, user_id: str) -> Sequence[Content]:
    """Convert Leads; ``sendNotificationEmail`` has no effect."""
    server.org.access_of(user_id).require(UserPermission.CONVERT_LEADS)
    wanted = _at_most(_MOST_CONVERSIONS, children(call.operation, "leadConverts"))
    return _each(server, call, wanted, lambda item: _convert(server, item, user_id))


def _convert(server: Server, item: Element, user_id: str) -> _Result:
    try:
        done = server.org.convert_lead(
            text(item, "leadId") or "",
            account_id=text(item, "accountId"),
            contact_id=text(item, "contactId"),
            owner_id=text(item, "ownerId"),
            converted_status=text(item, "convertedStatus") or "",
            overwrite_lead_source=flag(item, "overwriteLeadSource"),
            do_not_create_opportunity=flag(item, "doNotCreateOpportunity"),
            opportunity_name=text(item, "opportunityName"),
            user_id=user_id,
        )
    except SalesforceFault as fault:
        nothing = dict.fromkeys(("accountId", "contactId", "leadId", "opportunityId"))
        return _Result(nothing, (_row_error(fault),))
    return _Result({name: done[name] for name in ("accountId", "contactId", "leadId", "opportunityId")})


def merge(server: Server, call: SoapCall, user_id: str) -> Sequence[Content]:
    """Merge records of the same object, a transaction a request."""
    wanted = _at_most(_MOST_RECORDS, children(call.operation, "request"))
    return [_rendered(_merge(server, item, user_id)) for item in wanted]


def _merge(server: Server, item: Element, user_id: str) -> _Result:
    master = child(item, "masterRecord")
    losers = [text_of(element) or "" for element in children(item, "recordToMergeIds")]
    if master is None:
        return _Result({"id": None}, (RowError("REQUIRED_FIELD_MISSING", "masterRecord is missing"),))
    master_id = text(master, "Id") or ""
    try:
        sobject = server.org.sobject(text(master, "type") or "", user_id=user_id)
        fields = flat_row(server.org, sobject.name, _record(sobject, master))
        merged = server.org.merge(sobject.name, master_id, losers, fields=fields or None, user_id=user_id)
    except SalesforceFault as fault:
        return _Result({"id": normalise_id(master_id)}, (_row_error(fault),))
    return _Result(
        {
            "id": merged.id,
            "mergedRecordIds": merged.merged_record_ids,
            "updatedRelatedIds": merged.updated_related_ids,
        }
    )


def _record(sobject: SObject, element: Element) -> dict[str, object]:
    """Read an sObject's fields as REST would send them: values by type, references by external id as objects.

    An empty element empties its field, as ``fieldsToNull`` does; one that is ``xsi:nil`` says nothing.
    """
    record: dict[str, object] = {text_of(name) or "": None for name in children(element, "fieldsToNull")}
    for part in element:
        name = local_name(part)
        if name in ("type", "Id", "fieldsToNull") or is_nil(part):
            continue
        record[name] = _reference(part) if len(part) else _value(sobject, name, text_of(part))
    return record


def _reference(element: Element) -> dict[str, object]:
    target: dict[str, object] = {"attributes": {"type": text(element, "type")}}
    return target | {local_name(part): text_of(part) for part in element if local_name(part) != "type"}


def _value(sobject: SObject, name: str, value: str | None) -> object:
    field = sobject.field(name)
    if value is None or field is None:
        return value
    try:
        if field.type is FieldType.INT:
            return int(value)
        return float(value) if field.type in NUMBERS else value
    except ValueError:
        return value  # the engine says what is wrong with it


def delete(server: Server, call: SoapCall, user_id: str) -> Sequence[Content]:
    """Move records, of several objects if need be, to the recycle bin."""
    return _write_ids(server, call, user_id, "delete")


def undelete(server: Server, call: SoapCall, user_id: str) -> Sequence[Content]:
    """Bring records back from the recycle bin."""
    return _write_ids(server, call, user_id, "undelete")


def empty_recycle_bin(server: Server, call: SoapCall, user_id: str) -> Sequence[Content]:
    """Remove records from the recycle bin for good; the refusal of one that is not in it is ours."""
    return _write_ids(server, call, user_id, "hardDelete")


_WriteName = Literal["delete", "undelete", "hardDelete"]


def _write_ids(server: Server, call: SoapCall, user_id: str, operation: _WriteName) -> Sequence[Content]:
    ids = _at_most(_MOST_RECORDS, [text_of(item) or "" for item in children(call.operation, "ids")])
    options = WriteOptions(user_id=user_id, allow_duplicates=call.allow_save)

    def run(wanted: Sequence[str]) -> list[_Result]:
        results: dict[int, _Result] = {}
        for name, places in _by_object(server, wanted).items():
            if not name:
                results |= {place: _bad_id(wanted[place]) for place in places}
                continue
            chosen = [wanted[place] for place in places]
            written = _write_one_object(server, operation, name, chosen, options)
            for place, result in zip(places, written, strict=True):
                results[place] = _Result({"id": normalise_id(wanted[place])}, result.errors)
        return [results[place] for place in range(len(wanted))]

    return [_rendered(result) for result in _together(server, call, lambda: run(ids))]


def _write_one_object(
    server: Server, operation: _WriteName, sobject: str, ids: Sequence[str], options: WriteOptions
) -> list[RowResult]:
    kept: set[str] = set()
    if operation == "hardDelete":
        kept = _not_deleted(server, sobject, ids)
    rows = [{"Id": item} for item in ids if normalise_id(item) not in kept]
    try:
        results = write_rows(
            server.org, server.faults, operation, sobject, rows, external_id=None, options=options
        )
    except SalesforceFault as fault:
        results = [RowResult(None, created=False, errors=(_row_error(fault),))] * len(rows)
    written = iter(results)
    return [_not_in_bin(item) if normalise_id(item) in kept else next(written) for item in ids]


def _not_deleted(server: Server, sobject: str, ids: Sequence[str]) -> set[str]:
    """Return which of some well-formed Ids are those of records that are not deleted."""
    listed = ", ".join(f"'{normalise_id(item)}'" for item in ids)
    rows = server.org.query(" ".join(("SELECT Id FROM", sobject, "WHERE Id IN (", listed, ")")))
    return {str(row["Id"]) for row in rows.records(0, rows.total_size)}


def _not_in_bin(record_id: str) -> RowResult:
    error = RowError("DELETE_FAILED", "Entity is not in the recycle bin")
    return RowResult(record_id, created=False, errors=(error,))


def _by_object(server: Server, ids: Sequence[str]) -> dict[str, list[int]]:
    """Group places in a list of Ids by the object that the Id's prefix names; nothing for no Id of this org."""
    known = {sobject.key_prefix: sobject.name for sobject in server.org.sobjects()}
    places: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(ids):
        places[known.get(item[:3], "") if normalise_id(item) else ""].append(place)
    return places


def _bad_id(given: str) -> _Result:
    return _Result({"id": None}, (RowError("MALFORMED_ID", f"bad id {given}"),))


def _at_most(limit: int, items: list[Any]) -> list[Any]:
    if len(items) > limit:
        message = f"record limit reached. cannot submit more than {limit} records into this call"
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "EXCEEDED_ID_LIMIT", message)
    return items


def _each(
    server: Server, call: SoapCall, items: Sequence[Element], run: Callable[[Element], _Result]
) -> Sequence[Content]:
    results = _together(server, call, lambda: [run(item) for item in items])
    return [_rendered(result) for result in results]


def _together(server: Server, call: SoapCall, run: Callable[[], list[_Result]]) -> list[_Result]:
    """Run all items; if the call wants all or none and one failed, undo the others and say so in their results."""
    if not call.all_or_none:
        return run()
    results: list[_Result] = []
    try:
        with server.org.store.transaction():
            results = run()
            _require_all(results)
    except _RollBackError:
        return [_Result(result.elements, result.errors or (_ROLLED_BACK,)) for result in results]
    return results


def _require_all(results: Sequence[_Result]) -> None:
    if any(result.errors for result in results):
        raise _RollBackError


def _rendered(result: _Result) -> Sequence[Node]:
    """Return the children of a result: the WSDL orders them by name, and repeats those of which there are many."""
    nodes: list[Node] = [("errors", _error(error)) for error in result.errors]
    nodes.append(("success", not result.errors))
    for name, value in result.elements.items():
        nodes.extend([(name, item) for item in value] if isinstance(value, tuple) else [(name, value)])
    return sorted(nodes, key=lambda node: node[0])


def _error(error: RowError) -> Sequence[Node]:
    fields: list[Node] = [("fields", name) for name in error.fields]
    return [*fields, ("message", error.message), ("statusCode", error.code)]


def _row_error(fault: SalesforceFault) -> RowError:
    return RowError(fault.code, fault.message, fault.fields)
