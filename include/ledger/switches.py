"""The switch that disables the sync of a client, beside Coconut's own flag (T4).

Every move is a row of its own with who made it and when; a client's newest row is in force.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, exists, func, insert, select
from sqlalchemy.sql.elements import KeyedColumnElement

from include.frames import TEXT, FrameContract
from include.ledger.bulk import read, stage_keys
from include.ledger.tables import client_switches

_CLIENTS = FrameContract("clients_of_switches", {"client_id": TEXT})


def switch(
    connection: Connection, client_ids: Collection[str], *, is_disabled: bool, who: str, now: datetime
) -> frozenset[str]:
    """Move the switch of these clients and return those of whom it was not there already."""
    already = disabled(connection, client_ids)
    moving = sorted(set(client_ids) - already if is_disabled else already)
    if moving:
        rows = [
            {"client_id": one, "is_disabled": is_disabled, "changed_by": who, "changed_at": now}
            for one in moving
        ]
        connection.execute(insert(client_switches), rows)
    return frozenset(moving)


def disabled(connection: Connection, client_ids: Collection[str]) -> frozenset[str]:
    """Return those of these clients whose switch disables them."""
    keys = stage_keys(connection, client_ids)
    query = (
        select(client_switches.c.client_id)
        .join(keys, keys.c.key == client_switches.c.client_id)
        .where(client_switches.c.is_disabled, client_switches.c.id.in_(_newest()))
    )
    return frozenset(read(connection, query, _CLIENTS)["client_id"].tolist())


def moved_since(
    client_id: KeyedColumnElement[str], seen_at: KeyedColumnElement[datetime]
) -> ColumnElement[bool]:
    """Tell in SQL that a client's switch moved after an instant."""
    moved = select(client_switches.c.id).where(
        client_switches.c.client_id == client_id, client_switches.c.changed_at > seen_at
    )
    return exists(moved)


def _newest() -> Select[int]:
    return select(func.max(client_switches.c.id)).group_by(client_switches.c.client_id)
