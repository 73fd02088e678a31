"""What we last wrote into the records of people (rule M5)."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
from sqlalchemy import Connection, select

from include.frames import WRITTEN_VALUES
from include.ledger.bulk import read, stage_keys
from include.ledger.tables import person_links


def of_records(connection: Connection, record_ids: Collection[str]) -> pd.DataFrame:
    """Return what was written into these records; several rows where several clients are one record."""
    keys = stage_keys(connection, record_ids)
    values = person_links.c.written_values
    query = select(person_links.c.record_id, values.label("values"))
    query = query.join(keys, keys.c.key == person_links.c.record_id).where(values.is_not(None))
    return read(connection, query.order_by(person_links.c.client_id), WRITTEN_VALUES)
