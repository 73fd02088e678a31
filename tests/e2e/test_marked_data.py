"""Real DAGs under Airflow, over marked data: neither its logs nor its database hold a value of a person or a secret."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.ledger.repository import Ledger
from include.local_stack.layout import Layout
from include.local_stack.stack import Stack, local_stack
from include.settings.model import Settings
from include.source import tables

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200), pytest.mark.rule("Q11")]

MARK = "Qzx"
CLIENTS = {
    1: {"first_name": f"{MARK}Ann", "last_name": f"{MARK}Lee", "email": f"{MARK}ann@example.com"},
    2: {"first_name": f"{MARK}Bob", "last_name": f"{MARK}Ray", "email": f"{MARK}@@nowhere"},
    3: {"first_name": f"{MARK}Cher", "last_name": None, "email": f"{MARK}cher@example.com"},
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A local org and three marked clients with a booking each.

    Airflow logs at its usual level: at DEBUG its own supervisor quotes the secrets that it is about to mask. What our
    code says at DEBUG, tests/privacy listens to.
    """
    layout = Layout(state=tmp_path_factory.mktemp("stack"))
    with layout.locked(), local_stack(layout) as started:
        started.start_migrating_metadata()
        started.start_org()
        fill(layout.booking_database)
        ledger = Ledger.open(engine(layout.ledger_database))
        owner = Settings(unassigned_events_owner=started.org["user_id"])
        ledger.save_settings(owner, who="test", now=datetime.now(UTC))
        ledger.engine.dispose()
        started.processes.finish("airflow-migrate")
        yield started


def engine(database: Path) -> sa.Engine:
    return sa.create_engine(f"sqlite:///{database}")


def fill(database: Path) -> None:
    coconut, now = engine(database), datetime.now(UTC)
    tables.create_all(coconut)
    stamps = {"created_at": now, "updated_at": now}
    times = {"starts_at": now + timedelta(days=2), "ends_at": now + timedelta(days=2, minutes=30)}
    rows = {
        "locations": [{"id": 1, "name": "Main Street", "timezone": "America/Toronto"}],
        "services": [{"id": 1, "name": "Advice", "duration_minutes": 30}],
        "questions": [{"id": 1, "name": "goal", "label": "Your goal?", "scope": "appointment"}],
        "clients": [
            {
                "id": client_id,
                "sync_disabled": False,
                "phone": f"{MARK} 5",
                "company": MARK,
                **values,
                **stamps,
            }
            for client_id, values in CLIENTS.items()
        ],
        "appointments": [
            {
                "id": client_id,
                "kind": "appointment",
                "status": "booked",
                "service_id": 1,
                "location_id": 1,
                "meeting_method": "phone",
                "booked_through": "kiosk",
                "notes": f"{MARK} note",
                **times,
                **stamps,
            }
            for client_id in CLIENTS
        ],
        "attendees": [
            {"appointment_id": client_id, "client_id": client_id, "is_primary": True, "updated_at": now}
            for client_id in CLIENTS
        ],
        "answers": [
            {
                "appointment_id": 1,
                "client_id": 1,
                "question_id": 1,
                "value": f"{MARK} house",
                "updated_at": now,
            }
        ],
    }
    with coconut.begin() as connection:
        for name, values in rows.items():
            connection.execute(tables.metadata.tables[name].insert(), values)
    coconut.dispose()


def run_dag(stack: Stack, dag_id: str, **conf: object) -> str:
    """Run a DAG headless and return all that it wrote to its terminal, the logs of its tasks included."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "test", dag_id, "-c", json.dumps(conf)],
        env=dict(stack.processes.environment),
        cwd=stack.layout.root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def places(stack: Stack, mark: str) -> list[str]:
    """Return the files below Airflow's home that hold a text; its database, with all results of tasks, is one."""
    files = [path for path in stack.layout.airflow_home.rglob("*") if path.is_file()]
    assert any(path.name == "airflow.db" for path in files)
    return [str(path) for path in files if mark.lower().encode() in path.read_bytes().lower()]


def holds(database: Path, mark: str) -> bool:
    with closing(sqlite3.connect(database)) as connection:
        return any(mark.lower() in line.lower() for line in connection.iterdump())


def test_a_sync_a_crash_and_an_erasure_leave_no_value_and_no_secret_in_airflow(stack: Stack) -> None:
    synced = run_dag(stack, "sync_appointments")
    assert "state=success" in synced, synced[-3000:]
    assert holds(stack.layout.ledger_database, MARK)
    erased = run_dag(stack, "erase_client", client_ids=sorted(CLIENTS))
    assert "state=success" in erased, erased[-3000:]
    with closing(sqlite3.connect(stack.layout.booking_database)) as coconut:
        coconut.execute("ALTER TABLE answers RENAME TO gone_answers")
        coconut.commit()
    crashed = run_dag(stack, "sync_walk_ins")
    assert "Traceback" in crashed

    for text in (MARK, stack.org["consumer_secret"], stack.org["access_token"]):
        said = [line for line in (synced + erased + crashed).splitlines() if text.lower() in line.lower()]
        assert said == []
        assert places(stack, text) == []
    assert not holds(stack.layout.ledger_database, MARK)
    staged = [path for path in stack.layout.staging.rglob("*") if path.is_file()]
    assert staged
    assert [path.name for path in staged if MARK.encode() in path.read_bytes()] == []
