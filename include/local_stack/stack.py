"""The local stack itself: the local org, the booking database and Airflow's four components."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from include.local_stack.airflow_api import AirflowApi, DagRun
from include.local_stack.layout import LOOPBACK, Layout, Ports, process_environment
from include.local_stack.processes import Processes, StackError, first_line

_ORG_START_SECONDS = 60.0
_AIRFLOW_START_SECONDS = 300.0

DEMO_BOOKINGS = 6_000
DEMO_SEED = 7
# The worker's and the triggerer's log servers listen on every interface and cannot be told otherwise; on one machine
# the UI reads the log files themselves, so they are left out.
_COMPONENTS = {
    "api-server": ("airflow", "api-server"),
    "scheduler": ("airflow", "scheduler", "--skip-serve-logs"),
    "dag-processor": ("airflow", "dag-processor"),
    "triggerer": ("airflow", "triggerer", "--skip-serve-logs"),
}


@dataclass(slots=True)
class Stack:
    """The local stack, part by part; leave it through :func:`local_stack`, which ends every process."""

    layout: Layout
    ports: Ports
    processes: Processes

    @property
    def airflow(self) -> AirflowApi:
        """Return a client of the local Airflow."""
        return AirflowApi(self.layout, self.ports)

    @property
    def org(self) -> dict[str, str]:
        """Return what the local org announced: its URL and credentials."""
        return dict(json.loads(self.layout.org_announcement.read_text()))

    @property
    def org_url(self) -> str:
        """Return the local org's address."""
        return f"http://{LOOPBACK}:{self.ports.org}"

    def task_logs(self, run: DagRun) -> Path:
        """Return the folder of a run's task logs."""
        return self.layout.airflow_home / "logs" / f"dag_id={run.dag_id}" / f"run_id={run.run_id}"

    def start_org(self) -> None:
        """Start the local Salesforce org, and pass its credentials on to everything that starts later."""
        layout = self.layout
        self.processes.start(
            "org",
            *("include.salesforce_emulator", "--port", str(self.ports.org)),
            *("--data", str(layout.org_data), "--package", str(layout.salesforce_package)),
        )
        announcement = first_line(self.processes, "org", timeout_seconds=_ORG_START_SECONDS)
        try:
            json.loads(announcement)
        except ValueError:
            raise StackError(f"The local org did not start:\n{self.processes.tail('org')}") from None
        layout.org_announcement.touch(mode=0o600)
        layout.org_announcement.write_text(announcement)
        self.processes.environment = process_environment(layout, self.ports, os.environ)

    def fill_with_demo_data(self, *, bookings: int, seed: int, is_legacy: bool = False) -> str:
        """Fill booking database and org with demo data, take over the settings that go with it, and say how much.

        With ``is_legacy`` it is an organisation on the legacy integration that is offered the upgrade.
        """
        settings = self.layout.demo_settings
        wanted = ("--bookings", str(bookings), "--seed", str(seed), *(("--legacy",) if is_legacy else ()))
        self.processes.run("demo-data", "include.demo", *wanted, "--settings", str(settings))
        self.processes.run("demo-settings", "include.settings", "import", str(settings))
        return self.processes.tail("demo-data")

    def edit_demo_data(self, *, seed: int) -> str:
        """Reschedule, cancel, delete and add some hundred bookings; return what was done, in words."""
        self.processes.run("demo-edits", "include.demo.edits", "--seed", str(seed))
        return self.processes.tail("demo-edits", lines=1)

    def start_migrating_metadata(self) -> None:
        """Begin to create or update Airflow's metadata database; it must have finished before Airflow starts."""
        self.layout.prepare_airflow_home()
        self.processes.start("airflow-migrate", "airflow", "db", "migrate")

    def start_airflow(self) -> None:
        """Start Airflow's components, once the metadata database is there."""
        if "airflow-migrate" not in self.processes.running:
            self.start_migrating_metadata()
        self.processes.finish("airflow-migrate")
        for name in _COMPONENTS:
            self.start_component(name)

    def start_component(self, name: str) -> None:
        """Start one component of Airflow, ``scheduler`` for instance, in place of one that has ended."""
        self.processes.start(name, *_COMPONENTS[name])

    def wait_for_airflow(self) -> None:
        """Wait until every component of Airflow reports a heartbeat and every DAG file is parsed.

        Raises:
            StackError: when a component ends, a DAG file is broken, or it takes too long.
        """
        airflow = self.airflow
        expected = {path.stem for path in (self.layout.root / "dags").glob("*.py")}
        self._wait_until(airflow.is_healthy, "Airflow's components to report a heartbeat")

        def is_parsed() -> bool:
            if errors := airflow.import_errors():
                raise StackError("A DAG file cannot be parsed:\n" + "\n".join(errors))
            return expected <= airflow.dag_ids()

        self._wait_until(is_parsed, f"the DAGs {', '.join(sorted(expected))}")

    def _wait_until(self, is_ready: Callable[[], bool], awaited: str) -> None:
        deadline = time.monotonic() + _AIRFLOW_START_SECONDS
        while not is_ready():
            self.processes.check_alive()
            if time.monotonic() > deadline:
                raise StackError(
                    f"Waited {_AIRFLOW_START_SECONDS:.0f} seconds for {awaited} in vain; see {self.processes.logs}."
                )
            time.sleep(1.0)


@contextmanager
def local_stack(layout: Layout) -> Iterator[Stack]:
    """Yield a stack whose ports are chosen and whose processes all end with the block."""
    ports = layout.claim_ports()
    processes = Processes(process_environment(layout, ports, os.environ), layout.root, layout.process_logs)
    try:
        yield Stack(layout, ports, processes)
    finally:
        processes.stop()
