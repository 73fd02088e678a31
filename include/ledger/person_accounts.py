"""Whether an administrator completed the extra step that Person Accounts take, and for which org (rule G7)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from include.ledger.engine import upsert
from include.ledger.tables import sync_state

_NAME: Final = "person_accounts"


def note(connection: Connection, org_id: str, record_type_id: str, *, now: datetime) -> None:
    """Record that Person Accounts of a record type (empty: the user's default) were tried in an org."""
    value = f"{org_id}:{record_type_id}"
    noted = upsert(connection, sync_state).values(name=_NAME, value=value, updated_at=now)
    connection.execute(
        noted.on_conflict_do_update(
            index_elements=[sync_state.c.name], set_={"value": value, "updated_at": now}
        )
    )


def tried_record_type(connection: Connection, org_id: str) -> str | None:
    """Return the record type that was tried in this org, or nothing where none was."""
    query = select(sync_state.c.value).where(sync_state.c.name == _NAME)
    known, _, record_type_id = (connection.execute(query).scalar_one_or_none() or "").partition(":")
    return record_type_id if known == org_id else None
