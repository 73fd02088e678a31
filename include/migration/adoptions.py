"""Carried event links as links of the ledger, with the bookings as they are now (rule G8)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import FACTS
from include.ledger.contracts import ADOPTIONS
from include.legacy import ItemKind, ItemOutcome
from include.mapping.pairs import booking_keys, digest_pairs, source_versions
from include.mapping.plan import hash_payloads
from include.mapping.times import event_times, utc_instants
from include.migration.carried_events import event_ids
from include.migration.holdings import kept_items, links_of
from include.pipeline.staged_reading import with_switches
from include.source.changes import KINDS, ChangeQuery, ChangeReader

if TYPE_CHECKING:
    from datetime import datetime

    from include.ledger.legacy_migrations import LegacyMigration
    from include.ledger.repository import Ledger
    from include.pipeline.context import Wiring

_EDITED_SINCE: Final = ""
"""Stands for the digest of a booking that was edited since the legacy integration was switched off."""


def carried_items(ledger: Ledger, migration_id: int, kind: ItemKind) -> Iterator[pd.DataFrame]:
    """Yield the items of one kind that are carried over (contract ``MIGRATION_ITEMS``), in chunks by their keys."""
    for items in kept_items(ledger, migration_id, kind):
        yield items[items["outcome"].eq(ItemOutcome.CARRIED.value)].reset_index(drop=True)


def adoptions_of(wiring: Wiring, migration: LegacyMigration, items: pd.DataFrame) -> pd.DataFrame:
    """Return carried links as ``contracts.ADOPTIONS``, in the order of ``items``.

    What the Event holds, whose it is and who owns it come from the before-images. A booking that was edited since the
    second inventory is one that the legacy integration did not write any more: its first sync has to.

    Args:
        wiring: booking database and ledger.
        migration: the migration; ``legacy_until`` is when the second inventory read.
        items: contract ``MIGRATION_ITEMS`` of event links.
    """
    namespace = wiring.ledger.current_settings().settings.key_namespace
    links = links_of(items)[["appointment_id", "client_id"]].assign(
        booking_key=namespace + items["item_key"], event_id=event_ids(items["legacy_value"])
    )
    images = wiring.ledger.migration_images_of(migration.id, links["event_id"]).set_index("event_id")
    held = images.reindex(links["event_id"]).set_axis(links.index)
    links = links.assign(
        who_id=held["who_id"],
        owner_id=held["owner_id"],
        payload=held["image"],
        payload_hash=hash_payloads(held["image"]),
    )
    bookings = _bookings(
        wiring, links["appointment_id"], legacy_until=migration.legacy_until or migration.started_at
    )
    known = bookings.set_index("booking_key").reindex(links["booking_key"]).set_axis(links.index)
    return ADOPTIONS.conform(links.join(known.assign(is_primary=known["is_primary"].eq(True))))


def _bookings(wiring: Wiring, appointment_ids: Collection[str], *, legacy_until: datetime) -> pd.DataFrame:
    """Return versions, digests and facts of these bookings' pairs."""
    query = ChangeQuery(
        kinds=KINDS, by_change=False, appointment_ids=frozenset(int(one) for one in appointment_ids)
    )
    namespace = wiring.ledger.current_settings().settings.key_namespace
    found = [_EMPTY]
    for read in ChangeReader(wiring.source.engine, query).chunks():
        chunk = with_switches(read, wiring.ledger)
        rows, digests = chunk.bookings, digest_pairs(chunk.bookings, chunk.answers)
        found.append(
            rows.assign(
                **{str(name): values for name, values in event_times(rows).items()},
                booking_key=booking_keys(rows, namespace=namespace),
                settled_version=source_versions(rows),
                settled_digest=digests,
                adopted_digest=digests.mask(utc_instants(rows["changed_at"]) > legacy_until, _EDITED_SINCE),
            )[list(_EMPTY)]
        )
    return pd.concat(found, ignore_index=True)


_EMPTY: Final = ADOPTIONS.empty()[
    ["booking_key", "settled_version", "settled_digest", "adopted_digest", *FACTS]
]
