"""Erasing people, and removing by age what nobody needs any more (rule Q11)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from include.ledger import erasing, retention
from include.ledger.access.base import LedgerAccess
from include.ledger.engine import reading, writing
from include.ledger.erasing import ClientTraces
from include.ledger.retention import Expiring, KnownRuns


class PrivacyAccess(LedgerAccess):
    """What the ledger has to forget."""

    # --- erasing a person

    def begin_erasure(self, client_ids: Collection[str], *, who: str, now: datetime) -> None:
        """Switch these clients off for good, and note that their erasure began; beginning again goes on with it."""
        with writing(self.engine) as connection:
            erasing.begin(connection, client_ids, who=who, now=now)

    def runs_at_work_or_unsettled(self, *, since: datetime) -> frozenset[str]:
        """Return the runs that began after ``since`` and have not ended, and all that left unsettled jobs."""
        with reading(self.engine) as connection:
            return erasing.runs_at_work(connection, since=since)

    def client_traces(self, client_id: str) -> ClientTraces:
        """Return the keys and Ids by which rows about a client are told."""
        with reading(self.engine) as connection:
            return erasing.traces_of(connection, client_id)

    def count_erasable(self, client_id: str) -> dict[str, int]:
        """Return how many rows of which table hold something of a client."""
        with reading(self.engine) as connection:
            return erasing.count(connection, client_id)

    def erase_client(
        self, client_id: str, *, staged_rows: Mapping[str, int], now: datetime
    ) -> dict[str, int]:
        """Forget a client, note what was removed, here and in staging (``staged_rows``), and return it by table."""
        with writing(self.engine) as connection:
            traces = erasing.traces_of(connection, client_id)
            removed = {**erasing.erase(connection, client_id), **staged_rows}
            erasing.finish(connection, traces, removed=removed, now=now)
            return removed

    def erased_clients(self, client_ids: Collection[str]) -> frozenset[str]:
        """Return those of these clients who were or are being erased, and whom nobody enabled again."""
        with reading(self.engine) as connection:
            return erasing.erased(connection, client_ids)

    # --- retention

    def count_expired(self, kind: Expiring, *, before: datetime) -> int:
        """Return how many rows of a kind are older than ``before`` and not needed any more."""
        with reading(self.engine) as connection:
            return retention.count(connection, kind, before=before)

    def remove_expired(self, kind: Expiring, *, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` such rows and return how many there were."""
        with writing(self.engine) as connection:
            return retention.remove(connection, kind, before=before, limit=limit)

    def known_runs(
        self, run_ids: Collection[str], *, over_before: datetime, abandoned_before: datetime
    ) -> KnownRuns:
        """Tell of these runs which the ledger knows, and whose frames are still needed.

        Needed are those of a run that ended at ``over_before`` or later; that has not ended, unless it began before
        ``abandoned_before``; that left jobs unsettled; or that waits for approval.
        """
        with reading(self.engine) as connection:
            return retention.known_runs(
                connection, run_ids, over_before=over_before, abandoned_before=abandoned_before
            )
