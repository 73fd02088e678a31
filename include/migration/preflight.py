"""Check that a migration may begin, and take its lease (rules G1, G2, G10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError
from include.legacy import UPGRADE_FLAG
from include.migration.request import MigrationRequest
from include.migration.shortcomings import as_problem
from include.pipeline.accounting import counted_calls
from include.pipeline.legacy_mode import integration_in_force
from include.settings.availability import unavailable
from include.settings.model import Integration
from include.source.legacy import has_legacy_links, is_upgrade_offered, missing_legacy_tables

if TYPE_CHECKING:
    from include.ledger.legacy_migrations import LegacyMigration
    from include.ledger.repository import Ledger
    from include.pipeline.context import SyncRun, Wiring

_STARTER: Final = "migrate_legacy_integration"


def preflight(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Check everything a migration needs, report all that is missing together, and only then take the lease.

    A run that holds the lease already goes on; one with ``{"take_over": true}`` goes on in another's place. A dry run
    takes none.

    Raises:
        ConfigurationError: something is missing; nothing was changed.
        LedgerConflictError: another run took the lease meanwhile.
    """
    request = MigrationRequest.from_conf(run.conf)
    with counted_calls(run, wiring, "preflight"):
        goes_on = _goes_on(wiring.ledger, run.run_id, takes_over=request.take_over)
        problems = [] if goes_on is not None and goes_on.phase.is_cut_over else [*_problems(wiring)]
        if problems:
            problems += _open_migration(run, wiring.ledger, request)
            msg = "The migration cannot begin, and nothing was changed; mend all of these:"
            raise ConfigurationError(msg, problems)
        if run.dry_run:
            return {"phase": None}
        version = wiring.ledger.current_settings().version
        wiring.ledger.open_run(run, settings_version=version)
        wiring.ledger.bind_org(wiring.salesforce.organization_id)
        begun = wiring.ledger.begin_migration(
            run.run_id,
            who=str(run.conf.get("started_by") or _STARTER),
            now=run.now,
            takes_over=request.take_over,
        )
        return {"migration": begun.id, "phase": begun.phase.value}


def _goes_on(ledger: Ledger, run_id: str, *, takes_over: bool) -> LegacyMigration | None:
    """Return the open migration that this run has, or is to take."""
    newest = ledger.newest_migration()
    if newest is None or not newest.is_open:
        return None
    return newest if takes_over or newest.lease_run_id == run_id else None


def _problems(wiring: Wiring) -> Iterator[str]:
    """Yield everything that keeps a migration from beginning, as sentences without full stop."""
    yield from _tried(wiring.source.check)
    missing = missing_legacy_tables(wiring.source.engine)
    if missing:
        yield f"the booking database has no table {', '.join(missing)}; point coconut_db at Coconut's replica"
    if not is_upgrade_offered(wiring.source.engine):
        yield f"Coconut's feature flag {UPGRADE_FLAG} is off; have it switched on"
    if integration_in_force(wiring) is not Integration.LEGACY:
        yield "the setting integration is modern, so there is nothing to migrate"
    elif not has_legacy_links(wiring.source.engine):
        yield "the legacy integration has no event links, so set the setting integration to modern instead"
    yield from unavailable(wiring.ledger.current_settings().settings)
    yield from _sign_in(wiring)


def _open_migration(run: SyncRun, ledger: Ledger, request: MigrationRequest) -> Iterator[str]:
    newest = ledger.newest_migration()
    if newest is None or not newest.is_open or newest.lease_run_id == run.run_id or request.take_over:
        return
    yield (
        f"the run {newest.lease_run_id} is migrating this organisation; wait for it, clear its failed task, or trigger "
        'this one with {"take_over": true} to go on in its place'
    )


def _sign_in(wiring: Wiring) -> Iterator[str]:
    """Yield why nobody can sign in, or to which other org the ledger belongs."""
    yield from _tried(lambda: wiring.salesforce)
    if wiring.has_signed_in:
        bound, org_id = wiring.ledger.bound_org(), wiring.salesforce.organization_id
        if bound not in {None, org_id}:
            yield f"this ledger belongs to the Salesforce org {bound}, but the connection leads to {org_id}"


def _tried(check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except ConfigurationError as refused:
        yield as_problem(refused)
