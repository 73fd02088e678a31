"""Outcomes, quarantine and dirty keys of one run: what ``Ledger.settle`` commits together (design §2)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    case,
    delete,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    update,
)

from include.frames import FACTS
from include.ledger.bulk import stage, stage_keys
from include.ledger.contracts import OUTCOMES, READ_AGAIN
from include.ledger.engine import upsert
from include.ledger.moves import KINDS
from include.ledger.tables import dirty_keys, event_links, outcomes, quarantine
from include.ledger.types import Instant
from include.reasons import KEPT_BACK, RETRIED_NEXT_RUN, Outcome, WaitsFor

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun

_BACKFILL = "backfill"  # Selection.BACKFILL, which is the pipeline's
_KEPT_BACK = tuple(outcome.value for outcome in KEPT_BACK)


def see_dirty(connection: Connection, run: SyncRun) -> None:
    """Note which dirty keys a run finds when it begins: it may clear those, and no mark that is made later.

    Clocks cannot tell the two apart, since a run's clock stands still while others mark.
    """
    if not run.selection.kinds:
        return
    kind = (
        select(event_links.c.kind)
        .where(event_links.c.booking_key == dirty_keys.c.booking_key)
        .scalar_subquery()
    )
    is_another_selection = and_(kind.in_(KINDS), kind.not_in(run.selection.kinds))
    seen = update(dirty_keys).where(not_(func.coalesce(is_another_selection, false())))
    connection.execute(seen.values(seen_by_run=run.run_id))


def clear_dirty(connection: Connection, keys: Collection[str], *, run_id: str) -> None:
    """Forget the dirty keys that the run found when it began, by booking key or appointment id."""
    if not keys:
        return
    staged = stage_keys(connection, keys)
    read_again = select(staged.c.key)
    was_read = or_(dirty_keys.c.booking_key.in_(read_again), dirty_keys.c.appointment_id.in_(read_again))
    connection.execute(delete(dirty_keys).where(was_read, dirty_keys.c.seen_by_run == run_id))


def mark_dirty(connection: Connection, pairs: pd.DataFrame, *, reason: str, now: datetime) -> None:
    """Have the next run read these pairs (``READ_AGAIN``), also where the run at work has read them already."""
    staged = stage(connection, READ_AGAIN, pairs)
    appointment_id = func.coalesce(staged.c.appointment_id, event_links.c.appointment_id)
    rows = _with_links(staged, staged.c.booking_key, appointment_id, literal(reason), literal(now, Instant()))
    _mark(connection, rows.where(appointment_id.is_not(None)))


def settle_batch(
    connection: Connection,
    run: SyncRun,
    batch: pd.DataFrame,
    *,
    settings_version: int,
    seen_at: datetime,
    now: datetime,
) -> None:
    """Record one batch of outcomes (``OUTCOMES``); recording it again for the same run changes nothing.

    A pair that a newer claim has overtaken leaves history only: its newer version settles it. ``seen_at`` is when the
    run looked, by the ledger's clock.
    """
    staged = stage(connection, OUTCOMES, batch)
    _write_history(connection, staged, run, now=now)
    _keep_back(connection, staged, run, seen_at=seen_at)
    _release(connection, staged)
    _mark_for_retry(connection, staged, now=now)
    _settle_links(connection, staged, settings_version=settings_version, seen_at=seen_at, now=now)
    if run.selection == _BACKFILL:
        _note_backfilled(connection, staged, now=now)


def _is_overtaken(source_version: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell that a newer version was claimed or settled; not so where one of the versions is missing."""
    newer = or_(
        event_links.c.claimed_version > source_version, event_links.c.settled_version > source_version
    )
    return func.coalesce(newer, false())


