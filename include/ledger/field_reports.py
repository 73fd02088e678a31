"""What people have to know about fields of people and Events; names of fields only, never values (rules M5, F4)."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, delete, literal, select, true

from include.frames import FIELD_REPORTS
from include.ledger.bulk import read, stage
from include.ledger.engine import upsert
from include.ledger.tables import field_reports
from include.ledger.types import Instant


def record(connection: Connection, run_id: str, reports: pd.DataFrame, *, now: datetime) -> None:
    """Keep a run's reports in place of those that an earlier attempt of it kept."""
    connection.execute(delete(field_reports).where(field_reports.c.run_id == run_id))
    staged = stage(connection, FIELD_REPORTS, reports)
    names = list(FIELD_REPORTS.columns)
    rows = select(*(staged.c[name] for name in names), literal(run_id), literal(now, Instant())).where(true())
    rows = rows.order_by(staged.c.client_id, staged.c.field, staged.c.report)
    connection.execute(upsert(connection, field_reports).from_select([*names, "run_id", "at"], rows))


def of_run(connection: Connection, run_id: str) -> pd.DataFrame:
    """Return a run's reports in the order of client and field."""
    columns = [field_reports.c[name] for name in FIELD_REPORTS.columns]
    query = select(*columns).where(field_reports.c.run_id == run_id).order_by(field_reports.c.id)
    return read(connection, query, FIELD_REPORTS)
