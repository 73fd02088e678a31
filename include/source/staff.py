"""The staff members, as they are to be linked with Salesforce Users (rule S7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from include.frames import CLAIM, INSTANT, STAFF, TEXT
from include.source.columns import ColumnsRead, fetch_frame, selected
from include.source.snapshot import open_snapshot
from include.source.tables import staff

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine


_COLUMNS: Final[ColumnsRead] = {
    "staff_id": (staff.c.id, TEXT),
    "first_name": (staff.c.first_name, TEXT),
    "last_name": (staff.c.last_name, TEXT),
    "email": (staff.c.email, TEXT),
    "is_active": (staff.c.active, CLAIM),
    "updated_at": (staff.c.updated_at, INSTANT),
}


def read_staff(engine: Engine) -> pd.DataFrame:
    """Read all staff members; returns ``frames.STAFF`` ordered by number.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    with open_snapshot(engine) as connection:
        query = select(*selected(_COLUMNS, connection.dialect)).order_by(staff.c.id)
        return STAFF.conform(fetch_frame(connection, query, _COLUMNS))
