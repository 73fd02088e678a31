"""Writes of which nobody can tell whether they reached the org: cut-off calls, and jobs that nobody can read any more.

What the ledger says was written is then forgotten, and the pair marked dirty, so that the next run writes all of it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd
from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, null, or_, select, update

from include.ledger.bulk import stage, stage_keys
from include.ledger.contracts import UNKNOWN_WRITES
from include.ledger.engine import upsert
from include.ledger.event_results import OVERTAKEN_WHILE_WRITING
from include.ledger.tables import dirty_keys, event_links
from include.ledger.types import Instant


def forget_rows(connection: Connection, rows: pd.DataFrame, *, overtaken_only: bool, now: datetime) -> None:
    """Forget what was written to the pairs of ``rows`` (``UNKNOWN_WRITES``), or only to those with a newer claim."""
    staged = stage(connection, UNKNOWN_WRITES, rows)
    is_theirs = event_links.c.booking_key == staged.c.booking_key
    if overtaken_only:
        is_theirs = and_(is_theirs, event_links.c.claimed_version > staged.c.source_version)
    affected = select(event_links.c.booking_key).where(is_theirs)
    _mark(connection, event_links.c.booking_key.in_(affected), now=now)
    values: dict[str, ColumnElement[object] | None] = {"payload": None, "payload_hash": None}
    for name in ("who_id", "owner_id"):
        was_sent, known = staged.c[name], event_links.c[name]
        may_differ = and_(was_sent.is_not(None), known.is_distinct_from(was_sent))
        values[name] = case((may_differ, null()), else_=known)
    connection.execute(update(event_links).where(is_theirs).values(**values, updated_at=now))


def forget_keys(connection: Connection, run_id: str, keys: Collection[str], *, now: datetime) -> None:
    """Forget what was written to pairs or Events named by booking keys or Event Ids, and what a run left unsettled."""
    staged = stage_keys(connection, keys)
    named = select(staged.c.key)
    is_unsettled = and_(
        event_links.c.claimed_by_run == run_id,
        event_links.c.claimed_version > func.coalesce(event_links.c.written_version, -1),
    )
    is_theirs = or_(event_links.c.booking_key.in_(named), event_links.c.event_id.in_(named), is_unsettled)
    _mark(connection, is_theirs, now=now)
    connection.execute(
        update(event_links).where(is_theirs).values(payload=None, payload_hash=None, updated_at=now)
    )


def _mark(connection: Connection, is_theirs: ColumnElement[bool], *, now: datetime) -> None:
    """Mark pairs as ones that a write may have reached last which this ledger knows nothing of."""
    columns = [event_links.c.booking_key, event_links.c.appointment_id]
    rows = select(*columns, literal(OVERTAKEN_WHILE_WRITING), literal(now, Instant())).where(is_theirs)
    marked = upsert(connection, dirty_keys).from_select(
        ["booking_key", "appointment_id", "reason", "since"], rows.order_by(event_links.c.booking_key)
    )
    new = marked.excluded
    connection.execute(
        marked.on_conflict_do_update(
            index_elements=[dirty_keys.c.booking_key],
            set_={"reason": new.reason, "since": new.since, "seen_by_run": None},
        )
    )
