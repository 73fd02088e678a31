"""Pairs that were held, quarantined or disabled, for people to look at (Q2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, func, or_, select

from include.frames import TEXT, FrameContract
from include.ledger.bulk import read, stage_keys
from include.ledger.contracts import QUARANTINE_COUNTS, QUARANTINE_ROWS
from include.ledger.engine import upsert
from include.ledger.tables import quarantine, sync_state

_TOLD = "quarantined_rows_told"

_PAIRS = FrameContract("pairs_to_replay", {"booking_key": TEXT, "appointment_id": TEXT})


@dataclass(frozen=True, slots=True)
class WaitingPairs:
    """Some of the pairs that wait: those that meet every condition given (Q2).

    ``keys`` are booking keys or ids of bookings. ``first_seen_before`` and ``first_seen_since`` bound when a pair began
    to wait.
    """

    reasons: Collection[str] = ()
    outcomes: Collection[str] = ()
    keys: Collection[str] = ()
    first_seen_before: datetime | None = None
    first_seen_since: datetime | None = None


def appointments(connection: Connection, wanted: WaitingPairs) -> frozenset[int]:
    """Return the bookings of the pairs that meet the conditions."""
    query = select(quarantine.c.booking_key, quarantine.c.appointment_id)
    if wanted.reasons:
        query = query.where(quarantine.c.reason.in_(wanted.reasons))
    if wanted.outcomes:
        query = query.where(quarantine.c.outcome.in_(wanted.outcomes))
    if wanted.first_seen_before is not None:
        query = query.where(quarantine.c.first_seen_at <= wanted.first_seen_before)
    if wanted.first_seen_since is not None:
        query = query.where(quarantine.c.first_seen_at > wanted.first_seen_since)
    if wanted.keys:
        named = select(stage_keys(connection, wanted.keys).c.key)
        query = query.where(or_(quarantine.c.booking_key.in_(named), quarantine.c.appointment_id.in_(named)))
    return frozenset(int(one) for one in read(connection, query, _PAIRS)["appointment_id"].unique())


def rows(connection: Connection, *, kinds: tuple[str, ...] | None, limit: int | None) -> pd.DataFrame:
    """Return pairs, last seen first."""
    query = select(*(quarantine.c[name] for name in QUARANTINE_ROWS.columns))
    if kinds is not None:
        query = query.where(quarantine.c.kind.in_(kinds))
    query = query.order_by(quarantine.c.last_seen_at.desc(), quarantine.c.booking_key).limit(limit)
    return read(connection, query, QUARANTINE_ROWS)


def counts(connection: Connection) -> pd.DataFrame:
    """Return how many pairs there are by outcome and reason."""
    group = [quarantine.c.outcome, quarantine.c.reason]
    query = select(*group, func.count().label("rows")).group_by(*group).order_by(*group)
    return read(connection, query, QUARANTINE_COUNTS)


def told_level(connection: Connection) -> int:
    """Return how many quarantined pairs people were last told of."""
    query = select(sync_state.c.value).where(sync_state.c.name == _TOLD)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def tell_level(connection: Connection, rows: int, *, now: datetime) -> None:
    """Remember how many quarantined pairs people were told of."""
    told = upsert(connection, sync_state).values(name=_TOLD, value=str(rows), updated_at=now)
    connection.execute(
        told.on_conflict_do_update(
            index_elements=[sync_state.c.name],
            set_={"value": told.excluded.value, "updated_at": told.excluded.updated_at},
        )
    )
