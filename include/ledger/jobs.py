"""Load jobs, remembered before they take effect, so that a retry re-attaches instead of sending twice (design §2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobState(StrEnum):
    """The life of one job, as far as the ledger knows it."""

    PLANNED = "planned"
    CREATED = "created"
    UPLOADED = "uploaded"
    COMPLETE = "complete"
    FAILED = "failed"
    ABORTED = "aborted"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job: rows of one chunk, sent by one API call chain.

    ``id`` is the ledger's number; ``job_id`` is Salesforce's, missing until the job exists there and for Collections.
    """

    id: int
    run_id: str
    step: str
    chunk: int
    part: int
    sobject: str
    operation: str
    api: str
    digest: str
    staged_file: str | None
    job_id: str | None
    state: JobState
    sent: int
    succeeded: int | None
    failed: int | None
    unprocessed: int | None
    created_at: datetime
    updated_at: datetime
