"""A small client for the stable REST API of the local Airflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

import requests

from include.local_stack.layout import LOOPBACK, Layout, Ports
from include.local_stack.processes import StackError

_TIMEOUT_SECONDS = 30.0
_ATTEMPTS = 5
FINISHED = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True)
class DagRun:
    """One run of a DAG; ``started_by`` is Airflow's run type (``manual``, ``scheduled``, ``asset_triggered``)."""

    dag_id: str
    run_id: str
    state: str
    started_by: str


@dataclass(frozen=True, slots=True)
class TaskState:
    """One task instance of a run; ``map_index`` is -1 for a task that is not mapped."""

    task_id: str
    map_index: int
    state: str | None


@dataclass(slots=True)
class AirflowApi:
    """Signs in with the password that Airflow generated, again whenever its token has expired."""

    layout: Layout
    ports: Ports
    _session: requests.Session = field(init=False)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business on loopback

    @property
    def url(self) -> str:
        """Return the address of the UI."""
        return f"http://{LOOPBACK}:{self.ports.api_server}"

    def password(self) -> str:
        """Return the password of the user ``admin``."""
        return str(json.loads(self.layout.passwords_file.read_text())["admin"])

    def is_healthy(self) -> bool:
        """Tell whether the API answers and every component reports a heartbeat."""
        try:
            answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=_TIMEOUT_SECONDS)
        except (requests.ConnectionError, requests.Timeout):
            return False
        if answer.status_code != requests.codes.ok:
            return False
        components = answer.json()
        return all(
            components.get(name, {}).get("status") == "healthy"
            for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
        )

    def import_errors(self) -> list[str]:
        """Return the DAG files that could not be parsed, with the reason."""
        found = self._call("GET", "importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace']}" for error in found]

    def dag_ids(self) -> set[str]:
        """Return the DAGs that Airflow has parsed."""
        return {dag["dag_id"] for dag in self._call("GET", "dags?limit=200")["dags"]}

    def trigger(self, dag_id: str, conf: Mapping[str, object] | None = None) -> str:
        """Start a manual run and return its id; the id is ours, so asking twice starts one."""
        now = datetime.now(UTC).isoformat()
        run_id = f"manual__{now}"
        self._call(
            "POST",
            f"dags/{dag_id}/dagRuns",
            {"dag_run_id": run_id, "logical_date": now, "conf": dict(conf or {})},
        )
        return run_id

    def runs(self, dag_id: str) -> list[DagRun]:
        """Return the DAG's runs, oldest first."""
        found = self._call("GET", f"dags/{dag_id}/dagRuns?limit=1000&order_by=run_after")["dag_runs"]
        return [DagRun(dag_id, run["dag_run_id"], run["state"], run["run_type"]) for run in found]

    def tasks(self, run: DagRun) -> list[TaskState]:
        """Return the run's task instances."""
        path = f"dags/{run.dag_id}/dagRuns/{quote(run.run_id, safe='')}/taskInstances?limit=1000"
        found = self._call("GET", path)["task_instances"]
        return [TaskState(task["task_id"], task["map_index"], task["state"]) for task in found]

    def pause(self, dag_id: str, *, is_paused: bool = True) -> None:
        """Pause a DAG, or let it run."""
        self._call("PATCH", f"dags/{dag_id}", {"is_paused": is_paused})

    def clear(self, run: DagRun, task_id: str) -> None:
        """Clear a task of a run, and all after it."""
        wanted = {"dag_run_id": run.run_id, "task_ids": [task_id], "include_downstream": True}
        body = {**wanted, "dry_run": False, "only_failed": False, "reset_dag_runs": True}
        self._call("POST", f"dags/{run.dag_id}/clearTaskInstances", body)

    def get_open_questions(self, dag_id: str, run_id: str = "~") -> list[dict[str, Any]]:
        """Return what task instances ask people now; the run ``~`` stands for all."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='~')}/hitlDetails?limit=100"
        return [
            detail
            for detail in self._call("GET", path)["hitl_details"]
            if detail["task_instance"]["state"] == "awaiting_input" and not detail["response_received"]
        ]

    def answer(self, *, dag_id: str, run_id: str, task: str, answer: Mapping[str, object]) -> None:
        """Answer a question; ``task`` is the task's id and its map index, with a slash between."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task}/hitlDetails"
        self._call("PATCH", path, answer)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        trouble = ""
        for _attempt in range(_ATTEMPTS):
            try:
                answer = self._session.request(
                    method, f"{self.url}/api/v2/{path}", json=body, timeout=_TIMEOUT_SECONDS
                )
            except (
                requests.ConnectionError,
                requests.Timeout,
            ) as error:  # a busy machine; all calls are repeatable
                trouble = type(error).__name__
                continue
            if answer.ok:
                return cast("dict[str, Any]", answer.json())
            if method == "POST" and answer.status_code == requests.codes.conflict:
                return {}
            trouble = f"{answer.status_code} {answer.text[:500]}"
            if answer.status_code == requests.codes.unauthorized:
                self._sign_in()
            elif answer.status_code < requests.codes.internal_server_error:
                break
        raise StackError(f"Airflow answered {method} {path} with {trouble}")

    def _sign_in(self) -> None:
        credentials = {"username": "admin", "password": self.password()}
        answer = self._session.post(f"{self.url}/auth/token", json=credentials, timeout=_TIMEOUT_SECONDS)
        if not answer.ok:
            raise StackError(f"Airflow refused the sign-in of its own admin user ({answer.status_code}).")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
