"""The staff members, as they are to be linked with Salesforce Users (rule S7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from include.frames import CLAIM, INSTANT, STAFF, TEXT
from include.source.columns import fetch_frame, raw
from include.source.snapshot import open_snapshot
from include.source.tables import staff

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine


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
