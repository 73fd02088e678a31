"""Runs: how they went, what they read, and what they settle with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from include.ledger import (
    client_outcomes,
    clock,
    moves,
    quarantine,
    reports,
    runs,
    settling,
)
from include.ledger.access.base import LedgerAccess
from include.ledger.engine import reading, writing
from include.ledger.quarantine import WaitingPairs
from include.ledger.reports import Report, ReportKind
from include.ledger.runs import NO_SNAPSHOTS, RunRecord, RunState, Snapshots
from include.ledger.settings_store import SettingsVersion
from include.reasons import WaitsFor

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun


class RunAccess(LedgerAccess):
    """Runs, their watermarks, outcomes and reports."""

    # --- runs

    def advance_clock(self, now: datetime) -> datetime:
        """Return an instant of the ledger's clock: moves with a later one are not seen by who looks from now on."""
        with writing(self.engine) as connection:
            return clock.advance(connection, now)

    def open_run(
        self,
        run: SyncRun,
        *,
        settings_version: int,
        request: str | None = None,
        seen_at: datetime | None = None,
    ) -> None:
        """Record that a run began, and which dirty keys it found; one that failed or wrote nothing runs again.

        ``request`` is JSON of what a person asked the run for; ``seen_at`` an instant of the ledger's clock, taken
        before the run looked at anything.
        """
        with writing(self.engine) as connection:
            runs.open_run(
                connection, run, settings_version=settings_version, request=request, seen_at=seen_at
            )
            settling.see_dirty(connection, run)

    def was_planned(self, request: str, *, settings_version: int) -> bool:
        """Tell whether a dry run of this request, under these settings, ended with its plan (T6)."""
        with reading(self.engine) as connection:
            return runs.was_planned(connection, request, settings_version=settings_version)

    def was_settled(self, run_id: str, request: str, *, settings_version: int) -> bool:
        """Tell whether this very run, asked for this, has settled under these settings."""
        with reading(self.engine) as connection:
            return runs.was_settled(connection, run_id, request, settings_version=settings_version)

    def runs_at_work(self, selections: Collection[str], *, since: datetime) -> int:
        """Return how many runs of these selections began after ``since`` and have not ended."""
        with reading(self.engine) as connection:
            return runs.count_at_work(connection, selections, since=since)

    def find_run(self, run_id: str) -> RunRecord | None:
        """Return a run, if the ledger still has it."""
        with reading(self.engine) as connection:
            return runs.find(connection, run_id)

    def finish_run(self, run_id: str, *, state: str, now: datetime) -> None:
        """Record how a run ended that never came to settle (``RunState``)."""
        with writing(self.engine) as connection:
            runs.finish_run(connection, run_id, state=RunState(state), now=now)

    def give_up_runs(self, run_id: str, *, now: datetime) -> None:
        """Record that this run failed, and the runs of a backfill's windows below it, as far as they are at work."""
        with writing(self.engine) as connection:
            runs.give_up(connection, run_id, now=now)

    def record_api_calls(self, run_id: str, *, task: str, attempt: str, calls: Mapping[str, int]) -> None:
        """Record a task attempt's API calls by kind; a second record of the same attempt replaces the first."""
        with writing(self.engine) as connection:
            runs.record_api_calls(
                connection, run_id, task=task, attempt=attempt, calls=calls, now=self._clock()
            )

    def api_calls(self, run_id: str) -> dict[str, int]:
        """Return a run's API calls by kind, summed over its tasks and attempts (Q8)."""
        with reading(self.engine) as connection:
            return runs.api_calls(connection, run_id)

    def run_counts(self, run_id: str) -> dict[str, int] | None:
        """Return the counts a run settled with, or nothing while it did not."""
        with reading(self.engine) as connection:
            return runs.run_counts(connection, run_id)

    def runs(self, limit: int = 50) -> pd.DataFrame:
        """Return the newest runs first (``contracts.RUNS``)."""
        with reading(self.engine) as connection:
            return runs.newest(connection, limit)

    # --- what a run reads

    def watermark(self, selection: str) -> tuple[datetime, int] | None:
        """Return ``(changed_at, id)`` up to which a selection was read, or nothing before its first run."""
        with reading(self.engine) as connection:
            return runs.watermark(connection, selection)

    def snapshot(self, selection: str) -> str | None:
        """Return what the last run that moved this watermark could see of the booking database, where it can say."""
        with reading(self.engine) as connection:
            return runs.snapshot(connection, selection)

    def dirty_appointments(self, kinds: tuple[str, ...]) -> frozenset[int]:
        """Return the bookings of these kinds, or of no known kind, that must be read again."""
        with reading(self.engine) as connection:
            return moves.dirty_appointments(connection, kinds)

    def mark_dirty(self, pairs: pd.DataFrame, *, reason: str, now: datetime) -> None:
        """Have the next run read these pairs again (``contracts.READ_AGAIN``)."""
        with writing(self.engine) as connection:
            settling.mark_dirty(connection, pairs, reason=reason, now=now)

    def waiting(self, kinds: tuple[str, ...], waits_for: Iterable[WaitsFor]) -> pd.DataFrame:
        """Return the held, quarantined and disabled pairs that wait for one of these (``contracts.WAITING``)."""
        with reading(self.engine) as connection:
            return moves.waiting(connection, kinds, waits_for)

    def moved_appointments(
        self,
        kinds: tuple[str, ...],
        *,
        settings: SettingsVersion,
        moved_clients: Callable[[pd.DataFrame], set[str]],
        active_users: Callable[[set[str]], set[str]],
        now: datetime,
        selection: str | None = None,
    ) -> frozenset[int]:
        """Return the bookings whose pairs wait for something that moved since the run that saw them last (Q2).

        Events whose staff link moved to a user who is not their owner come along (S7), and upcoming ones whose client
        was linked to somebody else (M1).

        Args:
            kinds: the selection's kinds; pairs of no known kind belong to every selection.
            settings: the settings in force.
            moved_clients: given a frame ``client_id, client_version``, one row per version of a client that was read,
                returns the clients that have another version by now.
            active_users: given Salesforce user Ids, returns those that are active now; not called without need.
            now: tells upcoming Events from past ones.
            selection: the selection that reads them; what moved before its last settled run looked is left aside.
        """
        with reading(self.engine) as connection:
            return moves.moved_appointments(
                connection,
                kinds,
                settings=settings,
                moved_clients=moved_clients,
                active_users=active_users,
                now=now,
                since=None if selection is None else runs.last_look(connection, selection),
            )

    # --- settle

    def settle(  # noqa: PLR0913 - the facts of one run, all by name
        self,
        run: SyncRun,
        outcomes: pd.DataFrame | Iterable[pd.DataFrame],
        *,
        counts: Mapping[str, int],
        watermark: tuple[datetime, int] | None,
        cleared_dirty: Collection[str],
        settings_version: int,
        state: str,
        now: datetime,
        clients: pd.DataFrame | None = None,
        watermark_name: str | None = None,
        snapshots: Snapshots = NO_SNAPSHOTS,
    ) -> None:
        """Commit a run's outcomes, quarantine, counts and, last, its watermark: the third commit point.

        All in one transaction, and idempotent for one run. What a newer claim has overtaken stays as it is; the
        watermark only moves forward.

        Args:
            run: the run; when it looked (``open_run``) is what later moves are compared with.
            outcomes: ``contracts.OUTCOMES``, whole or in batches; every pair once.
            counts: the run's counts, kept as they are.
            watermark: ``(changed_at, id)`` reached, or nothing to leave it.
            cleared_dirty: booking keys or appointment ids that were read again; marks made since ``open_run`` stay.
            settings_version: the version the run read.
            state: a ``RunState``.
            now: the instant of settling.
            clients: ``contracts.CLIENT_OUTCOMES`` of the clients that the run was about by themselves.
            watermark_name: what the watermark is kept under, where it is not the run's selection.
            snapshots: what the run could see of the booking database; kept even where the watermark does not move.
        """
        batches = [outcomes] if isinstance(outcomes, pd.DataFrame) else outcomes
        totals = runs.Totals(counts=dict(counts), state=RunState(state), settings_version=settings_version)
        with writing(self.engine) as connection:
            seen_at = runs.seen_at(connection, run)
            settling.clear_dirty(connection, cleared_dirty, run_id=run.run_id)
            for batch in batches:
                settling.settle_batch(
                    connection, run, batch, settings_version=settings_version, seen_at=seen_at, now=now
                )
            if clients is not None and len(clients):
                client_outcomes.record(connection, run, clients, seen_at=seen_at)
            runs.settle_run(connection, run, totals, now=now)
            if watermark is not None:
                runs.advance_watermark(connection, run, watermark, name=watermark_name, now=now)
            runs.replace_snapshot(connection, snapshots, name=watermark_name or run.selection, now=now)

    # --- quarantine

    def quarantine_rows(
        self, *, kinds: tuple[str, ...] | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Return held, quarantined and disabled pairs, last seen first (``contracts.QUARANTINE_ROWS``)."""
        with reading(self.engine) as connection:
            return quarantine.rows(connection, kinds=kinds, limit=limit)

    def waiting_appointments(self, wanted: WaitingPairs) -> frozenset[int]:
        """Return the bookings with a held, quarantined or disabled pair that meets these conditions."""
        with reading(self.engine) as connection:
            return quarantine.appointments(connection, wanted)

    def quarantine_counts(self) -> pd.DataFrame:
        """Return how many pairs there are by outcome and reason (``contracts.QUARANTINE_COUNTS``)."""
        with reading(self.engine) as connection:
            return quarantine.counts(connection)

    def quarantine_told(self) -> int:
        """Return how many quarantined pairs people were last told of (Q9)."""
        with reading(self.engine) as connection:
            return quarantine.told_level(connection)

    def tell_quarantine(self, rows: int) -> None:
        """Remember how many quarantined pairs people were told of."""
        with writing(self.engine) as connection:
            quarantine.tell_level(connection, rows, now=self._clock())

    # --- reports

    def save_report(self, report: Report) -> None:
        """Keep a report in place of the one that its run made of this kind before."""
        with writing(self.engine) as connection:
            reports.save(connection, report)

    def report(self, run_id: str, kind: ReportKind) -> Report | None:
        """Return what a run reported, if it did."""
        with reading(self.engine) as connection:
            return reports.of_run(connection, run_id, kind)

    def newest_report(self, kind: ReportKind) -> Report | None:
        """Return the newest report of this kind."""
        with reading(self.engine) as connection:
            return reports.newest(connection, kind)
