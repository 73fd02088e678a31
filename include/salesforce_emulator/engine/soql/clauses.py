"""The clauses that every query may have, as SQL: what it reads from, which rows, in which order, how many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.errors import SalesforceFault, not_implemented
from include.salesforce_emulator.engine.schema import IDS
from include.salesforce_emulator.engine.soql.compare import ConditionCompiler
from include.salesforce_emulator.engine.soql.functions import FUNCTIONS, LACKING, FunctionFacts, result_field
from include.salesforce_emulator.engine.soql.parser import fault_at
from include.salesforce_emulator.engine.soql.scope import Column, Scope, archived_sql
from include.salesforce_emulator.engine.soql.syntax import (
    Function,
    Operand,
    OrderItem,
    Path,
    Query,
    SelectItem,
)
from include.salesforce_emulator.engine.store import ROW

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.schema import Schema, SObject
    from include.salesforce_emulator.engine.soql.compiled import Asked

ARCHIVED_AFTER = timedelta(days=365)
LARGEST_OFFSET = 2000


@dataclass(slots=True)
class Clauses:
    """Translates the clauses of one query and of those inside it.

    Attributes:
        asked: the whole query, for its text and what date literals and scopes mean.
        schema: the objects and fields the user may see.
        prefix: what table aliases begin with, so that inner queries have their own.
    """

    asked: Asked
    schema: Schema
    prefix: str = "t"
    _inner: int = 0

    def fault(self, position: int, message: str, code: str = "MALFORMED_QUERY") -> SalesforceFault:
        """Return a fault that points into the query."""
        return fault_at(self.asked.soql, position, code, message)

    def inside(self) -> Clauses:
        """Return the translator of a query inside this one."""
        self._inner += 1
        return Clauses(self.asked, self.schema, f"{self.prefix}s{self._inner}_")

    def scope(self, query: Query, base: SObject | None = None) -> Scope:
        """Return the tables of a query; `base` is its object where its source is a relationship."""
        base = base or self.schema.find(query.source)
        if base is None:
            message = (
                f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be "
                "sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for "
                "the appropriate names."
            )
            raise self.fault(query.source_position, message, "INVALID_TYPE")
        return Scope(
            soql=self.asked.soql,
            schema=self.schema,
            base=base,
            base_alias=query.source_alias,
            archive_day=self.asked.today - ARCHIVED_AFTER,
            prefix=self.prefix,
            include_deleted=self.asked.include_deleted,
        )

    def where(self, query: Query, scope: Scope, parameters: list[Any]) -> str:
        """Return the condition of a query, and what hides deleted and archived records from it."""
        parts = []
        if query.where is not None:
            parts.append(self.conditions(scope, parameters).sql(query.where))
        if query.scope is not None:
            parts.append(self._owned(query, scope, parameters))
        if not self.asked.include_deleted:
            parts.append(f"{scope.root.alias}.IsDeleted = 0")
            if scope.base.field("IsArchived") is not None:
                parts.append(f"NOT {archived_sql(scope.root.alias, scope.base, scope.archive_day)}")
        return " AND ".join(f"({part})" for part in parts) or "1"

    def conditions(
        self, scope: Scope, parameters: list[Any], *, aggregates: bool = False
    ) -> ConditionCompiler:
        """Return the translator of conditions; those of HAVING may hold aggregates."""

        def resolve(operand: Operand) -> Column:
            return self.column(operand, scope, aggregates=aggregates)

        def semi_join(query: Query, inner_parameters: list[Any]) -> str:
            return self.inside()._semi_join(query, inner_parameters)  # noqa: SLF001 - a translator of its own kind

        return ConditionCompiler(
            self.asked.soql,
            today=self.asked.today,
            resolve=resolve,
            subquery=semi_join,
            parameters=parameters,
        )

    def column(self, operand: Operand, scope: Scope, *, aggregates: bool) -> Column:
        """Return what a field or a function of a field stands for."""
        if isinstance(operand, Path):
            return scope.column(operand)
        facts = self.facts(operand)
        if facts.is_aggregate and not aggregates:
            raise self.fault(
                operand.position, f"aggregate functions such as {operand.name} are not allowed here"
            )
        if len(operand.arguments) != 1:
            raise self.fault(operand.position, f"{operand.name} takes exactly one field")
        if not isinstance(operand.arguments[0], Path):
            raise not_implemented(f"A function within the SOQL function {operand.name}")
        inner = scope.column(operand.arguments[0])
        if inner.field.type not in facts.takes or (facts.is_aggregate and not inner.field.filterable):
            message = f"field {inner.field.name} does not support aggregate operator {operand.name}"
            raise self.fault(operand.position, message)
        made = result_field(operand.name, facts, inner.field)
        return replace(inner, sql=facts.template.format(inner.sql), field=made)

    def facts(self, operand: Function) -> FunctionFacts:
        """Return what is known of a function."""
        facts = FUNCTIONS.get(operand.name)
        if facts is not None:
            return facts
        if operand.name in LACKING:
            raise not_implemented(f"The SOQL function {operand.name}")
        raise self.fault(operand.position, f"there is no function '{operand.name}'")

    def is_aggregate(self, operand: Operand) -> bool:
        """Whether an operand is an aggregate function."""
        return isinstance(operand, Function) and self.facts(operand).is_aggregate

    def order_key(self, item: OrderItem, column: Column) -> str:
        """Return one sort key; nulls come first in either direction unless told otherwise."""
        if not column.field.is_sortable:
            message = f"field '{column.field.name}' can not be sorted in a query call"
            raise self.fault(item.operand.position, message)
        direction = "DESC" if item.is_descending else "ASC"
        return f"{column.sql} {direction} NULLS {'LAST' if item.are_nulls_last else 'FIRST'}"

    def order(self, query: Query, scope: Scope) -> str:
        """Return the order of records; those that tie come in the order they were made."""
        keys = [
            self.order_key(item, self.column(item.operand, scope, aggregates=False)) for item in query.order
        ]
        return f" ORDER BY {', '.join([*keys, f'{scope.root.alias}.{ROW}'])}"

    def limits(self, query: Query) -> str:
        """Return how many rows, and from which on."""
        offset = self.offset(query)
        if query.limit is None and query.offset is None:
            return ""
        return f" LIMIT {-1 if query.limit is None else query.limit} OFFSET {offset}"

    def offset(self, query: Query) -> int:
        """Return how many rows are skipped.

        Raises:
            SalesforceFault: NUMBER_OUTSIDE_VALID_RANGE.
        """
        if query.offset is not None and query.offset > LARGEST_OFFSET:
            message = f"Maximum SOQL offset allowed is {LARGEST_OFFSET}"
            raise SalesforceFault(400, "NUMBER_OUTSIDE_VALID_RANGE", message)
        return query.offset or 0

    def _owned(self, query: Query, scope: Scope, parameters: list[Any]) -> str:
        if query.scope == "everything":
            return "1"
        owner = scope.base.field("OwnerId")
        if query.scope != "mine" or owner is None or self.asked.user_id is None:
            raise not_implemented(f"The SOQL scope {query.scope} of {scope.base.name}")
        parameters.append(self.asked.user_id)
        return f"{scope.root.alias}.OwnerId = ?"

    def _semi_join(self, query: Query, parameters: list[Any]) -> str:
        """Return the SQL of a semi-join's inner query; it shows one Id field."""
        scope = self.scope(query)
        item = query.select[0]
        assert isinstance(item, SelectItem)
        assert isinstance(item.operand, Path)
        shown = scope.column(item.operand)
        if shown.field.type not in IDS:
            message = f"The inner select field '{shown.field.name}' must be an Id or reference field."
            raise self.fault(item.operand.position, message)
        where = self.where(query, scope, parameters)
        return f"SELECT {shown.sql} FROM {scope.from_sql()} WHERE {where} AND {shown.sql} IS NOT NULL"  # noqa: S608
