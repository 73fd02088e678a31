"""Bulk API 2.0 queries, for many records: one job, its result streamed page by page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import pandas as pd

from include.errors import RequestRefusedError
from include.salesforce.bulk_jobs import BulkJob, JobState, PollPolicy, wait_for_job
from include.salesforce.bulk_results import download, read_csv_frames
from include.salesforce.session import SalesforceSession

_RECORDS_PER_PAGE: Final = 250_000
_RECORDS_PER_POLL: Final = 100_000  # what Salesforce reads, roughly, between two looks at the job
_SHORTEST_JOB_POLLS: Final = 4
_LAST_PAGE: Final = "null"  # what the header Sforce-Locator says, literally, on the last page


def expected_calls(records: int) -> int:
    """Return about how many API calls a query that reads so many records takes: create, looks at the job, pages."""
    polls = _SHORTEST_JOB_POLLS + records // _RECORDS_PER_POLL
    return 1 + polls + max(1, math.ceil(records / _RECORDS_PER_PAGE))


def read_query_frames(
    session: SalesforceSession, query: str, *, include_deleted: bool, poll: PollPolicy
) -> Iterator[pd.DataFrame]:
    """Yield a query's records as frames of text columns named as in its SELECT list; booleans read ``true``/``false``.

    Bulk queries know no aggregates, OFFSET or subqueries; ORDER BY and LIMIT make them slow (Bulk API 2.0 guide).

    Raises:
        RequestRefusedError: Salesforce refuses the query or fails its job.
    """
    body = {"operation": "queryAll" if include_deleted else "query", "query": query}
    created = session.request("POST", "jobs/query", json=body, what="create a Bulk query job")
    job = wait_for_job(session, BulkJob.from_json(created.json()).id, poll=poll, kind="query")
    if job.state is not JobState.JOB_COMPLETE:
        msg = (
            f"Salesforce ended Bulk query job {job.id} as {job.state.value} ({job.error_code or 'no code'})."
        )
        raise RequestRefusedError(msg, code=job.error_code)
    options = {"maxRecords": str(_RECORDS_PER_PAGE)}
    while True:
        what = f"return the records of Bulk query job {job.id}"
        with download(session, f"jobs/query/{job.id}/results", what, dict(options)) as (path, headers):
            yield from read_csv_frames(path)
            locator = headers.get("Sforce-Locator", _LAST_PAGE)
        if locator in {"", _LAST_PAGE}:
            return
        options["locator"] = locator
