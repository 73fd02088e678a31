"""Pairs that were held, quarantined or disabled, for people to look at (Q2)."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, func, select

from include.ledger.bulk import read
from include.ledger.contracts import QUARANTINE_COUNTS, QUARANTINE_ROWS
from include.ledger.tables import quarantine


def rows(connection: Connection, *, kinds: tuple[str, ...] | None, limit: int | None) -> pd.DataFrame:
    """Return pairs, last seen first."""
    query = select(*(quarantine.c[name] for name in QUARANTINE_ROWS.columns))
    if kinds is not None:
        query = query.where(quarantine.c.kind.in_(kinds))
    query = query.order_by(quarantine.c.last_seen_at.desc(), quarantine.c.booking_key).limit(limit)
    return read(connection, query, QUARANTINE_ROWS)


def counts(connection: Connection) -> pd.DataFrame:
    """Return how many pairs there are by outcome and reason."""
    group = [quarantine.c.outcome, quarantine.c.reason]
    query = select(*group, func.count().label("rows")).group_by(*group).order_by(*group)
    return read(connection, query, QUARANTINE_COUNTS)
