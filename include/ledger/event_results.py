"""What was written to Salesforce, pair by pair: the second commit point of a run (design §2)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    func,
    literal,
    null,
    or_,
    select,
    true,
)

from include.frames import FACTS, TEXT
from include.ledger.bulk import stage
from include.ledger.contracts import EVENT_RESULTS
from include.ledger.engine import upsert
from include.ledger.tables import dirty_keys, event_links
from include.ledger.types import Instant
from include.reasons import Action

OVERTAKEN_WHILE_WRITING = "overtaken_while_writing"

_VALUES = ("event_id", "who_id", "owner_id", "payload", "payload_hash")


def record(
    connection: Connection,
    run_id: str,
    results: pd.DataFrame,
    *,
    settings_version: int,
    mapping_version: int,
    now: datetime,
) -> None:
    """Record results; recording them again changes nothing.

    Where a newer claim came in between, nobody knows whose write reached the org last. The pair's written values are
    then unknown (missing), for the older and for the newer result, and its key is dirty: the next run writes all of it.
    """
    staged = stage(connection, EVENT_RESULTS, _with_hash(results))
    _mark_overtaken(connection, staged, now=now)
    names = ["booking_key", "appointment_id", "client_id", *FACTS, *_VALUES]
    stamps: dict[str, Any] = {
        "written_version": staged.c.source_version,
        "claimed_version": staged.c.source_version,
        "claimed_by_run": literal(run_id),
        "settings_version": literal(settings_version),
        "mapping_version": literal(mapping_version),
        "created_at": literal(now, Instant()),
        "updated_at": literal(now, Instant()),
    }
    copied = [staged.c[name] for name in names if name not in _VALUES]
    rows = (
        select(*copied, *(_written(staged, name) for name in _VALUES), *stamps.values())
        .select_from(staged.outerjoin(event_links, event_links.c.booking_key == staged.c.booking_key))
        .where(true())
        .order_by(staged.c.booking_key)
    )
    recorded = upsert(connection, event_links).from_select([*names, *stamps], rows)
    connection.execute(
        recorded.on_conflict_do_update(
            index_elements=[event_links.c.booking_key],
            set_=_merged(recorded.excluded, _is_uncertain(run_id)),
        )
    )


def _with_hash(results: pd.DataFrame) -> pd.DataFrame:
    if "payload_hash" in results.columns:
        return results
    hashes = [
        hashlib.sha256(payload.encode()).hexdigest() if isinstance(payload, str) else None
        for payload in results["payload"]
    ]
    return results.assign(payload_hash=pd.Series(hashes, index=results.index, dtype=TEXT))


def _written(staged: Table, name: str) -> ColumnElement[Any]:
    """Return what a result says about a written value: a deletion leaves none but who and whose the Event was."""
    if name in {"who_id", "owner_id"}:
        return staged.c[name]
    value = func.coalesce(staged.c[name], event_links.c[name]) if name == "event_id" else staged.c[name]
    return case((staged.c.action == Action.DELETE.value, null()), else_=value)


def _mark_overtaken(connection: Connection, staged: Table, *, now: datetime) -> None:
    rows = (
        select(
            staged.c.booking_key,
            staged.c.appointment_id,
            literal(OVERTAKEN_WHILE_WRITING),
            literal(now, Instant()),
        )
        .join(event_links, event_links.c.booking_key == staged.c.booking_key)
        .where(event_links.c.claimed_version > staged.c.source_version)
        .order_by(staged.c.booking_key)
    )
    marked = upsert(connection, dirty_keys).from_select(
        ["booking_key", "appointment_id", "reason", "since"], rows
    )
    new = marked.excluded
    connection.execute(
        marked.on_conflict_do_update(
            index_elements=[dirty_keys.c.booking_key],
            set_={"reason": new.reason, "since": new.since, "seen_by_run": None},
        )
    )


def _is_uncertain(run_id: str) -> ColumnElement[bool]:
    """Tell that a write of this pair was overtaken after this run began, and may have reached the org last."""
    overtaken = select(dirty_keys.c.booking_key).where(
        dirty_keys.c.reason == OVERTAKEN_WHILE_WRITING, dirty_keys.c.seen_by_run.is_distinct_from(run_id)
    )
    # EXISTS would not look at this very row, because upserts do not correlate.
    return event_links.c.booking_key.in_(overtaken)


def _merged(new: Any, is_uncertain: ColumnElement[bool]) -> dict[str, ColumnElement[Any]]:
    old = event_links.c
    is_newest = or_(old.written_version.is_(None), old.written_version <= new.written_version)
    is_write = new.event_id.is_not(None)
    unknown = or_(is_uncertain, old.claimed_version > new.written_version)
    merged: dict[str, ColumnElement[Any]] = {
        name: case((is_newest, new[name]), else_=old[name]) for name in FACTS if name != "staff_id"
    }
    for name in ("who_id", "owner_id"):
        known = func.coalesce(new[name], old[name])
        disagree = and_(unknown, old[name].is_distinct_from(known))
        merged[name] = case((disagree, null()), else_=known)
    return merged | {
        "event_id": new.event_id,
        "staff_id": case((is_newest, new.staff_id), else_=old.staff_id),
        "payload": case((unknown, null()), (is_write, new.payload), else_=null()),
        "payload_hash": case((unknown, null()), (is_write, new.payload_hash), else_=null()),
        "written_version": case((is_newest, new.written_version), else_=old.written_version),
        "settings_version": new.settings_version,
        "mapping_version": new.mapping_version,
        "updated_at": new.updated_at,
    }
