"""Check that nothing was dropped: inventory = carried + needs attention, by count and checksum (rules G5, G9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import ConservationError
from include.ledger.reports import ReportKind
from include.legacy import Attention, ItemKind, ItemOutcome, Phase
from include.migration.holdings import kept_items, tally_of
from include.migration.inventory import carried_without_image, tallies_to_json
from include.migration.standing import forward_stage
from include.migration.tally import Tally

if TYPE_CHECKING:
    from include.ledger.repository import Ledger
    from include.pipeline.context import SyncRun, Wiring

_REASONS = [reason.value for reason in Attention]


def verify(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Prove that every item of the inventory is carried or needs attention with a reason.

    A dry run kept no item to check; it ends with what it reported.

    Returns:
        Counts of carried items by kind, and ``images``.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConservationError: something was dropped, or an Event to be taken over has no before-image.
    """
    with forward_stage(run, wiring, "verify") as is_over:
        if is_over:
            return {"is_behind": True}
        if run.dry_run:
            return _rehearsed(wiring.ledger, run.run_id)
        migration = wiring.ledger.held_migration(run.run_id)
        noted = migration.facts.get(Phase.INVENTORIED.value, {}).get("tallies", {})
        verified = {kind: _verified(wiring.ledger, migration.id, kind, noted) for kind in ItemKind}
        images = wiring.ledger.count_migration_images(migration.id)
        carried = {kind: tallies[ItemOutcome.CARRIED] for kind, tallies in verified.items()}
        _check_images(wiring.ledger, migration.id)
        facts = {"carried": tallies_to_json(carried), "images": images}
        wiring.ledger.advance_migration(run.run_id, Phase.VERIFIED, facts=facts)
        return {**{kind.value: tally.count for kind, tally in carried.items()}, "images": images}


def tallies_by_outcome(ledger: Ledger, migration_id: int, kind: ItemKind) -> dict[ItemOutcome, Tally]:
    """Return count and checksum of the items of one kind by their outcome; those without a verdict count nowhere.

    Nor do those that need attention without one of the reasons.
    """
    tallies = dict.fromkeys(ItemOutcome, Tally())
    for items in kept_items(ledger, migration_id, kind):
        has_reason = items["reason"].isin(_REASONS)
        for outcome in ItemOutcome:
            is_sound = items["outcome"].eq(outcome.value) & has_reason.eq(
                outcome is ItemOutcome.NEEDS_ATTENTION
            )
            tallies[outcome] += tally_of(items[is_sound])
    return tallies


def _rehearsed(ledger: Ledger, run_id: str) -> dict[str, object]:
    report = ledger.report(run_id, ReportKind.MIGRATION_CARRY_OVER)
    return {} if report is None else dict(report.summary)


def _verified(
    ledger: Ledger, migration_id: int, kind: ItemKind, noted: dict[str, dict[str, object]]
) -> dict[ItemOutcome, Tally]:
    tallies = tallies_by_outcome(ledger, migration_id, kind)
    accounted = sum(tallies.values(), Tally())
    inventory = Tally.from_json(noted[kind.value]) if kind.value in noted else Tally()
    if accounted != inventory:
        msg = (
            f"The inventory holds {inventory.count} items of the kind {kind.value}, but {accounted.count} are carried "
            "over or need attention, or checksums differ; nothing was changed. Clear the task inventory and all after "
            "it, and report this as a defect."
        )
        raise ConservationError(msg)
    return tallies


def _check_images(ledger: Ledger, migration_id: int) -> None:
    """Check that every Event to be taken over has a before-image."""
    missing = sum(
        len(carried_without_image(ledger, migration_id, items))
        for items in kept_items(ledger, migration_id, ItemKind.EVENT_LINK)
    )
    if missing:
        msg = (
            f"{missing} Events that are to be taken over have no before-image; nothing was changed. Clear the task "
            "inventory and all after it, and report this as a defect."
        )
        raise ConservationError(msg)
