"""Composite: up to 25 calls on records in one request, each of which may name what an earlier one answered.

Facts: REST API Developer Guide, *Composite*: ``allOrNone`` rolls the whole request back, and every subrequest but the
refused one answers 400 ``PROCESSING_HALTED``; without it a subrequest fails alone. Only calls on single records are
taken here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

from starlette.datastructures import QueryParams
from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault, not_implemented
from include.salesforce_emulator.server import rest
from include.salesforce_emulator.server.routing import API, Endpoint, Routes
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, bad_json, fault_response, flag, json_response

_MOST_PARTS = 25
_REFERENCE = re.compile(r"@\{(\w+)\.(\w+)\}")
_HALTED = SalesforceFault(
    HTTPStatus.BAD_REQUEST,
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
_ROWS = Routes([one for one in rest.ENDPOINTS if "/sobjects/{sobject}" in one.template])

_Part = Mapping[str, object]


class _RollBackError(Exception):
    """Ends the transaction of an all-or-none request in which a part was refused."""


def _composite(server: Server, request: ApiRequest) -> Response:
    body = request.json_object()
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise bad_json("a list named compositeRequest was expected")
    if len(parts) > _MOST_PARTS:
        message = f"Composite API allows no more than {_MOST_PARTS} subrequests"
        raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_INPUT", message)
    answers: list[Response] = []
    try:
        with server.org.store.transaction():
            _run(server, request, parts, answers, all_or_none=flag(body.get("allOrNone")))
    except _RollBackError:
        refused = answers[-1]
        answers = [
            refused if number == len(answers) - 1 else fault_response(_HALTED) for number in range(len(parts))
        ]
    told = [_told(part, answer) for part, answer in zip(parts, answers, strict=True)]
    return json_response({"compositeResponse": told})


def _run(
    server: Server, request: ApiRequest, parts: list[_Part], answers: list[Response], *, all_or_none: bool
) -> None:
    known: dict[str, object] = {}
    for part in parts:
        answer = _answer(server, request, part, known)
        answers.append(answer)
        if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            if all_or_none:
                raise _RollBackError
        elif answer.body:
            known[str(part.get("referenceId"))] = json.loads(bytes(answer.body))


def _answer(server: Server, request: ApiRequest, part: _Part, known: Mapping[str, object]) -> Response:
    try:
        path, _, query = _filled(str(part.get("url", "")), known).partition("?")
        endpoint, placeholders = _ROWS.find(str(part.get("method", "")).upper(), path)
        if not endpoint.template:
            raise not_implemented(f"{part.get('method')} {path} within a composite request")
        inner = replace(
            request,
            method=endpoint.method,
            url_path=path,
            path=placeholders,
            query=QueryParams(query),
            body=_filled(json.dumps(part.get("body", {})), known).encode(),
        )
        return endpoint.handler(server, inner)
    except SalesforceFault as fault:
        return fault_response(fault)


def _filled(text: str, known: Mapping[str, object]) -> str:
    """Return a text with the values of earlier answers in the place of ``@{reference.field}``."""

    def value(found: re.Match[str]) -> str:
        answer = known.get(found[1])
        if not isinstance(answer, dict) or found[2] not in answer:
            message = f"Invalid reference specified. No value for {found[1]}.{found[2]} found"
            raise SalesforceFault(HTTPStatus.BAD_REQUEST, "PROCESSING_HALTED", message)
        return str(answer[found[2]])

    return _REFERENCE.sub(value, text)


def _told(part: _Part, answer: Response) -> dict[str, object]:
    return {
        "body": json.loads(bytes(answer.body)) if answer.body else None,
        "httpHeaders": {},
        "httpStatusCode": answer.status_code,
        "referenceId": part.get("referenceId"),
    }


ENDPOINTS = (Endpoint("POST", API + "/composite", RequestKind.OTHER, _composite),)
