from __future__ import annotations

import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.emulator.clients import BulkJob, table
from tests.local_org import COMMAND, PACKAGE, ROOT, TIMEOUT_SECONDS, LocalOrg, started

pytestmark = pytest.mark.rule("P3")
_ANNOUNCED = {
    "url",
    "username",
    "password",
    "security_token",
    "consumer_key",
    "consumer_secret",
    "private_key_file",
    "access_token",
    "user_id",
}
_KEY = "Coconut_Client_Key__c"


def _people(count: int) -> str:
    return table((_KEY, "LastName", "Company"), *([f"k{n}", f"L{n}", "C"] for n in range(count)))


def _run_to_exit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def test_the_first_line_says_what_a_client_needs(org: LocalOrg) -> None:
    assert set(org.announcement) == _ANNOUNCED
    assert org.url.startswith("http://127.0.0.1:")
    assert Path(org.announcement["private_key_file"]).stat().st_mode & 0o077 == 0


def test_without_data_nothing_remains(start_org: Callable[..., LocalOrg]) -> None:
    server = start_org()
    key_file = Path(server.announcement["private_key_file"])
    assert key_file.exists()
    assert server.stop() == 0
    assert not key_file.parent.exists()


def test_with_data_a_restart_keeps_records_credentials_and_results(
    start_org: Callable[..., LocalOrg], tmp_path: Path
) -> None:
    data = str(tmp_path / "org.db")
    first = start_org("--data", data)
    job = BulkJob.create(first, "Lead")
    job.run(_people(3))
    first.stop()
    second = start_org("--data", data)
    kept = _ANNOUNCED - {"url", "access_token"}
    assert {name: second.announcement[name] for name in kept} == {
        name: first.announcement[name] for name in kept
    }
    assert len(second.query("SELECT Id FROM Lead")) == 3
    assert len(BulkJob(second, job.id).results("successfulResults")) == 3


def test_after_a_kill_jobs_go_on_where_they_were_and_no_row_is_written_twice(
    start_org: Callable[..., LocalOrg], tmp_path: Path
) -> None:
    data = str(tmp_path / "org.db")
    first = start_org("--data", data)
    open_job = BulkJob.create(first, "Contact")
    open_job.upload(table(("LastName",), ["A"], ["B"]))
    first.script({"type": "stick_job", "after_rows": 4})
    job = BulkJob.create(first, "Lead")
    held = job.run(_people(10))
    assert (held["state"], held["numberRecordsProcessed"]) == ("InProgress", 4)
    first.kill()
    second = start_org("--data", data)
    second.control("DELETE", "faults")  # the fault outlived the kill too, and holds the job
    second.control("POST", "drain")
    job, open_job = BulkJob(second, job.id), BulkJob(second, open_job.id)
    assert job.information()["state"] == "JobComplete"
    assert sorted(row[_KEY] for row in job.results("successfulResults")) == sorted(f"k{n}" for n in range(10))
    assert job.results("failedResults") == []
    assert len(second.query("SELECT Id FROM Lead")) == 10
    assert open_job.information()["state"] == "Open"
    open_job.set_state("UploadComplete")
    second.control("POST", "drain")
    assert open_job.information()["numberRecordsProcessed"] == 2


@pytest.fixture(scope="module")
def tls_server() -> Iterator[LocalOrg]:
    with started("--tls") as server:
        yield server


def test_with_tls_clients_trust_the_private_authority(tls_server: LocalOrg) -> None:
    server = tls_server
    assert set(server.announcement) == {*_ANNOUNCED, "ca_file"}
    assert server.url.startswith("https://")
    server.sign_in()
    assert len(server.query("SELECT Id FROM User LIMIT 1")) == 1
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{server.url}/services/data", timeout=TIMEOUT_SECONDS)


