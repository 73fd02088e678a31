"""The first modern sync: it reads every adopted pair, and writes only what really differs (rules G8, S12)."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from include.legacy import Phase
from include.pipeline.context import Selection, Trigger
from include.pipeline.run_stages import run_stages

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring

SELECTIONS: Final = (Selection.APPOINTMENTS, Selection.WALK_INS)


def first_sync(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Sync appointments, then walk-ins, and return the counts of both.

    Each is a run of its own; one that an earlier attempt settled is not made again.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ApprovalRequired: the sync would delete or create more than the settings let pass.
        SourceUnavailableError, SalesforceUnavailableError, OrgExhaustedError: the task is retried.
    """
    wiring.ledger.held_migration(run.run_id)
    counts = {str(selection): _sync(run_of(run, selection), wiring) for selection in SELECTIONS}
    wiring.ledger.advance_migration(run.run_id, Phase.SYNCED, facts=counts)
    return dict(counts)


def run_of(run: SyncRun, selection: Selection) -> SyncRun:
    """Return the run that syncs one selection for a migration; it is the same one at every attempt."""
    return replace(
        run,
        run_id=f"{run.run_id}__{selection}",
        selection=selection,
        trigger=Trigger.MANUAL,
        dry_run=False,
        conf={},
    )


def _sync(run: SyncRun, wiring: Wiring) -> dict[str, int]:
    settled = wiring.ledger.run_counts(run.run_id)
    if settled is None:
        run_stages(run, lambda: nullcontext(wiring))
        settled = wiring.ledger.run_counts(run.run_id) or {}
    return dict(settled)
