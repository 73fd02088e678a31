"""What the legacy integration holds, item by item, and what its Events held before anything changed (rules G5, G9)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)

from include.ledger.bulk import read, stage, stage_keys
from include.ledger.contracts import MIGRATION_COUNTS, MIGRATION_IMAGES, MIGRATION_ITEMS
from include.ledger.engine import upsert
from include.ledger.tables import migration_images, migration_items
from include.ledger.types import Instant
from include.legacy import ItemKind

_VERDICT: Final = ("outcome", "reason", "detail")


def save_items(connection: Connection, migration_id: int, items: pd.DataFrame) -> int:
    """Save items (contract ``MIGRATION_ITEMS``, each key once) and return how many there were.

    Which inventory found an item first stays, and so does the verdict on one whose value is the same, where the saved
    row brings none.
    """
    staged = stage(connection, MIGRATION_ITEMS, items)
    names = ["migration_id", *MIGRATION_ITEMS.columns]
    values = [literal(migration_id, BigInteger()), *(staged.c[name] for name in MIGRATION_ITEMS.columns)]
    rows = select(*values).where(true()).order_by(staged.c.kind, staged.c.item_key)
    saved = upsert(connection, migration_items).from_select(names, rows)
    new, old = saved.excluded, migration_items.c
    keeps_verdict = and_(new.outcome.is_(None), new.legacy_value.is_not_distinct_from(old.legacy_value))
    verdict: dict[str, Any] = {name: case((keeps_verdict, old[name]), else_=new[name]) for name in _VERDICT}
    inventory = case((new.inventory < old.inventory, new.inventory), else_=old.inventory)
    connection.execute(
        saved.on_conflict_do_update(
            index_elements=[old.migration_id, old.kind, old.item_key],
            set_={"legacy_value": new.legacy_value, "inventory": inventory, **verdict},
        )
    )
    return len(items)


def items_after(
    connection: Connection, migration_id: int, kind: ItemKind, *, after: str, limit: int
) -> pd.DataFrame:
    """Return up to ``limit`` items (contract ``MIGRATION_ITEMS``) in the order of their keys, from beyond ``after``."""
    query = _items(migration_id, kind).where(migration_items.c.item_key > after)
    return read(connection, query.order_by(migration_items.c.item_key).limit(limit), MIGRATION_ITEMS)


def items_of(
    connection: Connection, migration_id: int, kind: ItemKind, keys: Collection[str]
) -> pd.DataFrame:
    """Return the items of these keys (contract ``MIGRATION_ITEMS``)."""
    # no join: ordered by the key, SQLite would go through all wanted keys for each item
    wanted = select(stage_keys(connection, keys).c.key)
    query = _items(migration_id, kind).where(migration_items.c.item_key.in_(wanted))
    return read(connection, query.order_by(migration_items.c.item_key), MIGRATION_ITEMS)


def count_items(connection: Connection, migration_id: int) -> pd.DataFrame:
    """Return how many items have which outcome and reason (contract ``MIGRATION_COUNTS``), in one order."""
    by = [migration_items.c.kind, migration_items.c.outcome, migration_items.c.reason]
    query = select(*by, func.count().label("rows")).where(migration_items.c.migration_id == migration_id)
    return read(connection, query.group_by(*by).order_by(*by), MIGRATION_COUNTS)


def remove_items(connection: Connection, migration_id: int, kind: ItemKind, keys: Collection[str]) -> int:
    """Remove the items of these keys, because the legacy integration holds them no more; return how many."""
    wanted = select(stage_keys(connection, keys).c.key)
    gone = delete(migration_items).where(_of(migration_id, kind), migration_items.c.item_key.in_(wanted))
    return connection.execute(gone).rowcount


def save_images(
    connection: Connection, migration_id: int, images: pd.DataFrame, *, taken_at: datetime
) -> int:
    """Save before-images (contract ``MIGRATION_IMAGES``, each Event once) in place of earlier ones; return how many."""
    staged = stage(connection, MIGRATION_IMAGES, images)
    names = ["migration_id", *MIGRATION_IMAGES.columns, "taken_at"]
    values = [
        literal(migration_id, BigInteger()),
        *(staged.c[name] for name in MIGRATION_IMAGES.columns),
        literal(taken_at, Instant()),
    ]
    rows = select(*values).where(true()).order_by(staged.c.event_id)
    saved = upsert(connection, migration_images).from_select(names, rows)
    new, old = saved.excluded, migration_images.c
    connection.execute(
        saved.on_conflict_do_update(
            index_elements=[old.migration_id, old.event_id],
            set_={name: new[name] for name in names if name not in {"migration_id", "event_id"}},
        )
    )
    return len(images)


def images_after(connection: Connection, migration_id: int, *, after: str, limit: int) -> pd.DataFrame:
    """Return up to ``limit`` before-images (contract ``MIGRATION_IMAGES``) in the order of the Events' Ids."""
    query = _images(migration_id).where(migration_images.c.event_id > after)
    return read(connection, query.order_by(migration_images.c.event_id).limit(limit), MIGRATION_IMAGES)


