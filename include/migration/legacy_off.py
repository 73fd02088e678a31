"""An administrator has confirmed that the legacy integration writes no more (rule G8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from include.legacy import Phase
from include.migration.standing import require_flag

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring

STEP: Final = "confirm_legacy_off"
"""The task that asks."""


def record_legacy_off(
    run: SyncRun, wiring: Wiring, answered: Mapping[str, Any], who: str, now: datetime
) -> None:
    """Record that the legacy integration is off; who said so, and when, stands with the answers.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: Coconut's flag is off.
    """
    held = wiring.ledger.held_migration(run.run_id)
    require_flag(wiring)
    wiring.ledger.answer_in_migration(
        held.id, run_id=run.run_id, step=STEP, answered=answered, who=who, now=now
    )
    wiring.ledger.advance_migration(run.run_id, Phase.LEGACY_OFF, facts={"confirmed_at": now.isoformat()})
