"""The end of a migration: with review and parity passed, turning the flag off closes it (rule G10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.ledger.runs import RunState
from include.legacy import UPGRADE_FLAG, Phase
from include.source.legacy import is_upgrade_offered

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring


def is_finalisable(run: SyncRun, wiring: Wiring) -> bool:
    """Tell whether review and parity passed, nothing is stopped, and the administrator turned the flag off.

    Raises:
        MigrationTakenOver: another run holds the lease.
    """
    held = wiring.ledger.held_migration(run.run_id)
    is_proved = held.phase.is_behind(Phase.PARITY_PROVED) and held.stopped_at is None
    return is_proved and not is_upgrade_offered(wiring.source.engine)


def finalise(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Close the migration: from here on nobody goes back, and before-images are kept 90 days.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: parity is not proved, the syncs are stopped, or the flag is still on.
    """
    held = wiring.ledger.held_migration(run.run_id)
    if held.phase is not Phase.FINALISED:
        if not is_finalisable(run, wiring):
            msg = (
                "The migration cannot be closed: it needs parity proved, syncs that are not stopped, and Coconut's "
                f"feature flag {UPGRADE_FLAG} switched off; see to what is missing and clear the task."
            )
            raise ConfigurationError(msg)
        wiring.ledger.end_migration(run.run_id, Phase.FINALISED, facts={}, now=run.now)
    wiring.ledger.finish_run(run.run_id, state=RunState.SUCCESS.value, now=run.now)
    return {"migration": held.id, "before_images": wiring.ledger.count_migration_images(held.id)}
