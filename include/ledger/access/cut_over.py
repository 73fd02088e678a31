"""Cut-over, what follows it, and the way back, as the stages of a migration see them (rules G8, G9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from include.ledger import clock, cut_over, legacy_migrations, rolling_back
from include.ledger.access.base import LedgerAccess
from include.ledger.cut_over import CutOver
from include.ledger.engine import reading, writing
from include.ledger.legacy_migrations import LegacyMigration
from include.ledger.rolling_back import Before
from include.legacy import Phase


class CutOverAccess(LedgerAccess):
    """What changes hands at cut-over."""

    def cut_over(self, run_id: str, new: CutOver, *, now: datetime) -> LegacyMigration:
        """Bring everything into force in one transaction, unless an earlier attempt did; return the migration.

        Raises:
            MigrationTakenOver: the run does not hold the lease.
        """
        with writing(self.engine) as connection:
            return cut_over.cut_over(connection, run_id, new, now=now)

    def adopt_events(self, adoptions: pd.DataFrame, *, settings_version: int, now: datetime) -> int:
        """Take over legacy Events that were found after cut-over (``contracts.ADOPTIONS``); return how many."""
        with writing(self.engine) as connection:
            return cut_over.adopt(connection, adoptions, settings_version=settings_version, now=now)

    def adopted_events_after(self, booking_key: str = "", *, limit: int) -> pd.DataFrame:
        """Return up to ``limit`` adopted pairs (``contracts.ADOPTED_EVENTS``) whose key comes after ``booking_key``."""
        with reading(self.engine) as connection:
            return rolling_back.adopted_after(connection, booking_key, limit=limit)

    def adopted_events_of(self, booking_keys: Collection[str]) -> pd.DataFrame:
        """Return those of these pairs that were adopted (``contracts.ADOPTED_EVENTS``)."""
        with reading(self.engine) as connection:
            return rolling_back.adopted_of(connection, booking_keys)

    def links_of_events(self, event_ids: Collection[str]) -> pd.DataFrame:
        """Return the pairs that have these Events now (``contracts.ADOPTED_EVENTS``)."""
        with reading(self.engine) as connection:
            return rolling_back.links_of_events(connection, event_ids)

    def note_labels(self, labelled: pd.DataFrame, *, now: datetime) -> None:
        """Note what legacy Events hold since they were labelled (``contracts.LABELLED_EVENTS``)."""
        with writing(self.engine) as connection:
            rolling_back.note_labels(connection, labelled, now=now)

    def events_since_cut_over(self, migration_id: int, booking_key: str = "", *, limit: int) -> pd.DataFrame:
        """Return up to ``limit`` Events (``contracts.EVENTS_SINCE``) made since cut-over, beyond a booking key."""
        with reading(self.engine) as connection:
            return rolling_back.events_since(connection, migration_id, booking_key, limit=limit)

    def people_since(self, since: datetime) -> int:
        """Return how many clients were linked since an instant to a record that we created."""
        with reading(self.engine) as connection:
            return rolling_back.count_people_since(connection, since)

    def end_rolled_back(
        self, run_id: str, before: Before | None, *, facts: Mapping[str, Any], now: datetime
    ) -> LegacyMigration:
        """End the migration on the legacy integration; with ``before``, take out what cut-over put in force.

        Raises:
            MigrationTakenOver: the run does not hold the lease.
        """
        with writing(self.engine) as connection:
            return rolling_back.roll_back(connection, run_id, before, facts=dict(facts), now=now)

    def carried_in_force(self) -> dict[str, int]:
        """Return how many Events are adopted and how many staff links carried over are in force."""
        with reading(self.engine) as connection:
            return {
                "events": rolling_back.count_adopted(connection),
                "staff_links": rolling_back.count_carried_staff(connection),
            }

    def end_migration(self, run_id: str, phase: Phase, *, facts: Mapping[str, Any], now: datetime) -> None:
        """Record that a migration is over.

        Raises:
            MigrationTakenOver: the run does not hold the lease.
        """
        with writing(self.engine) as connection:
            ended_at = clock.advance(connection, now)
            legacy_migrations.advance(connection, run_id, phase, facts=facts, ended_at=ended_at)

    def note_legacy_until(self, run_id: str, *, facts: Mapping[str, Any], read_at: datetime) -> None:
        """Record the second inventory, and up to when the legacy integration had the word.

        Raises:
            MigrationTakenOver: the run does not hold the lease.
        """
        with writing(self.engine) as connection:
            legacy_migrations.advance(
                connection, run_id, Phase.INVENTORIED_AGAIN, facts=facts, legacy_until=read_at
            )

    def resume_syncs(self, migration_id: int, *, facts: Mapping[str, Any]) -> None:
        """Let the syncs go on that legacy activity stopped, and note what the second inventory found by now."""
        with writing(self.engine) as connection:
            legacy_migrations.resume(connection, migration_id, facts=facts)
