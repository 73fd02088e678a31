"""### A range of days, old or new, to Salesforce Events

Syncs the bookings that start on the days somebody names, whether anything changed or not. It is the way to bring in
bookings from before `sync_from`, and the only way that a change of settings or field mappings reaches Events that are
written already: everything is compared under the settings in force, and what differs is rewritten.

**When it runs.** When somebody starts it.

**Parameters.**

- `from`, `until`: first and last day of the bookings' starts, both included, where the booking takes place.
- `kinds`: `appointment`, `walk_in`, or both.
- `days_per_window`: how many days are synced at a time.
- `include_archived`: say yes where Events would be 365 days old or more: Salesforce archives those, and its lists and
  reports leave them out. Without it such days are refused.
- `catch_up`: only bookings that have no Event yet for one of their attendees. After a migration from the legacy
  integration these are the walk-ins and the bookings without staff that it never synced; its last report says how many
  wait. A real run is refused until a dry run of the same days was made under the settings in force.
- `dry_run`: the plan of every window is made and checked, nothing is written.

**What the tasks do.** `plan_windows` cuts the days into windows. `sync_window` runs all stages of `sync_appointments`
for one window, each window as a run of its own with its own line in the ledger's `runs`; one window at a time. Before
each it waits while a sync of changed bookings is at work, for a quarter of an hour at most; waiting, it holds no
worker. `sum_up` adds the windows up. The watermark stays where it is, and what changes meanwhile is not overwritten:
the newer version of a booking wins.

**When a task fails.** The message says what to do. Other windows go on. Clear the failed windows, or the whole run:
windows that are settled are skipped unless settings or field mappings changed since, and nothing is written twice.

**Not for** what changed lately (`sync_appointments`, `sync_walk_ins`), rows that wait (`replay_quarantine`) or single
clients (`sync_clients`).
"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag

from include.orchestration.alerts import alert_failed_run
from include.orchestration.retries import STAGE_DEFAULTS
from include.orchestration.windows import backfill_windows
from include.pipeline.backfill_request import DAYS_PER_WINDOW, KINDS

_DAY = {"type": ["null", "string"], "format": "date"}


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=STAGE_DEFAULTS,
    on_failure_callback=alert_failed_run,
    params={
        "from": Param(None, **_DAY, title="From", description="First day of the bookings' starts."),
        "until": Param(None, **_DAY, title="Until", description="Last day, included."),
        "kinds": Param(list(KINDS), type=["array", "string"], examples=list(KINDS), title="Kinds"),
        "days_per_window": Param(
            DAYS_PER_WINDOW, type="integer", minimum=1, title="Days at a time", description="A run each."
        ),
        "include_archived": Param(
            False,
            type="boolean",
            title="Archived Events too",
            description="Needed for days that lie 365 days back or more.",
        ),
        "catch_up": Param(
            False,
            type="boolean",
            title="Only what has no Event",
            description="What the legacy integration never synced. Dry run first.",
        ),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Plan only; write nothing."),
    },
    doc_md=__doc__,
    tags=["coconut", "salesforce", "on request"],
)
def backfill_bookings() -> None:
    backfill_windows()


backfill_bookings()
