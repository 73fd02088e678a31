"""DAG files parse lightly, alone, and completely."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import PROJECT_ROOT
from tests.dags.conftest import Parsed, parse

DAG_FILES = {
    "backfill_bookings.py": "backfill_bookings",
    "erase_client.py": "erase_client",
    "migrate_legacy_integration.py": "migrate_legacy_integration",
    "reconcile.py": "reconcile",
    "replay_quarantine.py": "replay_quarantine",
    "sync_appointments.py": "sync_appointments",
    "sync_clients.py": "sync_clients",
    "sync_staff.py": "sync_staff",
    "sync_walk_ins.py": "sync_walk_ins",
}
RUNS_BESIDE_ITSELF = {"migrate_legacy_integration": 4}
"""A rollback starts beside a run that waits for a person; a lease in the ledger keeps them apart (rule G10)."""

HEAVY = {"great_expectations", "pandas", "pyarrow", "simple_salesforce", "requests", "faker"}


def test_every_dag_file_is_accounted_for_and_holds_the_one_dag_of_its_name(parsed: Parsed) -> None:
    files = {path.name for path in (PROJECT_ROOT / "dags").glob("**/*.py")}

    assert files == set(DAG_FILES)
    assert parsed.errors == {}
    assert {Path(dag["file"]).name: dag_id for dag_id, dag in parsed.dags.items()} == DAG_FILES


def test_parsing_imports_nothing_that_belongs_inside_a_task(parsed: Parsed) -> None:
    top_level = {name.partition(".")[0] for name in parsed.imported}
    ours = {name for name in parsed.imported if name.startswith("include.")}

    assert "include.orchestration.tasks" in ours
    assert not top_level & HEAVY
    assert not {name for name in ours if name.split(".")[1] in {"ledger", "salesforce", "source", "quality"}}


def test_a_dag_file_that_reads_a_connection_at_parse_time_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "greedy.py").write_text("from airflow.sdk import Connection\nConnection.get('coconut_db')\n")

    assert "used a connection" in parse(tmp_path).errors.popitem()[1]


@pytest.mark.rule("C1")
@pytest.mark.parametrize("dag_id", sorted(DAG_FILES.values()))
def test_a_dag_brings_its_manual_and_its_tags(parsed: Parsed, dag_id: str) -> None:
    dag = parsed.dags[dag_id]

    for heading in ("**When it runs.**", "**Parameters.**", "ails.**"):
        assert heading in dag["doc"]
    assert {"coconut", "salesforce"} <= set(dag["tags"])
    assert all(task["doc"] for task in dag["tasks"].values())


@pytest.mark.rule("T6")
@pytest.mark.parametrize("dag_id", sorted(DAG_FILES.values()))
def test_a_dag_takes_a_typed_dry_run_that_is_off_unless_asked_for(parsed: Parsed, dag_id: str) -> None:
    assert parsed.dags[dag_id]["params"]["dry_run"]["type"] == "boolean"


@pytest.mark.parametrize("dag_id", sorted(DAG_FILES.values()))
def test_no_dag_catches_up_or_runs_beside_itself_unless_it_waits_for_people(
    parsed: Parsed, dag_id: str
) -> None:
    dag = parsed.dags[dag_id]

    assert (dag["catchup"], dag["max_active_runs"]) == (False, RUNS_BESIDE_ITSELF.get(dag_id, 1))
    assert all(task["has_retry_policy"] for task in dag["tasks"].values())


@pytest.mark.rule("Q9")
@pytest.mark.parametrize("dag_id", sorted(DAG_FILES.values()))
def test_a_failed_run_of_every_dag_is_told_once_and_not_by_each_of_its_tasks(
    parsed: Parsed, dag_id: str
) -> None:
    dag = parsed.dags[dag_id]

    assert dag["on_failure"] == ["alert_failed_run"]
    assert not any(task["on_failure"] for task in dag["tasks"].values())
