"""The org with all that surrounds it on the network side; every handler is given this."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from include.salesforce_emulator.auth import SignIn
from include.salesforce_emulator.credentials import Credentials, load_or_make
from include.salesforce_emulator.cursors import Cursors
from include.salesforce_emulator.faults import FaultBook
from include.salesforce_emulator.jobs import JobStore
from include.salesforce_emulator.limits import Limits
from include.salesforce_emulator.org import Org
from include.salesforce_emulator.org_setup import OrgSetup
from include.salesforce_emulator.sessions import Sessions
from include.salesforce_emulator.statistics import Statistics
from include.salesforce_emulator.worker import JobWorker


@dataclass(frozen=True, slots=True)
class Server:
    """The parts of one running local org.

    Attributes:
        incoming: folder where uploads land before their job accepts them.
    """

    org: Org
    credentials: Credentials
    sessions: Sessions
    sign_in: SignIn
    faults: FaultBook
    statistics: Statistics
    limits: Limits
    cursors: Cursors
    jobs: JobStore
    worker: JobWorker
    incoming: Path

    @classmethod
    def open(
        cls, *, data: Path | None, package: Path | None, folder: Path, setup: OrgSetup | None = None
    ) -> Server:
        """Open the org and everything around it; ``folder`` keeps secrets and the files of jobs."""
        org = Org.open(data, package, setup)
        credentials = load_or_make(folder)
        sessions = Sessions(org.clock, org.organization_id)
        faults = FaultBook()
        limits = Limits(org.clock, faults)
        limits.stored_kilobytes = org.used_storage_kilobytes
        org.store.capacity_kilobytes = limits.data_storage_kilobytes
        jobs = JobStore(org.store, org.clock, folder / "jobs")
        incoming = folder / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        for leftover in incoming.iterdir():
            leftover.unlink()
        return cls(
            org=org,
            credentials=credentials,
            sessions=sessions,
            sign_in=SignIn(org, credentials, sessions),
            faults=faults,
            statistics=Statistics(),
            limits=limits,
            cursors=Cursors(org.clock),
            jobs=jobs,
            worker=JobWorker(org, jobs, faults, limits),
            incoming=incoming,
        )

    def close(self) -> None:
        """Let the worker finish its batch, then release the store."""
        self.worker.stop()
        self.org.close()

    def reset(self) -> None:
        """Begin afresh with an empty org and the true time: no jobs, faults, cursors or counts; credentials stay."""
        with self.worker.paused():
            self.jobs.clear()
            self.org.clock.reset()
            self.org.reset()
        self.faults.remove()
        self.statistics.zero()
        self.limits.reset()
        self.cursors.clear()
        self.worker.wake()
