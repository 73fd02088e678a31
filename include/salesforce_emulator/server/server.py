"""The org with all that surrounds it on the network side; every handler is given this."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from include.salesforce_emulator.engine.clock import Clock
from include.salesforce_emulator.engine.org import Org
from include.salesforce_emulator.engine.org_setup import OrgSetup
from include.salesforce_emulator.server.auth import SignIn
from include.salesforce_emulator.server.bulk.jobs import JobStore
from include.salesforce_emulator.server.bulk.worker import JobWorker
from include.salesforce_emulator.server.credentials import Credentials, load_or_make
from include.salesforce_emulator.server.cursors import Cursors
from include.salesforce_emulator.server.faults import FaultBook
from include.salesforce_emulator.server.keeping import Keeper, Shelf
from include.salesforce_emulator.server.limits import Limits
from include.salesforce_emulator.server.sessions import Sessions
from include.salesforce_emulator.server.statistics import Statistics


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
    keeper: Keeper
    incoming: Path

    @classmethod
    def open(
        cls, *, data: Path | None, package: Path | None, folder: Path, setup: OrgSetup | None = None
    ) -> Server:
        """Open the org and everything around it; ``folder`` keeps secrets and the files of jobs."""
        org = Org.open(data, package, setup)
        credentials = load_or_make(folder)
        keeper = Keeper(org.store, is_durable=data is not None)
        _keep_clock(org.clock, keeper.shelf("clock"))
        sessions = Sessions(org.clock, org.organization_id, keeper.shelf("sessions"))
        faults = FaultBook(keeper.shelf("faults"))
        limits = Limits(org.clock, faults, keeper.shelf("limits"))
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
            statistics=Statistics(keeper.shelf("statistics")),
            limits=limits,
            cursors=Cursors(org.clock, keeper.shelf("cursors"), org.resume_query),
            jobs=jobs,
            worker=JobWorker(org, jobs, faults, limits, keeper.settle),
            keeper=keeper,
            incoming=incoming,
        )

    def start(self) -> None:
        """Begin to work on jobs and to keep what changes."""
        self.keeper.start()
        self.worker.start()

    def close(self) -> None:
        """Let the worker finish its batch, keep what changed, then release the store."""
        self.worker.stop()
        self.keeper.stop()
        self.org.close()

    def reset(self) -> None:
        """Begin afresh with an empty org and the true time: no jobs, faults, cursors or counts.

        Credentials stay, and so do the sessions of the integration user: everybody else's user is gone.
        """
        with self.worker.paused():
            self.jobs.clear()
            self.org.clock.reset()
            self.org.reset()
        self.sessions.expire_others_than(self.org.integration_user_id)
        self.faults.remove()
        self.statistics.zero()
        self.limits.reset()
        self.cursors.clear()
        self.worker.wake()


def _keep_clock(clock: Clock, shelf: Shelf) -> None:
    """Let the clock show what it showed before the restart, and keep whatever is done to it."""
    kept = shelf.load().get("clock")
    if kept is not None:
        clock.restore(**kept)
    clock.watch(lambda: shelf.keep("clock", clock.state))