def images_of(connection: Connection, migration_id: int, event_ids: Collection[str]) -> pd.DataFrame:
    """Return the before-images of these Events (contract ``MIGRATION_IMAGES``)."""
    wanted = select(stage_keys(connection, event_ids).c.key)
    query = _images(migration_id).where(migration_images.c.event_id.in_(wanted))
    return read(connection, query.order_by(migration_images.c.event_id), MIGRATION_IMAGES)


def count_images(connection: Connection, migration_id: int) -> int:
    """Return how many before-images there are."""
    query = select(func.count()).select_from(migration_images)
    return connection.execute(query.where(migration_images.c.migration_id == migration_id)).scalar_one()


def forget(connection: Connection, migration_id: int) -> None:
    """Remove all items and before-images of a migration, so that its inventory begins afresh."""
    connection.execute(delete(migration_items).where(migration_items.c.migration_id == migration_id))
    connection.execute(delete(migration_images).where(migration_images.c.migration_id == migration_id))


def is_image_of(client_id: str, *, namespace: str) -> ColumnElement[bool]:
    """Tell the before-images of all legacy Events of a client's bookings, of one Event for several attendees too.

    They are told by the items, because the image of such an Event names one attendee only.
    """
    item_key = migration_items.c.item_key
    is_own = and_(
        migration_items.c.kind == ItemKind.EVENT_LINK.value,
        item_key.endswith(f"-{client_id}", autoescape=True),
    )
    start = literal(namespace) + func.substr(item_key, 1, func.length(item_key) - len(client_id))
    bookings = select(start.label("start")).where(is_own).distinct().subquery()
    key = migration_images.c.booking_key
    is_of_booking = exists(
        select(bookings.c.start).where(func.substr(key, 1, func.length(bookings.c.start)) == bookings.c.start)
    )
    own_events = select(func.substr(migration_items.c.legacy_value, 1, 15)).where(is_own)
    is_shared = func.substr(migration_images.c.event_id, 1, 15).in_(own_events)
    return or_(migration_images.c.client_id == client_id, is_of_booking, is_shared)


def _of(migration_id: int, kind: ItemKind) -> ColumnElement[bool]:
    return and_(migration_items.c.migration_id == migration_id, migration_items.c.kind == kind.value)


def _items(migration_id: int, kind: ItemKind) -> Any:
    columns = [migration_items.c[name] for name in MIGRATION_ITEMS.columns]
    return select(*columns).where(_of(migration_id, kind))


def _images(migration_id: int) -> Any:
    columns = [migration_images.c[name] for name in MIGRATION_IMAGES.columns]
    return select(*columns).where(migration_images.c.migration_id == migration_id)
