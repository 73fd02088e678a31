"""A run that hits a guard rail waits in a real Airflow, and goes on or fails as somebody answers (rule Q10)."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from include.demo.org_reader import read_org
from include.local_stack.layout import Layout
from include.local_stack.stack import Stack, local_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800), pytest.mark.rule("Q10")]

PATIENCE_SECONDS = 420.0
DAG_ID = "sync_appointments"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A local org, a few bookings, creations guarded from the first on, and the API server that takes answers."""
    layout = Layout(state=tmp_path_factory.mktemp("stack"))
    with layout.locked(), local_stack(layout) as started:
        started.start_migrating_metadata()
        started.start_org()
        started.fill_with_demo_data(bookings=60, seed=5)
        guarded = layout.state / "guarded.yaml"
        guarded.write_text("create_guard_rows: 1\n")
        started.processes.run("guarded", "include.settings", "import", str(guarded))
        started.processes.finish("airflow-migrate")
        started.processes.start("api-server", "airflow", "api-server")
        yield started


@dataclass(frozen=True, slots=True)
class Headless:
    """One ``airflow dags test`` at work."""

    process: subprocess.Popen[bytes]
    log: Path

    def result(self) -> int:
        return self.process.wait(timeout=PATIENCE_SECONDS)


@contextmanager
def headless(stack: Stack, name: str) -> Iterator[Headless]:
    """Run the DAG in a process of its own, which ends with the block."""
    log = stack.layout.state / name
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "dags", "test", DAG_ID],
            env=dict(stack.processes.environment),
            cwd=stack.layout.root,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Headless(process, log)
        finally:
            process.terminate()
            process.wait()


class Answers:
    """What somebody does in the UI, through the REST API behind it."""

    def __init__(self, stack: Stack) -> None:
        self._url = stack.airflow.url
        self._session = requests.Session()
        self._session.trust_env = False
        self._password = stack.airflow.password

    def open_question(self, run: Headless) -> dict[str, Any]:
        """Wait until a task of a run awaits input, and return what it asks."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and run.process.poll() is None:
            for asked in self._asked():
                if not asked["response_received"]:
                    return asked
            time.sleep(1.0)
        pytest.fail(f"no task asked for anything: {run.log.read_text()[-3000:]}")

    def answer(self, asked: dict[str, Any], option: str) -> None:
        task = asked["task_instance"]
        run_id = quote(task["dag_run_id"], safe="")
        path = f"dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/{task['task_id']}/-1/hitlDetails"
        answer = self._session.patch(
            f"{self._url}/api/v2/{path}", json={"chosen_options": [option], "params_input": {}}, timeout=60
        )
        assert answer.ok, answer.text

    def _asked(self) -> list[dict[str, Any]]:
        try:
            if "Authorization" not in self._session.headers:
                credentials = {"username": "admin", "password": self._password()}
                token = self._session.post(f"{self._url}/auth/token", json=credentials, timeout=60)
                self._session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
            found = self._session.get(f"{self._url}/api/v2/dags/{DAG_ID}/dagRuns/~/hitlDetails", timeout=60)
        except (requests.RequestException, FileNotFoundError):  # the API server is still starting
            return []
        assert found.ok, found.text
        details: list[dict[str, Any]] = found.json()["hitl_details"]
        return details


def ledger_rows(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(stack.layout.ledger_database)) as ledger:
        return ledger.execute(query).fetchall()


def test_a_run_waits_for_an_answer_fails_when_it_is_no_and_writes_when_it_is_yes(stack: Stack) -> None:
    empty = read_org(stack.org)
    answers = Answers(stack)

    with headless(stack, "rejected.log") as run:
        asked = answers.open_question(run)
        assert asked["task_instance"]["task_id"] == "guard_changes"
        assert "create_guard_rows lets 1 together pass" in asked["body"]
        assert read_org(stack.org) == empty
        answers.answer(asked, "Reject")
        assert run.result() != 0
    assert read_org(stack.org) == empty
    assert ledger_rows(stack, "SELECT state FROM runs") == [("failed",)]
    assert ledger_rows(stack, "SELECT COUNT(*) FROM watermarks") == [(0,)]

    with headless(stack, "approved.log") as run:
        answers.answer(answers.open_question(run), "Approve")
        assert run.result() == 0
    assert read_org(stack.org) != empty
    assert ledger_rows(stack, "SELECT state FROM runs ORDER BY started_at") == [("failed",), ("success",)]
    assert ledger_rows(stack, "SELECT is_approved, answered_by FROM approvals ORDER BY id") == [
        (0, "admin"),
        (1, "admin"),
    ]
