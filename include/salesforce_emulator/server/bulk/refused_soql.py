"""What Bulk API 2.0 query refuses of SOQL that REST would take (Developer Guide v66, *Query jobs*)."""

from __future__ import annotations

from http import HTTPStatus

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org import Org
from include.salesforce_emulator.engine.soql.parser import parse
from include.salesforce_emulator.engine.soql.syntax import ChildQuery, Function, Query, Typeof

_SELECTABLE_FUNCTIONS = frozenset({"fields", "format", "tolabel"})


def check_bulk_query(org: Org, soql: str, *, include_deleted: bool, user_id: str) -> str:
    """Return the name of the object queried, once the query is one that a job may run.

    Raises:
        SalesforceFault: the query is malformed, or groups, counts or skips, which no bulk query may.
    """
    query = parse(soql)
    refused = _refused_part(query)
    if refused is not None:
        raise SalesforceFault(
            HTTPStatus.BAD_REQUEST, "API_ERROR", f"{refused} is not supported in Bulk Query"
        )
    org.query(soql, include_deleted=include_deleted, user_id=user_id)
    return str(org.sobject(query.source).name)


def _refused_part(query: Query) -> str | None:
    if query.group:
        return "GROUP BY"
    if query.offset is not None:
        return "OFFSET"
    for item in query.select:
        if isinstance(item, ChildQuery):
            return "A parent-to-child subquery"
        if isinstance(item, Typeof):
            return "TYPEOF"
        if isinstance(item.operand, Function) and item.operand.name.lower() not in _SELECTABLE_FUNCTIONS:
            return item.operand.name
    return None
