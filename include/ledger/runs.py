"""Runs, their API calls and the watermarks they reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pandas as pd
from sqlalchemy import Connection, Text, and_, cast, delete, func, insert, or_, select, update

from include.ledger.bulk import read
from include.ledger.contracts import RUNS
from include.ledger.engine import upsert
from include.ledger.tables import run_api_calls, runs, watermarks

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun


class RunState(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    EMPTY = "empty"
    DRY_RUN = "dry_run"


@dataclass(frozen=True, slots=True)
class Snapshots:
    """What a run could see of the booking database, and the snapshot that it read on from (rule Q5).

    Both are opaque here; missing where the booking database cannot say.
    """

    last: str | None = None
    reached: str | None = None


NO_SNAPSHOTS: Final = Snapshots()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the ledger knows it; ``started_at`` is its clock."""

    run_id: str
    dag_id: str
    selection: str
    trigger: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run settles with."""

    counts: Mapping[str, int]
    state: RunState
    settings_version: int


def open_run(
    connection: Connection,
    run: SyncRun,
    *,
    settings_version: int,
    request: str | None = None,
    seen_at: datetime | None = None,
) -> None:
    """Record that a run began; one that failed or wrote nothing and begins again is running again.

    ``seen_at`` is when it looked, by the ledger's clock. A run that settled before and reads afresh keeps its earlier
    look: whether it settles again is not known yet, and what moved between the two may be news twice, but not never.
    """
    columns = _columns(run, RunState.RUNNING, settings_version) | {"request": request}
    begun = upsert(connection, runs).values(columns)
    connection.execute(
        begun.on_conflict_do_update(
            index_elements=[runs.c.run_id],
            set_={
                "state": RunState.RUNNING.value,
                "finished_at": None,
                "settings_version": settings_version,
                "request": request,
            },
            where=runs.c.state.in_([RunState.FAILED.value, RunState.EMPTY.value, RunState.DRY_RUN.value]),
        )
    )
    if seen_at is not None:
        is_open = and_(runs.c.run_id == run.run_id, runs.c.state == RunState.RUNNING.value)
        connection.execute(update(runs).where(is_open).values(seen_at=seen_at))


def seen_at(connection: Connection, run: SyncRun) -> datetime:
    """Return when a run looked; its own clock stands for a run that never said."""
    looked = connection.execute(
        select(runs.c.seen_at).where(runs.c.run_id == run.run_id)
    ).scalar_one_or_none()
    return looked or run.now


def last_look(connection: Connection, selection: str) -> datetime | None:
    """Return when the last settled run of a selection looked: it read whatever had moved by then."""
    query = select(func.max(runs.c.seen_at)).where(
        runs.c.selection == selection,
        runs.c.state.in_([RunState.SUCCESS.value, RunState.EMPTY.value]),
        runs.c.dry_run.is_(False),
    )
    return connection.execute(query).scalar_one_or_none()


def was_planned(connection: Connection, request: str, *, settings_version: int) -> bool:
    """Tell whether a dry run of this request ended, with its plan or nothing, under the settings of that version."""
    is_over = or_(
        runs.c.state == RunState.DRY_RUN.value, and_(runs.c.dry_run, runs.c.state == RunState.EMPTY.value)
    )
    planned = select(runs.c.run_id).where(
        runs.c.request == request, runs.c.settings_version == settings_version, is_over
    )
    return connection.execute(planned.limit(1)).first() is not None


def was_settled(connection: Connection, run_id: str, request: str, *, settings_version: int) -> bool:
    """Tell whether a run settled with this request under the settings of that version."""
    ended = (RunState.SUCCESS.value, RunState.EMPTY.value)
    settled = select(runs.c.run_id).where(
        runs.c.run_id == run_id,
        runs.c.request == request,
        runs.c.settings_version == settings_version,
        runs.c.state.in_(ended),
    )
    return connection.execute(settled).first() is not None


def count_at_work(connection: Connection, selections: Collection[str], *, since: datetime) -> int:
    """Return how many runs of these selections began after an instant and have not ended."""
    at_work = select(func.count()).where(
        runs.c.selection.in_(selections), runs.c.state == RunState.RUNNING.value, runs.c.started_at > since
    )
    return connection.execute(at_work).scalar_one()


def find(connection: Connection, run_id: str) -> RunRecord | None:
    """Return a run, if the ledger still has it."""
    columns = [runs.c[name] for name in ("run_id", "dag_id", "selection", "trigger", "started_at")]
    row = connection.execute(select(*columns).where(runs.c.run_id == run_id)).mappings().first()
    return None if row is None else RunRecord(**row)


def finish_run(connection: Connection, run_id: str, *, state: RunState, now: datetime) -> None:
    """Record how a run ended."""
    ended = update(runs).where(runs.c.run_id == run_id)
    connection.execute(ended.values(state=state.value, finished_at=now))


def give_up(connection: Connection, run_id: str, *, now: datetime) -> None:
    """Record as failed what a failed run left at work: itself, and the runs whose id begins with its own."""
    is_part = or_(runs.c.run_id == run_id, runs.c.run_id.startswith(f"{run_id}__", autoescape=True))
    given_up = update(runs).where(is_part, runs.c.state == RunState.RUNNING.value)
    connection.execute(given_up.values(state=RunState.FAILED.value, finished_at=now))


def settle_run(connection: Connection, run: SyncRun, totals: Totals, *, now: datetime) -> None:
    """Record counts and end of a run, whether or not it was opened before."""
    ended = {
        "state": totals.state.value,
        "finished_at": now,
        "counts": dict(totals.counts),
        "settings_version": totals.settings_version,
    }
    settled = upsert(connection, runs).values(_columns(run, totals.state, totals.settings_version) | ended)
    connection.execute(settled.on_conflict_do_update(index_elements=[runs.c.run_id], set_=ended))


def _columns(run: SyncRun, state: RunState, settings_version: int) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "dag_id": run.dag_id,
        "selection": str(run.selection),
        "trigger": str(run.trigger),
        "dry_run": run.dry_run,
        "state": state.value,
        "started_at": run.now,
        "settings_version": settings_version,
    }


def run_counts(connection: Connection, run_id: str) -> dict[str, int] | None:
    """Return the counts a run settled with."""
    return connection.execute(select(runs.c.counts).where(runs.c.run_id == run_id)).scalar_one_or_none()


def newest(connection: Connection, limit: int) -> pd.DataFrame:
    """Return the newest runs first."""
    columns = [runs.c[name] for name in RUNS.columns if name != "counts"]
    query = select(*columns, cast(runs.c.counts, Text).label("counts"))
    return read(connection, query.order_by(runs.c.started_at.desc(), runs.c.run_id).limit(limit), RUNS)


def record_api_calls(
    connection: Connection, run_id: str, *, task: str, attempt: str, calls: Mapping[str, int], now: datetime
) -> None:
    """Record one task attempt's calls by kind in place of what it recorded before."""
    own = and_(
        run_api_calls.c.run_id == run_id, run_api_calls.c.task == task, run_api_calls.c.attempt == attempt
    )
    connection.execute(delete(run_api_calls).where(own))
    if calls:
        rows = [
            {
                "run_id": run_id,
                "task": task,
                "attempt": attempt,
                "kind": kind,
                "calls": number,
                "recorded_at": now,
            }
            for kind, number in calls.items()
        ]
        connection.execute(insert(run_api_calls), rows)


