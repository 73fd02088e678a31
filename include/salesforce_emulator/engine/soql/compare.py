"""Conditions of a query as SQL.

SOQL knows two truth values, not three: a missing value is unequal to every value, and NOT turns "no" into "yes".
Texts compare in any letter case. SQLite folds ASCII only, which is exact whenever the value asked for is ASCII; for
any other value both sides are lowered in full, at the price of the index.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.schema import IDS, TEXTS, FieldType
from include.salesforce_emulator.engine.soql.dates import date_range
from include.salesforce_emulator.engine.soql.literals import LiteralReader
from include.salesforce_emulator.engine.soql.parser import fault_at
from include.salesforce_emulator.engine.soql.syntax import (
    Combined,
    Comparison,
    Condition,
    Grouped,
    Includes,
    Literal,
    LiteralKind,
    Membership,
    Negation,
    Operand,
    Query,
)
from include.salesforce_emulator.engine.values import date_time_text

if TYPE_CHECKING:
    from datetime import date

    from include.salesforce_emulator.engine.soql.scope import Column

_LISTED = "(SELECT value FROM json_each(?))"

Resolve = Callable[[Operand], "Column"]
SubqueryCompiler = Callable[[Query, list[Any]], str]


class ConditionCompiler:
    """Turns the conditions of one query into SQL, collecting their parameters in order."""

    def __init__(
        self, soql: str, *, today: date, resolve: Resolve, subquery: SubqueryCompiler, parameters: list[Any]
    ) -> None:
        self._soql = soql
        self._literals = LiteralReader(soql)
        self._today = today
        self._resolve = resolve
        self._subquery = subquery
        self._parameters = parameters

    def sql(self, condition: Condition) -> str:
        """Return the SQL of a condition.

        Raises:
            SalesforceFault: a field that cannot be filtered so, or a value of the wrong type.
        """
        if isinstance(condition, Combined):
            return _balanced([self.sql(part) for part in condition.parts], condition.operator)
        if isinstance(condition, Grouped):
            return self.sql(condition.part)
        if isinstance(condition, Negation):
            return f"NOT COALESCE({self.sql(condition.part)}, 0)"
        if isinstance(condition, Membership):
            return self._membership(condition)
        if isinstance(condition, Includes):
            return self._includes(condition)
        return self._comparison(condition)

    def _filterable(self, operand: Operand) -> Column:
        column = self._resolve(operand)
        if not column.field.filterable:
            message = f"field '{column.field.name}' can not be filtered in a query call"
            raise fault_at(self._soql, operand.position, "INVALID_FIELD", message)
        return column

    def _comparison(self, comparison: Comparison) -> str:
        column = self._filterable(comparison.operand)
        operator, literal = comparison.operator, comparison.value
        if operator == "LIKE":
            return self._like(column, literal)
        if literal.kind is LiteralKind.NULL or (literal.kind is LiteralKind.STRING and not literal.text):
            return self._null(column, operator, literal)
        if literal.kind is LiteralKind.DATE_LITERAL:
            return self._date_literal(column, operator, literal)
        value = self._literals.value(column, literal)
        if operator == "!=":
            return f"COALESCE({self._equal(column, value, '<>')}, 1)"
        if operator == "=":
            return self._equal(column, value, "=")
        if column.field.type is FieldType.BOOLEAN:
            message = f"invalid operator on boolean field '{column.field.name}'"
            raise fault_at(self._soql, comparison.operand.position, "INVALID_QUERY_FILTER_OPERATOR", message)
        return self._ordered(column, operator, value)

    def _ordered(self, column: Column, operator: str, value: Any) -> str:
        compared = f"{column.sql} {operator} {self._bound(value)}"
        # Who asks what is later than an instant asks for few records: then SQLite takes the index, if there is one.
        is_late = column.field.type is FieldType.DATETIME and operator in (">", ">=")
        return f"unlikely({compared})" if is_late else compared

    def _null(self, column: Column, operator: str, literal: Literal) -> str:
        if operator not in ("=", "!="):
            message = f"null cannot be compared with {operator}"
            raise fault_at(self._soql, literal.position, "MALFORMED_QUERY", message)
        if literal.kind is LiteralKind.STRING and column.field.type not in TEXTS | IDS:
            raise self._literals.wrong_type(column, literal)
        return f"{column.sql} IS {'NOT ' if operator == '!=' else ''}NULL"

    def _equal(self, column: Column, value: Any, operator: str) -> str:
        if column.field.type is FieldType.BOOLEAN and column.is_joined:
            return f"COALESCE({column.sql}, 0) {operator} {self._bound(value)}"
        if _needs_folding(column, value):
            return f"sf_lower({column.sql}) {operator} {self._bound(value.lower())}"
        return f"{column.sql} {operator} {self._bound(value)}"

    def _like(self, column: Column, literal: Literal) -> str:
        if column.field.type not in TEXTS:
            message = f"invalid operator on {column.field.type} field '{column.field.name}'"
            raise fault_at(self._soql, literal.position, "INVALID_QUERY_FILTER_OPERATOR", message)
        pattern = self._literals.text(literal, is_pattern=True)
        if pattern.isascii():
            return f"{column.sql} LIKE {self._bound(pattern)} ESCAPE '\\'"
        return f"sf_lower({column.sql}) LIKE {self._bound(pattern.lower())} ESCAPE '\\'"

    def _date_literal(self, column: Column, operator: str, literal: Literal) -> str:
        days = date_range(literal.text, literal.count, self._today)
        if days is None:
            shown = literal.text if literal.count is None else f"{literal.text}:{literal.count}"
            raise fault_at(self._soql, literal.position, "MALFORMED_QUERY", f"unexpected token: '{shown}'")
        if column.field.type is FieldType.DATETIME:
            first, after = (date_time_text(datetime(d.year, d.month, d.day, tzinfo=UTC)) for d in days)
        elif column.field.type is FieldType.DATE:
            first, after = (day.isoformat() for day in days)
        else:
            raise self._literals.wrong_type(column, literal)
        sql = column.sql
        if operator in ("=", "!="):
            inside = f"({sql} >= {self._bound(first)} AND {sql} < {self._bound(after)})"
            return inside if operator == "=" else f"NOT COALESCE({inside}, 0)"
        bound, compared = {"<": (first, "<"), "<=": (after, "<"), ">": (after, ">="), ">=": (first, ">=")}[
            operator
        ]
        return self._ordered(column, compared, bound)

    def _membership(self, membership: Membership) -> str:
        column = self._filterable(membership.operand)
        negation = "NOT " if membership.is_negated else ""
        if isinstance(membership.choices, Query):
            if column.field.type not in IDS:
                message = f"semi join operands must be reference fields: '{column.field.name}'"
                raise fault_at(self._soql, membership.operand.position, "MALFORMED_QUERY", message)
            inner = self._subquery(membership.choices, self._parameters)
            inside = f"{column.sql} IN ({inner})"
            return f"NOT COALESCE({inside}, 0)" if membership.is_negated else inside
        if any(literal.kind is LiteralKind.DATE_LITERAL for literal in membership.choices):
            compared = [Comparison(membership.operand, "=", literal) for literal in membership.choices]
            return f"{negation}COALESCE({_balanced([self._comparison(item) for item in compared], 'OR')}, 0)"
        inside = self._in_values(column, membership.choices)
        return f"NOT COALESCE({inside}, 0)" if membership.is_negated else inside

    def _in_values(self, column: Column, choices: tuple[Literal, ...]) -> str:
        plain, folded, has_null = [], [], False
        for literal in choices:
            if literal.kind is LiteralKind.NULL or (literal.kind is LiteralKind.STRING and not literal.text):
                has_null = True
                continue
            value = self._literals.value(column, literal)
            if _needs_folding(column, value):
                folded.append(value.lower())
            else:
                plain.append(value)
        parts = []
        if plain:
            parts.append(f"{column.sql} IN {_LISTED}")
            self._parameters.append(json.dumps(plain))
        if folded:
            parts.append(f"sf_lower({column.sql}) IN {_LISTED}")
            self._parameters.append(json.dumps(folded))
        if has_null:
            parts.append(f"{column.sql} IS NULL")
        return _balanced(parts, "OR")

    def _includes(self, condition: Includes) -> str:
        column = self._filterable(condition.operand)
        if column.field.type is not FieldType.MULTIPICKLIST:
            message = f"INCLUDES and EXCLUDES are for multi-select picklists, not '{column.field.name}'"
            raise fault_at(self._soql, condition.operand.position, "INVALID_QUERY_FILTER_OPERATOR", message)
        combinations = []
        for literal in condition.choices:
            values = self._literals.text(literal).split(";")
            held = [
                f"instr(';' || lower({column.sql}) || ';', {self._bound(f';{v.lower()};')}) > 0"
                for v in values
            ]
            combinations.append(_balanced(held, "AND"))
        inside = _balanced(combinations, "OR")
        return f"NOT COALESCE({inside}, 0)" if condition.is_negated else inside

    def _bound(self, value: Any) -> str:
        self._parameters.append(value)
        return "?"


def _needs_folding(column: Column, value: Any) -> bool:
    return (
        isinstance(value, str)
        and column.field.type in TEXTS
        and not column.field.case_sensitive
        and (not value.isascii())
    )


def _balanced(parts: list[str], operator: str) -> str:
    """Join conditions as a balanced tree: SQLite refuses expressions nested a thousand deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle], operator)} {operator} {_balanced(parts[middle:], operator)})"
