"""The DAGs run headless, with ``airflow dags test``, against the local org over real HTTP."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
import requests

from include.demo.figures import Figures, RunFigures
from include.demo.org_reader import read_org
from include.demo.proof import Before, prove
from include.local_stack.layout import Layout
from include.local_stack.stack import Stack, local_stack
from tests.mail import inbox, text_of

BY_MAIL = {
    "class": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
    "arguments": {"to": "ops@example.com"},
}
REFUSED = "sync_staff: the Salesforce connection is refused"
DAG_PROCESSOR = ["-m", "airflow", "dag-processor", "--num-runs", "1"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A local org and a booking database of 150 bookings; Airflow's database is there, no component of it runs."""
    layout = Layout(state=tmp_path_factory.mktemp("stack"))
    with layout.locked(), local_stack(layout) as started:
        started.start_migrating_metadata()
        started.start_org()
        started.fill_with_demo_data(bookings=150, seed=11)
        started.processes.finish("airflow-migrate")
        yield started


@dataclass(frozen=True, slots=True)
class Headless:
    """What one ``airflow dags test`` left behind."""

    succeeded: bool
    output: str
    ledger_runs: list[RunFigures]


def run_headless(stack: Stack, figures: Figures, dag_id: str, **conf: object) -> Headless:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "test", dag_id, "-c", json.dumps(conf)],
        env=dict(stack.processes.environment),
        cwd=stack.layout.root,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    return Headless(done.returncode == 0 and "state=success" in output, output, figures.new_runs())


@contextmanager
def stack_with(stack: Stack, **environment: str) -> Iterator[None]:
    """Give what runs in the stack other environment variables for a while."""
    before = stack.processes.environment
    stack.processes.environment = {**before, **environment}
    try:
        yield
    finally:
        stack.processes.environment = before


@pytest.mark.rule("T6")
@pytest.mark.rule("Q3")
@pytest.mark.rule("P3")
def test_a_dry_run_writes_nothing_and_the_real_runs_write_exactly_what_belongs_there(stack: Stack) -> None:
    figures = Figures(stack.layout.ledger_database, stack.org_url)
    empty = read_org(stack.org)
    figures.leave_out_requests()

    planned = run_headless(stack, figures, "sync_appointments", dry_run=True)

    assert planned.succeeded, planned.output[-3000:]
    assert {kind for kind, calls in figures.new_requests().items() if calls} <= {"login", "describe", "query"}
    assert read_org(stack.org) == empty

    figures.leave_out_requests()
    runs = [run_headless(stack, figures, dag_id) for dag_id in ("sync_appointments", "sync_walk_ins")]

    assert all(run.succeeded for run in runs), runs[-1].output[-3000:]
    settled = [run for headless in runs for run in headless.ledger_runs]
    assert all(run.balances and run.counts["read"] > 0 for run in settled)
    assert sum((run.calls for run in settled[1:]), settled[0].calls) == figures.new_requests()
    proof = prove(
        read_org(stack.org),
        Before(empty),
        booking_database=stack.layout.booking_database,
        ledger=stack.layout.ledger_database,
    )
    assert proof.holds, proof.lines()
    assert proof.expected > 100


@pytest.mark.rule("Q6")
@pytest.mark.rule("Q9")
def test_wrong_credentials_fail_the_first_task_that_signs_in_with_one_sentence_and_one_mail(
    stack: Stack,
) -> None:
    figures = Figures(stack.layout.ledger_database, stack.org_url)
    wrong = {"instance_url": stack.org_url, "consumer_key": "unknown", "consumer_secret": "wrong"}
    with (
        inbox() as arrived,
        stack_with(
            stack,
            AIRFLOW_CONN_SALESFORCE_DEFAULT=json.dumps({"conn_type": "salesforce", "extra": wrong}),
            AIRFLOW_CONN_SMTP_DEFAULT=arrived.connection,
            AIRFLOW_CONN_SYNC_ALERTS=json.dumps({"conn_type": "generic", "extra": {"notifiers": [BY_MAIL]}}),
        ),
    ):
        run = run_headless(stack, figures, "sync_staff")
        assert not run.succeeded
        assert "salesforce_default" in run.output
        assert [mail["Subject"] for mail in arrived.mails] == ["sync_staff failed"]

        # Under a scheduler it is the DAG processor that tells, and reads why: give it the same callback.
        for command in (["-m", "tests.e2e.hand_over_callback", "sync_staff"], DAG_PROCESSOR):
            done = subprocess.run(
                [sys.executable, *command],
                env=dict(stack.processes.environment),
                cwd=stack.layout.root,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-3000:]

    assert [mail["Subject"] for mail in arrived.mails[1:]] == [REFUSED]
    assert "check its user name, password, key or secret" in text_of(arrived.mails[-1])
    assert "/dags/sync_staff/runs/manual__" in text_of(arrived.mails[-1])


