"""Migrations from the legacy integration: who may go on with one, how far it is, and what was answered (rule G10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from include.errors import LedgerConflictError, MigrationTakenOver
from include.ledger.tables import ledger_info, legacy_migrations, migration_answers
from include.legacy import ENDED, Phase


@dataclass(frozen=True, slots=True)
class LegacyMigration:
    """One migration as it stands; ``phase`` is what is behind it.

    ``choices`` are the answers of the review, ``facts`` counts and checksums by phase. While ``stopped_at`` is set,
    nothing syncs (rule G8).
    """

    id: int
    lease_run_id: str
    phase: Phase
    started_by: str
    started_at: datetime
    legacy_until: datetime | None
    cut_over_at: datetime | None
    ended_at: datetime | None
    stopped_at: datetime | None
    stopped_why: str | None
    choices: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def is_open(self) -> bool:
        """Tell whether it is neither finalised nor rolled back."""
        return self.phase not in ENDED


@dataclass(frozen=True, slots=True)
class HumanAnswer:
    """What one human step asked of whom, and who answered (rule G4)."""

    run_id: str
    step: str
    role: str
    asked_at: datetime
    answer: Mapping[str, Any] | None
    answered_by: str | None
    answered_at: datetime | None


def newest(connection: Connection) -> LegacyMigration | None:
    """Return the migration that counts: the newest one, whether or not it is over."""
    row = (
        connection.execute(select(legacy_migrations).order_by(legacy_migrations.c.id.desc()).limit(1))
        .mappings()
        .first()
    )
    return None if row is None else _migration(row)


def begin(
    connection: Connection, run_id: str, *, who: str, now: datetime, takes_over: bool
) -> LegacyMigration:
    """Take the lease of the open migration, or open one; whoever holds the lease already goes on.

    Raises:
        LedgerConflictError: another run holds the lease and is not to be taken over from.
    """
    _lock(connection)
    open_one = newest(connection)
    if open_one is None or not open_one.is_open:
        values = {"lease_run_id": run_id, "phase": Phase.STARTED.value, "started_by": who, "started_at": now}
        connection.execute(insert(legacy_migrations).values(**values, choices={}, facts={}))
    elif open_one.lease_run_id != run_id:
        if not takes_over:
            msg = (
                f"The run {open_one.lease_run_id} is migrating this organisation; wait for it, clear its failed task, "
                'or start this one with {"take_over": true} to go on in its place.'
            )
            raise LedgerConflictError(msg)
        _change(connection, open_one.id, lease_run_id=run_id)
    begun = newest(connection)
    assert begun is not None
    return begun


def advance(
    connection: Connection, run_id: str, phase: Phase, *, facts: Mapping[str, Any], **stamps: datetime | None
) -> LegacyMigration:
    """Record that a phase is behind the migration, with its facts; a phase that is behind it already stays so.

    Raises:
        MigrationTakenOver: the run does not hold the lease.
    """
    held = hold(connection, run_id)
    kept = {**held.facts, phase.value: {**held.facts.get(phase.value, {}), **facts}}
    later = held.phase if held.phase.order > phase.order else phase
    _change(connection, held.id, phase=later.value, facts=kept, **stamps)
    return hold(connection, run_id)


def choose(connection: Connection, run_id: str, choices: Mapping[str, Any]) -> None:
    """Record choices of the review beside those made before.

    Raises:
        MigrationTakenOver: the run does not hold the lease.
    """
    held = hold(connection, run_id)
    _change(connection, held.id, choices={**held.choices, **choices})


def hold(connection: Connection, run_id: str) -> LegacyMigration:
    """Return the migration whose lease the run holds, and keep others from taking it until the transaction ends.

    Raises:
        MigrationTakenOver: there is none, or another run holds the lease.
    """
    _lock(connection)
    held = newest(connection)
    if held is None or held.lease_run_id != run_id:
        msg = "Another run took this migration over; look at the newest run of migrate_legacy_integration."
        raise MigrationTakenOver(msg)
    return held


def stop(connection: Connection, migration_id: int, *, why: str, now: datetime) -> None:
    """Stop every sync, because the legacy integration was seen at work after cut-over (rule G8)."""
    _change(connection, migration_id, stopped_at=now, stopped_why=why)


def release(connection: Connection, run_id: str) -> None:
    """Let the syncs go on.

    Raises:
        MigrationTakenOver: the run does not hold the lease.
    """
    _change(connection, hold(connection, run_id).id, stopped_at=None, stopped_why=None)


def resume(connection: Connection, migration_id: int, *, facts: Mapping[str, Any]) -> None:
    """Let the syncs go on that were stopped; ``facts`` take the place of those of the second inventory.

    No lease is needed: the run that holds it may wait for its administrator meanwhile, and goes on.
    """
    _lock(connection)
    stopped = newest(connection)
    assert stopped is not None
    again = Phase.INVENTORIED_AGAIN.value
    kept = {**stopped.facts, again: {**stopped.facts.get(again, {}), **facts}}
    _change(connection, migration_id, stopped_at=None, stopped_why=None, facts=kept)


def ask(
    connection: Connection, migration_id: int, *, run_id: str, step: str, role: str, now: datetime
) -> None:
    """Record that a human step waits; asking again while it does changes nothing."""
    if _open_question(connection, migration_id, run_id=run_id, step=step) is None:
        values = {"migration_id": migration_id, "run_id": run_id, "step": step, "role": role, "asked_at": now}
        connection.execute(insert(migration_answers).values(values))


def answer(
    connection: Connection,
    migration_id: int,
    *,
    run_id: str,
    step: str,
    answered: Mapping[str, Any],
    who: str,
    now: datetime,
) -> None:
    """Record who answered the open question of a step, and what."""
    question = _open_question(connection, migration_id, run_id=run_id, step=step)
    if question is not None:
        changed = update(migration_answers).where(migration_answers.c.id == question)
        connection.execute(changed.values(answer=dict(answered), answered_by=who, answered_at=now))


def answers(connection: Connection, migration_id: int) -> list[HumanAnswer]:
    """Return what was asked and answered, in order."""
    columns = [migration_answers.c[name] for name in HumanAnswer.__dataclass_fields__]
    query = (
        select(*columns)
        .where(migration_answers.c.migration_id == migration_id)
        .order_by(migration_answers.c.id)
    )
    return [HumanAnswer(**row) for row in connection.execute(query).mappings()]


def _open_question(connection: Connection, migration_id: int, *, run_id: str, step: str) -> int | None:
    query = select(migration_answers.c.id).where(
        migration_answers.c.migration_id == migration_id,
        migration_answers.c.run_id == run_id,
        migration_answers.c.step == step,
        migration_answers.c.answered_at.is_(None),
    )
    return connection.execute(query.order_by(migration_answers.c.id.desc()).limit(1)).scalar_one_or_none()


def _lock(connection: Connection) -> None:
    connection.execute(select(ledger_info.c.id).with_for_update())


def _change(connection: Connection, migration_id: int, **values: Any) -> None:
    connection.execute(update(legacy_migrations).where(legacy_migrations.c.id == migration_id).values(values))


def _migration(row: RowMapping) -> LegacyMigration:
    return LegacyMigration(**{**row, "phase": Phase(row["phase"])})
