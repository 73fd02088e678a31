"""The REST resources of single records: describe, read and write; queries and the rest are in `rest_queries`.

Facts: REST API Developer Guide, *sObject Basic Information*, *sObject Rows*, *sObject Rows by External ID*.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from include.salesforce_emulator.engine.errors import (
    RowError,
    SalesforceFault,
    not_implemented,
    resource_not_found,
)
from include.salesforce_emulator.engine.org import OperationName, RowResult
from include.salesforce_emulator.server import rest_queries
from include.salesforce_emulator.server.duplicate_results import refusal_json
from include.salesforce_emulator.server.identity import identity_url
from include.salesforce_emulator.server.preconditions import (
    require_unchanged_record,
    unchanged,
    unchanged_record,
)
from include.salesforce_emulator.server.routing import API, Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, json_response, no_content
from include.salesforce_emulator.server.writing import Row, flat_row, options_of, write_rows

_FIRST_VERSION_ANSWERING_UPDATES = 46.0
_RELEASES = (
    ("Spring '24", "60.0"),
    ("Summer '24", "61.0"),
    ("Winter '25", "62.0"),
    ("Spring '25", "63.0"),
    ("Summer '25", "64.0"),
    ("Winter '26", "65.0"),
    ("Spring '26", "66.0"),
    ("Summer '26", "67.0"),
)
_RESOURCES = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
_STATUS_OF_CODE = {
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "ENTITY_IS_DELETED": HTTPStatus.NOT_FOUND,
    "INSUFFICIENT_ACCESS_OR_READONLY": HTTPStatus.FORBIDDEN,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": HTTPStatus.BAD_REQUEST,
    "DUPLICATE_EXTERNAL_ID": HTTPStatus.MULTIPLE_CHOICES,
}


def _versions(_server: Server, _request: ApiRequest) -> Response:
    return json_response(
        [
            {"label": label, "url": f"/services/data/v{version}", "version": version}
            for label, version in _RELEASES
        ]
    )


def _resources(server: Server, request: ApiRequest) -> Response:
    resources = {name: f"/services/data/v{request.version}/{name}" for name in _RESOURCES}
    return json_response(
        resources | {"identity": identity_url(server.org, request.base_url, request.user_id)}
    )


def _describe_global(server: Server, request: ApiRequest) -> Response:
    return unchanged(request, server.org.configured_at) or json_response(
        server.org.describe_global(version=request.version, user_id=request.user_id)
    )


def _describe(server: Server, request: ApiRequest) -> Response:
    described = _described(server, request)
    return unchanged(request, server.org.configured_at) or json_response(described)


def _described(server: Server, request: ApiRequest) -> dict[str, Any]:
    return server.org.describe(request.path["sobject"], version=request.version, user_id=request.user_id)


def _basic_information(server: Server, request: ApiRequest) -> Response:
    described = _described(server, request)
    brief = {name: value for name, value in described.items() if not isinstance(value, (list, dict))}
    return json_response({"objectDescribe": brief, "recentItems": []})


def _retrieve(server: Server, request: ApiRequest) -> Response:
    record_id = request.path["id"]
    return unchanged_record(server, request, record_id) or json_response(_record(server, request, record_id))


def _retrieve_by_external_id(server: Server, request: ApiRequest) -> Response:
    ids = _ids_by_key(server, request)
    if len(ids) > 1:
        return _several(request, ids)
    record_id = ids[0] if ids else request.path["value"]
    return unchanged_record(server, request, record_id) or json_response(_record(server, request, record_id))


def _record(server: Server, request: ApiRequest, record_id: str) -> dict[str, Any]:
    return server.org.retrieve(
        request.path["sobject"],
        record_id,
        _fields(request),
        version=request.version,
        user_id=request.user_id,
    )


def _create(server: Server, request: ApiRequest) -> Response:
    sobject = request.path["sobject"]
    row = flat_row(server.org, sobject, request.json_object())
    result = _write_one(server, request, "insert", row)
    if not result.success:
        return _refused(server, request, result.errors)
    location = f"/services/data/v{request.version}/sobjects/{sobject}/{result.id}"
    body: dict[str, object] = {"id": result.id, "success": True, "errors": []}
    return json_response(body, HTTPStatus.CREATED, {"Location": location})


def _update(server: Server, request: ApiRequest) -> Response:
    row = _row_without(server, request, "Id")
    require_unchanged_record(server, request, request.path["id"])
    result = _write_one(server, request, "update", {**row, "Id": request.path["id"]})
    return no_content() if result.success else _refused(server, request, result.errors)


def _delete(server: Server, request: ApiRequest) -> Response:
    result = _write_one(server, request, "delete", {"Id": request.path["id"]})
    return no_content() if result.success else _refused(server, request, result.errors)


def _upsert(server: Server, request: ApiRequest) -> Response:
    field, value = request.path["field"], request.path["value"]
    ids = _ids_by_key(server, request)
    if len(ids) > 1:
        return _several(request, ids)
    row = {**_row_without(server, request, field), field: value}
    result = _write_one(server, request, "upsert", row, external_id=field)
    if not result.success:
        return _refused(server, request, result.errors)
    if not result.created and float(request.version) < _FIRST_VERSION_ANSWERING_UPDATES:
        return no_content()
    body: dict[str, object] = {"id": result.id, "success": True, "errors": [], "created": result.created}
    return json_response(body, HTTPStatus.CREATED if result.created else HTTPStatus.OK)


def _row_without(server: Server, request: ApiRequest, field: str) -> Row:
    """Return the row of the body, which must not repeat the field that the path gives."""
    row = flat_row(server.org, request.path["sobject"], request.json_object())
    if any(name.lower() == field.lower() for name in row):
        message = f"The {field} field should not be specified in the sobject data."
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_FIELD", message)
    return row


def _delete_by_external_id(server: Server, request: ApiRequest) -> Response:
    ids = _ids_by_key(server, request)
    if len(ids) > 1:
        return _several(request, ids)
    if not ids:
        raise resource_not_found()
    result = _write_one(server, request, "delete", {"Id": ids[0]})
    return no_content() if result.success else _refused(server, request, result.errors)


def _write_one(
    server: Server, request: ApiRequest, operation: OperationName, row: Row, *, external_id: str | None = None
) -> RowResult:
    (result,) = write_rows(
        server.org,
        server.faults,
        operation,
        request.path["sobject"],
        [row],
        external_id=external_id,
        options=options_of(request),
    )
    return result


def _ids_by_key(server: Server, request: ApiRequest) -> list[str]:
    return server.org.find_by_external_id(
        request.path["sobject"], request.path["field"], request.path["value"], user_id=request.user_id
    )


def _several(request: ApiRequest, ids: Sequence[str]) -> Response:
    base = f"/services/data/v{request.version}/sobjects/{request.path['sobject']}"
    return json_response([f"{base}/{record_id}" for record_id in ids], HTTPStatus.MULTIPLE_CHOICES)


def _fields(request: ApiRequest) -> list[str] | None:
    names = [name.strip() for name in request.query.get("fields", "").split(",") if name.strip()]
    return names or None


def _refused(server: Server, request: ApiRequest, errors: Sequence[RowError]) -> Response:
    status = _STATUS_OF_CODE.get(errors[0].code, HTTPStatus.BAD_REQUEST)
    return json_response([refusal_json(server.org, request, error) for error in errors], status)


def _lacking(_server: Server, request: ApiRequest) -> Response:
    raise not_implemented(f"{request.method} {request.url_path}")


_ROWS = API + "/sobjects/{sobject}"

ENDPOINTS = (
    Endpoint("GET", "/services/data", RequestKind.OTHER, _versions, needs_session=False),
    Endpoint("GET", API, RequestKind.OTHER, _resources),
    Endpoint("GET", API + "/sobjects", RequestKind.DESCRIBE, _describe_global),
    Endpoint("GET", _ROWS, RequestKind.DESCRIBE, _basic_information),
    Endpoint("GET", _ROWS + "/describe", RequestKind.DESCRIBE, _describe),
    *rest_queries.ENDPOINTS,
    Endpoint("POST", _ROWS + "/{id}/password", RequestKind.OTHER, _lacking),
    Endpoint("GET", _ROWS + "/describe/{part}", RequestKind.DESCRIBE, _lacking),
    Endpoint("POST", _ROWS, RequestKind.CREATE, _create),
    Endpoint("GET", _ROWS + "/{id}", RequestKind.RETRIEVE, _retrieve),
    Endpoint("PATCH", _ROWS + "/{id}", RequestKind.UPDATE, _update),
    Endpoint("DELETE", _ROWS + "/{id}", RequestKind.DELETE, _delete),
    Endpoint("GET", _ROWS + "/{field}/{value}", RequestKind.RETRIEVE, _retrieve_by_external_id),
    Endpoint("PATCH", _ROWS + "/{field}/{value}", RequestKind.UPSERT, _upsert),
    Endpoint("DELETE", _ROWS + "/{field}/{value}", RequestKind.DELETE, _delete_by_external_id),
)
