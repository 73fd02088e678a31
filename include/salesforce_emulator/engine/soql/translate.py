"""A syntax tree to SQL: which records a query finds, and what it shows of them.

A query for records becomes two statements. The first finds row numbers and keeps their order, as Salesforce's cursor
does; the second reads one page of those rows, so that a million records need no more memory than their numbers.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.soql.clauses import Clauses
from include.salesforce_emulator.engine.soql.compiled import Asked, Compiled, CountQuery
from include.salesforce_emulator.engine.soql.depth import check_depth
from include.salesforce_emulator.engine.soql.grouping import group_records
from include.salesforce_emulator.engine.soql.parser import parse
from include.salesforce_emulator.engine.soql.selecting import select_records
from include.salesforce_emulator.engine.soql.semijoins import check_semi_joins
from include.salesforce_emulator.engine.soql.syntax import Function, Query, Selected, SelectItem

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.schema import Schema


def translate(
    soql: str, schema: Schema, *, today: date, include_deleted: bool, user_id: str | None = None
) -> Compiled:
    """Return the SQL of a SOQL query.

    Args:
        soql: the query's text.
        schema: the objects and fields it may speak of.
        today: the org's present day, for date literals and archiving.
        include_deleted: whether deleted, merged and archived records are found too (`queryAll`).
        user_id: who asks, for `USING SCOPE mine`.

    Raises:
        SalesforceFault: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD or NOT_IMPLEMENTED, with the position.
    """
    return _translated(parse(soql), Clauses(Asked(soql, today, include_deleted, user_id), schema))


def translate_tree(query: Query, schema: Schema, *, today: date, include_deleted: bool) -> Compiled:
    """Return the SQL of a query that is a syntax tree already; as `translate`, but faults have no text to show."""
    return _translated(query, Clauses(Asked("", today, include_deleted), schema))


def _translated(query: Query, clauses: Clauses) -> Compiled:
    check_depth(query)
    clauses.scope(query)  # an unknown object is told before whatever else is wrong
    check_semi_joins(clauses.asked.soql, query)
    if any(_is_bare_count(item) for item in query.select):
        return _count(query, clauses)
    if query.group or any(
        isinstance(item, SelectItem) and _is_aggregate(clauses, item) for item in query.select
    ):
        return group_records(clauses, query)
    return select_records(clauses, query)


def _count(query: Query, clauses: Clauses) -> CountQuery:
    if len(query.select) > 1 or query.group or query.order:
        message = (
            "COUNT() must be all that a query selects, without GROUP BY and ORDER BY; COUNT(Id) is freer."
        )
        raise clauses.fault(query.source_position, message)
    scope = clauses.scope(query)
    parameters: list[Any] = []
    where = clauses.where(query, scope, parameters)
    sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {scope.from_sql()} WHERE {where}{clauses.limits(query)})"  # noqa: S608
    return CountQuery(sql, tuple(parameters))


def _is_bare_count(item: Selected) -> bool:
    operand = item.operand if isinstance(item, SelectItem) else None
    return isinstance(operand, Function) and operand.name == "COUNT" and not operand.arguments


def _is_aggregate(clauses: Clauses, item: SelectItem) -> bool:
    is_fields = isinstance(item.operand, Function) and item.operand.name == "FIELDS"
    return not is_fields and clauses.is_aggregate(item.operand)
