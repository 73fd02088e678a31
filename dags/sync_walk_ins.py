"""### Walk-ins to Salesforce Events

Keeps one Event per attendee of every walk-in whose status is final (`complete`, `no_show`, `cancelled`). A walk-in that
is not final is held and syncs when it becomes final; one that leaves a final status keeps its Event until then.

**When it runs.** As soon as the booking database changes, and every quarter of an hour: the schedule also reads the
overlap below the watermark, so it finds what was committed late. With the setting `automatic_sync` off, these runs
skip; runs that a person starts still work.

**Parameters.** `dry_run`: the plan is made and checked, nothing is written, and the run ends after `check_frames`.

**What the tasks do.** `extract_changes` reads changes since the watermark into the staging area; without any, the run
ends there. `match_people` decides which Salesforce person each client is. `map_people` and `map_events` build what
would be written. `check_frames` lets it through, quarantines rows, or stops the run before any write. `guard_changes`
waits for somebody's approval where the run would delete or create more than the settings let pass. `load_people` and
`load_events` write. `settle_run` records an outcome for every row, checks that read = written + unchanged + held +
quarantined + disabled, and moves the watermark last.

**When a task fails.** The message says what to do. Passing trouble (Salesforce or a database does not answer) is
retried by itself; a wrong setting or a closed quality gate is not. Clear the failed task once the cause is gone: every
stage rewrites its own output, and nothing is written twice. The next run would pick everything up as well, because the
watermark has not moved. A run that was rejected, or that nobody approved within a day, has written nothing; the next
one asks again.

**Not for** a range of old dates (`backfill_bookings`) or for single clients (`sync_clients`).
"""

from __future__ import annotations

import pendulum
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag

from include.orchestration.alerts import alert_failed_run
from include.orchestration.assets import COCONUT_WALK_INS
from include.orchestration.retries import STAGE_DEFAULTS
from include.orchestration.tasks import sync_bookings


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/15 * * * *", timezone="UTC"), assets=[COCONUT_WALK_INS]
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=STAGE_DEFAULTS,
    on_failure_callback=alert_failed_run,
    params={
        "dry_run": Param(False, type="boolean", title="Dry run", description="Plan only; write nothing."),
    },
    doc_md=__doc__,
    tags=["coconut", "salesforce", "sync"],
)
def sync_walk_ins() -> None:
    sync_bookings("walk_ins")


sync_walk_ins()
