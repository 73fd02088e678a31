"""### Staff members to Salesforce Users

Keeps the links that decide who owns an Event: a link that an administrator set, else the one active standard User with
the staff member's e-mail.

**When it runs.** Every hour. A sync of bookings refreshes the links itself when this DAG never ran.

**Parameters.** `dry_run`: the links are worked out and counted, nothing is kept.

**What a result means.** A staff member without exactly one matching User has no link; their bookings' Events belong to
the *unassigned events owner* of the settings, and move when the link appears.

**When it fails.** The message says what to do: the booking database or the org does not answer (retried by itself), or
a connection is wrong. The links of the last good run stay in force meanwhile.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag

from include.orchestration.alerts import alert_failed_run
from include.orchestration.retries import STAGE_DEFAULTS
from include.orchestration.tasks import sync_staff as link_staff


@dag(
    schedule=CronTriggerTimetable("5 * * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=STAGE_DEFAULTS,
    on_failure_callback=alert_failed_run,
    params={
        "dry_run": Param(False, type="boolean", title="Dry run", description="Count only; keep nothing."),
    },
    doc_md=__doc__,
    tags=["coconut", "salesforce", "sync"],
)
def sync_staff() -> None:
    link_staff("staff")


sync_staff()
