"""### Read again what waits

Reads rows again that are held, quarantined or disabled, although nothing that they wait for moved: after something
was mended in Salesforce, for example. Rows whose wait is over come by themselves with the next sync.

**When it runs.** When somebody starts it.

**Parameters.** A row is read if it meets every condition that is given; at least one has to be.

- `reasons`: any of these reasons.
- `outcomes`: `held`, `quarantined`, `disabled`.
- `keys`: booking keys such as `123-45`, or ids of bookings; a list, or text with commas between them.
- `older_than`, `newer_than`: how long the row has waited, as in `3d` or `12h`.
- `all`: everything that waits; only without the conditions above.
- `dry_run`: the plan is made and checked, nothing is written, and the run ends after `check_frames`.

**What the tasks do.** The same as in `sync_appointments`, for the bookings of these rows, each with all its attendees.
A row that cannot be written again keeps its reason and counts one more attempt. Clients whose sync is disabled are not
touched. The watermark stays where it is.

**When a task fails.** The message says what to do; wrong parameters are named all together before anything is read.
Passing trouble (Salesforce or a database does not answer) is retried by itself. Clear the failed task once the cause
is gone: every stage rewrites its own output, and nothing is written twice.

**Not for** rows that are written already (`backfill_bookings`).
"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag

from include.orchestration.alerts import alert_failed_run
from include.orchestration.retries import STAGE_DEFAULTS
from include.orchestration.tasks import sync_bookings
from include.pipeline.replay_request import REPLAYED_OUTCOMES, REPLAYED_REASONS

_SEVERAL = ["array", "string"]
_AGE = {"type": "string", "pattern": r"^\s*([0-9]+\s*[dhDH])?\s*$"}


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=STAGE_DEFAULTS,
    on_failure_callback=alert_failed_run,
    params={
        "reasons": Param([], type=_SEVERAL, examples=list(REPLAYED_REASONS), title="Reasons"),
        "outcomes": Param([], type=_SEVERAL, examples=list(REPLAYED_OUTCOMES), title="Outcomes"),
        "keys": Param(
            "",
            type=["string", "array", "integer"],
            title="Bookings",
            description="Booking keys or ids of bookings, with commas between.",
        ),
        "older_than": Param("", **_AGE, title="Older than", description="Waiting for longer: 3d, 12h."),
        "newer_than": Param("", **_AGE, title="Newer than", description="Waiting for less: 3d, 12h."),
        "all": Param(False, type="boolean", title="Everything that waits", description="Without conditions."),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Plan only; write nothing."),
    },
    doc_md=__doc__,
    tags=["coconut", "salesforce", "on request"],
)
def replay_quarantine() -> None:
    sync_bookings("replay")


replay_quarantine()
