"""Queries with GROUP BY or aggregates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.soql.compiled import AggregateQuery
from include.salesforce_emulator.engine.soql.syntax import Function, Path, Query, SelectItem

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.soql.clauses import Clauses
    from include.salesforce_emulator.engine.soql.scope import Column, Scope


def group_records(clauses: Clauses, query: Query) -> AggregateQuery:
    """Return the SQL of a query whose rows are groups.

    Raises:
        SalesforceFault: something selected or ordered by is neither grouped nor aggregated, or cannot be.
    """
    if query.having is not None and not query.group:
        raise clauses.fault(query.source_position, "HAVING needs GROUP BY")
    scope = clauses.scope(query)
    parameters: list[Any] = []
    where = clauses.where(query, scope, parameters)
    groups = [_group(clauses, operand, scope) for operand in query.group]
    grouped = {column.sql for column in groups}
    items = [item for item in query.select if isinstance(item, SelectItem)]
    if len(items) < len(query.select):
        raise clauses.fault(query.source_position, "a grouped query selects fields and aggregates only")
    columns = [_selected(clauses, item, scope, grouped) for item in items]
    names = _names(clauses, items, columns)
    group = f" GROUP BY {', '.join(column.sql for column in groups)}" if groups else ""
    having = ""
    if query.having is not None:
        having = f" HAVING {clauses.conditions(scope, parameters, aggregates=True).sql(query.having)}"
    order = _order(clauses, query, scope, grouped) if query.order else ""
    if query.limit is not None and not groups:
        message = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
        raise clauses.fault(query.source_position, message)
    sql = (
        f"SELECT {', '.join(column.sql for column in columns)} FROM {scope.from_sql()} WHERE {where}"  # noqa: S608
        f"{group}{having}{order}{clauses.limits(query)}"
    )
    return AggregateQuery(sql, tuple(parameters), tuple(names), tuple(column.field for column in columns))


def _group(clauses: Clauses, operand: Path | Function, scope: Scope) -> Column:
    column = clauses.column(operand, scope, aggregates=False)
    if isinstance(operand, Path) and not column.field.is_groupable:
        message = f"field '{column.field.name}' can not be grouped in a query call"
        raise clauses.fault(operand.position, message)
    return column


def _selected(clauses: Clauses, item: SelectItem, scope: Scope, grouped: set[str]) -> Column:
    column = clauses.column(item.operand, scope, aggregates=True)
    if not clauses.is_aggregate(item.operand) and column.sql not in grouped:
        message = f"Field must be grouped or aggregated: {'.'.join(column.path)}"
        raise clauses.fault(item.operand.position, message)
    return column


def _names(clauses: Clauses, items: list[SelectItem], columns: list[Column]) -> list[str]:
    """Return the names of the results: the alias, `expr0` and on for functions, the last part of a path."""
    names: list[str] = []
    seen: set[str] = set()
    unnamed = 0
    for item, column in zip(items, columns, strict=True):
        name = item.alias
        if name is None and isinstance(item.operand, Function):
            name = f"expr{unnamed}"
            unnamed += 1
        name = name or column.path[-1]
        if name.lower() in seen:
            raise clauses.fault(item.operand.position, f"duplicate alias: {name}")
        seen.add(name.lower())
        names.append(name)
    return names


def _order(clauses: Clauses, query: Query, scope: Scope, grouped: set[str]) -> str:
    keys = []
    for item in query.order:
        column = clauses.column(item.operand, scope, aggregates=True)
        if column.sql not in grouped and not clauses.is_aggregate(item.operand):
            message = f"Ordered field must be grouped or aggregated: {'.'.join(column.path)}"
            raise clauses.fault(item.operand.position, message)
        keys.append(clauses.order_key(item, column))
    return f" ORDER BY {', '.join(keys)}"
