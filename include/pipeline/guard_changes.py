"""Have somebody approve a run that would delete or create more than the settings let pass (rule Q10).

``check_frames`` counts what the run is about to do. The loading stages ask here before they write, so that the guard
holds for cleared tasks too, and without Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.errors import ApprovalRequired, ConfigurationError
from include.ledger.runs import RunState
from include.pipeline.artifacts import CHECK, Manifest
from include.quality.guard import PlannedChanges, guard

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from include.ledger.repository import Ledger
    from include.pipeline.context import SyncRun, Wiring

_PLANNED: Final = "planned_changes"
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class GuardedChanges:
    """What a run is about to do, and whether it has to wait.

    ``hits`` says in one sentence each which guard rails it hits; ``approved_by`` is who approved it, if anybody had to.
    """

    planned: PlannedChanges
    hits: tuple[str, ...]
    approved_by: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Tell whether somebody has to approve the run first."""
        return bool(self.hits) and self.approved_by is None

    def to_result(self) -> dict[str, object]:
        """Return the counts as a task's result (rule C1)."""
        approved = {} if self.approved_by is None else {"approved_by": self.approved_by}
        return {**self.planned.to_json(), "guard_rails_hit": len(self.hits), **approved}


def stage_planned_changes(run: SyncRun, wiring: Wiring, planned: PlannedChanges) -> None:
    """Stage what the run is about to do; ``known_events`` stays what it was before the first write."""
    wiring.staging.write_json(run.run_id, CHECK, _PLANNED, planned.to_json())


def guard_changes(run: SyncRun, wiring: Wiring) -> GuardedChanges:
    """Return what the run is about to do; where a guard rail is hit, ask for approval unless these counts have it."""
    planned = PlannedChanges.from_json(wiring.staging.read_json(run.run_id, CHECK, _PLANNED))
    version = Manifest.read_from(run, wiring).settings_version
    hits = guard(planned, wiring.ledger.settings_at(version).settings)
    if not hits:
        return GuardedChanges(planned, hits)
    asked = wiring.ledger.ask_approval(run.run_id, planned.writes, now=run.now)
    return GuardedChanges(planned, hits, asked.answered_by if asked.is_approved else None)


def require_approval(run: SyncRun, wiring: Wiring) -> None:
    """Let nothing be written by a run that has to be approved and is not.

    Raises:
        ApprovalRequired: nothing was written; the rows stay pending and the watermark where it is.
    """
    guarded = guard_changes(run, wiring)
    if guarded.is_waiting:
        msg = (
            f"The run {run.run_id} waits for approval, nothing was written: {' '.join(guarded.hits)} Look at its plan "
            "by a dry run; then approve it in Airflow, or by 'python -m include.pipeline approve-changes' with the "
            "run's id, and clear its failed task."
        )
        raise ApprovalRequired(msg)


def answer_changes(run: SyncRun, wiring: Wiring, *, is_approved: bool, who: str, now: datetime) -> None:
    """Record who approved or rejected a run; one that was rejected has failed, with its rows pending.

    Raises:
        ApprovalRequired: it was rejected.
    """
    wiring.ledger.answer_approval(run.run_id, is_approved=is_approved, who=who, now=now)
    if not is_approved:
        give_up(run, wiring, now=now)
        msg = (
            f"The run {run.run_id} was rejected, nothing was written; its rows stay pending, and the next run asks "
            "again: mend the cause in Coconut or in the settings first."
        )
        raise ApprovalRequired(msg)


def give_up(run: SyncRun, wiring: Wiring, *, now: datetime) -> None:
    """Record that a run failed which nobody approved; an approval that comes later still counts for cleared tasks."""
    wiring.ledger.finish_run(run.run_id, state=RunState.FAILED.value, now=now)


def approve_changes(ledger: Ledger, run_id: str, *, who: str, now: datetime) -> Mapping[str, int]:
    """Approve a run by hand and return what was approved (``PlannedChanges.writes``).

    Raises:
        ConfigurationError: the run does not wait for approval.
    """
    asked = ledger.approval(run_id)
    if asked is None or not ledger.answer_approval(run_id, is_approved=True, who=who, now=now):
        waiting = ", ".join(one.run_id for one in ledger.open_approvals()[:_MOST_NAMED]) or "none"
        msg = f"The run {run_id} does not wait for approval; runs that do: {waiting}."
        raise ConfigurationError(msg)
    return asked.planned
