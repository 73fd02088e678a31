"""sObject Collections: up to 200 records a call, always HTTP 200 when the request itself is well-formed.

Facts: REST API Developer Guide, *sObject Collections*; items carry ``statusCode``, not ``errorCode``.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from itertools import groupby

from starlette.responses import Response

from include.salesforce_emulator.engine.errors import RowError, SalesforceFault
from include.salesforce_emulator.engine.org import OperationName, RowResult
from include.salesforce_emulator.server.duplicate_results import item_error_json
from include.salesforce_emulator.server.routing import API, Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import (
    ApiRequest,
    bad_json,
    flag,
    json_response,
    parse_json,
    strings,
)
from include.salesforce_emulator.server.writing import Row, flat_row, options_of, write_rows

_MAX_RECORDS = 200
_MAX_RETRIEVED = 2000
_BASE = API + "/composite/sobjects"
_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


class _RollBackError(Exception):
    """Ends the transaction of an all-or-none request in which a row was refused."""


def _create(server: Server, request: ApiRequest) -> Response:
    return _write_mixed(server, request, "insert")


def _update(server: Server, request: ApiRequest) -> Response:
    return _write_mixed(server, request, "update")


def _upsert(server: Server, request: ApiRequest) -> Response:
    all_or_none, records = _payload(request)
    sobject, external_id = request.path["sobject"], request.path["field"]
    for record in records:
        if _type_of(record).lower() != sobject.lower():
            raise SalesforceFault(
                HTTPStatus.BAD_REQUEST,
                "INVALID_FIELD",
                f"Every record of this request must be of type {sobject}",
            )
    rows = [(sobject, flat_row(server.org, sobject, record)) for record in records]
    return _answer(server, request, "upsert", rows, external_id=external_id, all_or_none=all_or_none)


def _delete(server: Server, request: ApiRequest) -> Response:
    ids = [part.strip() for part in request.query.get("ids", "").split(",") if part.strip()]
    if not ids:
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "MALFORMED_ID", "The parameter ids names no record")
    _require_count(len(ids), _MAX_RECORDS)
    rows: list[tuple[str, Row]] = [(_sobject_of(server, record_id), {"Id": record_id}) for record_id in ids]
    all_or_none = flag(request.query.get("allOrNone"))
    return _answer(server, request, "delete", rows, external_id=None, all_or_none=all_or_none)


def _retrieve_by_body(server: Server, request: ApiRequest) -> Response:
    body = request.json_object()
    return _retrieved(server, request, strings(body.get("ids")), strings(body.get("fields")))


def _retrieve_by_query(server: Server, request: ApiRequest) -> Response:
    ids = [part for part in request.query.get("ids", "").split(",") if part]
    fields = [part for part in request.query.get("fields", "").split(",") if part]
    return _retrieved(server, request, ids, fields)


def _retrieved(server: Server, request: ApiRequest, ids: Sequence[str], fields: Sequence[str]) -> Response:
    _require_count(len(ids), _MAX_RETRIEVED)
    sobject = request.path["sobject"]
    server.org.sobject(sobject, user_id=request.user_id)
    if not fields:
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "MISSING_ARGUMENT", "The request names no fields")
    return json_response([_record_or_none(server, request, record_id, fields) for record_id in ids])


def _record_or_none(
    server: Server, request: ApiRequest, record_id: str, fields: Sequence[str]
) -> dict[str, object] | None:
    try:
        return server.org.retrieve(
            request.path["sobject"], record_id, fields, version=request.version, user_id=request.user_id
        )
    except SalesforceFault as fault:
        if fault.http_status == HTTPStatus.NOT_FOUND or fault.code == "MALFORMED_ID":
            return None
        raise


def _write_mixed(server: Server, request: ApiRequest, operation: OperationName) -> Response:
    all_or_none, records = _payload(request)
    rows: list[tuple[str, Row]] = []
    for record in records:
        sobject = _type_of(record)
        rows.append((sobject, flat_row(server.org, sobject, record)))
    return _answer(server, request, operation, rows, external_id=None, all_or_none=all_or_none)


def _payload(request: ApiRequest) -> tuple[bool, list[dict[str, object]]]:
    body = parse_json(request.body)
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise bad_json("a list named records was expected")
    records = body["records"]
    if not all(isinstance(record, dict) for record in records):
        raise bad_json("every record must be an object")
    _require_count(len(records), _MAX_RECORDS)
    return flag(body.get("allOrNone")), records


def _require_count(count: int, limit: int) -> None:
    if count > limit:
        message = f"record limit reached. cannot submit more than {limit} records"
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "EXCEEDED_ID_LIMIT", message)


def _type_of(record: dict[str, object]) -> str:
    attributes = record.get("attributes")
    sobject = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(sobject, str):
        raise SalesforceFault(
            HTTPStatus.BAD_REQUEST,
            "INVALID_TYPE",
            "Every record needs attributes with the type of the sObject",
        )
    return sobject


def _sobject_of(server: Server, record_id: str) -> str:
    """Return the name of the object an Id belongs to, nothing if it belongs to none."""
    return next(
        (sobject.name for sobject in server.org.sobjects() if record_id.startswith(sobject.key_prefix)), ""
    )


def _answer(
    server: Server,
    request: ApiRequest,
    operation: OperationName,
    rows: Sequence[tuple[str, Row]],
    *,
    external_id: str | None,
    all_or_none: bool,
) -> Response:
    options = options_of(request)
    results: list[RowResult] = []
    try:
        with server.org.store.transaction():
            # Consecutive records of one type make one batch, as in Salesforce.
            for sobject, group in groupby(rows, key=lambda row: row[0]):
                batch = [row for _, row in group]
                if not sobject:
                    results += map(_malformed_id, batch)
                    continue
                results += write_rows(
                    server.org,
                    server.faults,
                    operation,
                    sobject,
                    batch,
                    external_id=external_id,
                    options=options,
                )
            if all_or_none:
                _require_success(results)
    except _RollBackError:
        results = [_rolled_back(result) for result in results]
    return json_response([_item(server, request, result, operation) for result in results])


def _malformed_id(row: Row) -> RowResult:
    error = RowError("MALFORMED_ID", f"malformed id {row['Id']}", ("Id",))
    return RowResult(None, created=False, errors=(error,))


def _require_success(results: Sequence[RowResult]) -> None:
    if not all(result.success for result in results):
        raise _RollBackError


def _rolled_back(result: RowResult) -> RowResult:
    return RowResult(None, created=False, errors=(_ROLLED_BACK,)) if result.success else result


def _item(
    server: Server, request: ApiRequest, result: RowResult, operation: OperationName
) -> dict[str, object]:
    item: dict[str, object] = {}
    if result.id is not None:
        item["id"] = result.id
    item["success"] = result.success
    item["errors"] = [item_error_json(server.org, request, error) for error in result.errors]
    if operation == "upsert" and result.success:
        item["created"] = result.created
    return item


ENDPOINTS = (
    Endpoint("POST", _BASE, RequestKind.COLLECTIONS_CREATE, _create),
    Endpoint("PATCH", _BASE, RequestKind.COLLECTIONS_UPDATE, _update),
    Endpoint("DELETE", _BASE, RequestKind.COLLECTIONS_DELETE, _delete),
    Endpoint("PATCH", _BASE + "/{sobject}/{field}", RequestKind.COLLECTIONS_UPSERT, _upsert),
    Endpoint("POST", _BASE + "/{sobject}", RequestKind.COLLECTIONS_RETRIEVE, _retrieve_by_body),
    Endpoint("GET", _BASE + "/{sobject}", RequestKind.COLLECTIONS_RETRIEVE, _retrieve_by_query),
)
