"""Where Salesforce takes semi-joins and anti-joins: `Id IN (SELECT … )`, and what it says elsewhere.

Facts: SOQL and SOSL Reference, *Comparison Operators*, "Semi-Joins with IN and Anti-Joins with NOT IN"; the sentences
are an org's, as public issues quote them, but those about NOT, dots and clauses, which are ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.soql.parser import fault_at
from include.salesforce_emulator.engine.soql.syntax import (
    Combined,
    Condition,
    Grouped,
    Membership,
    Negation,
    Path,
    Query,
    SelectItem,
)

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.errors import SalesforceFault

MOST_SEMI_JOINS = 2
NO_INNER_SELECTS = frozenset({"event", "task"})
"""Objects that no inner query may read (SOQL and SOSL Reference, same page), of those the local org has."""

_WITH_OR = "Semi join sub-selects are not allowed with the 'OR' operator"
_NESTED = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions "
    "and not in nested WHERE expressions."
)


def check_semi_joins(soql: str, query: Query) -> None:
    """Refuse a query whose semi-joins stand where Salesforce takes none; whose fields they are is not looked at.

    Raises:
        SalesforceFault: MALFORMED_QUERY, at the semi-join.
    """
    if query.where is None:
        return
    found = _semi_joins(soql, query.where, "")
    for join in found:
        _check_inner(soql, query, join)
    if len(found) > MOST_SEMI_JOINS:
        message = f"Maximum {MOST_SEMI_JOINS} semi join sub-selects are allowed"
        raise _refused(soql, found[MOST_SEMI_JOINS], message)


def _semi_joins(soql: str, condition: Condition, refusal: str) -> list[Membership]:
    """Return the semi-joins of a condition; with a `refusal`, refuse the first."""
    if isinstance(condition, Membership) and isinstance(condition.choices, Query):
        if refusal:
            raise _refused(soql, condition, refusal)
        return [condition]
    if isinstance(condition, Grouped | Negation):
        is_allowed = isinstance(condition, Grouped) and not refusal
        return _semi_joins(soql, condition.part, "" if is_allowed else refusal or _NESTED)
    if isinstance(condition, Combined):
        found = []
        with_or = _WITH_OR if condition.operator == "OR" else ""
        for part in condition.parts:
            nested = _NESTED if isinstance(part, Grouped) else ""
            found += _semi_joins(soql, part, refusal or with_or or nested)
        return found
    return []


def _check_inner(soql: str, query: Query, join: Membership) -> None:
    inner = join.choices
    assert isinstance(inner, Query)
    if isinstance(join.operand, Path) and len(join.operand.names) > 1:
        names = [name.lower() for name in join.operand.names[:-1]]
        if names not in ([query.source.lower()], [(query.source_alias or "").lower()]):
            raise _refused(
                soql, join, "The left operand of a semi join is a field of the queried object itself."
            )
    if inner.source.lower() == query.source.lower():
        raise _refused(soql, join, "The inner and outer selects should not be on the same object type")
    if inner.source.lower() in NO_INNER_SELECTS:
        message = f"Entity '{inner.source}' is not supported for semi join inner selects"
        raise fault_at(soql, inner.source_position, "MALFORMED_QUERY", message)
    if inner.where is not None and _semi_joins_anywhere(inner.where):
        raise _refused(soql, join, "Nesting of semi join sub-selects is not supported")
    if inner.order or inner.limit is not None or inner.offset is not None or inner.group or inner.having:
        message = "An inner select takes a WHERE, and no GROUP BY, HAVING, ORDER BY, LIMIT or OFFSET."
        raise _refused(soql, join, message)
    shown = inner.select[0]
    if len(inner.select) != 1 or not isinstance(shown, SelectItem) or not isinstance(shown.operand, Path):
        raise _refused(soql, join, "An inner select selects exactly one field.")


def _semi_joins_anywhere(condition: Condition) -> bool:
    pending = [condition]
    while pending:
        here = pending.pop()
        if isinstance(here, Membership) and isinstance(here.choices, Query):
            return True
        if isinstance(here, Combined):
            pending += here.parts
        elif isinstance(here, Grouped | Negation):
            pending.append(here.part)
    return False


def _refused(soql: str, join: Membership, message: str) -> SalesforceFault:
    return fault_at(soql, join.operand.position, "MALFORMED_QUERY", message)
