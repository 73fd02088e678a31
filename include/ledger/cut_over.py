"""From the legacy integration to the modern one, in one transaction (rule G8).

Until then a migration only proposes; here everything that it proposes comes into force together, and what it replaces
is kept, so that going back finds it (rule G9).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import BigInteger, Connection, and_, false, func, insert, literal, or_, select, true

from include.frames import STAFF_LINKS
from include.ledger import binding, clock, legacy_migrations, mapping_store, settings_store, staff
from include.ledger.bulk import stage
from include.ledger.contracts import ADOPTIONS, CARRIED_PEOPLE
from include.ledger.engine import upsert
from include.ledger.settling import mark_dirty
from include.ledger.tables import (
    event_links,
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

ADOPTED: Final = "adopted"
"""Why adopted pairs are read again: the first sync compares them with their Events."""

LEGACY_EVENT: Final = "legacy_event"
"""The evidence of a person link that was carried over."""

_COPIED_STAFF: Final = ("staff_id", "salesforce_user_id", "user_is_active", "set_by", "reason")


@dataclass(frozen=True, slots=True)
class CutOver:
    """What comes into force.

    Attributes:
        settings: all settings, as they shall be.
        mappings: all field mappings, as they shall be.
        staff: the carried staff links (``frames.STAFF_LINKS``).
        people: the carried people (``contracts.CARRIED_PEOPLE``); a client who has a link keeps it.
        adoptions: the carried Events (``contracts.ADOPTIONS``), in batches.
        who: whose decision the versions of settings and mappings name.
    """

    settings: Settings
    mappings: tuple[FieldMapping, ...]
    staff: pd.DataFrame
    people: pd.DataFrame
    adoptions: Iterable[pd.DataFrame]
    who: str


def cut_over(connection: Connection, run_id: str, new: CutOver, *, now: datetime) -> LegacyMigration:
    """Bring everything into force, unless an earlier attempt did; return the migration.

    The facts of the phase name the versions of settings and mappings before and after.

    Raises:
        MigrationTakenOver: the run does not hold the lease.
    """
    moved_at = clock.advance(connection, now)
    held = legacy_migrations.hold(connection, run_id)
    if held.phase.is_cut_over:
        return held
    old_settings, old_mappings = settings_store.current(connection), mapping_store.current(connection)
    binding.bind_namespace(connection, new.settings.key_namespace, now=moved_at)
    _keep_own_events(connection, held.id)
    _keep_staff(connection, held.id, new.staff)
    settings = settings_store.save(connection, new.settings, who=new.who, now=moved_at)
    mappings = mapping_store.save(connection, new.mappings, who=new.who, now=moved_at)
    moved_staff = staff.save_links(connection, new.staff, seen_at=moved_at, now=moved_at)
    people = _link_people(connection, run_id, new.people, settings_version=settings.version, now=moved_at)
    adopted = sum(
        adopt(connection, batch, settings_version=settings.version, now=moved_at) for batch in new.adoptions
    )
    facts = {
        "events": adopted,
        "people": people,
        "staff_links": moved_staff,
        "settings_version_before": old_settings.version,
        "settings_version": settings.version,
        "mapping_version_before": old_mappings.version,
        "mapping_version": mappings.version,
    }
    return legacy_migrations.advance(connection, run_id, Phase.CUT_OVER, facts=facts, cut_over_at=moved_at)


def adopt(connection: Connection, batch: pd.DataFrame, *, settings_version: int, now: datetime) -> int:
    """Take legacy Events over (``contracts.ADOPTIONS``), and have the next run read their pairs; return how many.

    A pair that has another Event by now keeps it.
    """
    staged = stage(connection, ADOPTIONS, batch)
    stamps: dict[str, Any] = {
        "adopted_at": literal(now, Instant()),
        "written_version": literal(None, BigInteger()),
        "settings_version": literal(settings_version),
        "created_at": literal(now, Instant()),
        "updated_at": literal(now, Instant()),
    }
    copied = list(ADOPTIONS.columns)
    rows = select(*(staged.c[name] for name in copied), *stamps.values()).where(true())
    adopted = upsert(connection, event_links).from_select(
        [*copied, *stamps], rows.order_by(staged.c.booking_key)
    )
    changed = [name for name in (*copied, *stamps) if name not in {"booking_key", "created_at"}]
    connection.execute(
        adopted.on_conflict_do_update(
            index_elements=[event_links.c.booking_key],
            set_={name: adopted.excluded[name] for name in changed},
            where=or_(event_links.c.event_id.is_(None), event_links.c.event_id == adopted.excluded.event_id),
        )
    )
    mark_dirty(connection, batch[["booking_key", "appointment_id"]], reason=ADOPTED, now=now)
    is_theirs = and_(event_links.c.booking_key == staged.c.booking_key, event_links.c.adopted_at == now)
    # PostgreSQL does not tell how many rows such an insert wrote.
    counted = select(func.count()).select_from(event_links.join(staged, is_theirs))
    return connection.execute(counted).scalar_one()


def _keep_own_events(connection: Connection, migration_id: int) -> None:
    """Note which Events are the modern integration's own already."""
    rows = select(literal(migration_id, BigInteger()), event_links.c.event_id).distinct()
    kept = insert(migration_own_events).from_select(
        ["migration_id", "event_id"], rows.where(event_links.c.event_id.is_not(None))
    )
    connection.execute(kept)


def _keep_staff(connection: Connection, migration_id: int, carried: pd.DataFrame) -> None:
    """Keep the staff links whose place carried ones take."""
    staged = stage(connection, STAFF_LINKS, carried)
    old = [staff_links.c[name] for name in _COPIED_STAFF]
    rows = select(literal(migration_id, BigInteger()), *old).join(
        staged, staged.c.staff_id == staff_links.c.staff_id
    )
    connection.execute(insert(migration_staff_before).from_select(["migration_id", *_COPIED_STAFF], rows))


def _link_people(
    connection: Connection, run_id: str, people: pd.DataFrame, *, settings_version: int, now: datetime
) -> int:
    """Link clients who are linked to nobody yet, and return how many."""
    staged = stage(connection, CARRIED_PEOPLE, people)
    copied = list(CARRIED_PEOPLE.columns)
    stamps: dict[str, Any] = {
        "created_by_us": false(),
        "evidence": literal(LEGACY_EVENT),
        "settings_version": literal(settings_version),
        "last_run_id": literal(run_id),
        "created_at": literal(now, Instant()),
        "updated_at": literal(now, Instant()),
    }
    before = _count_people(connection)
    rows = select(*(staged.c[name] for name in copied), *stamps.values()).where(true())
    linked = upsert(connection, person_links).from_select(
        [*copied, *stamps], rows.order_by(staged.c.client_id)
    )
    connection.execute(linked.on_conflict_do_nothing(index_elements=[person_links.c.client_id]))
    return _count_people(connection) - before


def _count_people(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(person_links)).scalar_one()
