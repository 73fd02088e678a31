"""Look whether the integration is enabled in Salesforce, whatever the administrator answered (rule G4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.legacy import Phase
from include.migration.shortcomings import find_shortcomings
from include.migration.standing import forward_stage, modern_settings

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring


def check_activation(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Check that nothing is missing any more, of the connection or of the package and its permission set.

    A dry run only counts what is missing.

    Raises:
        ConfigurationError: with everything that is missing.
        MigrationTakenOver: another run holds the lease.
    """
    with forward_stage(run, wiring, "check_activation") as is_over:
        if is_over:
            return {"is_behind": True}
        missing = find_shortcomings(wiring, modern_settings(wiring)).all
        if run.dry_run:
            return {"missing": len(missing)}
        if missing:
            msg = (
                "The integration is not enabled in Salesforce yet, and nothing was changed; deploy "
                "include/salesforce_package, assign its permission set to the integration user, mend all of these, and "
                "clear the task:"
            )
            raise ConfigurationError(msg, missing)
        wiring.ledger.advance_migration(run.run_id, Phase.ACTIVATED, facts={"missing": 0})
        return {"missing": 0}
