"""Try everything the new connection has to be allowed to do, and list all that is missing (rule G3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.legacy import Phase
from include.migration.org_setup import read_setup
from include.migration.probe_event import probe_event
from include.migration.request import MigrationRequest
from include.migration.shortcomings import find_shortcomings
from include.migration.standing import forward_stage, modern_settings

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring


def authorise(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Test the connection and return what is left to be enabled, and what the org has been set up with.

    What only the package and its permission set bring may still be missing: enabling the integration brings it, and
    ``check_activation`` insists on it. Duplicate rules and automation on Event are no shortcomings; the review shows
    them. An Event of another user is tried only where the run was asked with ``{"probe_event": true}``.

    Raises:
        ConfigurationError: with all shortcomings.
        MigrationTakenOver: another run holds the lease.
    """
    with forward_stage(run, wiring, "authorise") as is_over:
        if is_over:
            return {"is_behind": True}
        settings = modern_settings(wiring)
        found = find_shortcomings(wiring, settings)
        is_probed = MigrationRequest.from_conf(run.conf).probe_event and not run.dry_run
        refused = probe_event(wiring.salesforce, now=run.now) if is_probed and wiring.has_signed_in else []
        if found.connection or refused:
            msg = (
                "The connection to Salesforce cannot be used for the modern integration yet, and nothing was changed; "
                "mend all of these, then clear the task:"
            )
            raise ConfigurationError(msg, (*found.all, *refused))
        setup = read_setup(wiring.salesforce)
        facts = {"is_probed": is_probed, "to_enable": len(found.activation), "setup": setup.to_json()}
        if not run.dry_run:
            wiring.ledger.advance_migration(run.run_id, Phase.AUTHORISED, facts=facts)
        return facts
