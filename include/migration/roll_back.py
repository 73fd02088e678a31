"""Back to the legacy integration, as far as Salesforce still holds what we wrote; the rest is listed (rule G9)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from include.errors import ConfigurationError, RunsAtWorkError
from include.ledger.load_claims import LoadStep
from include.ledger.reports import Report, ReportKind
from include.ledger.rolling_back import Before
from include.ledger.runs import RunState
from include.legacy import GOING_BACK, Phase
from include.migration.before_images import EXCEPTIONS, NotRestored
from include.migration.events_since import EXPORTED_AS, settle_events_since
from include.migration.request import MigrationRequest
from include.migration.restoring import ROLLBACK, restore_events
from include.pipeline.accounting import counted_calls
from include.pipeline.backfill import LONGEST_YIELD
from include.pipeline.context import Selection
from include.pipeline.leftovers import settle_leftovers
from include.pipeline.load_claims import load_claim
from include.pipeline.load_events import EVENTS_STAGE
from include.settings.model import Integration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.ledger.legacy_migrations import LegacyMigration
    from include.pipeline.context import SyncRun, Wiring

_WRITING: Final = (
    Selection.APPOINTMENTS,
    Selection.WALK_INS,
    Selection.CLIENTS,
    Selection.BACKFILL,
    Selection.REPLAY,
    Selection.REPAIR,
)
_STAGE: Final = "roll_back"
_LISTED: Final = "exceptions"
_WHO: Final = "migrate_legacy_integration (rollback)"


def roll_back(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Take the migration's lease over and go back; cut off and run again, it ends the same.

    Before cut-over nothing was touched, so that nothing is to be restored. After it every field of an adopted Event
    that we wrote returns to its before-image where Salesforce still holds what we wrote, and the ledger goes back to
    settings, field mappings and staff links of before, in versions of their own. People are never deleted.

    Returns:
        ``phase`` it went back from, ``restored`` fields, ``exceptions`` by reason, and what became of Events since.

    Raises:
        ConfigurationError: the request makes no sense, there is no migration, or it is finalised.
        RunsAtWorkError: a sync that began before is at work; the task is retried.
        SalesforceUnavailableError, OrgExhaustedError: the task is retried.
    """
    request = MigrationRequest.from_conf(run.conf)
    migration = _take_over(run, wiring)
    if migration.phase is Phase.ROLLED_BACK:
        return _report(run, wiring, migration.facts[Phase.ROLLED_BACK.value])
    with (
        counted_calls(run, wiring, "roll_back"),
        load_claim(wiring.ledger, LoadStep(run.run_id, ROLLBACK, 0)),
    ):
        if not migration.phase.is_cut_over:
            return _end(run, wiring, migration, before=None, summary={}, listed=EXCEPTIONS.empty())
        wiring.ledger.stop_syncs(migration.id, why=GOING_BACK, now=run.now)
        _wait_for_runs(run, wiring)
        settle_leftovers(run, wiring, EVENTS_STAGE)
        restored, listed = restore_events(run, wiring, migration)
        since, gone = settle_events_since(run, wiring, migration, request.events_since)
    counts = Counter(listed["reason"])
    summary = {
        "restored": restored,
        "exceptions": {reason.value: counts[reason.value] for reason in NotRestored if counts[reason.value]},
        "events_since": since,
        "choice": request.events_since.value,
        "exported_as": EXPORTED_AS if since and request.events_since == "exported" else None,
        "people_since": wiring.ledger.people_since(migration.cut_over_at or migration.started_at),
    }
    return _end(
        run, wiring, migration, before=_before(wiring, migration, gone), summary=summary, listed=listed
    )


def _take_over(run: SyncRun, wiring: Wiring) -> LegacyMigration:
    """Return the migration with its lease ours; one that this run rolled back before as it is."""
    newest = wiring.ledger.newest_migration()
    if newest is None:
        msg = "There is no migration to go back from."
        raise ConfigurationError(msg)
    if newest.phase is Phase.ROLLED_BACK and newest.lease_run_id == run.run_id:
        return newest
    if not newest.is_open:
        msg = (
            f"The migration is {newest.phase.value.replace('_', ' ')}, so nobody can go back from it any more; its "
            "before-images are kept for 90 days, and field by field a person can still restore them."
        )
        raise ConfigurationError(msg)
    if newest.lease_run_id != run.run_id:
        wiring.ledger.give_up_runs(newest.lease_run_id, now=run.now)
    if newest.phase.is_cut_over:
        wiring.ledger.open_run(run, settings_version=wiring.ledger.current_settings().version)
    return wiring.ledger.begin_migration(run.run_id, who=newest.started_by, now=run.now, takes_over=True)


def _wait_for_runs(run: SyncRun, wiring: Wiring) -> None:
    at_work = wiring.ledger.runs_at_work(_WRITING, since=run.now - LONGEST_YIELD)
    if at_work:
        msg = (
            f"{at_work} syncs are at work that began before the rollback; no new one begins, and the rollback goes on "
            "once they have ended."
        )
        raise RunsAtWorkError(msg)


def _before(wiring: Wiring, migration: LegacyMigration, gone: list[str]) -> Before:
    """Return what the ledger goes back to: the versions before cut-over, on the legacy integration."""
    facts = migration.facts[Phase.CUT_OVER.value]
    settings = wiring.ledger.settings_at(int(facts["settings_version_before"])).settings
    mappings = wiring.ledger.mappings_at(int(facts["mapping_version_before"])).mappings
    on_legacy = settings.model_copy(update={"integration": Integration.LEGACY})
    return Before(on_legacy, tuple(mappings), _WHO, gone)


def _end(
    run: SyncRun,
    wiring: Wiring,
    migration: LegacyMigration,
    *,
    before: Before | None,
    summary: dict[str, Any],
    listed: pd.DataFrame,
) -> dict[str, object]:
    """Stage the exceptions, take out of the ledger what cut-over put there, and report."""
    wiring.staging.write_frame(run.run_id, _STAGE, _LISTED, listed)
    facts: dict[str, object] = {"phase": migration.phase.value, **summary}
    ended = wiring.ledger.end_rolled_back(run.run_id, before, facts=facts, now=run.now)
    return _report(run, wiring, ended.facts[Phase.ROLLED_BACK.value])


def _report(run: SyncRun, wiring: Wiring, facts: Mapping[str, object]) -> dict[str, object]:
    """Keep the report, with the proof that nothing that was carried over is in force, and return it."""
    settings, mappings = wiring.ledger.current_settings(), wiring.ledger.current_mappings()
    in_force = {"settings_version": settings.version, "mapping_version": mappings.version}
    result = {**facts, "in_force": {**wiring.ledger.carried_in_force(), **in_force}}
    wiring.ledger.save_report(
        Report(run.run_id, ReportKind.MIGRATION_ROLLBACK, run.now, result, rows_kept_in=_LISTED)
    )
    wiring.ledger.finish_run(run.run_id, state=RunState.SUCCESS.value, now=run.now)
    return result
