"""Small reads beside the bookings: the staff, and which waiting clients have moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from include.frames import CLAIM, INSTANT, STAFF, TEXT
from include.source.columns import IDS, among, fetch_frame, raw
from include.source.snapshot import open_snapshot
from include.source.tables import clients, staff

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

_IDS_PER_QUERY: Final = 20_000


def read_staff(engine: Engine) -> pd.DataFrame:
    """Read all staff members; returns ``frames.STAFF`` ordered by number.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    query = select(
        raw(staff.c.id),
        raw(staff.c.first_name),
        raw(staff.c.last_name),
        raw(staff.c.email),
        staff.c.active,
        raw(staff.c.updated_at),
    ).order_by(staff.c.id)
    dtypes = {
        "staff_id": TEXT,
        "first_name": TEXT,
        "last_name": TEXT,
        "email": TEXT,
        "is_active": CLAIM,
        "updated_at": INSTANT,
    }
    with open_snapshot(engine) as connection:
        return STAFF.conform(fetch_frame(connection, query, dtypes))


def clients_changed_since(engine: Engine, attempts: pd.DataFrame) -> frozenset[int]:
    """Say which clients moved after the last attempt to sync them, so that what waits for them is read again (Q2).

    Args:
        engine: the booking database.
        attempts: ``client_id`` (text) and ``attempted_at`` (instant); a client may appear several times.

    Returns:
        Ids of clients whose row changed after the earliest of their attempts.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    if attempts.empty:
        return frozenset()
    first_attempt = attempts.groupby(attempts["client_id"].astype(IDS))["attempted_at"].min()
    moved: set[int] = set()
    with open_snapshot(engine) as connection:
        for start in range(0, len(first_attempt), _IDS_PER_QUERY):
            asked = first_attempt.iloc[start : start + _IDS_PER_QUERY]
            query = select(raw(clients.c.id), raw(clients.c.updated_at)).where(
                among(clients.c.id, asked.index, connection.dialect)
            )
            found = fetch_frame(connection, query, {"id": IDS, "updated_at": INSTANT})
            moved.update(found.loc[found["updated_at"] > found["id"].map(asked), "id"].tolist())
    return frozenset(moved)
