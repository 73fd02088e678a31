"""The tasks of ``migrate_legacy_integration``: one per stage of :mod:`include.migration`, named like it.

The people asked between them are in :mod:`include.orchestration.human_steps`. Every stage looks first whether its run
holds the migration's lease; a run that lost it ends as skipped (rule G10).
"""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseSensorOperator, XComArg, get_current_context, task

from include.orchestration.assets import (
    COCONUT_APPOINTMENTS,
    COCONUT_WALK_INS,
    SALESFORCE_EVENTS,
    SALESFORCE_PEOPLE,
    STAFF_LINKS,
)
from include.orchestration.human_steps import AwaitActivation, ConfirmLegacyOff, Review
from include.orchestration.stage import end_run_here, migration_stage
from include.orchestration.tasks import StageResult

if TYPE_CHECKING:
    from airflow.sdk import Context

MANUALS: Final = {
    "preflight": "Check that a migration may begin, and take its lease.",
    "inventory": "Count what the legacy integration holds, and keep the Events as they are.",
    "authorise": "Try everything the connection has to be allowed to do, and list all that is missing.",
    "await_activation": "Have the integration enabled in Salesforce.",
    "check_activation": "Look whether the integration is enabled in Salesforce.",
    "carry_over": "Translate mappings, staff links and event links, and say what becomes of each.",
    "verify": "Check that nothing was dropped: inventory = carried + needs attention.",
    "review": "Show the newest report of what is carried over, and have the choices confirmed.",
    "confirm_legacy_off": "Have it confirmed that the legacy integration writes no more.",
    "inventory_again": "Take stock a second time, and carry over what the legacy integration made since.",
    "cut_over": "Move the organisation to the modern integration, in one transaction of the ledger.",
    "first_sync": "Sync what differs, on the modern integration.",
    "label_events": "Label and stamp legacy Events as the review chose: a trial batch, then the others.",
    "prove_parity": "Prove that what was carried over is what is there, and that no Event is double.",
    "await_finalisation": "Wait until the administrator turns the flag off.",
    "finalise": "Close the migration; there is no way back from here.",
    "roll_back": "Go back to the legacy integration.",
    "complete_person_accounts": "Check the record type with one trial creation, so that Person Accounts can be chosen.",
    "resume_syncs": "Let the syncs that legacy activity stopped go on.",
}

MODULES: Final = {
    "check_activation": "activation",
    "prove_parity": "parity",
    "complete_person_accounts": "person_accounts",
    "resume_syncs": "resume",
}
"""The module of a stage that is not named like it."""

_BOOKINGS: Final = [COCONUT_APPOINTMENTS, COCONUT_WALK_INS]
_WRITES: Final[dict[str, Any]] = {
    "outlets": [SALESFORCE_EVENTS, SALESFORCE_PEOPLE],
    "execution_timeout": timedelta(hours=24),
}

_FIRST_POKE: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(minutes=10)
_BEFORE_IMAGES_KEPT: Final = timedelta(days=90)


def stage_task(name: str, *, ends_dry_run: bool = False, **arguments: Any) -> XComArg:
    """Return the task of one stage, named like its function; its result are the stage's counts."""

    @task(task_id=name, doc_md=MANUALS[name], **arguments)
    def run_stage() -> StageResult:
        stage = getattr(import_module(f"include.migration.{MODULES.get(name, name)}"), name)
        with migration_stage() as (run, wiring):
            counts = dict(stage(run, wiring))
        if run.dry_run and ends_dry_run:
            end_run_here(counts)
        return counts

    return run_stage()


_WAITS: Final[dict[str, Any]] = {"retries": 500, "retry_delay": timedelta(seconds=5)}
"""What waits for days wakes up often, and every look may meet trouble that passes."""

FIRST_TASKS: Final = {
    "forward": "preflight",
    "rollback": "roll_back",
    "person_accounts": "complete_person_accounts",
    "resume": "resume_syncs",
}
"""With which task each mode of :mod:`include.migration.request` begins."""


@task.branch
def choose_mode() -> str:
    """Say what the run is asked to do, or refuse a request that makes no sense before anything is read."""
    from include.migration.request import MigrationRequest

    with migration_stage() as (run, _):
        return FIRST_TASKS[MigrationRequest.from_conf(run.conf).mode]


@task
def list_reports() -> list[bool]:
    """Count the reports of this run; only the newest is reviewed (see ``Review``)."""
    tries = int(get_current_context()["ti"].try_number)
    return [False] * (tries - 1) + [True]


class AwaitFinalisation(BaseSensorOperator):
    """Waits, without holding a worker, until the administrator turns the flag off (rule G10)."""

    def __init__(self, **kwargs: Any) -> None:
        """Look every half a minute at first, later every ten minutes, for as long as before-images are kept."""
        super().__init__(
            mode="reschedule",
            poke_interval=_FIRST_POKE,
            exponential_backoff=True,
            max_wait=_LONGEST_WAIT,
            timeout=_BEFORE_IMAGES_KEPT,
            **kwargs,
        )

    def poke(self, context: Context) -> bool:  # noqa: ARG002 - Airflow's
        """Tell whether the flag is off; skipped where another run has taken the migration over."""
        from include.migration.finalise import is_finalisable

        with migration_stage() as (run, wiring):
            return bool(is_finalisable(run, wiring))


def migrate() -> None:
    """Lay out a migration, and what else may be asked of its DAG, inside a DAG."""
    begun, verified = _carry_over()
    choose_mode() >> [
        begun,
        stage_task("roll_back", **_WRITES),
        stage_task("complete_person_accounts"),
        stage_task("resume_syncs"),
    ]
    reports = list_reports()
    verified >> reports
    (
        Review.partial(
            task_id="review",
            doc_md=MANUALS["review"],
            map_index_template="report {{ ti.map_index + 1 }}",
            **_WAITS,
        ).expand(is_newest=reports)
        >> ConfirmLegacyOff(task_id="confirm_legacy_off", doc_md=MANUALS["confirm_legacy_off"], **_WAITS)
        >> stage_task("inventory_again", inlets=_BOOKINGS)
        >> stage_task("cut_over", outlets=[STAFF_LINKS])
        >> stage_task("first_sync", inlets=_BOOKINGS, **_WRITES)
        >> stage_task("label_events", **_WRITES)
        >> stage_task("prove_parity")
        >> AwaitFinalisation(task_id="await_finalisation", doc_md=MANUALS["await_finalisation"], **_WAITS)
        >> stage_task("finalise")
    )


def _carry_over() -> tuple[XComArg, XComArg]:
    """Lay out what only looks and translates, and return its first and its last task; a dry run ends with that."""
    begun, verified = stage_task("preflight"), stage_task("verify", ends_dry_run=True)
    (
        begun
        >> stage_task("inventory", inlets=_BOOKINGS)
        >> stage_task("authorise")
        >> AwaitActivation(task_id="await_activation", doc_md=MANUALS["await_activation"], **_WAITS)
        >> stage_task("check_activation")
        >> stage_task("carry_over")
        >> verified
    )
    return begun, verified
