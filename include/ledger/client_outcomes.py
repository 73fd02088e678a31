"""Where clients stand that a run was about by themselves, and which of them have to be read again (S13, Q2, T5)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Connection, and_, case, exists, func, literal, not_, or_, select, text, true

from include.frames import TEXT, WHOLE, FrameContract
from include.ledger import switches
from include.ledger.bulk import read, stage, stage_keys
from include.ledger.contracts import CLIENT_OUTCOMES, CLIENT_WAITING
from include.ledger.engine import upsert
from include.ledger.moves import moved_settings, moved_users, ruled_otherwise
from include.ledger.settings_store import SettingsVersion
from include.ledger.tables import client_outcomes, person_links
from include.ledger.types import Instant
from include.reasons import RETRIED_NEXT_RUN, Outcome, WaitsFor

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun

KEPT_BACK = (Outcome.HELD.value, Outcome.QUARANTINED.value, Outcome.DISABLED.value)

_SETTLED = FrameContract(
    "settled_clients",
    {"client_id": TEXT, "outcome": TEXT, "settled_version": WHOLE, "settled_digest": TEXT},
    personal=frozenset({"settled_digest"}),
)


def settled(connection: Connection, client_ids: Collection[str]) -> pd.DataFrame:
    """Return how these clients last settled: ``client_id, outcome, settled_version, settled_digest``."""
    keys = stage_keys(connection, client_ids)
    query = select(*(client_outcomes.c[name] for name in _SETTLED.columns))
    return read(connection, query.join(keys, keys.c.key == client_outcomes.c.client_id), _SETTLED)


def record(connection: Connection, run: SyncRun, outcomes: pd.DataFrame, *, seen_at: datetime) -> None:
    """Record the outcomes of a run; recording them again changes nothing, and a newer version's outcome stays.

    ``seen_at`` is when the run looked, by the ledger's clock.
    """
    staged = stage(connection, CLIENT_OUTCOMES, outcomes)
    copied = ["client_id", "outcome", "reason", "detail", "waits_for_key"]
    seen = literal(seen_at, Instant())
    values: dict[str, Any] = {
        "waits_for": func.coalesce(staged.c.waits_for, literal(WaitsFor.NOTHING.value)),
        "settled_version": staged.c.source_version,
        "settled_digest": staged.c.source_digest,
        "attempts": literal(1),
        "first_seen_at": seen,
        "last_seen_at": seen,
        "last_run_id": literal(run.run_id),
    }
    rows = select(*(staged.c[name] for name in copied), *values.values()).where(true())
    recorded = upsert(connection, client_outcomes).from_select(
        [*copied, *values], rows.order_by(staged.c.client_id)
    )
    new, old = recorded.excluded, client_outcomes.c
    is_same = old.outcome == new.outcome
    is_new_attempt = case((old.last_run_id == new.last_run_id, 0), else_=1)
    connection.execute(
        recorded.on_conflict_do_update(
            index_elements=[old.client_id],
            set_={
                **{name: new[name] for name in [*copied, *values] if name != "client_id"},
                "attempts": case((is_same, old.attempts + is_new_attempt), else_=1),
                "first_seen_at": case((is_same, old.first_seen_at), else_=new.first_seen_at),
            },
            where=not_(func.coalesce(old.settled_version > new.settled_version, False)),
        )
    )


def moved(
    connection: Connection, *, settings: SettingsVersion, active_users: Callable[[set[str]], set[str]]
) -> frozenset[int]:
    """Return the clients kept back whose wait is over; a change of their own row is seen in Coconut."""
    own = client_outcomes.c
    link_moved = exists(
        select(person_links.c.client_id).where(
            person_links.c.client_id == own.client_id,
            person_links.c.updated_at > own.last_seen_at,
            person_links.c.last_run_id != own.last_run_id,
        )
    )
    released = or_(
        own.reason.in_([reason.value for reason in RETRIED_NEXT_RUN]),
        and_(own.waits_for == WaitsFor.PERSON.value, link_moved),
        and_(own.outcome == Outcome.DISABLED.value, switches.moved_since(own.client_id, own.last_seen_at)),
    )
    columns = [own[name] for name in CLIENT_WAITING.columns]
    is_kept_back = own.outcome.in_(KEPT_BACK)
    at_once = read(connection, select(*columns).where(is_kept_back, released), CLIENT_WAITING)
    waiting = read(connection, select(*columns).where(is_kept_back), CLIENT_WAITING)
    on_setting = waiting[waiting["waits_for"] == WaitsFor.SETTING]
    on_user = waiting[waiting["waits_for"] == WaitsFor.SALESFORCE_USER]
    found = (
        at_once,
        ruled_otherwise(waiting, settings.changed_at),
        moved_settings(on_setting, settings.changed_at),
        moved_users(on_user, settings.changed_at, active_users),
    )
    return frozenset(int(one) for rows in found for one in rows["client_id"].tolist())


def status(connection: Connection, client_id: str) -> dict[str, object] | None:
    """Return a client's row of the view ``client_status``."""
    query = text("SELECT * FROM client_status WHERE client_id = :client_id")
    row = connection.execute(query, {"client_id": client_id}).mappings().first()
    return None if row is None else dict(row)
