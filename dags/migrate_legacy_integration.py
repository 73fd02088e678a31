"""### Migrate from the legacy integration

Moves the organisation from its legacy Salesforce integration to this one: once, with people deciding on the way. Until
`cut_over` it only looks and translates; afterwards there is a way back until it is finalised.

**When it runs.** When somebody starts it, here or with the console's banner. It needs Coconut's feature flag
*Opt-In Salesforce Upgrade*. One migration at a time: a second run is refused while one holds the lease.

**Parameters.**

- nothing: migrate.
- `take_over`: go on with the open migration in place of the run that holds it, which ends as skipped.
- `probe_event`: let `authorise` create an Event that another User owns, change it and delete it, to see whether Events
  of others may be changed. Without it this is not tried.
- `dry_run`: look and translate as far as `verify`, ask nobody, and keep nothing but a report.
- `rollback`: go back to the legacy integration; may be started beside a run that waits for somebody, which then ends
  as skipped within ten minutes. `events_since` says what becomes of Events that were created after cut-over: `left`
  where they are, `deleted`, or `exported` as legacy links.
- `person_accounts`: the extra step that lets the review offer Person Accounts: checks `record_type` (empty: the default
  of the integration user) with one trial creation.
- `resume`: let the syncs go on that stopped because the legacy integration was seen at work after cut-over.

**What the tasks do.** `preflight` takes the lease, `inventory` counts what there is and keeps every Event as it is,
`authorise` lists at once everything that the connection lacks. `await_activation` waits for the Salesforce
administrator, and `check_activation` looks for itself. `carry_over` and `verify` say of every mapping, staff link and
event link whether it is *carried* or *needs attention*. `review` and `confirm_legacy_off` wait for the Coconut
administrator. `inventory_again` carries what was added since; `cut_over` moves the organisation in one transaction.
`first_sync` writes what really differs, `label_events` labels legacy Events as the review chose, `prove_parity` proves
the result. `await_finalisation` waits until the flag is off; `finalise` closes the migration.

**Human steps** await input: *Required Actions* shows them, and the REST API takes answers too. The ledger keeps what
was asked of which role, who answered what, and when. Whoever may edit this DAG may answer.

**When a task fails.** The message says what to do, all shortcomings at once. Clear the failed task once that is done:
every stage goes on where it was. To see a new report, clear `carry_over` with everything after it: the review then
asks about the new one. docs/migration.md tells before, during, after, and what each reason means.

**Not for** bookings that the legacy integration never synced: `backfill_bookings` with `catch_up` brings them.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag

from include.orchestration.alerts import alert_failed_run
from include.orchestration.migration_tasks import migrate
from include.orchestration.retries import STAGE_DEFAULTS

_WAITING_AND_BESIDE = 4  # one that waits for people, its rollback, Person Accounts, syncs let go on


def _switch(title: str, description: str) -> Param:
    return Param(False, type="boolean", title=title, description=description)


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=_WAITING_AND_BESIDE,
    default_args=STAGE_DEFAULTS,
    on_failure_callback=alert_failed_run,
    params={
        "take_over": _switch("Take over", "Go on with the open migration in place of the run that holds it."),
        "probe_event": _switch("Probe Event", "Create, change and delete an Event that another User owns."),
        "dry_run": _switch("Dry run", "Look and translate only; ask nobody and keep a report."),
        "rollback": _switch("Go back", "Return to the legacy integration."),
        "events_since": Param(
            "left",
            enum=["left", "deleted", "exported"],
            title="Events since cut-over",
            description="When going back: what becomes of Events created after cut-over.",
        ),
        "person_accounts": _switch(
            "Person Accounts", "Check the record type, so that the review offers them."
        ),
        "record_type": Param(
            "",
            type="string",
            title="Record type",
            description="For Person Accounts: the Id to try; empty for the default of the integration user.",
        ),
        "resume": _switch(
            "Let syncs go on", "After legacy activity stopped them and the writer is off again."
        ),
    },
    doc_md=__doc__,
    tags=["coconut", "salesforce", "on request", "migration"],
)
def migrate_legacy_integration() -> None:
    migrate()


migrate_legacy_integration()
