"""### Reconcile Coconut, the ledger and Salesforce

Finds what happened behind the sync's back: Events that are missing, extra or double, fields that Salesforce users
changed, bookings that vanished from Coconut, people whose record is gone. On request it mends what it finds.

**When it runs.** Once a day, to look only; and when somebody starts it.

**Parameters.**

- `repair`: mend what was found. Events that are missing are written again; fields that drifted are set back to what
  Coconut says; Events that no booking asks for are deleted, within the guard rails of every run. What Salesforce users
  chose as owner or person of an Event stays.
- `kinds`: `appointment`, `walk_in`; both where nothing is named.
- `dry_run`: with `repair`, the plan is made and checked, nothing is written, and the run ends after `check_frames`.

**What the tasks do.** `sweep_ledger` marks what slipped by the watermark, to be read again. `compare_org` reads the
ledger, the org and Coconut once each and keeps a report of what differs; without `repair`, or without a difference,
the run ends there. The tasks of a sync follow, for the bookings concerned. `delete_copies` deletes copies of Events
that our own user made. Beside all this, `remove_expired` removes what is older than the setting `retention_days`.
`python -m include.reconcile` prints the newest report; docs/operations.md says what each finding means.

**When a task fails.** The message says what to do. Passing trouble (Salesforce or a database does not answer) is
retried by itself. Clear the failed task once the cause is gone: every stage rewrites its own output, and nothing is
written twice.

**Not for** pairs that are held, quarantined or disabled: they are not compared, and not touched.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag

from include.orchestration.alerts import alert_failed_run
from include.orchestration.privacy_tasks import remove_expired
from include.orchestration.reconcile_tasks import compare_and_mend
from include.orchestration.retries import STAGE_DEFAULTS


@dag(
    schedule=CronTriggerTimetable("41 3 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=STAGE_DEFAULTS,
    on_failure_callback=alert_failed_run,
    params={
        "repair": Param(False, type="boolean", title="Repair", description="Mend what is found."),
        "kinds": Param(
            [],
            type=["array", "string"],
            examples=["appointment", "walk_in"],
            title="Kinds",
            description="Both where nothing is named.",
        ),
        "dry_run": Param(
            False, type="boolean", title="Dry run", description="Plan the repair; write nothing."
        ),
    },
    doc_md=__doc__,
    tags=["coconut", "salesforce", "reconcile"],
)
def reconcile() -> None:
    compare_and_mend("repair")
    remove_expired("repair")


reconcile()
