"""Event links: which Event belongs to which pair, and what was written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import pandas as pd

from include.ledger import (
    campaigns,
    clock,
    corrections,
    event_links,
    event_results,
    people,
    unknown_writes,
)
from include.ledger.access.base import LedgerAccess
from include.ledger.engine import reading, writing


class EventAccess(LedgerAccess):
    """Events, as we last wrote them."""

    def event_links(self, appointment_ids: Collection[str]) -> pd.DataFrame:
        """Return every link of these bookings (``frames.EVENT_LINKS``)."""
        with reading(self.engine) as connection:
            return event_links.links_of(connection, appointment_ids)

    def settled(self, appointment_ids: Collection[str]) -> pd.DataFrame:
        """Return how these bookings' pairs last settled, and their newest version known (``contracts.SETTLED``)."""
        with reading(self.engine) as connection:
            return event_links.settled(connection, appointment_ids)

    def claim_versions(self, run_id: str, pairs: pd.DataFrame) -> pd.DataFrame:
        """Claim the right to write these versions (``contracts.PAIRS_TO_CLAIM`` → ``CLAIMED_PAIRS``).

        A pair is claimed unless a newer version was claimed before; who claims the same version again has it.
        """
        with writing(self.engine) as connection:
            return event_links.claim_versions(connection, run_id, pairs, now=self._clock())

    def record_event_results(
        self,
        run_id: str,
        results: pd.DataFrame,
        *,
        settings_version: int,
        mapping_version: int,
        now: datetime,
    ) -> None:
        """Record what was written to the org (``contracts.EVENT_RESULTS``); the second commit point of a run.

        A write that was overtaken by a newer claim marks its key dirty and leaves the written values unknown, so that
        the next run writes all of them.
        """
        with writing(self.engine) as connection:
            event_results.record(
                connection,
                run_id,
                results,
                settings_version=settings_version,
                mapping_version=mapping_version,
                now=now,
            )

    def forget_writes(self, rows: pd.DataFrame, *, overtaken_only: bool, now: datetime) -> None:
        """Have pairs written anew of which nobody can tell whether a write arrived (``contracts.UNKNOWN_WRITES``).

        ``overtaken_only`` leaves out those that nobody claimed since: whoever sent them sends them again.
        """
        with writing(self.engine) as connection:
            unknown_writes.forget_rows(connection, rows, overtaken_only=overtaken_only, now=now)

    def forget_writes_of(self, run_id: str, keys: Collection[str], *, now: datetime) -> None:
        """Have Events written anew, named by booking key or Id, and the pairs that a run claimed and never settled."""
        with writing(self.engine) as connection:
            unknown_writes.forget_keys(connection, run_id, keys, now=now)

    def rekey_event(self, rekeyed: pd.DataFrame) -> None:
        """Move Events from one pair of a booking to another (``contracts.REKEYED``; S4, a replaced attendee)."""
        with writing(self.engine) as connection:
            event_links.rekey(connection, rekeyed, now=self._clock())

    def follow_people(self, forwards: pd.DataFrame) -> None:
        """Move links from converted or merged records to their successors (``contracts.FORWARDS``; M7)."""
        with writing(self.engine) as connection:
            now = clock.advance(connection, self._clock())
            people.follow(connection, forwards, now=now)
            campaigns.follow(connection, forwards, now=now)

    def event_link_rows(self, *, batch_rows: int = 50_000) -> Iterator[pd.DataFrame]:
        """Give all links in order of their key, in batches (``contracts.EVENT_LINK_ROWS``)."""
        after = ""
        while True:
            with reading(self.engine) as connection:
                batch = event_links.rows_after(connection, after, limit=batch_rows)
            if batch.empty:
                return
            after = str(batch["booking_key"].iloc[-1])
            yield batch

    def known_events(self) -> int:
        """Return how many pairs have an Event."""
        with reading(self.engine) as connection:
            return event_links.count(connection)

    def known_event_ids(self, event_ids: Collection[str]) -> frozenset[str]:
        """Return those of these Events that some pair has."""
        with reading(self.engine) as connection:
            return event_links.known_ids(connection, event_ids)

    def correct_events(self, found: pd.DataFrame, *, now: datetime) -> int:
        """Put what the org really holds in the place of what the ledger believed (``contracts.EVENT_CORRECTIONS``; Q7).

        Returns how many links took it: a pair that moved since it was compared stays as it is.
        """
        with writing(self.engine) as connection:
            return corrections.correct(connection, found, now=now)