def _with_links(staged: Table, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select from the batch next to what the ledger knows of each pair, in order of keys."""
    known = staged.outerjoin(event_links, event_links.c.booking_key == staged.c.booking_key)
    return select(*columns).select_from(known).order_by(staged.c.booking_key)


def _write_history(connection: Connection, staged: Table, run: SyncRun, *, now: datetime) -> None:
    copied = ["booking_key", "outcome", "reason", "action", "source_version", "event_id", "detail"]
    row = staged.c
    has_changed = or_(
        event_links.c.last_outcome.is_distinct_from(row.outcome),
        event_links.c.last_reason.is_distinct_from(row.reason),
        row.outcome == Outcome.WRITTEN.value,
    )
    rows = _with_links(staged, *(row[name] for name in copied), literal(run.run_id), literal(now, Instant()))
    recorded = upsert(connection, outcomes).from_select([*copied, "run_id", "at"], rows.where(has_changed))
    connection.execute(
        recorded.on_conflict_do_update(
            index_elements=[outcomes.c.booking_key, outcomes.c.run_id],
            set_={name: recorded.excluded[name] for name in copied if name != "booking_key"},
        )
    )


def _keep_back(connection: Connection, staged: Table, run: SyncRun, *, seen_at: datetime) -> None:
    copied = [
        "booking_key",
        "appointment_id",
        "client_id",
        "kind",
        "outcome",
        "reason",
        "detail",
        "waits_for_key",
        "client_version",
    ]
    row = staged.c
    waits_for = func.coalesce(row.waits_for, literal("row"))
    seen = literal(seen_at, Instant())
    rows = _with_links(
        staged, *(row[name] for name in copied), waits_for, literal(1), seen, seen, literal(run.run_id)
    )
    rows = rows.where(row.outcome.in_(_KEPT_BACK), not_(_is_overtaken(row.source_version)))
    names = [*copied, "waits_for", "attempts", "first_seen_at", "last_seen_at", "last_run_id"]
    kept = upsert(connection, quarantine).from_select(names, rows)
    new, old = kept.excluded, quarantine.c
    is_new_attempt = case((old.last_run_id == new.last_run_id, 0), else_=1)
    connection.execute(
        kept.on_conflict_do_update(
            index_elements=[old.booking_key],
            set_={
                **{
                    name: new[name]
                    for name in names
                    if name not in {"booking_key", "attempts", "first_seen_at"}
                },
                "attempts": old.attempts + is_new_attempt,
            },
        )
    )


def _release(connection: Connection, staged: Table) -> None:
    row = staged.c
    released = _with_links(staged, row.booking_key).order_by(None)
    released = released.where(row.outcome.not_in(_KEPT_BACK), not_(_is_overtaken(row.source_version)))
    connection.execute(delete(quarantine).where(quarantine.c.booking_key.in_(released)))


def _mark_for_retry(connection: Connection, staged: Table, *, now: datetime) -> None:
    row = staged.c
    rows = _with_links(staged, row.booking_key, row.appointment_id, row.reason, literal(now, Instant()))
    _mark(connection, rows.where(row.reason.in_([reason.value for reason in RETRIED_NEXT_RUN])))


def _mark(connection: Connection, rows: Select[Any]) -> None:
    """Mark ``booking_key, appointment_id, reason, since`` dirty; who was marked already keeps the reason."""
    marked = upsert(connection, dirty_keys).from_select(
        ["booking_key", "appointment_id", "reason", "since"], rows
    )
    connection.execute(
        marked.on_conflict_do_update(
            index_elements=[dirty_keys.c.booking_key],
            set_={"since": marked.excluded.since, "seen_by_run": None},
        )
    )


def _note_backfilled(connection: Connection, staged: Table, *, now: datetime) -> None:
    """Mark the pairs that a backfill asked for, so that their date does not hold them any more (S14).

    Those that wait for a backfill even so wait for one after the migration (rule G1). One that another run settled
    newer meanwhile may just have been held for its date: the next run reads it again.
    """
    row = staged.c
    is_taken = row.waits_for.is_distinct_from(WaitsFor.BACKFILL.value)
    asked_for = event_links.c.booking_key.in_(select(row.booking_key).where(is_taken))
    connection.execute(update(event_links).where(asked_for).values(is_backfilled=True))
    rows = _with_links(
        staged, row.booking_key, row.appointment_id, literal("backfilled"), literal(now, Instant())
    )
    _mark(connection, rows.where(_is_overtaken(row.source_version)))


def _settle_links(
    connection: Connection,
    staged: Table,
    *,
    settings_version: int,
    seen_at: datetime,
    now: datetime,
) -> None:
    row = staged.c
    copied = ["booking_key", "appointment_id", "client_id", *FACTS]
    stamps: dict[str, Any] = {
        "settled_version": row.source_version,
        "settled_digest": row.source_digest,
        "last_outcome": row.outcome,
        "last_reason": row.reason,
        "settings_version": literal(settings_version),
        "read_at": literal(seen_at, Instant()),
        "created_at": literal(now, Instant()),
        "updated_at": literal(now, Instant()),
    }
    rows = select(*(row[name] for name in copied), *stamps.values()).where(true()).order_by(row.booking_key)
    settled = upsert(connection, event_links).from_select([*copied, *stamps], rows)
    new, old = settled.excluded, event_links.c
    # who was not written keeps the staff member of the last write: the owner in the org is still theirs
    keeps_staff = and_(old.event_id.is_not(None), new.last_outcome.in_(_KEPT_BACK))
    changed = [
        name
        for name in (*copied, *stamps)
        if name not in {"booking_key", "created_at", "read_at", "staff_id"}
    ]
    connection.execute(
        settled.on_conflict_do_update(
            index_elements=[old.booking_key],
            set_={
                **{name: new[name] for name in changed},
                "staff_id": case((keeps_staff, old.staff_id), else_=new.staff_id),
                "read_at": case((old.read_at > new.read_at, old.read_at), else_=new.read_at),
            },
            where=not_(_is_overtaken(new.settled_version)),
        )
    )