def test_another_host_than_loopback_needs_tls() -> None:
    refused = _run_to_exit("--port", "0", "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "give --tls" in refused.stderr


def test_a_missing_package_folder_is_named(tmp_path: Path) -> None:
    refused = _run_to_exit("--port", "0", "--package", str(tmp_path / "nowhere"))
    assert refused.returncode == 2
    assert "is not a folder" in refused.stderr


def test_a_taken_port_is_named(org: LocalOrg) -> None:
    port = org.url.rpartition(":")[2]
    refused = _run_to_exit("--port", port)
    assert refused.returncode == 1
    assert f"port {port}" in refused.stderr


def test_an_interrupt_ends_the_org_quietly() -> None:
    command = [*COMMAND, "--port", "0", "--package", str(PACKAGE)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=TIMEOUT_SECONDS)
    assert "Traceback" not in complaint


def test_an_unknown_control_endpoint_says_so(org: LocalOrg) -> None:
    assert org.control("GET", "health")["status"] == "ok"
    assert org.raw("GET", "/__emulator__/nonsense").status_code == 501


def test_two_processes_never_share_one_data_file(start_org: Callable[..., LocalOrg], tmp_path: Path) -> None:
    data = str(tmp_path / "org.db")
    start_org("--data", data)
    refused = _run_to_exit("--port", "0", "--data", data)
    assert refused.returncode == 1
    assert "Another local org serves" in refused.stderr


def test_a_data_file_of_another_kind_is_refused_in_one_sentence(tmp_path: Path) -> None:
    data = tmp_path / "org.db"
    data.write_text("no database at all, but long enough to look like one" * 100)
    refused = _run_to_exit("--port", "0", "--data", str(data))
    assert refused.returncode == 1
    assert "Give a file that it made" in refused.stderr
    assert "Traceback" not in refused.stderr


def _refusal(*arguments: str) -> str:
    """Start an org that cannot start, and return the one sentence it says."""
    refused = _run_to_exit("--port", "0", *arguments)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert refused.stderr.count("\n") == 1
    return refused.stderr


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "other.db"
    with closing(sqlite3.connect(data)) as other:
        other.execute("CREATE TABLE invoices (number INTEGER)")
        other.commit()
    before = data.read_bytes()
    assert "the database of another program" in _refusal("--data", str(data))
    assert data.read_bytes() == before


def test_a_damaged_data_file_is_refused_in_one_sentence(
    start_org: Callable[..., LocalOrg], tmp_path: Path
) -> None:
    data = tmp_path / "org.db"
    start_org("--data", str(data)).stop()
    with data.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * (data.stat().st_size - 4_096))
    assert "malformed" in _refusal("--data", str(data))


def test_damaged_secrets_are_named_with_the_way_out(
    start_org: Callable[..., LocalOrg], tmp_path: Path
) -> None:
    data = tmp_path / "org.db"
    start_org("--data", str(data)).stop()
    secrets = tmp_path / "org.db.server" / "credentials.json"
    secrets.write_text(secrets.read_text()[:-9])
    assert f"Delete {secrets}" in _refusal("--data", str(data))
    secrets.unlink()
    assert start_org("--data", str(data)).control("GET", "health")["status"] == "ok"


@pytest.mark.parametrize("place", ["/proc/org.db", "/dev/null/org.db"])
def test_a_place_that_cannot_be_written_is_named(place: str) -> None:
    assert f"{place}.server" in _refusal("--data", place)


def test_a_full_disk_is_said_and_waited_for_and_nothing_is_lost(
    start_org: Callable[..., LocalOrg], tmp_path: Path
) -> None:
    data = tmp_path / "org.db"
    org = start_org("--data", str(data))
    job = BulkJob.create(org, "Contact")
    job.upload(table(("LastName", "Description"), *([f"C{n}", "x" * 900] for n in range(2_000))))
    org.limit_file_size(2 * data.with_name("org.db-wal").stat().st_size)
    assert job.set_state("UploadComplete").ok
    written = 0
    while (answer := org.call("POST", "/sobjects/Lead", json={"LastName": "L" * 80, "Company": "C"})).ok:
        written += 1
        assert written < 10_000
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (503, "SERVER_UNAVAILABLE")
    assert len(org.query("SELECT Id FROM Lead")) == written
    org.limit_file_size(None)
    assert org.call("POST", "/sobjects/Lead", json={"LastName": "L", "Company": "C"}).status_code == 201
    assert org.control("POST", "drain") == {"idle": True}
    assert job.information()["numberRecordsProcessed"] == 2_000
    assert job.information()["numberRecordsFailed"] == 0
    assert len(org.control("GET", "records/Contact")) == 2_000


def test_what_clients_do_while_a_job_runs_is_answered_between_its_batches(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    job.upload(_people(20_000))
    job.set_state("UploadComplete")
    assert len(org.query("SELECT Id FROM User LIMIT 1")) == 1
    org.control("POST", "drain")
    assert job.information()["numberRecordsProcessed"] == 20_000
