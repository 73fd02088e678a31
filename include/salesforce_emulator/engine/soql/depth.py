"""How deep the conditions of a query may be nested. Salesforce publishes no figure; this one keeps the stack safe."""

from __future__ import annotations

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.soql.syntax import (
    ChildQuery,
    Combined,
    Condition,
    Grouped,
    Membership,
    Negation,
    Query,
)

MOST_NESTED = 100


def check_depth(query: Query) -> None:
    """Refuse a query whose conditions, or inner queries, are nested too deeply.

    Raises:
        SalesforceFault: QUERY_TOO_COMPLICATED.
    """
    pending: list[tuple[Condition | Query, int]] = [(query, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > MOST_NESTED:
            message = "The conditions are nested too deeply; write them with fewer parentheses."
            raise SalesforceFault(400, "QUERY_TOO_COMPLICATED", message)
        pending += [(inner, depth + 1) for inner in _inside(item)]


def _inside(item: Condition | Query) -> list[Condition | Query]:
    if isinstance(item, Query):
        children = [one.query for one in item.select if isinstance(one, ChildQuery)]
        conditions = [one for one in (item.where, item.having) if one is not None]
        return [*children, *conditions]
    if isinstance(item, Combined):
        return list(item.parts)
    if isinstance(item, Grouped | Negation):
        return [item.part]
    if isinstance(item, Membership) and isinstance(item.choices, Query):
        return [item.choices]
    return []
