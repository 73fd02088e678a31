"""Phones of the org's people in the form in which they are compared, kept because Salesforce cannot search it (M3)."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, delete, select, text, true

from include.ledger.bulk import read, stage, stage_keys
from include.ledger.contracts import PHONE_ENTRIES
from include.ledger.engine import upsert
from include.ledger.tables import phone_index, sync_state

INDEXING_LOCK = 7_312_002
"""PostgreSQL advisory lock of those who write the index: two of them would meet on the same rows in any order."""


@dataclass(frozen=True, slots=True)
class PhoneIndexState:
    """What an sObject's part of the index holds.

    ``org_id`` and ``region`` say whose phones they are and how those without country code were read; ``mark`` is the
    newest ``SystemModstamp`` that went in.
    """

    org_id: str
    region: str
    mark: datetime


def state(connection: Connection, sobject: str) -> PhoneIndexState | None:
    """Return what the index holds of an sObject, or nothing before it was first filled."""
    query = select(sync_state.c.value).where(sync_state.c.name == _name(sobject))
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        return None
    values = json.loads(found)
    return PhoneIndexState(values["org_id"], values["region"], datetime.fromisoformat(values["mark"]))


def fill(
    connection: Connection, sobject: str, entries: pd.DataFrame, *, reached: PhoneIndexState, now: datetime
) -> None:
    """Put ``entries`` (``PHONE_ENTRIES``) in the place of all that the index held of an sObject."""
    _lock(connection)
    connection.execute(delete(phone_index).where(phone_index.c.sobject == sobject))
    _insert(connection, entries)
    mark(connection, sobject, reached, now=now)


def replace(connection: Connection, record_ids: Collection[str], entries: pd.DataFrame) -> None:
    """Put ``entries`` (``PHONE_ENTRIES``) in the place of what the index held of these records."""
    _lock(connection)
    keys = stage_keys(connection, record_ids)
    connection.execute(delete(phone_index).where(phone_index.c.record_id.in_(select(keys.c.key))))
    _insert(connection, entries)


def mark(connection: Connection, sobject: str, reached: PhoneIndexState, *, now: datetime) -> None:
    """Record how far the index has come with an sObject."""
    values = {"org_id": reached.org_id, "region": reached.region, "mark": reached.mark.isoformat()}
    marked = upsert(connection, sync_state).values(
        name=_name(sobject), value=json.dumps(values), updated_at=now
    )
    connection.execute(
        marked.on_conflict_do_update(
            index_elements=[sync_state.c.name],
            set_={"value": marked.excluded.value, "updated_at": marked.excluded.updated_at},
        )
    )


def entries_of(connection: Connection, phones: Collection[str]) -> pd.DataFrame:
    """Return the entries of these normalised phones (``PHONE_ENTRIES``)."""
    keys = stage_keys(connection, phones)
    query = select(*(phone_index.c[name] for name in PHONE_ENTRIES.columns))
    query = query.join(keys, keys.c.key == phone_index.c.phone)
    return read(connection, query.order_by(phone_index.c.record_id, phone_index.c.phone), PHONE_ENTRIES)


def _insert(connection: Connection, entries: pd.DataFrame) -> None:
    staged = stage(connection, PHONE_ENTRIES, entries)
    names = list(PHONE_ENTRIES.columns)
    rows: Any = select(*(staged.c[name] for name in names)).where(true())
    connection.execute(upsert(connection, phone_index).from_select(names, rows).on_conflict_do_nothing())


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": INDEXING_LOCK})


def _name(sobject: str) -> str:
    return f"phone_index:{sobject}"
