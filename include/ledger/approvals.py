"""What somebody was asked to approve, and what they answered (Q10).

Every question is a row of its own, so that nothing that was answered is lost; a run's newest one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from include.ledger.tables import approvals


@dataclass(frozen=True, slots=True)
class Approval:
    """One question.

    ``planned`` are the counts that were shown. ``is_approved`` is missing until somebody answered; ``answered_by`` is
    who did.
    """

    run_id: str
    planned: Mapping[str, int]
    asked_at: datetime
    is_approved: bool | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None


def ask(connection: Connection, run_id: str, planned: Mapping[str, int], *, now: datetime) -> Approval:
    """Ask unless these very counts were approved or are being asked about already, and return how it stands."""
    known = of_run(connection, run_id)
    if known is not None and known.planned == planned and known.is_approved is not False:
        return known
    connection.execute(insert(approvals).values(run_id=run_id, planned=dict(planned), asked_at=now))
    return Approval(run_id, planned, now)


def of_run(connection: Connection, run_id: str) -> Approval | None:
    """Return the newest question about a run, if there is one."""
    query = select(approvals).where(approvals.c.run_id == run_id).order_by(approvals.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _approval(row)


def open_questions(connection: Connection) -> list[Approval]:
    """Return the runs' newest questions that nobody answered, oldest first."""
    newest = select(func.max(approvals.c.id)).group_by(approvals.c.run_id)
    query = select(approvals).where(approvals.c.id.in_(newest), approvals.c.answered_at.is_(None))
    return [_approval(row) for row in connection.execute(query.order_by(approvals.c.id)).mappings()]


def answer(connection: Connection, run_id: str, *, is_approved: bool, who: str, now: datetime) -> bool:
    """Record the answer to a run's newest question; tell whether it was open."""
    newest = select(func.max(approvals.c.id)).where(approvals.c.run_id == run_id).scalar_subquery()
    is_open = update(approvals).where(approvals.c.id == newest, approvals.c.answered_at.is_(None))
    answered = connection.execute(is_open.values(is_approved=is_approved, answered_by=who, answered_at=now))
    return answered.rowcount == 1


def _approval(row: RowMapping) -> Approval:
    return Approval(
        run_id=row["run_id"],
        planned=row["planned"],
        asked_at=row["asked_at"],
        is_approved=row["is_approved"],
        answered_by=row["answered_by"],
        answered_at=row["answered_at"],
    )
