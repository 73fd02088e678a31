"""Control endpoints below ``/__emulator__/``: what an administrator, a user or a calamity would do to the org.

They answer on loopback only, ask for no sign-in, and are neither counted nor limited nor touched by faults.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.responses import Response

from include.salesforce_emulator.engine.conversion import CONVERTED_STATUS
from include.salesforce_emulator.engine.errors import SalesforceFault, resource_not_found
from include.salesforce_emulator.engine.org import RowResult, WriteOptions
from include.salesforce_emulator.engine.org_setup import OrgSetup
from include.salesforce_emulator.server.faults import FAULTS, ExhaustQuota
from include.salesforce_emulator.server.routing import Endpoint
from include.salesforce_emulator.server.server import Server
from include.salesforce_emulator.server.statistics import RequestKind
from include.salesforce_emulator.server.wire import ApiRequest, flag, json_response, no_content
from include.salesforce_emulator.server.writing import error_json, flat_row

_DEFAULT_ROWS = 100_000
_DRAIN_SECONDS = 60
_Parsed = TypeVar("_Parsed")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ClockBody(_Body):
    """Move the clock; what is given is done in this order."""

    reset: bool = False
    set: AwareDatetime | None = None
    advance_seconds: float = Field(default=0, ge=-1e9, le=1e9)
    freeze: bool = False


class _LimitBody(_Body):
    Max: int | None = Field(default=None, ge=0)
    Used: int | None = Field(default=None, ge=0)


class _ConvertBody(_Body):
    lead_id: str
    account_id: str | None = None
    contact_id: str | None = None
    owner_id: str | None = None
    converted_status: str = CONVERTED_STATUS
    overwrite_lead_source: bool = False
    do_not_create_opportunity: bool = True
    opportunity_name: str | None = Field(default=None, max_length=120)
    as_user: str | None = None


class _MergeBody(_Body):
    sobject: str
    master_id: str
    loser_ids: list[str] = Field(min_length=1, max_length=2)
    fields: dict[str, object] = {}
    as_user: str | None = None


class _DeleteBody(_Body):
    sobject: str
    ids: list[str] = Field(min_length=1)
    as_user: str | None = None


class _RecordsBody(_Body):
    rows: list[dict[str, object]]
    operation: Literal["insert", "update", "upsert", "delete", "hardDelete", "undelete"] = "insert"
    external_id: str | None = None
    as_user: str | None = None


class _PagingBody(_Body):
    page_rows: int = Field(ge=1, le=2000)


_CLOCK = TypeAdapter(_ClockBody)
_SETUP = TypeAdapter(OrgSetup)
_LIMITS = TypeAdapter(dict[str, _LimitBody])
_CONVERT = TypeAdapter(_ConvertBody)
_MERGE = TypeAdapter(_MergeBody)
_DELETE = TypeAdapter(_DeleteBody)
_RECORDS: TypeAdapter[_RecordsBody | list[dict[str, object]]] = TypeAdapter(
    _RecordsBody | list[dict[str, object]]
)
_PAGING = TypeAdapter(_PagingBody)


def _parsed(adapter: TypeAdapter[_Parsed], request: ApiRequest) -> _Parsed:
    try:
        return adapter.validate_json(request.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise _bad_request(f"{place}: {first['msg']}") from error


def _bad_request(message: str) -> SalesforceFault:
    return SalesforceFault(HTTPStatus.BAD_REQUEST, "BAD_CONTROL_REQUEST", message)


def _health(server: Server, _request: ApiRequest) -> Response:
    return json_response({"status": "ok", "organization_id": server.org.organization_id})


def _reset(server: Server, _request: ApiRequest) -> Response:
    server.reset()
    return no_content()


def _statistics(server: Server, _request: ApiRequest) -> Response:
    return json_response(server.statistics.report())


def _zero_statistics(server: Server, _request: ApiRequest) -> Response:
    server.statistics.zero()
    return no_content()


def _faults(server: Server, _request: ApiRequest) -> Response:
    return json_response(server.faults.report())


def _add_faults(server: Server, request: ApiRequest) -> Response:
    faults = _parsed(FAULTS, request)
    for fault in faults:
        if isinstance(fault, ExhaustQuota) and fault.limit not in server.limits.report():
            raise _bad_request(f"{fault.limit}: no such limit")
    added = server.faults.add(faults)
    server.worker.wake()
    return json_response(added, HTTPStatus.CREATED)


def _remove_faults(server: Server, _request: ApiRequest) -> Response:
    server.faults.remove()
    server.worker.wake()
    return no_content()


def _remove_fault(server: Server, request: ApiRequest) -> Response:
    fault_id = request.path["fault_id"]
    if not fault_id.isdecimal() or not server.faults.remove(int(fault_id)):
        raise resource_not_found()
    server.worker.wake()
    return no_content()


def _end_sessions(server: Server, _request: ApiRequest) -> Response:
    return json_response({"ended": server.sessions.expire_all()})


def _clock(server: Server, _request: ApiRequest) -> Response:
    return json_response({"now": server.org.clock.now().isoformat()})


def _set_clock(server: Server, request: ApiRequest) -> Response:
    wanted = _parsed(_CLOCK, request)
    clock = server.org.clock
    if wanted.reset:
        clock.reset()
    if wanted.set is not None:
        clock.set(_in_reach(wanted.set))
    clock.advance(wanted.advance_seconds)
    if wanted.freeze:
        clock.freeze()
    server.worker.wake()
    return _clock(server, request)


def _in_reach(instant: datetime) -> datetime:
    if not 1990 <= instant.year <= 2100:
        raise _bad_request("set: the year must lie between 1990 and 2100")
    return instant


def _setup(server: Server, _request: ApiRequest) -> Response:
    return json_response(server.org.setup.model_dump(mode="json"))


def _configure(server: Server, request: ApiRequest) -> Response:
    with server.worker.paused():
        server.org.configure(_parsed(_SETUP, request))
    return _setup(server, request)


def _limits(server: Server, _request: ApiRequest) -> Response:
    return json_response(server.limits.report())


def _set_limits(server: Server, request: ApiRequest) -> Response:
    wanted = _parsed(_LIMITS, request)
    unknown = wanted.keys() - server.limits.report().keys()
    if unknown:
        raise _bad_request(f"{sorted(unknown)[0]}: no such limit")
    for name, limit in wanted.items():
        server.limits.configure(name, maximum=limit.Max, used=limit.Used)
    server.worker.wake()
    return _limits(server, request)


def _set_paging(server: Server, request: ApiRequest) -> Response:
    server.cursors.page_rows = _parsed(_PAGING, request).page_rows
    return json_response({"page_rows": server.cursors.page_rows})


def _drain(server: Server, request: ApiRequest) -> Response:
    return json_response({"idle": server.worker.drain(_number(request, "timeout", _DRAIN_SECONDS))})


def _convert(server: Server, request: ApiRequest) -> Response:
    wanted = _parsed(_CONVERT, request)
    converted = server.org.convert_lead(
        wanted.lead_id,
        account_id=wanted.account_id,
        contact_id=wanted.contact_id,
        owner_id=wanted.owner_id,
        converted_status=wanted.converted_status,
        overwrite_lead_source=wanted.overwrite_lead_source,
        do_not_create_opportunity=wanted.do_not_create_opportunity,
        opportunity_name=wanted.opportunity_name,
        user_id=_user(server, wanted.as_user),
    )
    return json_response(converted)


def _merge(server: Server, request: ApiRequest) -> Response:
    wanted = _parsed(_MERGE, request)
    server.org.merge(
        wanted.sobject,
        wanted.master_id,
        wanted.loser_ids,
        fields=flat_row(server.org, wanted.sobject, wanted.fields) if wanted.fields else None,
        user_id=_user(server, wanted.as_user),
    )
    return no_content()


def _delete(server: Server, request: ApiRequest) -> Response:
    wanted = _parsed(_DELETE, request)
    rows = [{"Id": record_id} for record_id in wanted.ids]
    options = WriteOptions(user_id=_user(server, wanted.as_user), as_system=True)
    results = server.org.write("delete", wanted.sobject, rows, external_id=None, options=options)
    return json_response([_item(result) for result in results])


def _write_records(server: Server, request: ApiRequest) -> Response:
    sobject = server.org.sobject(request.path["sobject"]).name
    posted = _parsed(_RECORDS, request)
    wanted = _RecordsBody(rows=posted) if isinstance(posted, list) else posted
    options = WriteOptions(
        user_id=_user(server, wanted.as_user or request.query.get("as_user")),
        auto_assign=False,
        allow_duplicates=True,
        as_system=True,
    )
    rows = [flat_row(server.org, sobject, row) for row in wanted.rows]
    results = server.org.write(
        wanted.operation, sobject, rows, external_id=wanted.external_id, options=options
    )
    return json_response([_item(result) for result in results])


def _read_records(server: Server, request: ApiRequest) -> Response:
    sobject = server.org.sobject(request.path["sobject"])
    fields = ", ".join(field.name for field in sobject.fields)
    result = server.org.query(
        " ".join(("SELECT", fields, "FROM", sobject.name)),
        include_deleted=flag(request.query.get("include_deleted")),
    )
    offset, limit = _number(request, "offset", 0), _number(request, "limit", _DEFAULT_ROWS)
    return json_response(result.records(offset, limit))


def _number(request: ApiRequest, name: str, default: int) -> int:
    given = request.query.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise _bad_request(f"{name}: must be a number")
    return int(given)


def _user(server: Server, named: str | None) -> str:
    """Return the Id of the user named by Id or by Username; the integration user if none is."""
    if named is None:
        return server.org.integration_user_id
    return server.sign_in.user_id(named)


def _item(result: RowResult) -> dict[str, object]:
    return {
        "id": result.id,
        "success": result.success,
        "created": result.created,
        "errors": [error_json(error, code_key="statusCode") for error in result.errors],
    }


_BASE = "/__emulator__"

ENDPOINTS = tuple(
    Endpoint(method, _BASE + path, RequestKind.OTHER, handler, needs_session=False)
    for method, path, handler in (
        ("GET", "/health", _health),
        ("POST", "/reset", _reset),
        ("GET", "/statistics", _statistics),
        ("DELETE", "/statistics", _zero_statistics),
        ("GET", "/faults", _faults),
        ("POST", "/faults", _add_faults),
        ("DELETE", "/faults", _remove_faults),
        ("DELETE", "/faults/{fault_id}", _remove_fault),
        ("DELETE", "/sessions", _end_sessions),
        ("GET", "/clock", _clock),
        ("POST", "/clock", _set_clock),
        ("GET", "/setup", _setup),
        ("PUT", "/setup", _configure),
        ("GET", "/limits", _limits),
        ("POST", "/limits", _set_limits),
        ("POST", "/paging", _set_paging),
        ("POST", "/drain", _drain),
        ("POST", "/convert", _convert),
        ("POST", "/merge", _merge),
        ("POST", "/delete", _delete),
        ("GET", "/records/{sobject}", _read_records),
        ("POST", "/records/{sobject}", _write_records),
    )
)
