"""Jobs that Salesforce created and whose Id the journal never got, because we died in between.

Such a job is ``Open``, holds nothing, has no effect, and Salesforce ends it after 24 hours. It is aborted where it is
certainly ours, and else left to that end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.ledger.jobs import JobState
from include.mapping.plan import BOOKING_KEY
from include.salesforce.bulk_jobs import JobState as BulkState

if TYPE_CHECKING:
    from include.ledger.jobs import JobRecord
    from include.pipeline.context import Wiring


def abort_unnoted(job: JobRecord, wiring: Wiring) -> None:
    """Abort what may have come of a planned job without Id, if nobody else can have made it.

    Salesforce does not tell which client made a job, and integrations may share a user. Only upserts on our key tell
    themselves apart; nobody else makes these unless several Coconut instances share the org (``key_namespace``). A job
    that another process of ours is about to note is planned in the journal by then.
    """
    if job.operation != "upsert" or wiring.ledger.bound_namespace():
        return
    salesforce = wiring.salesforce
    found = [
        one.id
        for one in salesforce.bulk_jobs()
        if one.state is BulkState.OPEN
        and (one.sobject, one.operation) == (job.sobject, job.operation)
        and one.created_by == salesforce.user_id
    ]
    others = wiring.ledger.unfinished_jobs(besides="", sobjects=[job.sobject])
    if any(one.state is JobState.PLANNED and one.id != job.id for one in others):
        return
    known = wiring.ledger.known_job_ids(found)
    for job_id in set(found) - known:
        if salesforce.bulk_job(job_id).external_id_field == BOOKING_KEY:  # lists need not tell it
            salesforce.bulk_abort(job_id)