def api_calls(connection: Connection, run_id: str) -> dict[str, int]:
    """Return a run's calls by kind."""
    query = (
        select(run_api_calls.c.kind, func.sum(run_api_calls.c.calls))
        .where(run_api_calls.c.run_id == run_id)
        .group_by(run_api_calls.c.kind)
        .order_by(run_api_calls.c.kind)
    )
    return {kind: int(number) for kind, number in connection.execute(query).all()}


def watermark(connection: Connection, selection: str) -> tuple[datetime, int] | None:
    """Return how far a selection was read."""
    query = select(watermarks.c.changed_at, watermarks.c.id).where(watermarks.c.selection == str(selection))
    row = connection.execute(query).first()
    return None if row is None else (row.changed_at, row.id)


def snapshot(connection: Connection, selection: str) -> str | None:
    """Return what the last settled run of a selection could see."""
    query = select(watermarks.c.snapshot).where(watermarks.c.selection == selection)
    return connection.execute(query).scalar_one_or_none()


def replace_snapshot(connection: Connection, snapshots: Snapshots, *, name: str, now: datetime) -> None:
    """Keep what a run could see, also where its watermark did not move.

    It replaces only the snapshot that the run read on from. Of two runs that began with the same one, the first to
    settle has accounted for all between the two; the other would lead to another end, perhaps an earlier one.
    """
    if snapshots.reached is None:
        return
    kept = update(watermarks).where(
        watermarks.c.selection == name, watermarks.c.snapshot.is_not_distinct_from(snapshots.last)
    )
    connection.execute(kept.values(snapshot=snapshots.reached, updated_at=now))


def advance_watermark(
    connection: Connection,
    run: SyncRun,
    reached: tuple[datetime, int],
    *,
    now: datetime,
    name: str | None = None,
) -> None:
    """Move a watermark forward, by default that of the run's selection; one that would go backward stays (Q5)."""
    changed_at, last_id = reached
    moved = upsert(connection, watermarks).values(
        selection=name or str(run.selection),
        changed_at=changed_at,
        id=last_id,
        run_id=run.run_id,
        updated_at=now,
    )
    new = moved.excluded
    connection.execute(
        moved.on_conflict_do_update(
            index_elements=[watermarks.c.selection],
            set_={name: new[name] for name in ("changed_at", "id", "run_id", "updated_at")},
            where=or_(
                watermarks.c.changed_at < new.changed_at,
                and_(watermarks.c.changed_at == new.changed_at, watermarks.c.id < new.id),
            ),
        )
    )
