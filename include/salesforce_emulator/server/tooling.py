"""The one resource of the Tooling API that is here: queries for validation rules.

Facts: Tooling API guide, *ValidationRule* (Active, EntityDefinition.QualifiedApiName, ValidationName) and *Query*.
Only conditions of equality joined by AND are understood, which is what clients ask for.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault, not_implemented
from include.salesforce_emulator.server.routing import API, Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, json_response

_QUERY = re.compile(
    r"\s*SELECT\s+(?P<fields>[\w.,\s]+?)\s+FROM\s+ValidationRule(?:\s+WHERE\s+(?P<where>.+?))?\s*",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"(?P<field>[\w.]+)\s*=\s*(?:'(?P<text>\w*)'|(?P<word>true|false))", re.IGNORECASE)
_OBJECT = "entitydefinition.qualifiedapiname"


def _query(server: Server, request: ApiRequest) -> Response:
    asked = _QUERY.fullmatch(request.query.get("q", ""))
    if asked is None:
        raise not_implemented("this query of the Tooling API")
    fields = [name.strip() for name in asked["fields"].split(",")]
    if any("." in name for name in fields):
        raise not_implemented("related fields in a query of the Tooling API")
    wanted = _conditions(asked["where"])
    rows = [
        {"validationname": rule.name, "active": rule.active, _OBJECT: server.org.sobject(rule.sobject).name}
        for rule in server.org.setup.validation_rules
    ]
    _check_names([*fields, *wanted], rows)
    found = [row for row in rows if all(_agrees(row[name], value) for name, value in wanted.items())]
    attributes = {"type": "ValidationRule"}
    records = [{"attributes": attributes, **{name: row[name.lower()] for name in fields}} for row in found]
    body = {"size": len(records), "totalSize": len(records), "done": True, "records": records}
    return json_response({**body, "entityTypeName": "ValidationRule"})


def _conditions(where: str | None) -> dict[str, str]:
    conditions: dict[str, str] = {}
    for part in re.split(r"\s+AND\s+", where, flags=re.IGNORECASE) if where else []:
        found = _CONDITION.fullmatch(part.strip())
        if found is None:
            raise not_implemented("this condition in a query of the Tooling API")
        conditions[found["field"].lower()] = (found["text"] or found["word"] or "").lower()
    return conditions


def _check_names(names: list[str], rows: list[dict[str, object]]) -> None:
    known = rows[0] if rows else {"validationname": "", "active": "", _OBJECT: ""}
    for name in names:
        if name.lower() not in known:
            message = f"No such column '{name}' on sobject of type ValidationRule"
            raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_FIELD", message)


def _agrees(value: object, wanted: str) -> bool:
    return str(value).lower() == wanted


ENDPOINTS = (Endpoint("GET", API + "/tooling/query", RequestKind.QUERY, _query),)
