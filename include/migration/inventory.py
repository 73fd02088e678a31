"""Count what the legacy integration holds, and keep its Events as they are (rules G5, G9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from include.ledger.contracts import MIGRATION_IMAGES
from include.legacy import ItemKind, ItemOutcome, Phase
from include.mapping.adoption import image_of
from include.mapping.plan import OWNER, PERSON
from include.migration.carried_events import event_ids, in_turn
from include.migration.carried_mappings import mapping_of
from include.migration.event_facts import imaged_fields, read_events
from include.migration.holdings import ROWS, Holdings, keep_holdings, read_holdings
from include.migration.standing import forward_stage
from include.settings.field_mapping import Sobject

if TYPE_CHECKING:
    from datetime import datetime

    from include.ledger.repository import Ledger
    from include.migration.tally import Tally
    from include.pipeline.context import SyncRun, Wiring
    from include.salesforce.gateway import SalesforceGateway


def inventory(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Note every mapping, staff link and event link, and what each of the linked Events holds; begun again, afresh.

    A dry run counts them and keeps nothing.

    Returns:
        Counts by kind, and ``images``.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: Coconut's flag is off, or the booking database or Salesforce refuses to be read.
    """
    with forward_stage(run, wiring, "inventory") as is_over:
        if is_over:
            return {"is_behind": True}
        holdings = read_holdings(wiring.source.engine)
        tallies = holdings.tallies()
        counts: dict[str, object] = {kind.value: tally.count for kind, tally in tallies.items()}
        if run.dry_run:
            return counts
        migration = wiring.ledger.held_migration(run.run_id)
        wiring.ledger.forget_inventory(run.run_id)
        keep_holdings(wiring.ledger, migration.id, holdings)
        pairs = holdings.pairs(wiring.source.engine)
        images = keep_images(wiring, migration.id, holdings, pairs, taken_at=run.now)
        facts = {"tallies": tallies_to_json(tallies), "images": images}
        wiring.ledger.advance_migration(run.run_id, Phase.INVENTORIED, facts=facts)
        return {**counts, "images": images}


def keep_images(
    wiring: Wiring, migration_id: int, holdings: Holdings, pairs: pd.DataFrame, *, taken_at: datetime
) -> int:
    """Keep what every Event of these pairs holds that the org knows, and return how many there were.

    Nothing is kept of what an Event in the recycle bin held, nor of clients who were erased.

    Args:
        wiring: the adapters.
        migration_id: the migration.
        holdings: their mappings say which further fields an image needs.
        pairs: contract ``carried_events.LINKED_PAIRS``; Events of other pairs are passed over.
        taken_at: when that is.
    """
    keepers = _keepers(pairs, namespace=wiring.ledger.current_settings().settings.key_namespace)
    fields = _fields(wiring, holdings)
    not_kept = _erased_events(wiring.ledger, pairs)
    kept = 0
    for page in read_events(wiring.salesforce, keepers["event_id"].tolist(), fields):
        alive = page[page["IsDeleted"].ne("true")]
        for start in range(0, len(alive), ROWS):
            images = _images(alive.iloc[start : start + ROWS], fields, keepers)
            images = images.assign(image=images["image"].mask(images["event_id"].isin(not_kept)))
            kept += wiring.ledger.save_migration_images(migration_id, images, taken_at=taken_at)
    return kept


def carried_without_image(ledger: Ledger, migration_id: int, items: pd.DataFrame) -> pd.DataFrame:
    """Return the carried event links among these items whose Event has no before-image under the pair's own key."""
    namespace = ledger.current_settings().settings.key_namespace
    is_carried = items["outcome"].eq(ItemOutcome.CARRIED.value) & items["kind"].eq(ItemKind.EVENT_LINK.value)
    carried = items[is_carried]
    ids = event_ids(carried["legacy_value"])
    images = ledger.migration_images_of(migration_id, ids.tolist())
    keyed = dict(zip(images["event_id"], images["booking_key"], strict=True))
    return carried[ids.map(keyed).ne(namespace + carried["item_key"])]


def tallies_to_json(tallies: Mapping[ItemKind, Tally]) -> dict[str, dict[str, object]]:
    """Return counts and checksums by kind as JSON values."""
    return {kind.value: tally.to_json() for kind, tally in tallies.items()}


def _fields(wiring: Wiring, holdings: Holdings) -> list[str]:
    salesforce: SalesforceGateway = wiring.salesforce
    mappings = map(mapping_of, holdings.items[ItemKind.FIELD_MAPPING]["legacy_value"])
    targets = {target for sobject, target, _ in mappings if sobject.lower() == Sobject.EVENT.lower()}
    return imaged_fields(salesforce, wiring.ledger.current_mappings().mappings, targets)


def _keepers(pairs: pd.DataFrame, *, namespace: str) -> pd.DataFrame:
    """Return one row per Event: ``event_id``, and ``booking_key`` and ``client_id`` of the pair that keeps it."""
    first = in_turn(pairs[pairs["event_id"].notna()]).drop_duplicates("event_id")
    return first.assign(booking_key=namespace + first["item_key"])[["event_id", "booking_key", "client_id"]]


def _images(records: pd.DataFrame, fields: list[str], keepers: pd.DataFrame) -> pd.DataFrame:
    held = image_of(records, fields)
    held = held.assign(who_id=records[PERSON].to_numpy(), owner_id=records[OWNER].to_numpy())
    return MIGRATION_IMAGES.conform(held.merge(keepers, on="event_id"))


def _erased_events(ledger: Ledger, pairs: pd.DataFrame) -> list[str]:
    """Return the Events of all bookings that somebody attends who was erased: what they hold is not kept."""
    erased = ledger.erased_clients(set(pairs["client_id"]))
    if not erased:
        return []
    theirs = pairs.loc[pairs["client_id"].isin(erased), "appointment_id"]
    events: list[str] = pairs.loc[pairs["appointment_id"].isin(set(theirs)), "event_id"].dropna().tolist()
    return events
