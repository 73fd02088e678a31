"""Back from the modern integration to the legacy one: what cut-over put in force is taken out again (rule G9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import (
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
    update,
)

from include.ledger import clock, legacy_migrations, mapping_store, settings_store
from include.ledger.bulk import read, stage, stage_keys
from include.ledger.contracts import ADOPTED_EVENTS, EVENTS_SINCE, LABELLED_EVENTS
from include.ledger.cut_over import LEGACY_EVENT
from include.ledger.engine import upsert
from include.ledger.event_results import OVERTAKEN_WHILE_WRITING
from include.ledger.staff import LEGACY
from include.ledger.tables import (
    dirty_keys,
    event_links,
    migration_images,
    migration_own_events,
    migration_staff_before,
    person_links,
    staff_links,
)
from include.ledger.types import Instant
from include.legacy import Phase

if TYPE_CHECKING:
    from include.ledger.legacy_migrations import LegacyMigration
    from include.settings.field_mapping import FieldMapping
    from include.settings.model import Settings

ROLLED_BACK: Final = "rolled_back"
"""Why pairs are read again whose Events the modern integration changed: the legacy rules have the word again."""

_OF_EVENT: Final = ("event_id", "who_id", "owner_id", "payload", "payload_hash", "written_version")


@dataclass(frozen=True, slots=True)
class Before:
    """What the ledger goes back to.

    Attributes:
        settings: as they were before cut-over, on the legacy integration.
        mappings: the field mappings, as they were.
        who: whose decision the versions name.
        gone: pairs whose Events are deleted, or another integration's, by their keys.
    """

    settings: Settings
    mappings: tuple[FieldMapping, ...]
    who: str
    gone: Collection[str] = ()


def adopted_after(connection: Connection, booking_key: str, *, limit: int) -> pd.DataFrame:
    """Return up to ``limit`` adopted pairs (``contracts.ADOPTED_EVENTS``) whose key comes after ``booking_key``."""
    query = _adopted().where(event_links.c.booking_key > booking_key)
    return read(connection, query.order_by(event_links.c.booking_key).limit(limit), ADOPTED_EVENTS)


def adopted_of(connection: Connection, booking_keys: Collection[str]) -> pd.DataFrame:
    """Return those of these pairs that were adopted (``contracts.ADOPTED_EVENTS``)."""
    keys = stage_keys(connection, booking_keys)
    query = _adopted().join(keys, keys.c.key == event_links.c.booking_key)
    return read(connection, query.order_by(event_links.c.booking_key), ADOPTED_EVENTS)


def links_of_events(connection: Connection, event_ids: Collection[str]) -> pd.DataFrame:
    """Return the pairs that have these Events now (``contracts.ADOPTED_EVENTS``), adopted or re-keyed since."""
    keys = stage_keys(connection, event_ids)
    columns = [event_links.c[name] for name in ADOPTED_EVENTS.columns]
    query = select(*columns).join(keys, keys.c.key == event_links.c.event_id)
    return read(connection, query.order_by(event_links.c.booking_key), ADOPTED_EVENTS)


def events_since(connection: Connection, migration_id: int, booking_key: str, *, limit: int) -> pd.DataFrame:
    """Return up to ``limit`` Events (``contracts.EVENTS_SINCE``) that the sync made since cut-over, beyond a key."""
    own = event_links.c
    was_there = or_(
        *(
            exists().where(table.c.migration_id == migration_id, table.c.event_id == own.event_id)
            for table in (migration_images, migration_own_events)
        )
    )
    query = (
        select(*(own[name] for name in EVENTS_SINCE.columns))
        .where(own.event_id.is_not(None), ~was_there, own.booking_key > booking_key)
        .order_by(own.booking_key)
        .limit(limit)
    )
    return read(connection, query, EVENTS_SINCE)


def note_labels(connection: Connection, labelled: pd.DataFrame, *, now: datetime) -> None:
    """Note what legacy Events hold since they were labelled (``contracts.LABELLED_EVENTS``).

    Where the sync has claimed or written the pair meanwhile, nobody knows who came last: it writes all of it again.
    """
    staged = stage(connection, LABELLED_EVENTS, labelled)
    own = event_links.c
    is_theirs = and_(own.booking_key == staged.c.booking_key, own.event_id == staged.c.event_id)
    is_alone = and_(
        own.written_version.is_(None),
        func.coalesce(own.claimed_version, -1) <= func.coalesce(staged.c.source_version, -1),
    )
    overtaken = (
        select(own.booking_key, own.appointment_id, literal(OVERTAKEN_WHILE_WRITING), literal(now, Instant()))
        .join(staged, is_theirs)
        .where(~is_alone)
    )
    _mark(connection, overtaken.order_by(own.booking_key))
    values = {name: case((is_alone, staged.c[name])) for name in ("payload", "payload_hash")}
    connection.execute(update(event_links).where(is_theirs).values(**values, updated_at=now))


def roll_back(
    connection: Connection, run_id: str, before: Before | None, *, facts: dict[str, Any], now: datetime
) -> LegacyMigration:
    """End the migration on the legacy integration; with ``before``, take out what cut-over put in force.

    Without it nothing of the ledger changes but the migration itself.

    Raises:
        MigrationTakenOver: the run does not hold the lease.
    """
    moved_at = now if before is None else clock.advance(connection, now)
    held = legacy_migrations.hold(connection, run_id)
    if held.phase is Phase.ROLLED_BACK:
        return held
    if before is not None:
        settings = settings_store.save(connection, before.settings, who=before.who, now=moved_at)
        mappings = mapping_store.save(connection, before.mappings, who=before.who, now=moved_at)
        _forget_events(connection, before.gone, now=moved_at)
        facts = {
            **facts,
            "settings_version": settings.version,
            "mapping_version": mappings.version,
            "staff_links": _restore_staff(connection, held.id, now=moved_at),
            "people": _unlink_people(connection),
            "events": _release_events(connection, held.id, now=moved_at),
        }
    stamps = {"ended_at": moved_at, "stopped_at": None, "stopped_why": None}
    return legacy_migrations.advance(connection, run_id, Phase.ROLLED_BACK, facts=facts, **stamps)


def count_people_since(connection: Connection, since: datetime) -> int:
    """Return how many clients were linked since an instant to a record that we created."""
    made = select(func.count()).where(person_links.c.created_by_us, person_links.c.created_at >= since)
    return connection.execute(made).scalar_one()


def count_adopted(connection: Connection) -> int:
    """Return how many pairs are adopted."""
    query = select(func.count()).select_from(event_links).where(event_links.c.adopted_at.is_not(None))
    return connection.execute(query).scalar_one()


def count_carried_staff(connection: Connection) -> int:
    """Return how many staff links in force were carried over."""
    query = select(func.count()).select_from(staff_links).where(staff_links.c.set_by == LEGACY)
    return connection.execute(query).scalar_one()


def _adopted() -> Any:
    columns = [event_links.c[name] for name in ADOPTED_EVENTS.columns]
    return select(*columns).where(event_links.c.adopted_at.is_not(None))


def _forget_events(connection: Connection, booking_keys: Collection[str], *, now: datetime) -> None:
    """Take the Events of these pairs out of the ledger, and have the pairs read again."""
    if not booking_keys:
        return
    own = event_links.c
    is_gone = own.booking_key.in_(select(stage_keys(connection, booking_keys).c.key))
    rows = select(own.booking_key, own.appointment_id, literal(ROLLED_BACK), literal(now, Instant()))
    _mark(connection, rows.where(is_gone).order_by(own.booking_key))
    gone = update(event_links).where(is_gone)
    connection.execute(gone.values(**dict.fromkeys(_OF_EVENT), updated_at=now))


def _release_events(connection: Connection, migration_id: int, *, now: datetime) -> int:
    """Let adopted Events leave the ledger; pairs that the sync wrote or that were edited are read again."""
    own = event_links.c
    imaged = select(migration_images.c.event_id).where(migration_images.c.migration_id == migration_id)
    is_adopted = or_(own.adopted_at.is_not(None), own.event_id.in_(imaged))
    is_news = or_(
        own.written_version.is_not(None),
        own.event_id.is_(None),
        own.settled_digest.is_distinct_from(own.adopted_digest),
    )
    rows = select(own.booking_key, own.appointment_id, literal(ROLLED_BACK), literal(now, Instant()))
    _mark(connection, rows.where(is_adopted, is_news).order_by(own.booking_key))
    emptied = dict.fromkeys((*_OF_EVENT, "adopted_at", "adopted_digest"))
    return connection.execute(
        update(event_links).where(is_adopted).values(**emptied, updated_at=now)
    ).rowcount


def _restore_staff(connection: Connection, migration_id: int, *, now: datetime) -> int:
    """Put back the links that carried ones replaced, unless an administrator has set another since."""
    old, is_carried = migration_staff_before.c, staff_links.c.set_by == LEGACY
    was_there = exists().where(old.migration_id == migration_id, old.staff_id == staff_links.c.staff_id)
    names = ("salesforce_user_id", "user_is_active", "set_by", "reason")
    restored = (
        update(staff_links)
        .where(is_carried, old.migration_id == migration_id, old.staff_id == staff_links.c.staff_id)
        .values({name: old[name] for name in names} | {"updated_at": now})
    )
    removed = delete(staff_links).where(is_carried, ~was_there)
    return connection.execute(removed).rowcount + connection.execute(restored).rowcount


def _unlink_people(connection: Connection) -> int:
    return connection.execute(delete(person_links).where(person_links.c.evidence == LEGACY_EVENT)).rowcount


def _mark(connection: Connection, rows: Any) -> None:
    marked = upsert(connection, dirty_keys).from_select(
        ["booking_key", "appointment_id", "reason", "since"], rows.where(true())
    )
    new = marked.excluded
    connection.execute(
        marked.on_conflict_do_update(
            index_elements=[dirty_keys.c.booking_key],
            set_={"reason": new.reason, "since": new.since, "seen_by_run": None},
        )
    )
