"""Remove what is older than the settings keep it, and not needed any more (rule Q11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from include.ledger.retention import Expiring

if TYPE_CHECKING:
    from include.ledger.repository import Ledger
    from include.pipeline.context import SyncRun, Wiring
    from include.staging import Staging

ROWS_PER_BATCH: Final = 10_000
"""Rows removed in one transaction: SQLite lets nobody else write meanwhile."""

JOBS_AT_LEAST: Final = timedelta(days=8)
"""Salesforce lists a Bulk job for seven days after it ended; as long the journal has to know it for ours."""

MIGRATIONS_KEPT: Final = timedelta(days=90)
"""How long what a migration carried over, and its before-images, are kept after it ended (rule G9)."""

ABANDONED_AFTER: Final = timedelta(days=30)
"""How long beyond the retention a run counts as unfinished that never ended. Its rows are read by later runs anyway."""

STAGED_RUNS: Final = "staged_runs"


def remove_expired(
    run: SyncRun, wiring: Wiring, *, rows_per_batch: int = ROWS_PER_BATCH
) -> dict[str, object]:
    """Remove rows of the ledger, and whole runs from staging, that are older than ``retention_days``.

    What is needed stays, however old: the newest outcome of a pair, the latest decision about a client, and everything
    of runs that have not ended, left jobs unsettled or wait for approval. A dry run only counts.

    Returns:
        Rows by table, and ``staged_runs``; none for what nothing was removed of.
    """
    days = wiring.ledger.current_settings().settings.retention_days
    before = run.now - timedelta(days=days)
    counts: dict[str, int] = {}
    for kind in Expiring:
        counts[kind.value] = _remove_rows(
            wiring.ledger, kind, run=run, before=before, rows_per_batch=rows_per_batch
        )
    counts[STAGED_RUNS] = _remove_staged(wiring.staging, wiring.ledger, run=run, before=before)
    return {"retention_days": days, **{name: number for name, number in counts.items() if number}}


def _remove_rows(
    ledger: Ledger, kind: Expiring, *, run: SyncRun, before: datetime, rows_per_batch: int
) -> int:
    if kind in {Expiring.JOBS, Expiring.LOAD_CLAIMS}:
        before = min(before, run.now - JOBS_AT_LEAST)
    elif kind in {Expiring.MIGRATION_IMAGES, Expiring.MIGRATION_ITEMS}:
        before = run.now - MIGRATIONS_KEPT
    if run.dry_run:
        return ledger.count_expired(kind, before=before)
    total = 0
    while removed := ledger.remove_expired(kind, before=before, limit=rows_per_batch):
        total += removed
    return total


def _remove_staged(staging: Staging, ledger: Ledger, *, run: SyncRun, before: datetime) -> int:
    """Remove the folders of runs that are over; of runs that the ledger never met, once nothing in them is younger."""
    staged = staging.run_ids()
    runs = ledger.known_runs(staged, over_before=before, abandoned_before=before - ABANDONED_AFTER)
    removed = 0
    for run_id in staged:
        is_over = (
            run_id not in runs.needed if run_id in runs.known else _newest(staging, run_id, run.now) < before
        )
        if is_over and run_id != run.run_id:
            removed += 1
            if not run.dry_run:
                staging.delete_run(run_id)
    return removed


def _newest(staging: Staging, run_id: str, now: datetime) -> datetime:
    """Return when a run wrote last; a folder without files may be just about to get some."""
    return max((file.written_at for file in staging.files(run_id)), default=now)
