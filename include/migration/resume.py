"""Let the syncs go on that legacy activity stopped, once the legacy writer is off for good (rule G8)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.errors import ConfigurationError
from include.legacy import GOING_BACK, ItemKind, ItemOutcome
from include.migration.adoptions import adoptions_of
from include.migration.carry_over import counts_of, judge_events
from include.migration.holdings import Holdings, keep_holdings, kept_holdings, read_holdings
from include.migration.inventory import keep_images, tallies_to_json
from include.migration.inventory_again import SECOND
from include.pipeline.accounting import counted_calls
from include.pipeline.legacy_watch import watch_facts

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.legacy_migrations import LegacyMigration
    from include.pipeline.context import SyncRun, Wiring


def resume_syncs(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Carry over the event links made since cut-over, take their Events over, and let the syncs go on.

    The lease stays with the run that has it: it may wait for its administrator meanwhile. What the legacy writer did to
    Events that were taken over before is drift, which ``reconcile`` finds and repairs.

    Returns:
        ``is_stopped`` (whether there was anything to resume), ``found`` (new event links) and ``adopted``.

    Raises:
        ConfigurationError: no migration is cut over, or it is being rolled back.
        SourceUnavailableError, SalesforceUnavailableError: the task is retried.
    """
    migration = wiring.ledger.newest_migration()
    if migration is None or not migration.phase.is_cut_over or migration.stopped_why == GOING_BACK:
        msg = "There is nothing to resume: no migration is cut over, or it is being rolled back."
        raise ConfigurationError(msg)
    if migration.stopped_at is None:
        return {"is_stopped": False, "found": 0, "adopted": 0}
    with counted_calls(run, wiring, "resume_syncs"):
        watched = watch_facts(wiring.source.engine, now=run.now)
        found = _take_stock(run, wiring, migration)
        adopted = _adopt(run, wiring, migration, found)
    facts = {**_facts(wiring, migration.id), **watched}
    wiring.ledger.resume_syncs(migration.id, facts=facts)
    return {"is_stopped": True, "found": len(found), "adopted": adopted}


def _take_stock(run: SyncRun, wiring: Wiring, migration: LegacyMigration) -> pd.DataFrame:
    """Keep the event links that no inventory knew, judged, with the before-images of their Events; return them.

    What was carried over before stays as it is: its Events hold what we wrote by now.
    """
    holdings = kept_holdings(wiring.ledger, migration.id)
    known = holdings.items[ItemKind.EVENT_LINK]["item_key"]
    pairs = read_holdings(wiring.source.engine, inventory=SECOND).pairs(wiring.source.engine)
    judged = judge_events(wiring, pairs)
    found = judged[~judged["item_key"].isin(known)].reset_index(drop=True)
    keep_holdings(wiring.ledger, migration.id, Holdings({ItemKind.EVENT_LINK: found}))
    new = pairs[pairs["item_key"].isin(_carried(found)["item_key"])]
    keep_images(wiring, migration.id, holdings, new, taken_at=run.now)
    return found


def _adopt(run: SyncRun, wiring: Wiring, migration: LegacyMigration, found: pd.DataFrame) -> int:
    """Take over the Events of what was found, with their bookings as the legacy writer left them."""
    carried = _carried(found)
    if carried.empty:
        return 0
    version = wiring.ledger.current_settings().version
    adoptions = adoptions_of(wiring, replace(migration, legacy_until=run.now), carried)
    return wiring.ledger.adopt_events(adoptions, settings_version=version, now=run.now)


def _carried(items: pd.DataFrame) -> pd.DataFrame:
    return items[items["outcome"].eq(ItemOutcome.CARRIED.value)].reset_index(drop=True)


def _facts(wiring: Wiring, migration_id: int) -> dict[str, Any]:
    holdings = kept_holdings(wiring.ledger, migration_id)
    return {"counts": counts_of(holdings), "tallies": tallies_to_json(holdings.tallies())}
