"""What the legacy integration holds: read from the booking database, kept in the ledger, and read back (rule G5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT
from include.ledger.contracts import MIGRATION_ITEMS
from include.legacy import ItemKind
from include.migration.carried_events import LINKED_PAIRS, linked_pairs
from include.migration.carried_mappings import mapping_text
from include.migration.tally import Tally
from include.source.attendance import read_attendances
from include.source.legacy import (
    LEGACY_EVENT_LINKS,
    START,
    legacy_event_links_after,
    read_legacy_field_mappings,
    read_legacy_staff_links,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from include.ledger.repository import Ledger

ROWS: Final = 10_000
"""Rows read and written at a time."""

FIRST: Final = 1
"""The number of the first inventory; the second one is taken before cut-over."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """Items by kind (contract ``MIGRATION_ITEMS``), without verdicts where they come from the booking database."""

    items: dict[ItemKind, pd.DataFrame]

    def tallies(self) -> dict[ItemKind, Tally]:
        """Return counts and checksums by kind."""
        return {kind: tally_of(items) for kind, items in self.items.items()}

    def pairs(self, engine: Engine) -> pd.DataFrame:
        """Return the event links with what Coconut says of their pairs now (``carried_events.LINKED_PAIRS``)."""
        links = links_of(self.items[ItemKind.EVENT_LINK])
        parts = [
            linked_pairs(chunk, read_attendances(engine, chunk["appointment_id"].unique()))
            for chunk in _by_booking(links)
        ]
        return LINKED_PAIRS.conform(pd.concat([LINKED_PAIRS.empty(), *parts], ignore_index=True))


def tally_of(items: pd.DataFrame) -> Tally:
    """Return count and checksum of items (contract ``MIGRATION_ITEMS``): of their keys and legacy values."""
    return Tally.of(items["item_key"], items["legacy_value"])


def read_holdings(engine: Engine, *, inventory: int = FIRST) -> Holdings:
    """Read all that the legacy integration holds in the booking database, event links in chunks.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    mappings = read_legacy_field_mappings(engine).fillna("")
    texts = [
        mapping_text(sobject, target, source)
        for sobject, target, source in zip(
            mappings["sobject"], mappings["target_field"], mappings["source_field"], strict=True
        )
    ]
    staff = read_legacy_staff_links(engine)
    events = pd.concat([LEGACY_EVENT_LINKS.empty(), *_event_links(engine)], ignore_index=True)
    keys = events["appointment_id"] + "-" + events["client_id"]
    values = {
        ItemKind.FIELD_MAPPING: (mappings["mapping_id"], pd.Series(texts, index=mappings.index, dtype=TEXT)),
        ItemKind.STAFF_LINK: (staff["staff_id"], staff["salesforce_user_id"]),
        ItemKind.EVENT_LINK: (keys, events["event_id"]),
    }
    return Holdings({kind: _items(kind, *columns, inventory=inventory) for kind, columns in values.items()})


def keep_holdings(ledger: Ledger, migration_id: int, holdings: Holdings) -> None:
    """Save all items in chunks; verdicts on items whose value is the same stay."""
    for items in holdings.items.values():
        for start in range(0, len(items), ROWS):
            ledger.save_migration_items(migration_id, items.iloc[start : start + ROWS])


def kept_holdings(ledger: Ledger, migration_id: int) -> Holdings:
    """Return what the ledger keeps of a migration, verdicts included."""
    return Holdings(
        {
            kind: MIGRATION_ITEMS.conform(
                pd.concat(
                    [MIGRATION_ITEMS.empty(), *kept_items(ledger, migration_id, kind)], ignore_index=True
                )
            )
            for kind in ItemKind
        }
    )


def kept_items(ledger: Ledger, migration_id: int, kind: ItemKind) -> Iterator[pd.DataFrame]:
    """Yield the items of one kind (contract ``MIGRATION_ITEMS``) in chunks, in the order of their keys."""
    after = ""
    while True:
        chunk = ledger.migration_items_after(migration_id, kind, after=after, limit=ROWS)
        if chunk.empty:
            return
        yield chunk
        after = str(chunk["item_key"].iloc[-1])


def links_of(items: pd.DataFrame) -> pd.DataFrame:
    """Return items of event links as links: ``appointment_id``, ``client_id``, ``event_id`` and ``inventory``."""
    parts = items["item_key"].str.partition("-")
    return pd.DataFrame(
        {
            "appointment_id": parts[0].astype(TEXT),
            "client_id": parts[2].astype(TEXT),
            "event_id": items["legacy_value"],
            "inventory": items["inventory"],
        },
        index=items.index,
    )


def _items(kind: ItemKind, keys: pd.Series[str], values: pd.Series[str], *, inventory: int) -> pd.DataFrame:
    columns = {"kind": kind.value, "item_key": keys, "legacy_value": values, "inventory": inventory}
    verdict = dict.fromkeys(("outcome", "reason", "detail"))
    return MIGRATION_ITEMS.conform(pd.DataFrame({**columns, **verdict}, index=keys.index))


def _event_links(engine: Engine) -> Iterator[pd.DataFrame]:
    after = START
    while True:
        chunk = legacy_event_links_after(engine, after, ROWS)
        if chunk.empty:
            return
        yield chunk
        last = chunk.iloc[-1]
        after = (int(last["appointment_id"]), int(last["client_id"]))


def _by_booking(links: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield links in chunks; their order stays."""
    for start in range(0, len(links), ROWS):
        yield links.iloc[start : start + ROWS]
