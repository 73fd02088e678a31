"""How many API calls were made lately, and what the org said of its daily allowance (Q8)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from include.ledger.engine import upsert
from include.ledger.tables import run_api_calls, runs, sync_state

_ORG_USAGE = "org_api_usage"


@dataclass(frozen=True, slots=True)
class OrgUsage:
    """What the org said of the calls of everybody in its rolling day: so many of so many, at this instant."""

    used: int
    most: int
    told_at: datetime


def calls_since(connection: Connection, instant: datetime) -> int:
    """Return the calls that tasks recorded since an instant; a task records them when it ends, well or not."""
    recorded_at = func.coalesce(run_api_calls.c.recorded_at, runs.c.started_at)
    query = (
        select(func.coalesce(func.sum(run_api_calls.c.calls), 0))
        .select_from(run_api_calls.outerjoin(runs, runs.c.run_id == run_api_calls.c.run_id))
        .where(recorded_at >= instant)
    )
    return int(connection.execute(query).scalar_one())


def note_org_usage(connection: Connection, *, used: int, most: int, now: datetime) -> None:
    """Keep what the org said last."""
    noted = upsert(connection, sync_state).values(
        name=_ORG_USAGE, value=json.dumps({"used": used, "most": most}), updated_at=now
    )
    new = {name: noted.excluded[name] for name in ("value", "updated_at")}
    connection.execute(noted.on_conflict_do_update(index_elements=[sync_state.c.name], set_=new))


def org_usage(connection: Connection) -> OrgUsage | None:
    """Return what the org said last, or nothing before a task heard it."""
    query = select(sync_state.c.value, sync_state.c.updated_at).where(sync_state.c.name == _ORG_USAGE)
    row = connection.execute(query).first()
    if row is None:
        return None
    told = json.loads(row.value)
    return OrgUsage(used=told["used"], most=told["most"], told_at=row.updated_at)
