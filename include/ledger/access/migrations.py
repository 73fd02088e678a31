"""Migrations from the legacy integration, as their stages see them (rules G1 to G10)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from include.ledger import legacy_migrations, migration_items, person_accounts
from include.ledger.access.base import LedgerAccess
from include.ledger.engine import reading, writing
from include.ledger.legacy_migrations import HumanAnswer, LegacyMigration
from include.legacy import ItemKind, Phase


class MigrationAccess(LedgerAccess):
    """The lease and the phase of a migration, what it carries over, and what was answered on its way."""

    def newest_migration(self) -> LegacyMigration | None:
        """Return the migration that counts: the newest one, whether or not it is over."""
        with reading(self.engine) as connection:
            return legacy_migrations.newest(connection)

    def begin_migration(
        self, run_id: str, *, who: str, now: datetime, takes_over: bool = False
    ) -> LegacyMigration:
        """Take the lease of the open migration, or open one; whoever holds the lease already goes on.

        Raises:
            LedgerConflictError: another run holds the lease and is not to be taken over from.
        """
        with writing(self.engine) as connection:
            return legacy_migrations.begin(connection, run_id, who=who, now=now, takes_over=takes_over)

    def held_migration(self, run_id: str) -> LegacyMigration:
        """Return the migration whose lease the run holds.

        Raises:
            MigrationTakenOver: there is none, or another run holds the lease.
        """
        with writing(self.engine) as connection:
            return legacy_migrations.hold(connection, run_id)

    def advance_migration(self, run_id: str, phase: Phase, *, facts: Mapping[str, Any]) -> LegacyMigration:
        """Record that a phase is behind the migration, with its facts; a phase that is behind it already stays so.

        Raises:
            MigrationTakenOver: the run does not hold the lease.
        """
        with writing(self.engine) as connection:
            return legacy_migrations.advance(connection, run_id, phase, facts=facts)

    def choose_in_migration(self, run_id: str, choices: Mapping[str, Any]) -> None:
        """Record choices of the review beside those made before.

        Raises:
            MigrationTakenOver: the run does not hold the lease.
        """
        with writing(self.engine) as connection:
            legacy_migrations.choose(connection, run_id, choices)

    def stop_syncs(self, migration_id: int, *, why: str, now: datetime) -> None:
        """Stop every sync, because the legacy integration was seen at work after cut-over (rule G8)."""
        with writing(self.engine) as connection:
            legacy_migrations.stop(connection, migration_id, why=why, now=now)

    def release_syncs(self, run_id: str) -> None:
        """Let the syncs go on.

        Raises:
            MigrationTakenOver: the run does not hold the lease.
        """
        with writing(self.engine) as connection:
            legacy_migrations.release(connection, run_id)

    def ask_in_migration(
        self, migration_id: int, *, run_id: str, step: str, role: str, now: datetime
    ) -> None:
        """Record that a human step waits; asking again while it does changes nothing."""
        with writing(self.engine) as connection:
            legacy_migrations.ask(connection, migration_id, run_id=run_id, step=step, role=role, now=now)

    def answer_in_migration(
        self,
        migration_id: int,
        *,
        run_id: str,
        step: str,
        answered: Mapping[str, Any],
        who: str,
        now: datetime,
    ) -> None:
        """Record who answered the open question of a step, and what."""
        with writing(self.engine) as connection:
            legacy_migrations.answer(
                connection, migration_id, run_id=run_id, step=step, answered=answered, who=who, now=now
            )

    def migration_answers(self, migration_id: int) -> list[HumanAnswer]:
        """Return what was asked and answered, in order."""
        with reading(self.engine) as connection:
            return legacy_migrations.answers(connection, migration_id)

    # --- what is carried over

    def save_migration_items(self, migration_id: int, items: pd.DataFrame) -> int:
        """Save items (contract ``MIGRATION_ITEMS``, each key once) and return how many there were.

        Which inventory found an item first stays, and so does the verdict on one whose value is the same, where the
        saved row brings none.
        """
        with writing(self.engine) as connection:
            return migration_items.save_items(connection, migration_id, items)

    def migration_items_after(
        self, migration_id: int, kind: ItemKind, *, after: str = "", limit: int
    ) -> pd.DataFrame:
        """Return up to ``limit`` items (contract ``MIGRATION_ITEMS``) in the order of their keys, beyond ``after``."""
        with reading(self.engine) as connection:
            return migration_items.items_after(connection, migration_id, kind, after=after, limit=limit)

    def migration_items_of(self, migration_id: int, kind: ItemKind, keys: Collection[str]) -> pd.DataFrame:
        """Return the items of these keys (contract ``MIGRATION_ITEMS``)."""
        with reading(self.engine) as connection:
            return migration_items.items_of(connection, migration_id, kind, keys)

    def count_migration_items(self, migration_id: int) -> pd.DataFrame:
        """Return how many items have which outcome and reason (contract ``MIGRATION_COUNTS``), in one order."""
        with reading(self.engine) as connection:
            return migration_items.count_items(connection, migration_id)

    def remove_migration_items(self, migration_id: int, kind: ItemKind, keys: Collection[str]) -> int:
        """Remove the items of these keys, because the legacy integration holds them no more; return how many."""
        with writing(self.engine) as connection:
            return migration_items.remove_items(connection, migration_id, kind, keys)

    def save_migration_images(self, migration_id: int, images: pd.DataFrame, *, taken_at: datetime) -> int:
        """Save before-images (contract ``MIGRATION_IMAGES``, each Event once) in place of earlier ones."""
        with writing(self.engine) as connection:
            return migration_items.save_images(connection, migration_id, images, taken_at=taken_at)

    def migration_images_after(self, migration_id: int, *, after: str = "", limit: int) -> pd.DataFrame:
        """Return up to ``limit`` before-images (contract ``MIGRATION_IMAGES``) in the order of the Events' Ids."""
        with reading(self.engine) as connection:
            return migration_items.images_after(connection, migration_id, after=after, limit=limit)

    def migration_images_of(self, migration_id: int, event_ids: Collection[str]) -> pd.DataFrame:
        """Return the before-images of these Events (contract ``MIGRATION_IMAGES``)."""
        with reading(self.engine) as connection:
            return migration_items.images_of(connection, migration_id, event_ids)

    def count_migration_images(self, migration_id: int) -> int:
        """Return how many before-images there are."""
        with reading(self.engine) as connection:
            return migration_items.count_images(connection, migration_id)

    def forget_inventory(self, run_id: str) -> None:
        """Remove all items and before-images of the migration whose lease the run holds, so that it begins afresh.

        Raises:
            MigrationTakenOver: the run does not hold the lease.
        """
        with writing(self.engine) as connection:
            held = legacy_migrations.hold(connection, run_id)
            migration_items.forget(connection, held.id)

    # --- Person Accounts (G7)

    def note_person_accounts(self, org_id: str, record_type_id: str, *, now: datetime) -> None:
        """Record that Person Accounts of a record type (empty: the user's default) were tried in an org."""
        with writing(self.engine) as connection:
            person_accounts.note(connection, org_id, record_type_id, now=now)

    def tried_person_accounts(self, org_id: str) -> str | None:
        """Return the record type of Person Accounts that was tried in this org, or nothing where none was."""
        with reading(self.engine) as connection:
            return person_accounts.tried_record_type(connection, org_id)
