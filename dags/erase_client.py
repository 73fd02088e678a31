"""### Erase a person

Removes what the ledger and the staging area hold of clients, and lists their Salesforce records, which stay: a person
sees to them.

**When it runs.** When somebody starts it.

**Parameters.**

- `client_ids`: ids of clients in Coconut; a list, or text with commas between them.
- `dry_run`: count what would be removed, and list the records; nothing is changed.

**What the tasks do.** `list_personal_data` counts rows by table and names, under `also_linked`, other clients who are
the same record: one person may have several rows in Coconut. `begin_erasure` disables the sync of the clients, for
good, and waits until runs that have read them before are over. `erase_staging` rewrites the staged frames of all runs
without their rows. `erase_ledger` empties the ledger and keeps a row in the table `erasures`: client id, who, when,
counts and the Ids of Lead, Contact, Account and Events.

Keys and Ids stay in the ledger, so that no Event is written twice and nobody is created anew while Coconut still has
the row. Whoever is enabled again later is synced like anybody else.

**When a task fails.** The message says what to do; unknown clients are named all together before anything is removed.
Passing trouble is retried by itself. Clear the failed task once the cause is gone: what is removed stays removed, and
the rest follows. Tasks of older runs that are cleared afterwards begin with their first task.

**Not for** the row in Coconut and the records in Salesforce: erase them there.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import Param, dag

from include.orchestration.alerts import alert_failed_run
from include.orchestration.privacy_tasks import (
    begin_erasure,
    erase_ledger,
    erase_staging,
    list_personal_data,
)
from include.orchestration.retries import STAGE_DEFAULTS

_PATIENCE = {"retries": 80, "max_retry_delay": timedelta(minutes=10)}  # as long as a load may take


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    on_failure_callback=alert_failed_run,
    default_args={**STAGE_DEFAULTS, **_PATIENCE},
    params={
        "client_ids": Param(
            "",
            type=["string", "array", "integer"],
            title="Clients",
            description="Ids of clients in Coconut, with commas between.",
        ),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Count only; change nothing."),
    },
    doc_md=__doc__,
    tags=["coconut", "salesforce", "on request", "privacy"],
)
def erase_client() -> None:
    staged = erase_staging()
    list_personal_data() >> begin_erasure() >> staged
    erase_ledger(staged)


erase_client()
