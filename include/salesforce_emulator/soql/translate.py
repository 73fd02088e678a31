"""A syntax tree to SQL: which records a query finds, and what it shows of them.

A query for records becomes two statements. The first finds row numbers and keeps their order, as Salesforce's cursor
does; the second reads one page of those rows, so that a million records need no more memory than their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.errors import SalesforceFault, not_implemented
from include.salesforce_emulator.schema import IDS, Field, FieldType, Schema, SObject
from include.salesforce_emulator.soql.compare import ConditionCompiler
from include.salesforce_emulator.soql.functions import FUNCTIONS, FunctionFacts, result_field
from include.salesforce_emulator.soql.parser import fault_at, parse
from include.salesforce_emulator.soql.scope import Column, Scope, archived_sql
from include.salesforce_emulator.soql.syntax import Function, Operand, OrderItem, Path, Query, SelectItem
from include.salesforce_emulator.store import ROW

if TYPE_CHECKING:
    from collections.abc import Sequence

ARCHIVED_AFTER = timedelta(days=365)
LARGEST_OFFSET = 2000
MOST_ROWS_OF_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, enough to translate it again after a restart."""

    soql: str
    today: date
    include_deleted: bool


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """A query for records.

    Attributes:
        asked: the query itself.
        rows_sql: finds row numbers of the base table, in order.
        page_sql: reads records by row number; its parameter is a JSON list of numbers. Columns: row number, record
            Id, one Id per relationship, then the selected columns.
        relationships: the paths of the relationships that selected columns go through, parents first.
    """

    asked: Asked
    base: SObject
    rows_sql: str
    page_sql: str
    parameters: tuple[Any, ...]
    columns: tuple[Column, ...]
    relationships: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """A query with GROUP BY or aggregates; each row of `sql` is one result."""

    sql: str
    parameters: tuple[Any, ...]
    names: tuple[str, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class CountQuery:
    """`SELECT COUNT() FROM …`: only the number of records."""

    sql: str
    parameters: tuple[Any, ...]


Compiled = RecordQuery | AggregateQuery | CountQuery


def translate(soql: str, schema: Schema, *, today: date, include_deleted: bool) -> Compiled:
    """Return the SQL of a SOQL query.

    Args:
        soql: the query's text.
        schema: the objects and fields it may speak of.
        today: the org's present day, for date literals and archiving.
        include_deleted: whether deleted, merged and archived records are found too (`queryAll`).

    Raises:
        SalesforceFault: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD or NOT_IMPLEMENTED, with the position.
    """
    translator = _Translator(soql, schema, today=today, include_deleted=include_deleted)
    return translator.compile(parse(soql))


def translate_tree(query: Query, schema: Schema, *, today: date, include_deleted: bool) -> Compiled:
    """Return the SQL of a query that is a syntax tree already; as `translate`, but faults have no text to show."""
    return _Translator("", schema, today=today, include_deleted=include_deleted).compile(query)


class _Translator:
    """Translates one query, and through `_subquery` the ones inside it."""

    def __init__(
        self, soql: str, schema: Schema, *, today: date, include_deleted: bool, prefix: str = "t"
    ) -> None:
        self._soql = soql
        self._schema = schema
        self._today = today
        self._include_deleted = include_deleted
        self._prefix = prefix
        self._subqueries = 0

    def compile(self, query: Query) -> Compiled:
        scope = self._scope(query)
        select = self._expanded(query, scope.base)
        parameters: list[Any] = []
        where = self._where(query, scope, parameters)
        is_bare_count = _is_bare_count(select)
        if is_bare_count and not query.group:
            limits = self._limits(query)
            sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {scope.from_sql()} WHERE {where}{limits})"  # noqa: S608
            return CountQuery(sql, tuple(parameters))
        if query.group or any(self._is_aggregate(item.operand) for item in select):
            return self._aggregate(query, select, scope, where=where, parameters=parameters)
        return self._records(query, select, scope, where=where, parameters=parameters)

    def subquery(self, query: Query, parameters: list[Any]) -> str:
        """Return the SQL of a semi-join's inner query; it shows one Id field."""
        scope = self._scope(query)
        if len(query.select) != 1 or not isinstance(query.select[0].operand, Path):
            message = "A subquery in a condition selects exactly one field."
            raise fault_at(self._soql, query.source_position, "MALFORMED_QUERY", message)
        shown = scope.column(query.select[0].operand)
        if shown.field.type not in IDS:
            message = f"The inner select field '{shown.field.name}' must be an Id or reference field."
            raise fault_at(self._soql, query.select[0].operand.position, "MALFORMED_QUERY", message)
        where = self._where(query, scope, parameters)
        order = self._order(query, scope) if query.limit is not None else ""
        limits = self._limits(query)
        return f"SELECT {shown.sql} FROM {scope.from_sql()} WHERE {where} AND {shown.sql} IS NOT NULL{order}{limits}"  # noqa: S608

    def _scope(self, query: Query) -> Scope:
        base = self._schema.find(query.source)
        if base is None:
            message = (
                f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be "
                "sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for "
                "the appropriate names."
            )
            raise fault_at(self._soql, query.source_position, "INVALID_TYPE", message)
        return Scope(
            soql=self._soql,
            schema=self._schema,
            base=base,
            base_alias=query.source_alias,
            archive_day=self._today - ARCHIVED_AFTER,
            prefix=self._prefix,
            include_deleted=self._include_deleted,
        )

    def _where(self, query: Query, scope: Scope, parameters: list[Any]) -> str:
        parts = []
        if query.where is not None:
            parts.append(self._conditions(scope, parameters).sql(query.where))
        if not self._include_deleted:
            parts.append(f"{scope.root.alias}.IsDeleted = 0")
            if scope.base.field("IsArchived") is not None:
                parts.append(f"NOT {archived_sql(scope.root.alias, scope.base, scope.archive_day)}")
        return " AND ".join(f"({part})" for part in parts) or "1"

    def _conditions(
        self, scope: Scope, parameters: list[Any], *, aggregates: bool = False
    ) -> ConditionCompiler:
        def resolve(operand: Operand) -> Column:
            return self._column(operand, scope, aggregates=aggregates)

        return ConditionCompiler(
            self._soql, today=self._today, resolve=resolve, subquery=self._nested, parameters=parameters
        )

    def _nested(self, query: Query, parameters: list[Any]) -> str:
        self._subqueries += 1
        inner = _Translator(
            self._soql,
            self._schema,
            today=self._today,
            include_deleted=self._include_deleted,
            prefix=f"{self._prefix}s{self._subqueries}_",
        )
        return inner.subquery(query, parameters)

    def _column(self, operand: Operand, scope: Scope, *, aggregates: bool) -> Column:
        if isinstance(operand, Path):
            return scope.column(operand)
        facts = self._facts(operand)
        if facts.is_aggregate and not aggregates:
            message = f"aggregate functions such as {operand.name} are not allowed here"
            raise fault_at(self._soql, operand.position, "MALFORMED_QUERY", message)
        if operand.name == "COUNT" and not operand.arguments and aggregates:
            counted = Field(name="COUNT", type=FieldType.INT, label="COUNT")
            return Column(("COUNT",), "COUNT(*)", counted, is_joined=False)
        if len(operand.arguments) != 1 or not isinstance(operand.arguments[0], Path):
            message = f"{operand.name} takes exactly one field"
            raise fault_at(self._soql, operand.position, "MALFORMED_QUERY", message)
        inner = scope.column(operand.arguments[0])
        if inner.field.type not in facts.takes:
            message = f"field {inner.field.name} does not support aggregate operator {operand.name}"
            raise fault_at(self._soql, operand.position, "MALFORMED_QUERY", message)
        made = result_field(operand.name, facts, inner.field)
        return replace(inner, sql=facts.template.format(inner.sql), field=made)

    def _facts(self, operand: Function) -> FunctionFacts:
        facts = FUNCTIONS.get(operand.name)
        if facts is None:
            raise not_implemented(f"The SOQL function {operand.name}")
        return facts

    def _is_aggregate(self, operand: Operand) -> bool:
        return isinstance(operand, Function) and self._facts(operand).is_aggregate

    def _expanded(self, query: Query, base: SObject) -> list[SelectItem]:
        """Return the selected items with FIELDS(ALL), FIELDS(STANDARD) and FIELDS(CUSTOM) spelled out."""
        items: list[SelectItem] = []
        for item in query.select:
            if not isinstance(item.operand, Function) or item.operand.name != "FIELDS":
                items.append(item)
                continue
            which = str(item.operand.arguments[0]).upper() if item.operand.arguments else ""
            if which not in ("ALL", "STANDARD", "CUSTOM"):
                message = "FIELDS takes ALL, STANDARD or CUSTOM"
                raise fault_at(self._soql, item.operand.position, "MALFORMED_QUERY", message)
            if which != "STANDARD" and (query.limit is None or query.limit > MOST_ROWS_OF_FIELDS):
                message = f"The SOQL FIELDS function must have a LIMIT of at most {MOST_ROWS_OF_FIELDS}"
                raise fault_at(self._soql, item.operand.position, "MALFORMED_QUERY", message)
            wanted = [field for field in base.fields if which == "ALL" or field.custom == (which == "CUSTOM")]
            items += [SelectItem(Path((field.name,), item.operand.position), None) for field in wanted]
        return items

    def _records(
        self, query: Query, select: Sequence[SelectItem], scope: Scope, *, where: str, parameters: list[Any]
    ) -> RecordQuery:
        if query.having is not None:
            raise fault_at(self._soql, query.source_position, "MALFORMED_QUERY", "HAVING needs GROUP BY")
        columns: list[Column] = []
        seen: set[tuple[str, ...]] = set()
        for item in select:
            if not isinstance(item.operand, Path) or item.alias is not None:
                message = "Only aggregate expressions and grouped queries use functions and field aliasing."
                raise fault_at(self._soql, item.operand.position, "MALFORMED_QUERY", message)
            column = scope.column(item.operand)
            if column.path in seen:
                message = f"duplicate field selected: {'.'.join(column.path)}"
                raise fault_at(self._soql, item.operand.position, "INVALID_FIELD", message)
            seen.add(column.path)
            columns.append(column)
        order = self._order(query, scope)
        base = scope.root.alias
        rows_sql = f"SELECT {base}.{ROW} FROM {scope.from_sql()} WHERE {where}{order}{self._limits(query)}"  # noqa: S608
        relationships = _relationships(columns)
        shown = [
            f"{base}.{ROW}",
            f"{base}.Id",
            *map(scope.id_of, relationships),
            *(item.sql for item in columns),
        ]
        page_sql = (
            f"SELECT {', '.join(shown)} FROM {scope.from_sql()} "  # noqa: S608 - made of schema names
            f"WHERE {base}.{ROW} IN (SELECT value FROM json_each(?))"
        )
        return RecordQuery(
            asked=Asked(self._soql, self._today, self._include_deleted),
            base=scope.base,
            rows_sql=rows_sql,
            page_sql=page_sql,
            parameters=tuple(parameters),
            columns=tuple(columns),
            relationships=relationships,
        )

    def _aggregate(
        self, query: Query, select: Sequence[SelectItem], scope: Scope, *, where: str, parameters: list[Any]
    ) -> AggregateQuery:
        groups = [self._column(operand, scope, aggregates=False) for operand in query.group]
        grouped = {column.sql for column in groups}
        shown: list[str] = []
        names: list[str] = []
        fields: list[Field] = []
        unnamed = 0
        for item in select:
            column = self._column(item.operand, scope, aggregates=True)
            if not self._is_aggregate(item.operand) and column.sql not in grouped:
                message = f"Field must be grouped or aggregated: {'.'.join(column.path)}"
                raise fault_at(self._soql, item.operand.position, "MALFORMED_QUERY", message)
            if item.alias is not None:
                names.append(item.alias)
            elif isinstance(item.operand, Function):
                names.append(f"expr{unnamed}")
                unnamed += 1
            else:
                names.append(column.path[-1])
            shown.append(column.sql)
            fields.append(column.field)
        if len({name.lower() for name in names}) < len(names):
            message = "duplicate alias in a grouped query; give each selected field an alias of its own"
            raise fault_at(self._soql, query.source_position, "MALFORMED_QUERY", message)
        group = f" GROUP BY {', '.join(column.sql for column in groups)}" if groups else ""
        having = ""
        if query.having is not None:
            having = f" HAVING {self._conditions(scope, parameters, aggregates=True).sql(query.having)}"
        order = self._order(query, scope, grouped=grouped) if query.order else ""
        sql = (
            f"SELECT {', '.join(shown)} FROM {scope.from_sql()} WHERE {where}"  # noqa: S608 - made of schema names
            f"{group}{having}{order}{self._limits(query)}"
        )
        return AggregateQuery(sql, tuple(parameters), tuple(names), tuple(fields))

    def _order(self, query: Query, scope: Scope, *, grouped: set[str] | None = None) -> str:
        keys = [self._order_key(item, scope, grouped) for item in query.order]
        if grouped is None:
            keys.append(f"{scope.root.alias}.{ROW}")
        return f" ORDER BY {', '.join(keys)}"

    def _order_key(self, item: OrderItem, scope: Scope, grouped: set[str] | None) -> str:
        column = self._column(item.operand, scope, aggregates=grouped is not None)
        if grouped is not None and column.sql not in grouped and not self._is_aggregate(item.operand):
            message = f"Ordered field must be grouped or aggregated: {'.'.join(column.path)}"
            raise fault_at(self._soql, item.operand.position, "MALFORMED_QUERY", message)
        if not column.field.is_sortable:
            message = f"field '{column.field.name}' can not be sorted in a query call"
            raise fault_at(self._soql, item.operand.position, "MALFORMED_QUERY", message)
        direction = "DESC" if item.is_descending else "ASC"
        return f"{column.sql} {direction} NULLS {'LAST' if item.are_nulls_last else 'FIRST'}"

    def _limits(self, query: Query) -> str:
        if query.offset is not None and query.offset > LARGEST_OFFSET:
            message = f"Maximum SOQL offset allowed is {LARGEST_OFFSET}"
            raise SalesforceFault(400, "NUMBER_OUTSIDE_VALID_RANGE", message)
        if query.limit is None and query.offset is None:
            return ""
        limit = -1 if query.limit is None else query.limit
        return f" LIMIT {limit} OFFSET {query.offset or 0}"


def _is_bare_count(select: Sequence[SelectItem]) -> bool:
    operand = select[0].operand
    return (
        len(select) == 1
        and isinstance(operand, Function)
        and operand.name == "COUNT"
        and not operand.arguments
    )


def _relationships(columns: Sequence[Column]) -> tuple[tuple[str, ...], ...]:
    found: dict[tuple[str, ...], None] = {}
    for column in columns:
        for length in range(1, len(column.path)):
            found.setdefault(column.path[:length])
    return tuple(found)
