"""Rows that are older than the settings keep them, and that nothing needs any more (rule Q11)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
)

from include.frames import TEXT, FrameContract
from include.ledger.bulk import read, stage_keys
from include.ledger.jobs import FINISHED
from include.ledger.runs import RunState
from include.ledger.tables import (
    approvals,
    field_reports,
    jobs,
    legacy_migrations,
    load_claims,
    match_decisions,
    migration_images,
    migration_items,
    outcomes,
    reports,
    run_api_calls,
    runs,
)

_RUNS = FrameContract("runs_of_retention", {"run_id": TEXT})


class Expiring(StrEnum):
    """What is kept for a time only; named like its table."""

    OUTCOMES = "outcomes"
    DECISIONS = "match_decisions"
    FIELD_REPORTS = "field_reports"
    API_CALLS = "run_api_calls"
    REPORTS = "reports"
    LOAD_CLAIMS = "load_claims"
    JOBS = "jobs"
    MIGRATION_IMAGES = "migration_images"
    MIGRATION_ITEMS = "migration_items"


@dataclass(frozen=True, slots=True)
class KnownRuns:
    """Of some runs those that the ledger knows, and among them those whose frames are still needed."""

    known: frozenset[str]
    needed: frozenset[str]


def count(connection: Connection, kind: Expiring, *, before: datetime) -> int:
    """Return how many rows of a kind have expired."""
    table, is_expired = _TABLES[kind], _RULES[kind]
    return connection.execute(select(func.count()).select_from(table).where(is_expired(before))).scalar_one()


def remove(connection: Connection, kind: Expiring, *, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` rows that have expired, and return how many there were."""
    table, is_expired = _TABLES[kind], _RULES[kind]
    key = list(table.primary_key.columns)
    batch = select(*key).where(is_expired(before)).limit(limit)
    return connection.execute(delete(table).where(tuple_(*key).in_(batch))).rowcount


def known_runs(
    connection: Connection,
    run_ids: Collection[str],
    *,
    over_before: datetime,
    abandoned_before: datetime,
) -> KnownRuns:
    """Tell which of these runs the ledger knows, and which are still needed."""
    keys = stage_keys(connection, run_ids)
    is_over = or_(
        runs.c.finished_at < over_before,
        and_(runs.c.finished_at.is_(None), runs.c.started_at < abandoned_before),
    )
    is_needed = or_(
        not_(func.coalesce(is_over, False)), _has_open_jobs(runs.c.run_id), _waits_for_approval(runs.c.run_id)
    )
    of_these = select(runs.c.run_id).join(keys, keys.c.key == runs.c.run_id)
    return KnownRuns(
        known=frozenset(read(connection, of_these, _RUNS)["run_id"]),
        needed=frozenset(read(connection, of_these.where(is_needed), _RUNS)["run_id"]),
    )


def _has_open_jobs(run_id: ColumnElement[str]) -> ColumnElement[bool]:
    one = jobs.alias("open_jobs")
    is_open = one.c.state.not_in([state.value for state in FINISHED])
    return exists(select(one.c.id).where(one.c.run_id == run_id, is_open))


def _waits_for_approval(run_id: ColumnElement[str]) -> ColumnElement[bool]:
    return exists(
        select(approvals.c.id).where(approvals.c.run_id == run_id, approvals.c.answered_at.is_(None))
    )


def _is_at_work(run_id: ColumnElement[str]) -> ColumnElement[bool]:
    return exists(
        select(runs.c.run_id).where(runs.c.run_id == run_id, runs.c.state == RunState.RUNNING.value)
    )


def _old_outcomes(before: datetime) -> ColumnElement[bool]:
    """Tell the history of a pair but for its newest outcome."""
    newer = outcomes.alias("newer")
    is_superseded = exists(
        select(newer.c.id).where(newer.c.booking_key == outcomes.c.booking_key, newer.c.id > outcomes.c.id)
    )
    return and_(outcomes.c.at < before, is_superseded)


def _old_decisions(before: datetime) -> ColumnElement[bool]:
    """Tell the decisions about a client but for the latest, which is in force."""
    newer = match_decisions.alias("newer")
    is_later = or_(
        newer.c.decided_at > match_decisions.c.decided_at,
        and_(newer.c.decided_at == match_decisions.c.decided_at, newer.c.run_id > match_decisions.c.run_id),
    )
    is_superseded = exists(
        select(newer.c.run_id).where(newer.c.client_id == match_decisions.c.client_id, is_later)
    )
    return and_(match_decisions.c.decided_at < before, is_superseded)


def _old_calls(before: datetime) -> ColumnElement[bool]:
    """Tell API calls by when they were recorded, or their run began where an older release recorded them."""
    began = exists(
        select(runs.c.run_id).where(runs.c.run_id == run_api_calls.c.run_id, runs.c.started_at < before)
    )
    return or_(run_api_calls.c.recorded_at < before, and_(run_api_calls.c.recorded_at.is_(None), began))


def _old_jobs(before: datetime) -> ColumnElement[bool]:
    return and_(
        jobs.c.updated_at < before,
        jobs.c.state.in_([state.value for state in FINISHED]),
        not_(_is_at_work(jobs.c.run_id)),
    )


def _old_load_claims(before: datetime) -> ColumnElement[bool]:
    return and_(
        load_claims.c.seen_at < before,
        not_(_is_at_work(load_claims.c.run_id)),
        not_(_has_open_jobs(load_claims.c.run_id)),
    )


def _of_ended_migrations(migration_id: ColumnElement[int], before: datetime) -> ColumnElement[bool]:
    return migration_id.in_(select(legacy_migrations.c.id).where(legacy_migrations.c.ended_at < before))


_TABLES: Final[Mapping[Expiring, Table]] = {
    Expiring.OUTCOMES: outcomes,
    Expiring.DECISIONS: match_decisions,
    Expiring.FIELD_REPORTS: field_reports,
    Expiring.API_CALLS: run_api_calls,
    Expiring.REPORTS: reports,
    Expiring.LOAD_CLAIMS: load_claims,
    Expiring.JOBS: jobs,
    Expiring.MIGRATION_IMAGES: migration_images,
    Expiring.MIGRATION_ITEMS: migration_items,
}

_RULES: Final[Mapping[Expiring, Callable[[datetime], ColumnElement[bool]]]] = {
    Expiring.OUTCOMES: _old_outcomes,
    Expiring.DECISIONS: _old_decisions,
    Expiring.FIELD_REPORTS: lambda before: field_reports.c.at < before,
    Expiring.API_CALLS: _old_calls,
    Expiring.REPORTS: lambda before: and_(reports.c.made_at < before, not_(_is_at_work(reports.c.run_id))),
    Expiring.LOAD_CLAIMS: _old_load_claims,
    Expiring.JOBS: _old_jobs,
    Expiring.MIGRATION_IMAGES: lambda before: _of_ended_migrations(migration_images.c.migration_id, before),
    Expiring.MIGRATION_ITEMS: lambda before: _of_ended_migrations(migration_items.c.migration_id, before),
}
"""When a row of each kind has expired."""
