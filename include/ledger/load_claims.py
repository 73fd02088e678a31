"""Claims of load steps: which process is at work on which step of which run (design §2).

A claim keeps two executions of one task from doing the same work side by side. It is a courtesy, not a lock: what makes
a double execution harmless are keys, version claims and the journal of jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from include.ledger.engine import upsert
from include.ledger.tables import load_claims


@dataclass(frozen=True, slots=True)
class LoadStep:
    """What is claimed: one load stage of one run, and the chunk it works on (0 where there is but one)."""

    run_id: str
    step: str
    chunk: int


@dataclass(frozen=True, slots=True)
class LoadClaim:
    """Who was last at work on a step; ``holder`` is missing once they let go. Instants are those of their own clock."""

    holder: str | None
    claimed_at: datetime
    seen_at: datetime


def claim(
    connection: Connection, step: LoadStep, holder: str, *, over: LoadClaim | None, now: datetime
) -> LoadClaim:
    """Take a step that nobody holds, or that ``over`` holds, and return who holds it now.

    ``over`` is a claim whose holder was found dead. One that showed a sign of life since then keeps it.
    """
    taken = upsert(connection, load_claims).values(
        run_id=step.run_id, step=step.step, chunk=step.chunk, holder=holder, claimed_at=now, seen_at=now
    )
    is_free: ColumnElement[bool] = load_claims.c.holder.is_(None)
    if over is not None:
        is_theirs = and_(load_claims.c.holder == over.holder, load_claims.c.seen_at == over.seen_at)
        is_free = or_(is_free, is_theirs)
    connection.execute(
        taken.on_conflict_do_update(
            index_elements=[load_claims.c.run_id, load_claims.c.step, load_claims.c.chunk],
            set_={"holder": holder, "claimed_at": now, "seen_at": now},
            where=is_free,
        )
    )
    query = select(load_claims.c.holder, load_claims.c.claimed_at, load_claims.c.seen_at)
    row = connection.execute(query.where(_is(step))).one()
    return LoadClaim(row.holder, row.claimed_at, row.seen_at)


def renew(connection: Connection, step: LoadStep, holder: str, *, now: datetime) -> bool:
    """Show a sign of life; tell whether the step is still theirs."""
    renewed = update(load_claims).where(_is(step), load_claims.c.holder == holder)
    return connection.execute(renewed.values(seen_at=now)).rowcount == 1


def release(connection: Connection, step: LoadStep, holder: str) -> None:
    """Let go of a step; one that somebody took over meanwhile stays theirs."""
    released = update(load_claims).where(_is(step), load_claims.c.holder == holder)
    connection.execute(released.values(holder=None))


def _is(step: LoadStep) -> ColumnElement[bool]:
    return and_(
        load_claims.c.run_id == step.run_id,
        load_claims.c.step == step.step,
        load_claims.c.chunk == step.chunk,
    )
