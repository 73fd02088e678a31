"""What a running job tells the worker between two steps, and how scripted faults hold it."""

from __future__ import annotations

from typing import NamedTuple

from include.salesforce_emulator.server.bulk.jobs import Job, JobState
from include.salesforce_emulator.server.faults import FaultBook, StickJob


class Pause(NamedTuple):
    """A job gives way: for some seconds (0: until the others had their turn), or until something changes (None)."""

    seconds: float | None


TURN = Pause(0.0)
HELD = Pause(None)


def stuck_after(faults: FaultBook, job: Job, state: JobState) -> int | None:
    """Return after how many rows a scripted fault holds the job in this state, None if nothing does."""
    fault = faults.for_job(StickJob, job_id=job.id, sobject=job.sobject, operation=job.operation)
    return fault.after_rows if fault is not None and fault.state == state else None
