"""A backfill: the runs of its windows, when it is their turn, and what they come to (rules T7, S14, Q8)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from include.pipeline.accounting import conservation_line
from include.pipeline.api_budget import why_wait_for_calls
from include.pipeline.backfill_request import BackfillRequest, Window
from include.pipeline.catch_up import refuse_catch_up
from include.pipeline.context import JsonValue, Selection, SyncRun, Wiring

if TYPE_CHECKING:
    from collections.abc import Mapping

YIELDS_TO: Final = (Selection.APPOINTMENTS, Selection.WALK_INS)
LONGEST_YIELD: Final = timedelta(minutes=15)
"""A window waits no longer for other runs, and for none that began earlier: that one died, or waits for a person.

Where bookings change all the time, one run follows the other, and a backfill that waited for a gap would never begin.
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a window waits, in words, and after how long it is worth looking again."""

    reason: str
    look_again_after: timedelta


def plan_windows(run: SyncRun) -> list[Window]:
    """Return the windows of a backfill, the earliest first.

    Raises:
        ConfigurationError: the request is refused.
    """
    return BackfillRequest.from_conf(run.conf, today=run.now.date()).windows()


def check_catch_up(run: SyncRun, wiring: Wiring) -> None:
    """Refuse a catch-up whose windows were not all planned by a dry run; any other backfill may begin.

    Raises:
        ConfigurationError: the request, or the catch-up, is refused.
    """
    request = BackfillRequest.from_conf(run.conf, today=run.now.date())
    if request.is_catch_up:
        refuse_catch_up((replace(request, days=window) for window in request.windows()), run, wiring)


def run_of_window(run: SyncRun, window: Window, *, now: datetime) -> SyncRun:
    """Return the run that syncs one window of a backfill; the same window has the same run id at every attempt."""
    days: Mapping[str, str] = {"from": window.first.isoformat(), "until": window.last.isoformat()}
    return replace(run, run_id=f"{run.run_id}__{window}", now=now, conf={**_admitted(run), **days})


def is_settled(run: SyncRun, wiring: Wiring) -> bool:
    """Tell whether an earlier attempt settled this window under the settings and field mappings in force.

    A dry run settles nothing and is made again.
    """
    ledger = wiring.ledger
    request = BackfillRequest.from_conf(run.conf, today=run.now.date())
    text = request.to_text(mapping_version=ledger.current_mappings().version)
    return ledger.was_settled(run.run_id, text, settings_version=ledger.current_settings().version)


def has_to_wait(wiring: Wiring, *, waiting_since: datetime, now: datetime) -> Wait | None:
    """Return what a window has to wait for, or nothing when it is its turn.

    Args:
        wiring: the adapters; only the ledger is asked.
        waiting_since: when the window first asked.
        now: the instant of asking.
    """
    is_patient = now - waiting_since < LONGEST_YIELD
    if is_patient and wiring.ledger.runs_at_work(YIELDS_TO, since=now - LONGEST_YIELD):
        return Wait("a sync of changed bookings is at work", timedelta(seconds=30))
    if reason := why_wait_for_calls(wiring.ledger, now=now):
        return Wait(reason, timedelta(minutes=5))
    return None


def sum_up(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Return the counts of all windows together, and the conservation line of the whole backfill."""
    windows = plan_windows(replace(run, conf=_admitted(run)))
    counts: Counter[str] = Counter()
    for window in windows:
        counts.update(wiring.ledger.run_counts(run_of_window(run, window, now=run.now).run_id) or {})
    result: dict[str, object] = {"windows": len(windows), "read": 0, **counts}
    if not run.dry_run:
        result["conservation"] = conservation_line(counts["read"], counts)
    return result


def _admitted(run: SyncRun) -> Mapping[str, JsonValue]:
    """Return the configuration of a backfill whose days were let through when it was planned: a day may pass since."""
    return {**run.conf, "include_archived": True}
