"""Queries for records: what is shown of each, of its polymorphic parents, and of its children.

Facts: SOQL and SOSL Reference, *FIELDS()*, *TYPEOF*, *Understanding Relationship Query Limitations*.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.relationships import find_children
from include.salesforce_emulator.engine.soql.compiled import ChildRows, RecordQuery, TypeofArm, TypeofColumn
from include.salesforce_emulator.engine.soql.functions import LABEL
from include.salesforce_emulator.engine.soql.scope import Behind, Column, Scope
from include.salesforce_emulator.engine.soql.semijoins import check_semi_joins
from include.salesforce_emulator.engine.soql.syntax import (
    ChildQuery,
    Comparison,
    Function,
    Membership,
    Path,
    Query,
    Selected,
    SelectItem,
    Typeof,
)
from include.salesforce_emulator.engine.store import ROW, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.salesforce_emulator.engine.schema import SObject
    from include.salesforce_emulator.engine.soql.clauses import Clauses

MOST_ROWS_OF_FIELDS = 200
MOST_CHILD_QUERIES = 20
DEEPEST_CHILD_QUERY = 4
"""Levels of subqueries below the first query, from API version 58 on."""

_NAME_OBJECT = "Name"


def select_records(
    clauses: Clauses, query: Query, *, base: SObject | None = None, level: int = 0
) -> RecordQuery:
    """Return the SQL of a query whose rows are records.

    Args:
        clauses: translates the clauses.
        query: the syntax tree.
        base: the object of a child query, whose source is a relationship.
        level: how many queries this one is inside.

    Raises:
        SalesforceFault: something selected does not exist, repeats, or may not be selected so.
    """
    if query.having is not None:
        raise clauses.fault(query.source_position, "HAVING needs GROUP BY")
    scope = clauses.scope(query, base)
    parameters: list[Any] = []
    where = clauses.where(query, scope, parameters)
    shown = _shown(clauses, query, scope, level)
    alias = scope.root.alias
    relationships = _relationships([item for item in shown if isinstance(item, Column)])
    order = clauses.order(query, scope)  # before FROM is read: a sort key may ask for a join
    rows_sql = (
        f"SELECT {alias}.{ROW} FROM {scope.from_sql()} WHERE {where}"  # noqa: S608 - made of schema names
        f"{order}{clauses.limits(query)}"
    )
    expressions = [f"{alias}.{ROW}", f"{alias}.Id", *map(scope.id_of, relationships), *_expressions(shown)]
    page_sql = (
        f"SELECT {', '.join(expressions)} FROM {scope.from_sql()} "  # noqa: S608 - made of schema names
        f"WHERE {alias}.{ROW} IN (SELECT value FROM json_each(?))"
    )
    return RecordQuery(
        asked=clauses.asked,
        base=scope.base,
        rows_sql=rows_sql,
        page_sql=page_sql,
        parameters=tuple(parameters),
        shown=tuple(shown),
        relationships=relationships,
    )


def _shown(
    clauses: Clauses, query: Query, scope: Scope, level: int
) -> list[Column | TypeofColumn | ChildRows]:
    shown: list[Column | TypeofColumn | ChildRows] = []
    seen: set[tuple[str, ...]] = set()
    for item in _expanded(clauses, query, scope.base):
        made = _one_shown(clauses, item, scope, level)
        path = (made.name,) if isinstance(made, ChildRows) else made.path
        if path in seen:
            position = item.operand.position if isinstance(item, SelectItem) else query.source_position
            raise clauses.fault(position, f"duplicate field selected: {'.'.join(path)}", "INVALID_FIELD")
        seen.add(path)
        shown.append(made)
    _check_typeofs(clauses, query, shown)
    if sum(isinstance(item, ChildRows) for item in shown) > MOST_CHILD_QUERIES:
        message = f"A query has at most {MOST_CHILD_QUERIES} subqueries in its SELECT."
        raise clauses.fault(query.source_position, message)
    return shown


def _one_shown(
    clauses: Clauses, item: Selected, scope: Scope, level: int
) -> Column | TypeofColumn | ChildRows:
    if isinstance(item, Typeof):
        return _typeof(clauses, item, scope)
    if isinstance(item, ChildQuery):
        return _children(clauses, item.query, scope, level)
    is_label = isinstance(item.operand, Function) and item.operand.name == LABEL
    if not is_label and (item.alias is not None or isinstance(item.operand, Function)):
        if clauses.is_aggregate(item.operand) and level:
            raise clauses.fault(item.operand.position, "only root queries support aggregate expressions")
        raise clauses.fault(item.operand.position, "only aggregate expressions use field aliasing")
    column = clauses.column(item.operand, scope, aggregates=False)
    return column if item.alias is None else replace(column, path=(item.alias,))


def _expanded(clauses: Clauses, query: Query, base: SObject) -> list[Selected]:
    """Return the selected items with FIELDS(ALL), FIELDS(STANDARD) and FIELDS(CUSTOM) spelled out."""
    items: list[Selected] = []
    for item in query.select:
        operand = item.operand if isinstance(item, SelectItem) else None
        if not isinstance(operand, Function) or operand.name != "FIELDS":
            items.append(item)
            continue
        which = str(operand.arguments[0]).upper() if operand.arguments else ""
        if which not in ("ALL", "STANDARD", "CUSTOM"):
            raise clauses.fault(operand.position, "FIELDS takes ALL, STANDARD or CUSTOM")
        if which != "STANDARD" and not _is_bounded(query):
            message = f"The SOQL FIELDS function must have a LIMIT of at most {MOST_ROWS_OF_FIELDS}"
            raise clauses.fault(operand.position, message)
        wanted = [field for field in base.fields if which == "ALL" or field.custom == (which == "CUSTOM")]
        items += [SelectItem(Path((field.name,), operand.position), None) for field in wanted]
    return items


def _is_bounded(query: Query) -> bool:
    if query.limit is not None and query.limit <= MOST_ROWS_OF_FIELDS:
        return True
    where = query.where
    if isinstance(where, Comparison):
        return where.operator == "=" and str(where.operand).lower() == "id"
    return (
        isinstance(where, Membership)
        and str(where.operand).lower() == "id"
        and isinstance(where.choices, tuple)
        and len(where.choices) <= MOST_ROWS_OF_FIELDS
        and not where.is_negated
    )


def _typeof(clauses: Clauses, item: Typeof, scope: Scope) -> TypeofColumn:
    behind = scope.behind(item.path)
    if not behind.is_polymorphic:
        message = f"TYPEOF is for polymorphic relationships, not for '{item.path}'"
        raise clauses.fault(item.path.position, message)
    arms = []
    for when in item.whens:
        tables = tuple(table for table in behind.tables if table.sobject.name.lower() == when.sobject.lower())
        if not tables:
            message = f"'{when.sobject}' is no type that '{item.path}' may have in the local org"
            raise clauses.fault(when.position, message, "INVALID_TYPE")
        own = Behind(behind.path, tables, is_polymorphic=False)
        arms.append(_arm(clauses, when.fields, scope, own, entity=tables[0].sobject.name))
    if item.otherwise:
        arms.append(_arm(clauses, item.otherwise, scope, behind, entity=_NAME_OBJECT))
    return TypeofColumn(behind.path, tuple(arms))


def _arm(clauses: Clauses, fields: Sequence[Path], scope: Scope, behind: Behind, *, entity: str) -> TypeofArm:
    columns = []
    for path in fields:
        if len(path.names) > 1:
            message = f"The local org shows fields in a TYPEOF, and no paths such as '{path}'."
            raise clauses.fault(path.position, message)
        columns.append(scope.field_behind(path, behind, path.names[0]))
    ids = [f"{table.alias}.Id" for table in behind.tables]
    id_sql = ids[0] if len(ids) == 1 else f"COALESCE({', '.join(ids)})"
    return TypeofArm(entity, id_sql, tuple(columns))


def _check_typeofs(
    clauses: Clauses, query: Query, shown: Sequence[Column | TypeofColumn | ChildRows]
) -> None:
    through = {item.path[:-1] for item in shown if isinstance(item, Column)}
    for item in shown:
        if isinstance(item, TypeofColumn) and item.path in through:
            message = f"'{'.'.join(item.path)}' is in a TYPEOF and may not be selected through otherwise"
            raise clauses.fault(query.source_position, message)


def _children(clauses: Clauses, query: Query, scope: Scope, level: int) -> ChildRows:
    found = find_children(clauses.schema, scope.base, query.source)
    if found is None:
        message = (
            f"Didn't understand relationship '{query.source}' in FROM part of query call. If you are attempting to "
            "use a custom relationship, be sure to append the '__r' after the custom relationship name. Please "
            "reference your WSDL or the describe call for the appropriate names."
        )
        raise clauses.fault(query.source_position, message, "INVALID_TYPE")
    if level >= DEEPEST_CHILD_QUERY:
        message = f"Subqueries in SELECT go {DEEPEST_CHILD_QUERY} levels deep at most."
        raise clauses.fault(query.source_position, message)
    if query.group:
        raise clauses.fault(query.source_position, "only root queries support aggregate expressions")
    check_semi_joins(clauses.asked.soql, query)
    name, child, reference = found
    inner = clauses.inside()
    child_scope = inner.scope(query, child)
    parameters: list[Any] = []
    where = inner.where(query, child_scope, parameters)
    parent = f"{child_scope.root.alias}.{quote(reference.name)}"
    order = inner.order(query, child_scope)
    rows_sql = (
        f"SELECT {parent}, {child_scope.root.alias}.{ROW} FROM {child_scope.from_sql()} WHERE {where} "  # noqa: S608
        f"AND {parent} IN (SELECT value FROM json_each(?)){order}"
    )
    return ChildRows(
        name=name,
        rows_sql=rows_sql,
        parameters=tuple(parameters),
        limit=query.limit,
        offset=inner.offset(query),
        query=select_records(clauses.inside(), query, base=child, level=level + 1),
    )


def _relationships(columns: Sequence[Column]) -> tuple[tuple[str, ...], ...]:
    found: dict[tuple[str, ...], None] = {}
    for column in columns:
        for length in range(1, len(column.path)):
            found.setdefault(column.path[:length])
    return tuple(found)


def _expressions(shown: Sequence[Column | TypeofColumn | ChildRows]) -> list[str]:
    """Return the selected columns, then Id and columns of every arm of every TYPEOF."""
    expressions = [item.sql for item in shown if isinstance(item, Column)]
    for item in shown:
        if isinstance(item, TypeofColumn):
            for arm in item.arms:
                expressions += [arm.id_sql, *(column.sql for column in arm.columns)]
    return expressions
