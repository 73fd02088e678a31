"""Requests and responses as the handlers see them, and the JSON that Salesforce would send."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from include.salesforce_emulator.engine.errors import SalesforceFault

if TYPE_CHECKING:
    from starlette.datastructures import Headers, QueryParams


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request, read to its end.

    Attributes:
        path: the values of the route's placeholders, percent-decoded.
        body: the whole body, or nothing if the route spools it to ``body_file``.
        user_id: who is signed in; empty where the route asks for no sign-in.
        base_url: scheme and host as the client addressed them.
    """

    method: str
    url_path: str
    path: Mapping[str, str]
    query: QueryParams
    headers: Headers
    body: bytes
    body_file: Path | None
    user_id: str
    base_url: str

    @property
    def version(self) -> str:
        """The API version of the path, such as ``59.0``."""
        return self.path.get("version", "")

    def json_object(self) -> dict[str, object]:
        """Return the body as a JSON object.

        Raises:
            SalesforceFault: JSON_PARSER_ERROR, the body is no JSON or no object.
        """
        value = parse_json(self.body)
        if not isinstance(value, dict):
            raise bad_json("the body must be a JSON object")
        return value


def parse_json(body: bytes) -> object:
    """Parse a body, turning every way it can be malformed into JSON_PARSER_ERROR."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise bad_json(type(error).__name__) from error


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def bad_json(reason: str) -> SalesforceFault:
    """Return the fault for a body that cannot be read."""
    return SalesforceFault(
        HTTPStatus.BAD_REQUEST, "JSON_PARSER_ERROR", f"The request body cannot be read: {reason}"
    )


def flag(value: object, *, default: bool = False) -> bool:
    """Read a boolean that arrives as JSON, as query text or not at all."""
    if isinstance(value, str):
        return value.strip().lower() == "true"
    return value if isinstance(value, bool) else default


def json_response(
    content: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return JSON in Salesforce's media type."""
    return Response(
        json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        status_code=status,
        media_type="application/json;charset=UTF-8",
        headers=dict(headers) if headers else None,
    )


def fault_response(fault: SalesforceFault) -> Response:
    """Return a fault as the JSON array of the REST API."""
    error: dict[str, object] = {"message": fault.message, "errorCode": fault.code}
    if fault.fields:
        error["fields"] = list(fault.fields)
    return json_response([error], fault.http_status)


def no_content() -> Response:
    """Return 204 without a body."""
    return Response(status_code=HTTPStatus.NO_CONTENT)


def wire_time(instant: datetime) -> str:
    """Render an aware UTC instant as Salesforce does: ``2026-03-01T10:00:00.000+0000``."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def strings(values: object) -> Sequence[str]:
    """Return a JSON value as a list of strings.

    Raises:
        SalesforceFault: JSON_PARSER_ERROR, it is something else.
    """
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise bad_json("a list of strings was expected")
    return values
