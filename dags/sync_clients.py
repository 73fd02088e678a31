"""### Clients to Salesforce people

Syncs clients by themselves: those whom somebody names, with all their bookings; and, on its schedule, those whose row
in Coconut is new or changed.

**When it runs.** Every quarter of an hour, and when somebody starts it. A run that names nobody reads the clients that
changed since the last one. With the setting `client_scope` at `all` it registers every client, booking or not; with
`overwrite_existing` on it also updates the records of changed clients, field by field as the mappings allow. In any
case it notices that Coconut newly holds another Salesforce Id for a client; the next sync of bookings moves the
upcoming Events. With `automatic_sync` off, scheduled runs skip; runs that a person starts still work.

**Parameters.** Ids are a list, or text with commas between them.

- `client_ids`: these clients, and all their bookings of both kinds, whether anything changed or not. A client without
  a booking is registered.
- `booking_ids`: these bookings, whether anything changed or not.
- `rematch`: decide afresh who the clients are: links kept from earlier runs are not heard, an administrator's choice
  and the Salesforce Id that Coconut holds are. Upcoming Events move to the person then found; the former record
  stays. Without `client_ids` and `booking_ids`, it is about every client that has a link. A real run is refused
  unless a dry run of the same, under the settings and mappings in force, came before.
- `move_past_events`: Events that are over move as well.
- `dry_run`: the plan is made and checked, nothing is written, and the run ends after `check_frames`.

**What the tasks do.** The same as in `sync_appointments`. `settle_run` accounts for pairs of booking and attendee, and
for clients in a line of their own. A client who is held, quarantined or disabled comes again by itself when what it
waits for has moved; the ledger's view `client_status` says where each client stands.

**When a task fails.** The message says what to do; ids that Coconut does not have are named before anything is read.
Passing trouble (Salesforce or a database does not answer) is retried by itself. Clear the failed task once the cause
is gone: every stage rewrites its own output, and nothing is written twice.

**Not for** ranges of dates (`backfill_bookings`), nor for deleted clients or clients whose sync is disabled: they are
not touched.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag

from include.orchestration.alerts import alert_failed_run
from include.orchestration.retries import STAGE_DEFAULTS
from include.orchestration.tasks import sync_bookings

_IDS = ["string", "array", "integer"]


@dag(
    schedule=CronTriggerTimetable("7,22,37,52 * * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=STAGE_DEFAULTS,
    on_failure_callback=alert_failed_run,
    params={
        "client_ids": Param(
            "", type=_IDS, title="Clients", description="Ids in Coconut, with commas between."
        ),
        "booking_ids": Param(
            "", type=_IDS, title="Bookings", description="Ids in Coconut, with commas between."
        ),
        "rematch": Param(
            False, type="boolean", title="Decide afresh", description="Do not hear kept links. Dry run first."
        ),
        "move_past_events": Param(
            False, type="boolean", title="Move past Events", description="Not only the upcoming ones."
        ),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Plan only; write nothing."),
    },
    doc_md=__doc__,
    tags=["coconut", "salesforce", "sync"],
)
def sync_clients() -> None:
    sync_bookings("clients")


sync_clients()
