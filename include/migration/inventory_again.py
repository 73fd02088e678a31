"""The second inventory: what the legacy integration did until it was switched off is carried over too (rule G8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.errors import ConservationError
from include.legacy import ItemKind, ItemOutcome
from include.migration.carried_mappings import carried_mapping_set
from include.migration.carry_over import complete_images, counts_of, judge
from include.migration.holdings import Holdings, keep_holdings, kept_holdings, read_holdings
from include.migration.inventory import carried_without_image, keep_images, tallies_to_json
from include.migration.standing import forward_stage
from include.migration.tally import Tally
from include.migration.verify import tallies_by_outcome
from include.pipeline.legacy_watch import watch_facts

if TYPE_CHECKING:
    from datetime import datetime

    from include.pipeline.context import SyncRun, Wiring

SECOND: Final = 2
"""The number of this inventory."""


def inventory_again(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Read everything once more, judge it by the same rules, and take all before-images afresh.

    Items that the legacy integration holds no more are dropped; what changed since the first inventory is judged anew.

    Returns:
        By kind, how many items there are, are carried and need attention; ``images``; and ``since``, how many event
        links only this inventory found.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: Coconut's flag is off, or the booking database or Salesforce refuses to be read.
        ConservationError: an item was dropped.
    """
    with forward_stage(run, wiring, "inventory_again") as is_over:
        if is_over:
            return {"is_behind": True}
        migration = wiring.ledger.held_migration(run.run_id)
        watched = watch_facts(wiring.source.engine, now=run.now)
        facts = take_stock(wiring, migration.id, taken_at=run.now)
        wiring.ledger.note_legacy_until(run.run_id, facts={**facts, **watched}, read_at=run.now)
        return {**facts["counts"], "images": facts["images"], "since": facts["since"]}


def take_stock(wiring: Wiring, migration_id: int, *, taken_at: datetime) -> dict[str, Any]:
    """Replace the items by what the legacy integration holds now, judged, with before-images, and return the facts."""
    before = kept_holdings(wiring.ledger, migration_id)
    judged = judge(wiring, _numbered(read_holdings(wiring.source.engine, inventory=SECOND), before))
    for kind, items in before.items.items():
        gone = set(items["item_key"]).difference(judged.items[kind]["item_key"])
        wiring.ledger.remove_migration_items(migration_id, kind, gone)
    keep_holdings(wiring.ledger, migration_id, judged)
    images = keep_images(wiring, migration_id, judged, judged.pairs(wiring.source.engine), taken_at=taken_at)
    complete_images(wiring, migration_id, judged, taken_at=taken_at)
    mappings = carried_mapping_set(
        judged.items[ItemKind.FIELD_MAPPING], wiring.ledger.current_mappings().mappings
    )
    events = judged.items[ItemKind.EVENT_LINK]
    return {
        "counts": counts_of(judged),
        "tallies": tallies_to_json(judged.tallies()),
        "carried": tallies_to_json(_checked(wiring, migration_id, judged)),
        "images": images,
        "since": int(events["inventory"].eq(SECOND).sum()),
        "mappings": [mapping.model_dump(mode="json") for mapping in mappings],
    }


def _numbered(now: Holdings, before: Holdings) -> Holdings:
    """Return what there is now, with the number of the first inventory where that found the same item."""
    return Holdings(
        {
            kind: items.assign(
                inventory=items["inventory"].mask(
                    items["item_key"].isin(
                        before.items[kind].loc[before.items[kind]["inventory"] < SECOND, "item_key"]
                    ),
                    1,
                )
            )
            for kind, items in now.items.items()
        }
    )


def _checked(wiring: Wiring, migration_id: int, judged: Holdings) -> dict[ItemKind, Tally]:
    """Return what is carried by kind, once nothing was dropped and every Event to be taken over has an image."""
    carried = {}
    for kind, tally in judged.tallies().items():
        tallies = tallies_by_outcome(wiring.ledger, migration_id, kind)
        if sum(tallies.values(), Tally()) != tally:
            msg = (
                f"The second inventory holds {tally.count} items of the kind {kind.value}, but what is carried over or "
                "needs attention adds up to others; nothing was changed. Clear the task inventory_again, and report "
                "this as a defect."
            )
            raise ConservationError(msg)
        carried[kind] = tallies[ItemOutcome.CARRIED]
    lacking = carried_without_image(wiring.ledger, migration_id, judged.items[ItemKind.EVENT_LINK])
    if len(lacking):
        msg = (
            f"{len(lacking)} Events were deleted in Salesforce while the second inventory was taken; nothing was "
            "changed. Clear the task inventory_again."
        )
        raise ConservationError(msg)
    return carried
