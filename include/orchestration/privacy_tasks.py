"""The tasks of ``erase_client``, and the removal of what is older than it is kept (rule Q11)."""

from __future__ import annotations

from airflow.sdk import get_current_context, task

from include.orchestration.assets import SALESFORCE_EVENTS, SALESFORCE_PEOPLE
from include.orchestration.stage import end_run_here, stage_of
from include.orchestration.tasks import StageResult

_SELECTION = "erasure"


@task(inlets=[SALESFORCE_PEOPLE, SALESFORCE_EVENTS])
def list_personal_data() -> StageResult:
    """Count what ledger and staging hold of the clients, and list their Salesforce records; a dry run ends here."""
    from include.privacy.erase_client import list_personal_data as stage

    with stage_of(_SELECTION) as (run, wiring):
        counts = stage(run, wiring)
    if run.dry_run:
        end_run_here(counts)
    return counts


@task
def begin_erasure() -> StageResult:
    """Switch the clients off for good, and wait for runs that have read them before."""
    from include.privacy.erase_client import begin_erasure as stage

    who = str(get_current_context()["dag_run"].triggering_user_name or "erase_client")
    with stage_of(_SELECTION) as (run, wiring):
        return stage(run, wiring, who=who)


@task
def erase_staging() -> StageResult:
    """Rewrite what runs have staged without the clients' rows."""
    from include.privacy.erase_client import erase_staging as stage

    with stage_of(_SELECTION) as (run, wiring):
        return stage(run, wiring)


@task
def erase_ledger(staged: StageResult) -> StageResult:
    """Empty the ledger of the clients' data, and note who erased whom, and which records stay in Salesforce."""
    from include.privacy.erase_client import erase_ledger as stage

    with stage_of(_SELECTION) as (run, wiring):
        return stage(run, wiring, staged_rows=int(staged["staged_rows"]))


@task
def remove_expired(selection: str) -> StageResult:
    """Remove what is older than ``retention_days`` and not needed any more; a dry run counts it."""
    from include.privacy.retention import remove_expired as stage

    with stage_of(selection) as (run, wiring):
        return stage(run, wiring)