@pytest.mark.rule("T3")
@pytest.mark.rule("Q3")
def test_named_clients_are_synced_with_all_their_bookings(stack: Stack) -> None:
    figures = Figures(stack.layout.ledger_database, stack.org_url)
    figures.new_runs()
    with closing(sqlite3.connect(stack.layout.booking_database)) as coconut:
        named = [row[0] for row in coconut.execute("SELECT id FROM clients ORDER BY id LIMIT 2")]
        (pairs,) = coconut.execute(
            "SELECT COUNT(*) FROM attendees WHERE appointment_id IN "
            "(SELECT appointment_id FROM attendees WHERE client_id IN (?, ?))",
            named,
        ).fetchone()

    run = run_headless(stack, figures, "sync_clients", client_ids=named)

    assert run.succeeded, run.output[-3000:]
    (settled,) = run.ledger_runs
    assert settled.counts["read"] == pairs
    assert settled.balances
    outcomes = ("written", "unchanged", "held", "quarantined", "disabled")
    assert sum(settled.counts[f"clients_{outcome}"] for outcome in outcomes) == len(named)


@pytest.mark.rule("T7")
@pytest.mark.rule("Q3")
def test_a_backfill_runs_window_by_window_and_finds_everything_written(stack: Stack) -> None:
    figures = Figures(stack.layout.ledger_database, stack.org_url)
    figures.new_runs()
    with closing(sqlite3.connect(stack.layout.booking_database)) as coconut:
        (newest,) = coconut.execute("SELECT date(MAX(starts_at)) FROM appointments").fetchone()
    last = date.fromisoformat(newest)

    run = run_headless(
        stack,
        figures,
        "backfill_bookings",
        **{"from": str(last - timedelta(days=9)), "until": str(last), "days_per_window": 5},
    )

    assert run.succeeded, run.output[-3000:]
    assert len(run.ledger_runs) == 2
    assert all(settled.balances for settled in run.ledger_runs)
    assert sum(settled.counts["read"] for settled in run.ledger_runs) > 0
    assert sum(settled.counts.get("created", 0) for settled in run.ledger_runs) == 0


@pytest.mark.rule("Q2")
@pytest.mark.rule("Q3")
def test_everything_that_waits_is_read_again_on_request(stack: Stack) -> None:
    figures = Figures(stack.layout.ledger_database, stack.org_url)
    figures.new_runs()
    with closing(sqlite3.connect(stack.layout.ledger_database)) as ledger:
        (waiting,) = ledger.execute("SELECT COUNT(*) FROM quarantine").fetchone()

    run = run_headless(stack, figures, "replay_quarantine", all=True)

    assert run.succeeded, run.output[-3000:]
    (settled,) = run.ledger_runs
    assert settled.balances
    assert settled.counts["read"] >= waiting > 0


@pytest.mark.rule("Q7")
def test_what_somebody_changed_in_salesforce_is_found_and_mended(stack: Stack) -> None:
    figures = Figures(stack.layout.ledger_database, stack.org_url)
    figures.new_runs()
    with closing(sqlite3.connect(stack.layout.ledger_database)) as ledger:
        (event_id,) = ledger.execute("SELECT MIN(event_id) FROM event_links").fetchone()
    drift = {"operation": "update", "rows": [{"Id": event_id, "Location": "Moved by hand"}]}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{stack.org_url}/__emulator__/records/Event", json=drift, timeout=60)
    assert answer.json()[0]["success"]

    run = run_headless(stack, figures, "reconcile", repair=True)

    assert run.succeeded, run.output[-3000:]
    (settled,) = run.ledger_runs
    assert settled.balances
    assert settled.counts["updated"] == 1
    with closing(sqlite3.connect(stack.layout.ledger_database)) as ledger:
        (summary,) = ledger.execute("SELECT summary FROM reports WHERE kind = 'reconciliation'").fetchone()
    assert json.loads(summary)["fields"] == {"drifted": {"Location": 1}}
