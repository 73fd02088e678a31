"""What reconciliation puts right: links that do not say what the org really holds (rule Q7)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pandas as pd
from sqlalchemy import Connection, literal, select, true, update

from include.ledger.bulk import stage
from include.ledger.contracts import EVENT_CORRECTIONS
from include.ledger.engine import upsert
from include.ledger.tables import event_links
from include.ledger.types import Instant

_CORRECTED: Final = ("event_id", "who_id", "owner_id", "payload", "payload_hash")
_OF_PAIR: Final = ("booking_key", "appointment_id", "client_id", "kind")


def correct(connection: Connection, found: pd.DataFrame, *, now: datetime) -> int:
    """Put corrections in the place of what the ledger believed, and return how many links took theirs.

    A pair that moved since it was compared stays as it is: whoever moved it knows better.
    """
    staged = stage(connection, EVENT_CORRECTIONS, found)
    old, new = event_links.c, staged.c
    known = update(event_links).where(
        old.booking_key == new.booking_key,
        old.event_id.is_not_distinct_from(new.known_event_id),
        old.claimed_version.is_not_distinct_from(new.known_version),
    )
    corrected = connection.execute(
        known.values({name: new[name] for name in _CORRECTED} | {"updated_at": now})
    )
    copied = [*_OF_PAIR, *_CORRECTED]
    stamps = [literal(now, Instant()), literal(now, Instant())]
    rows = select(*(new[name] for name in copied), *stamps).where(true()).order_by(new.booking_key)
    added = upsert(connection, event_links).from_select([*copied, "created_at", "updated_at"], rows)
    inserted = connection.execute(added.on_conflict_do_nothing(index_elements=[old.booking_key]))
    return corrected.rowcount + inserted.rowcount
