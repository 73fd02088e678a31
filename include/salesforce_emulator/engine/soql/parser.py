"""SOQL text to syntax tree. Whatever the text is, the answer is a tree or a fault that points at the trouble."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from include.salesforce_emulator.engine.errors import SalesforceFault, not_implemented
from include.salesforce_emulator.engine.soql.syntax import (
    ChildQuery,
    Combined,
    Comparison,
    Condition,
    Function,
    Grouped,
    Includes,
    Literal,
    LiteralKind,
    Membership,
    Negation,
    Operand,
    OrderItem,
    Path,
    Query,
    Selected,
    SelectItem,
    Typeof,
    When,
)
from include.salesforce_emulator.engine.values import is_storable

LONGEST_QUERY = 100_000
"""Characters a query may have [SOQL65; for the words django-salesforce #164]."""

_SHOWN_AROUND = 40


def fault_at(soql: str, position: int, code: str, message: str) -> SalesforceFault:
    """Return a fault with the place it points at, laid out as Salesforce does."""
    if not soql:
        return SalesforceFault(400, code, message)
    position = min(max(position, 0), len(soql))
    line = soql.count("\n", 0, position) + 1
    line_start = soql.rfind("\n", 0, position) + 1
    line_end = soql.find("\n", position)
    shown_from = max(line_start, position - _SHOWN_AROUND)
    shown = soql[shown_from : min(len(soql) if line_end < 0 else line_end, position + _SHOWN_AROUND)]
    caret = " " * (position - shown_from) + "^"
    where = f"ERROR at Row:{line}:Column:{position - line_start + 1}"
    return SalesforceFault(400, code, f"\n{shown}\n{caret}\n{where}\n{message}")


def parse(soql: str) -> Query:
    """Return the syntax tree of a query.

    Raises:
        SalesforceFault: MALFORMED_QUERY with the position, or NOT_IMPLEMENTED for a clause the org lacks.
    """
    if len(soql) > LONGEST_QUERY:
        message = f"SOQL statements can not be longer than {LONGEST_QUERY} characters."
        raise SalesforceFault(400, "MALFORMED_QUERY", message)
    if not is_storable(soql):
        raise SalesforceFault(400, "MALFORMED_QUERY", "The query holds characters that no text can hold.")
    try:
        tree = _parser().parse(soql)
    except UnexpectedInput as error:
        raise _malformed(soql, error) from error
    except VisitError as error:
        if isinstance(error.orig_exc, SalesforceFault):
            raise error.orig_exc from error
        raise
    assert isinstance(tree, Query)
    return tree


def _malformed(soql: str, error: UnexpectedInput) -> SalesforceFault:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        position = error.token.start_pos or 0
        return fault_at(soql, position, "MALFORMED_QUERY", f"{_expecting(error)} '{error.token}'")
    if isinstance(error, UnexpectedCharacters):
        position = error.pos_in_stream or 0
        shown = soql[position : position + 1]
        return fault_at(soql, position, "MALFORMED_QUERY", f"unexpected token: '{shown}'")
    if isinstance(error, UnexpectedToken | UnexpectedEOF):
        unclosed = isinstance(error, UnexpectedToken) and _expecting(error)
        return fault_at(soql, len(soql), "MALFORMED_QUERY", f"{unclosed or 'unexpected token:'} '<EOF>'")
    return SalesforceFault(400, "MALFORMED_QUERY", "The query could not be read.")


def _expecting(error: UnexpectedToken) -> str:
    # Salesforce's words where a parenthesis is open (gist cwarden/2854284).
    is_open = "RPAR" in error.accepts and "COMMA" not in error.accepts
    return "expecting a right parentheses, found" if is_open else "unexpected token:"


@cache
def _parser() -> Lark:
    grammar = (
        resources.files("include.salesforce_emulator.engine.soql").joinpath("grammar.lark").read_text("utf-8")
    )
    return Lark(grammar, parser="lalr", maybe_placeholders=True, transformer=_Builder())


def _whole_number(token: Token, clause: str) -> int:
    if not token.isdigit() or len(token) > 18:
        message = f"{clause} must be a whole number that is not negative"
        raise SalesforceFault(400, "MALFORMED_QUERY", message)
    return int(token)


_Source = tuple[Token, Token | None]
"""The name a query reads from, and its alias."""


@v_args(inline=True)
class _Builder(Transformer):  # type: ignore[misc]  # lark ships no types strict checking takes
    """Builds the syntax tree while the text is parsed; every method is named after its grammar rule."""

    def start(self, query: Query) -> Query:
        return query

    def clauses(self, *clauses: Any) -> tuple[Any, ...]:
        return clauses

    filters = grouping = paging = endings = clauses

    def query(self, select: tuple[Selected, ...], source: _Source, *groups: tuple[Any, ...]) -> Query:
        (scope, where, with_clause), (group, having), (order, limit, offset), _endings = groups
        if with_clause is not None:
            raise not_implemented("The SOQL clause WITH")
        name, alias = source
        return Query(
            select=select,
            source=str(name),
            source_position=name.start_pos or 0,
            source_alias=str(alias) if alias is not None else None,
            where=where,
            group=group or (),
            having=having,
            order=order or (),
            limit=limit,
            offset=offset,
            scope=str(scope).lower() if scope is not None else None,
        )

    def select_list(self, *items: Selected) -> tuple[Selected, ...]:
        return items

    def field_item(self, operand: Operand, alias: Token | None) -> SelectItem:
        return SelectItem(operand, str(alias) if alias is not None else None)

    def child_query(self, query: Query) -> ChildQuery:
        return ChildQuery(query)

    def typeof(self, path: Path, *parts: When | tuple[Path, ...] | None) -> Typeof:
        whens = tuple(part for part in parts if isinstance(part, When))
        otherwise = parts[-1]
        return Typeof(path, whens, otherwise if isinstance(otherwise, tuple) else ())

    def when(self, sobject: Token, *fields: Path) -> When:
        return When(str(sobject), sobject.start_pos or 0, fields)

    def else_fields(self, *fields: Path) -> tuple[Path, ...]:
        return fields

    def more_source(self, *_names: Token | None) -> None:
        raise not_implemented("A relationship in FROM, beside the queried object")

    def source(self, name: Token, relationship: Token | None, alias: Token | None) -> _Source:
        # `FROM Account.Contacts` in a subquery is `FROM Contacts`.
        return relationship or name, alias

    def scope(self, name: Token) -> Token:
        return name

    def with_clause(self, *names: Token) -> tuple[Token, ...]:
        return names

    def for_clause(self) -> None:
        return None

    def update_clause(self, *names: Token) -> None:
        raise not_implemented(f"The SOQL clause UPDATE {names[0].upper()}")

    def where(self, condition: Condition) -> Condition:
        return condition

    def having(self, condition: Condition) -> Condition:
        return condition

    def group(self, *operands: Operand) -> tuple[Operand, ...]:
        return operands

    def order(self, *items: OrderItem) -> tuple[OrderItem, ...]:
        return items

    def order_item(self, operand: Operand, direction: Token | None, nulls: Token | None) -> OrderItem:
        is_descending = direction is not None and direction.type == "DESC"
        return OrderItem(operand, is_descending, nulls is not None and nulls.type == "LAST")

    def limit(self, number: Token) -> int:
        return _whole_number(number, "LIMIT")

    def offset(self, number: Token) -> int:
        return _whole_number(number, "OFFSET")

    def all_of(self, *parts: Condition) -> Condition:
        return Combined("AND", parts)

    def any_of(self, *parts: Condition) -> Condition:
        return Combined("OR", parts)

    def negation(self, part: Condition) -> Condition:
        return Negation(part)

    def grouped(self, part: Condition) -> Condition:
        return part if isinstance(part, Grouped) else Grouped(part)

    def comparison(self, operand: Operand, operator: Token, value: Literal) -> Condition:
        return Comparison(operand, "!=" if operator == "<>" else str(operator), value)

    def like(self, operand: Operand, pattern: Token) -> Condition:
        return Comparison(operand, "LIKE", self.string(pattern))

    def in_list(self, operand: Operand, *values: Literal) -> Condition:
        return Membership(operand, values, is_negated=False)

    def not_in_list(self, operand: Operand, *values: Literal) -> Condition:
        return Membership(operand, values, is_negated=True)

    def in_query(self, operand: Operand, query: Query) -> Condition:
        return Membership(operand, query, is_negated=False)

    def not_in_query(self, operand: Operand, query: Query) -> Condition:
        return Membership(operand, query, is_negated=True)

    def includes(self, operand: Operand, *values: Token) -> Condition:
        return Includes(operand, tuple(map(self.string, values)), is_negated=False)

    def excludes(self, operand: Operand, *values: Token) -> Condition:
        return Includes(operand, tuple(map(self.string, values)), is_negated=True)

    def path(self, *names: Token) -> Path:
        return Path(tuple(map(str, names)), names[0].start_pos or 0)

    def function(self, name: Token, *arguments: Operand | None) -> Function:
        given = tuple(argument for argument in arguments if argument is not None)
        return Function(str(name).upper(), given, name.start_pos or 0)

    def string(self, token: Token) -> Literal:
        return Literal(LiteralKind.STRING, str(token)[1:-1], token.start_pos or 0)

    def number(self, token: Token) -> Literal:
        return Literal(LiteralKind.NUMBER, str(token), token.start_pos or 0)

    def date_time(self, token: Token) -> Literal:
        return Literal(LiteralKind.DATE_TIME, str(token), token.start_pos or 0)

    def date(self, token: Token) -> Literal:
        return Literal(LiteralKind.DATE, str(token), token.start_pos or 0)

    def null(self, token: Token) -> Literal:
        return Literal(LiteralKind.NULL, "null", token.start_pos or 0)

    def true(self, token: Token) -> Literal:
        return Literal(LiteralKind.BOOLEAN, "true", token.start_pos or 0)

    def false(self, token: Token) -> Literal:
        return Literal(LiteralKind.BOOLEAN, "false", token.start_pos or 0)

    def date_literal(self, name: Token, count: Token | None) -> Literal:
        number = _whole_number(count, str(name)) if count is not None else None
        return Literal(LiteralKind.DATE_LITERAL, str(name).upper(), name.start_pos or 0, number)
