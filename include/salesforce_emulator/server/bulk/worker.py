"""The thread that moves jobs on, a batch of one job after a batch of another, as Salesforce runs them in parallel."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from include.salesforce_emulator.engine.errors import disk_trouble
from include.salesforce_emulator.engine.org import Org
from include.salesforce_emulator.server.bulk.ingest_run import ingest_steps
from include.salesforce_emulator.server.bulk.jobs import IngestJob, JobStore, QueryJob
from include.salesforce_emulator.server.bulk.query_run import query_steps
from include.salesforce_emulator.server.bulk.steps import Pause
from include.salesforce_emulator.server.faults import FaultBook
from include.salesforce_emulator.server.limits import Limits

_DISK_WAIT_SECONDS = 1.0
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Run:
    """A job under way, and until when it pauses on the monotonic clock."""

    steps: Generator[Pause, None, None]
    resumes_at: float = 0.0


class JobWorker:
    """Runs every job that is not finished; jobs that a restart interrupted go on where they were."""

    def __init__(
        self, org: Org, jobs: JobStore, faults: FaultBook, limits: Limits, settle: Callable[[], None]
    ) -> None:
        """Prepare to work; ``settle`` is called after each step, to keep what a fault counted in it."""
        self._org = org
        self._jobs = jobs
        self._faults = faults
        self._limits = limits
        self._settle = settle
        self._runs: dict[str, _Run] = {}
        self._busy = threading.Lock()
        self._changed = threading.Condition()
        self._changes = 0
        self._idle_since = -1
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="bulk-jobs", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand and end; what remains is for the next start."""
        self._stopping = True
        self.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._drop_runs(set())

    def wake(self) -> None:
        """Look again at what there is to do: a job, a fault or the clock changed."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until every job is finished or held by a fault; False if that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._idle_since == self._changes, timeout_seconds)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the worker from touching the org for the length of the block."""
        with self._busy:
            yield

    def _loop(self) -> None:
        while not self._stopping:
            with self._changed:
                seen = self._changes
            wait = self._round()
            with self._changed:
                if self._changes != seen or wait == 0 or self._stopping:
                    continue
                if wait is None:
                    self._idle_since = seen
                    self._changed.notify_all()
                self._changed.wait_for(lambda: self._changes != seen, wait)  # noqa: B023 -- waited for at once

    def _round(self) -> float | None:
        """Give each job one step; return the seconds until there is more to do, None if only a change can tell."""
        waits: list[float] = []
        runnable = self._jobs.runnable()
        self._drop_runs({job.id for job in runnable})
        for job in runnable:
            if self._stopping:
                return 0
            with self._busy:
                wait = self._step(job)
            if wait is not None:
                waits.append(wait)
        return min(waits, default=None)

    def _step(self, job: IngestJob | QueryJob) -> float | None:
        if self._jobs.state_of(job.id) is None:
            return 0
        run = self._runs.get(job.id)
        if run is None:
            run = self._runs[job.id] = _Run(self._begin(job))
        remaining = run.resumes_at - time.monotonic()
        if remaining > 0:
            return remaining
        try:
            pause = next(run.steps, None)
            self._settle()
        except Exception as error:
            if disk_trouble(error) is not None:
                # What was committed stands; the job goes on behind it once the disk takes more.
                log.warning("job %s waits: %s", job.id, error)
                self._runs.pop(job.id).steps.close()
                return _DISK_WAIT_SECONDS
            log.exception("job %s failed", job.id)
            self._jobs.fail(job.id, "InternalServerError : see the log of the local org")
            pause = None
        if pause is None:
            self._runs.pop(job.id, None)
            return 0
        if pause.seconds is None:
            return None
        run.resumes_at = time.monotonic() + pause.seconds
        return pause.seconds

    def _begin(self, job: IngestJob | QueryJob) -> Generator[Pause, None, None]:
        if isinstance(job, IngestJob):
            return ingest_steps(job, org=self._org, jobs=self._jobs, faults=self._faults, limits=self._limits)
        return query_steps(job, org=self._org, jobs=self._jobs, faults=self._faults)

    def _drop_runs(self, kept: set[str]) -> None:
        for job_id in self._runs.keys() - kept:
            self._runs.pop(job_id).steps.close()
