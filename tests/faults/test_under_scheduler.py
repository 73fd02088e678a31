"""Kills under Airflow's own scheduler: a task's process, and the scheduler with everything it runs (rule Q4)."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil
import pytest
import requests

from include.demo.figures import Figures
from include.demo.org_reader import read_org
from include.demo.proof import Before, prove
from include.local_stack.airflow_api import FINISHED
from include.local_stack.layout import Layout
from include.local_stack.stack import Stack, local_stack
from tests.faults.lives import LOADING

pytestmark = [pytest.mark.rule("Q4"), pytest.mark.e2e, pytest.mark.timeout(3000)]

KILLS = 10
KILLS_OF_THE_SCHEDULER = frozenset({6})
KILLS_OF_ONE_TASK = 4
ROUNDS = 3  # one, as a rule: a load may be over before it is killed
BOOKINGS = 150
DAGS = ("sync_appointments", "sync_walk_ins")
LONGEST_SECONDS = 1200.0
CONFIGURATION = {
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
}
"""Only the DAGs under test run, and Airflow's patience with the dead, minutes by default, is seconds."""


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task instance whose process is at work."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    process: int

    @property
    def place(self) -> tuple[str, str, str, int]:
        return self.dag_id, self.run_id, self.task_id, self.map_index


@dataclass(slots=True)
class Killer:
    """Kills loads of a running stack as they go."""

    stack: Stack
    random: Random
    told: list[str] = field(default_factory=list)
    _kills_of: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    _due: dict[RunningTask, int] = field(default_factory=dict)
    _dead: list[RunningTask] = field(default_factory=list)

    def kill_loads(self) -> None:
        """Kill loads, some requests after each was first seen, until enough were or the runs have ended."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while len(self.told) < KILLS and not is_quiet(self.stack):
            self.stack.processes.check_alive()
            assert time.monotonic() < deadline, f"the runs did not end: {self.told}"
            self._dead = [task for task in self._dead if not self.start_again(task)]
            now = self.requests()
            for task in self.loading():
                some = 0 if task.task_id == "settle_run" else self.random.randint(1, 4)
                if now >= self._due.setdefault(task, now + some):
                    self._kill(task)
            time.sleep(0.05)  # between two looks at processes that know nothing of us

    def _kill(self, task: RunningTask) -> None:
        if task in self._dead or self._kills_of[task.place] == KILLS_OF_ONE_TASK or len(self.told) == KILLS:
            return
        if len(self.told) + 1 in KILLS_OF_THE_SCHEDULER:
            self.kill_scheduler()
            self.told.append(f"the scheduler during {task.place}")
        elif self.kill_task(task):
            self.told.append(f"{task.place}")
            self._dead.append(task)
            self._kills_of[task.place] += 1

    def loading(self) -> list[RunningTask]:
        """Return the loads whose processes are at work."""
        query = "SELECT dag_id, run_id, task_id, map_index, pid FROM task_instance WHERE state = 'running'"
        file = f"file:{self.stack.layout.metadata_database}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=30)) as connection:
            rows = [RunningTask(*row) for row in connection.execute(query) if row[4]]
        return [row for row in rows if row.task_id in LOADING and psutil.pid_exists(row.process)]

    def requests(self) -> int:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{self.stack.org_url}/__emulator__/statistics", timeout=30)
            return int(answer.json()["total"])

    def kill_task(self, task: RunningTask) -> bool:
        """Kill a task's process; tell whether it was still there, below the scheduler at work.

        One whose scheduler was killed goes on for itself, and is left to: it is who the next attempt has to wait for.
        """
        scheduler = self.stack.processes.running["scheduler"].pid
        try:
            process = psutil.Process(task.process)
            if scheduler not in {parent.pid for parent in process.parents()}:
                return False
            process.kill()
        except psutil.NoSuchProcess:
            return False
        return True

    def start_again(self, task: RunningTask) -> bool:
        """Clear a task that Airflow knows to be dead, which spares the wait before its retry; tell whether it did."""
        if self._state(task) != "up_for_retry":
            return False
        index = task.task_id if task.map_index < 0 else [task.task_id, task.map_index]
        body = {"dry_run": False, "dag_run_id": task.run_id, "task_ids": [index], "only_failed": False}
        self.stack.airflow._call("POST", f"dags/{task.dag_id}/clearTaskInstances", body)
        return True

    def kill_scheduler(self) -> None:
        """Kill the scheduler and its executor's workers, and start another."""
        scheduler = self.stack.processes.running["scheduler"]
        os.killpg(scheduler.pid, signal.SIGKILL)
        scheduler.wait()
        self.stack.start_component("scheduler")

    def _state(self, task: RunningTask) -> str | None:
        file = f"file:{self.stack.layout.metadata_database}?mode=ro"
        query = "SELECT state FROM task_instance WHERE dag_id = ? AND run_id = ? AND task_id = ? AND map_index = ?"
        with closing(sqlite3.connect(file, uri=True, timeout=30)) as connection:
            return str(connection.execute(query, task.place).fetchone()[0])


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A local org that takes its time, a booking database of 150 bookings, and Airflow with its scheduler."""
    layout = Layout(state=tmp_path / "stack")
    with layout.locked(), local_stack(layout) as started:
        started.start_migrating_metadata()
        started.start_org()
        started.fill_with_demo_data(bookings=BOOKINGS, seed=11)
        started.processes.environment = {**started.processes.environment, **CONFIGURATION}
        yield started


def test_loads_whose_processes_and_scheduler_are_killed_end_as_the_booking_database_says(
    stack: Stack, request: pytest.FixtureRequest
) -> None:
    before = Before(read_org(stack.org))
    stack.start_airflow()
    stack.wait_for_airflow()
    killer = Killer(stack, Random(f"scheduler {request.config.getoption('--fault-seed')}"))
    for dag_id in DAGS:
        stack.airflow._call("PATCH", f"dags/{dag_id}", {"is_paused": False})
    for number in range(ROUNDS):
        if number:
            stack.edit_demo_data(seed=number)
        with slow_org(stack):
            start(stack)
            killer.kill_loads()
        wait_until_quiet(stack)
        start(stack)
        wait_until_quiet(stack)
        org = read_org(stack.org)
        proof = prove(
            org,
            before,
            booking_database=stack.layout.booking_database,
            ledger=stack.layout.ledger_database,
        )
        assert proof.holds, [*proof.lines(), *killer.told]
        assert proof.expected > 100
        if len(killer.told) == KILLS:
            break
        before = Before.going_on(proof, org)
    assert len(killer.told) == KILLS, f"too few loads to kill: {killer.told}"
    figures = Figures(stack.layout.ledger_database, stack.org_url).new_runs()
    assert all(run.balances for run in figures if run.state == "success"), killer.told


@contextmanager
def slow_org(stack: Stack) -> Iterator[None]:
    """Have the org take its time, so that a load is there to be killed."""
    faults, slow = f"{stack.org_url}/__emulator__/faults", [{"type": "latency", "seconds": {"*": 0.15}}]
    requests.post(faults, json=slow, timeout=30).raise_for_status()
    yield
    requests.delete(faults, timeout=30).raise_for_status()


def start(stack: Stack) -> None:
    for dag_id in DAGS:
        stack.airflow.trigger(dag_id)


def is_quiet(stack: Stack) -> bool:
    return all(run.state in FINISHED for dag_id in DAGS for run in stack.airflow.runs(dag_id))


def wait_until_quiet(stack: Stack) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not is_quiet(stack):
        stack.processes.check_alive()
        assert time.monotonic() < deadline, "the runs did not end"
        time.sleep(0.5)  # between two looks at Airflow
