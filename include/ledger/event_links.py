"""Event links: which Event a pair of booking and attendee has, and which version of it may be written."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, and_, case, func, literal, or_, select, true, update

from include.frames import EVENT_LINKS
from include.ledger.bulk import read, stage, stage_keys
from include.ledger.contracts import CLAIMED_PAIRS, EVENT_LINK_ROWS, PAIRS_TO_CLAIM, REKEYED, SETTLED
from include.ledger.engine import upsert
from include.ledger.tables import event_links
from include.ledger.types import Instant

_IS_ADOPTED = and_(event_links.c.adopted_at.is_not(None), event_links.c.written_version.is_(None))
_MOVES_WITH_THE_EVENT = ("event_id", "who_id", "owner_id", "payload", "payload_hash", "written_version")


def links_of(connection: Connection, appointment_ids: Collection[str]) -> pd.DataFrame:
    """Return every link of these bookings."""
    keys = stage_keys(connection, appointment_ids)
    columns = [event_links.c[name] for name in EVENT_LINKS.columns if name in event_links.c]
    query = select(*columns, _IS_ADOPTED.label("is_adopted"))
    query = query.join(keys, keys.c.key == event_links.c.appointment_id).order_by(event_links.c.booking_key)
    return read(connection, query, EVENT_LINKS)


def settled(connection: Connection, appointment_ids: Collection[str]) -> pd.DataFrame:
    """Return what these bookings' pairs last settled at, and the newest version known of them."""
    keys = stage_keys(connection, appointment_ids)
    own = event_links.c
    is_claimed_later = or_(own.settled_version.is_(None), own.claimed_version > own.settled_version)
    known_version = case((is_claimed_later, own.claimed_version), else_=own.settled_version)
    query = (
        select(own.booking_key, own.settled_version, own.settled_digest, known_version.label("known_version"))
        .join(keys, keys.c.key == own.appointment_id)
        .order_by(own.booking_key)
    )
    return read(connection, query, SETTLED)


def rows_after(connection: Connection, booking_key: str, *, limit: int) -> pd.DataFrame:
    """Return up to ``limit`` links whose key comes after ``booking_key``."""
    query = (
        select(*(event_links.c[name] for name in EVENT_LINK_ROWS.columns))
        .where(event_links.c.booking_key > booking_key)
        .order_by(event_links.c.booking_key)
        .limit(limit)
    )
    return read(connection, query, EVENT_LINK_ROWS)


def claim_versions(
    connection: Connection, run_id: str, pairs: pd.DataFrame, *, now: datetime
) -> pd.DataFrame:
    """Claim versions by compare-and-set, in the order of keys so that two runs cannot wait for each other."""
    staged = stage(connection, PAIRS_TO_CLAIM, pairs)
    copied = ["booking_key", "appointment_id", "client_id", "kind"]
    stamps: list[Any] = [literal(run_id), literal(now, Instant()), literal(now, Instant())]
    rows = select(*(staged.c[name] for name in copied), staged.c.source_version, *stamps).where(true())
    names = [*copied, "claimed_version", "claimed_by_run", "created_at", "updated_at"]
    claim = upsert(connection, event_links).from_select(names, rows.order_by(staged.c.booking_key))
    new = claim.excluded
    connection.execute(
        claim.on_conflict_do_update(
            index_elements=[event_links.c.booking_key],
            set_={"claimed_version": new.claimed_version, "claimed_by_run": new.claimed_by_run},
            where=or_(
                event_links.c.claimed_version.is_(None), event_links.c.claimed_version <= new.claimed_version
            ),
        )
    )
    is_claimed = event_links.c.claimed_version <= staged.c.source_version
    query = select(staged.c.booking_key, is_claimed.label("is_claimed"))
    query = query.join(event_links, event_links.c.booking_key == staged.c.booking_key)
    return read(connection, query.order_by(staged.c.booking_key), CLAIMED_PAIRS)


def rekey(connection: Connection, rekeyed: pd.DataFrame, *, now: datetime) -> None:
    """Move Events to other pairs; a pair whose Event moved before, or whose successor has its own, is left alone."""
    staged = stage(connection, REKEYED, rekeyed)
    old = event_links.alias("old")
    moving = ["appointment_id", "kind", "staff_id", *_MOVES_WITH_THE_EVENT]
    stamps: list[Any] = [literal(now, Instant()), literal(now, Instant())]
    rows = (
        select(staged.c.new_booking_key, staged.c.new_client_id, *(old.c[name] for name in moving), *stamps)
        .join(old, old.c.booking_key == staged.c.old_booking_key)
        .where(old.c.event_id.is_not(None))
        .order_by(staged.c.new_booking_key)
    )
    names = ["booking_key", "client_id", *moving, "created_at", "updated_at"]
    moved = upsert(connection, event_links).from_select(names, rows)
    changed = [*_MOVES_WITH_THE_EVENT, "updated_at"]
    connection.execute(
        moved.on_conflict_do_update(
            index_elements=[event_links.c.booking_key],
            set_={name: moved.excluded[name] for name in changed},
            where=event_links.c.event_id.is_(None),
        )
    )
    new = event_links.alias("new")
    left_behind = (
        select(old.c.booking_key)
        .join(staged, staged.c.old_booking_key == old.c.booking_key)
        .join(new, new.c.booking_key == staged.c.new_booking_key)
        .where(new.c.event_id == old.c.event_id)
    )
    emptied = update(event_links).where(event_links.c.booking_key.in_(left_behind))
    connection.execute(emptied.values(event_id=None, payload=None, payload_hash=None, updated_at=now))


def count(connection: Connection) -> int:
    """Return how many pairs have an Event (the base of Q10's deletion guard)."""
    query = select(func.count()).select_from(event_links).where(event_links.c.event_id.is_not(None))
    return connection.execute(query).scalar_one()


def known_ids(connection: Connection, event_ids: Collection[str]) -> frozenset[str]:
    """Return those of these Events that some pair has."""
    keys = stage_keys(connection, event_ids)
    query = select(event_links.c.event_id).join(keys, keys.c.key == event_links.c.event_id)
    return frozenset(str(one) for one in connection.execute(query).scalars())
