"""Clients by themselves, and staff."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

import pandas as pd

from include.ledger import (
    client_outcomes,
    clock,
    staff,
    switches,
)
from include.ledger.access.base import LedgerAccess
from include.ledger.engine import reading, writing
from include.ledger.settings_store import SettingsVersion


class ClientAccess(LedgerAccess):
    """Clients and staff of Coconut."""

    # --- clients by themselves

    def disable_clients(self, client_ids: Collection[str], *, who: str, now: datetime) -> frozenset[str]:
        """Switch the sync of these clients off (T4); return those of whom it was on."""
        with writing(self.engine) as connection:
            return switches.switch(
                connection, client_ids, is_disabled=True, who=who, now=clock.advance(connection, now)
            )

    def enable_clients(self, client_ids: Collection[str], *, who: str, now: datetime) -> frozenset[str]:
        """Switch the sync of these clients on again (T4); return those of whom it was off."""
        with writing(self.engine) as connection:
            return switches.switch(
                connection, client_ids, is_disabled=False, who=who, now=clock.advance(connection, now)
            )

    def disabled_clients(self, client_ids: Collection[str]) -> frozenset[str]:
        """Return those of these clients whose sync is switched off here; Coconut's own flag is not ours."""
        with reading(self.engine) as connection:
            return switches.disabled(connection, client_ids)

    def settled_clients(self, client_ids: Collection[str]) -> pd.DataFrame:
        """Return how clients last settled by themselves: ``client_id, outcome, settled_version, settled_digest``."""
        with reading(self.engine) as connection:
            return client_outcomes.settled(connection, client_ids)

    def moved_clients(
        self, *, settings: SettingsVersion, active_users: Callable[[set[str]], set[str]]
    ) -> frozenset[int]:
        """Return the clients held, quarantined or disabled by themselves who wait for something that moved (Q2)."""
        with reading(self.engine) as connection:
            return client_outcomes.moved(connection, settings=settings, active_users=active_users)

    def client_status(self, client_id: str) -> dict[str, object] | None:
        """Return a client's row of the view ``client_status`` (T5), or nothing of a client the ledger never met."""
        with reading(self.engine) as connection:
            return client_outcomes.status(connection, client_id)

    # --- staff

    def staff_links(self) -> pd.DataFrame:
        """Return every staff link (``frames.STAFF_LINKS``)."""
        with reading(self.engine) as connection:
            return staff.links(connection)

    def save_staff_links(self, links: pd.DataFrame, now: datetime, *, seen_at: datetime | None = None) -> int:
        """Save links (``frames.STAFF_LINKS``) and return how many moved; an administrator's yield only to another.

        ``seen_at`` is an instant of the ledger's clock from before staff and Users were read: a link that moved since
        stays, because whoever moved it had read later.
        """
        with writing(self.engine) as connection:
            moved_at = clock.advance(connection, now)
            return staff.save_links(connection, links, seen_at=seen_at or moved_at, now=moved_at)

    def foresee_staff_links(self, links: pd.DataFrame, now: datetime, *, seen_at: datetime) -> int:
        """Return how many links ``save_staff_links`` would move, and save nothing (T6)."""
        with writing(self.engine) as connection:
            trial = connection.begin_nested()
            moved = staff.save_links(connection, links, seen_at=seen_at, now=now)
            trial.rollback()
            return moved

    def staff_synced_at(self) -> datetime | None:
        """Return when staff links were last synced, if ever."""
        with reading(self.engine) as connection:
            return staff.synced_at(connection)

    def mark_staff_synced(self, now: datetime) -> None:
        """Record that staff links were synced."""
        with writing(self.engine) as connection:
            staff.mark_synced(connection, now=now)
