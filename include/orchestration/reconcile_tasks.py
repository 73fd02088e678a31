"""The tasks of ``reconcile`` around those of a sync: what slipped by, what differs, and the copies left in the end."""

from __future__ import annotations

from airflow.sdk import TriggerRule, task

from include.orchestration.assets import (
    COCONUT_APPOINTMENTS,
    COCONUT_CLIENTS,
    COCONUT_WALK_INS,
    SALESFORCE_EVENTS,
)
from include.orchestration.stage import end_run_here, stage_of
from include.orchestration.tasks import StageResult, sync_bookings


@task(inlets=[COCONUT_APPOINTMENTS, COCONUT_WALK_INS])
def sweep_ledger(selection: str) -> StageResult:
    """Have whatever slipped by the watermark read again."""
    from include.reconcile.sweep import sweep

    with stage_of(selection) as (run, wiring):
        return sweep(run, wiring)


@task(inlets=[COCONUT_APPOINTMENTS, COCONUT_WALK_INS, COCONUT_CLIENTS, SALESFORCE_EVENTS])
def compare_org(selection: str, swept: StageResult) -> StageResult:
    """Compare Coconut, the ledger and the org; the run ends here unless there is something to mend."""
    from include.reconcile.compare_org import compare_org as stage

    with stage_of(selection) as (run, wiring):
        counts = stage(run, wiring, swept=swept)
    if not counts["is_repair_due"]:
        end_run_here(counts)
    return counts


@task(outlets=[SALESFORCE_EVENTS], trigger_rule=TriggerRule.NONE_FAILED)
def delete_copies(selection: str) -> StageResult:
    """Delete the copies of Events that our own user made, also where no booking had to be read."""
    from include.reconcile.delete_copies import delete_copies as stage

    with stage_of(selection) as (run, wiring):
        return stage(run, wiring)


def compare_and_mend(selection: str) -> None:
    """Lay out the comparison, and the sync that mends what it found, inside a DAG (rule Q7)."""
    compared = compare_org(selection, sweep_ledger(selection))
    begun, settled = sync_bookings(selection)
    copies = delete_copies(selection)
    # The direct edge ends the copies' task too where the comparison ends the run.
    compared >> [begun, copies]
    settled >> copies
