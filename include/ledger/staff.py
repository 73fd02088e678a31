"""Which Salesforce User each staff member is (S7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select, true

from include.frames import STAFF_LINKS
from include.ledger.bulk import read, stage
from include.ledger.engine import upsert
from include.ledger.tables import staff_links, sync_state
from include.ledger.types import Instant

ADMINISTRATOR = "administrator"
LEGACY = "legacy"
"""Whoever linked the staff member did so in the legacy integration (rule G8)."""

_SYNCED_AT = "staff_synced_at"


def links(connection: Connection) -> pd.DataFrame:
    """Return every link."""
    columns = [staff_links.c[name] for name in STAFF_LINKS.columns]
    return read(connection, select(*columns).order_by(staff_links.c.staff_id), STAFF_LINKS)


def save_links(connection: Connection, saved: pd.DataFrame, *, seen_at: datetime, now: datetime) -> int:
    """Save links and return how many are new or moved.

    ``updated_at`` moves only with the user or the user's activity, because bookings are read again when it does.
    A link an administrator set is replaced only by an administrator's, one carried over from the legacy integration
    by no e-mail's, and none that moved after ``seen_at``.
    """
    staged = stage(connection, STAFF_LINKS, saved)
    known = staff_links
    counted = (
        select(func.count())
        .select_from(staged.outerjoin(known, known.c.staff_id == staged.c.staff_id))
        .where(
            or_(
                known.c.staff_id.is_(None),
                and_(_has_moved(staged.c), _may_replace(staged.c, seen_at=seen_at)),
            )
        )
    )
    changed: int = connection.execute(counted).scalar_one()
    rows = select(*(staged.c[name] for name in STAFF_LINKS.columns), literal(now, Instant())).where(true())
    names = [*STAFF_LINKS.columns, "updated_at"]
    upserted = upsert(connection, known).from_select(names, rows.order_by(staged.c.staff_id))
    new = upserted.excluded
    connection.execute(
        upserted.on_conflict_do_update(
            index_elements=[known.c.staff_id],
            set_={
                **{name: new[name] for name in STAFF_LINKS.columns if name != "staff_id"},
                "updated_at": case((_has_moved(new), new.updated_at), else_=known.c.updated_at),
            },
            where=_may_replace(new, seen_at=seen_at),
        )
    )
    return changed


def _has_moved(new: Any) -> ColumnElement[bool]:
    return or_(
        staff_links.c.salesforce_user_id.is_distinct_from(new.salesforce_user_id),
        staff_links.c.user_is_active.is_distinct_from(new.user_is_active),
    )


def _may_replace(new: Any, *, seen_at: datetime) -> ColumnElement[bool]:
    return and_(_rank(staff_links.c.set_by) <= _rank(new.set_by), staff_links.c.updated_at <= seen_at)


def _rank(set_by: ColumnElement[str]) -> ColumnElement[int]:
    return case((set_by == ADMINISTRATOR, 2), (set_by == LEGACY, 1), else_=0)


def synced_at(connection: Connection) -> datetime | None:
    """Return when links were last synced."""
    query = select(sync_state.c.updated_at).where(sync_state.c.name == _SYNCED_AT)
    return connection.execute(query).scalar_one_or_none()


def mark_synced(connection: Connection, *, now: datetime) -> None:
    """Record that links were synced."""
    marked = upsert(connection, sync_state).values(name=_SYNCED_AT, value=now.isoformat(), updated_at=now)
    connection.execute(
        marked.on_conflict_do_update(
            index_elements=[sync_state.c.name],
            set_={"value": marked.excluded.value, "updated_at": marked.excluded.updated_at},
        )
    )
