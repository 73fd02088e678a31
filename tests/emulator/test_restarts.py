"""With a data file a restart loses nothing that a client was told, whenever it comes and however."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from include.salesforce_emulator.server.server import Server
from tests.emulator.clients import BulkJob, table
from tests.local_org import DATA, TIMEOUT_SECONDS, LocalOrg

pytestmark = pytest.mark.rule("P3")
_KEY = "Coconut_Client_Key__c"
_KILLS = 20
_LEAD = {"LastName": "Doe", "Company": "Acme"}
StartOrg = Callable[..., LocalOrg]


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(tmp_path / "org.db")


def _restarted(org: LocalOrg, start_org: StartOrg, data: str) -> LocalOrg:
    """Kill an org and return the one that follows it, used with the session of the one before."""
    org.kill()
    return _followed(org, start_org, data)


def _followed(org: LocalOrg, start_org: StartOrg, data: str) -> LocalOrg:
    following = start_org("--data", data)
    following.use_session_of(org)
    return following


def test_a_session_outlives_a_kill_and_still_ends_in_time(start_org: StartOrg, data: str) -> None:
    org = start_org("--data", data)
    org.control("POST", "clock", {"set": "2026-03-18T12:00:00Z", "freeze": True})
    org.sign_in()
    org = _restarted(org, start_org, data)
    assert org.control("GET", "clock")["now"].startswith("2026-03-18T12:00:00")
    assert org.call("GET", "/limits").status_code == 200
    org.control("POST", "clock", {"advance_seconds": 7_201})
    assert org.call("GET", "/limits").status_code == 401
    org.sign_in()
    org.control("DELETE", "sessions")
    assert _restarted(org, start_org, data).call("GET", "/limits").status_code == 401


def test_a_query_cursor_outlives_a_kill_with_its_rows_and_their_order(start_org: StartOrg, data: str) -> None:
    org = start_org("--data", data)
    ids = org.seed("Lead", *({**_LEAD, "LastName": f"L{n:04}"} for n in range(300)))
    org.control("POST", "paging", {"page_rows": 100})
    first = org.call("GET", "/query", params={"q": "SELECT LastName FROM Lead ORDER BY LastName DESC"}).json()
    org.seed("Lead", {**_LEAD, "LastName": "L0150a"})
    org.change("Lead", Id=ids[0], LastName="Z")
    org = _restarted(org, start_org, data)
    second = org.call("GET", first["nextRecordsUrl"].removeprefix(DATA)).json()
    third = org.call("GET", second["nextRecordsUrl"].removeprefix(DATA)).json()
    names = [row["LastName"] for page in (first, second, third) for row in page["records"]]
    assert names == [*(f"L{n:04}" for n in range(299, 0, -1)), "Z"]
    assert (third["done"], third["totalSize"]) == (True, 300)
    fresh = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead"}).json()
    assert (len(fresh["records"]), fresh["totalSize"]) == (100, 301)
    assert fresh["nextRecordsUrl"].rpartition("-")[0] != first["nextRecordsUrl"].rpartition("-")[0]


def test_faults_outlive_a_kill_and_go_on_counting(start_org: StartOrg, data: str) -> None:
    org = start_org("--data", data)
    org.script(
        {"type": "respond", "kind": "limits", "nth": 3},
        {"type": "lock_rows", "sobject": "Lead", "field": "LastName", "values": ["x"], "times": 2},
    )
    assert [org.call("GET", "/limits").status_code for _ in range(2)] == [200, 200]
    locked = {**_LEAD, "LastName": "x"}
    assert "UNABLE_TO_LOCK_ROW" in org.call("POST", "/sobjects/Lead", json=locked).text
    org = _restarted(org, start_org, data)
    assert [org.call("GET", "/limits").status_code for _ in range(2)] == [503, 200]
    assert "UNABLE_TO_LOCK_ROW" in org.call("POST", "/sobjects/Lead", json=locked).text
    assert org.call("POST", "/sobjects/Lead", json=locked).status_code == 201
    (added,) = org.script({"type": "exhaust_quota"})
    assert added["id"] == 3
    org.control("DELETE", "faults")
    assert _restarted(org, start_org, data).control("GET", "faults") == []


def test_limits_and_counts_outlive_a_stop_and_what_was_set_a_kill(start_org: StartOrg, data: str) -> None:
    org = start_org("--data", data)
    org.control("POST", "limits", {"DailyApiRequests": {"Max": 50, "Used": 48}})
    org = _restarted(org, start_org, data)
    org.forget_calls()
    assert [org.call("GET", "/limits").status_code for _ in range(3)] == [200, 200, 403]
    assert org.stop() == 0
    org = _followed(org, start_org, data)
    assert org.calls() == {"limits": 3}
    assert org.call("GET", "/limits").status_code == 403
    assert org.control("GET", "limits")["DailyApiRequests"] == {"Max": 50, "Remaining": 0}


def test_a_moved_clock_runs_on_after_a_kill_and_no_kill_undoes_a_reset(
    start_org: StartOrg, data: str
) -> None:
    org = start_org("--data", data)
    org.control("POST", "clock", {"set": "2030-01-01T00:00:00Z"})
    org = _restarted(org, start_org, data)
    assert org.control("GET", "clock")["now"].startswith("2030-01-01T00:")
    org.seed("Lead", _LEAD)
    org.script({"type": "exhaust_quota"})
    org.control("POST", "limits", {"DailyApiRequests": {"Max": 5}})
    org.control("POST", "paging", {"page_rows": 7})
    org.control("POST", "reset")
    org.sign_in()
    org = _restarted(org, start_org, data)
    assert org.query("SELECT Id FROM Lead") == []
    assert org.control("GET", "faults") == []
    assert org.control("GET", "limits")["DailyApiRequests"]["Max"] == 100_000
    assert not org.control("GET", "clock")["now"].startswith("2030")


def test_the_id_of_a_job_is_given_once_whatever_became_of_the_job(tmp_path: Path) -> None:
    given = set()
    for _ in range(2):
        server = Server.open(data=tmp_path / "org.db", package=None, folder=tmp_path)
        given.add(server.jobs.next_identity())
        server.close()
    assert len(given) == 2


def test_jobs_go_on_after_a_kill_from_whatever_phase_they_were_in(start_org: StartOrg, data: str) -> None:
    org = start_org("--data", data)
    rows = table((_KEY, "LastName", "Company"), *([f"w{n}", "L", "C"] for n in range(10)))
    org.script(
        {"type": "stick_job", "state": "UploadComplete", "sobject": "Contact"},
        {"type": "stick_job", "after_rows": 0, "sobject": "Account"},
        {"type": "stick_job", "after_rows": 6, "sobject": "Lead"},
    )
    waiting, begun, halfway = (BulkJob.create(org, name) for name in ("Contact", "Account", "Lead"))
    created, cut, uploaded = (BulkJob.create(org, "Lead") for _ in range(3))
    assert waiting.run(table(("LastName",), ["A"], ["B"]))["state"] == "UploadComplete"
    assert begun.run(table(("Name",), ["A"], ["B"]))["state"] == "InProgress"
    assert halfway.run(rows)["numberRecordsProcessed"] == 6
    uploaded.upload(rows.replace("w", "u"))
    with _half_an_upload(org, cut):
        org = _restarted(org, start_org, data)
    waiting, begun, halfway, created, cut, uploaded = (
        BulkJob(org, job.id) for job in (waiting, begun, halfway, created, cut, uploaded)
    )
    assert halfway.information()["numberRecordsProcessed"] == 6
    org.control("DELETE", "faults")
    for job in (created, cut):
        assert job.upload(rows.replace("w", job.id)).status_code == 201
    for job in (created, cut, uploaded):
        assert job.set_state("UploadComplete").ok
    org.control("POST", "drain")
    for job, count in ((waiting, 2), (begun, 2), (halfway, 10), (created, 10), (cut, 10), (uploaded, 10)):
        done = job.information()
        assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (
            "JobComplete",
            count,
            0,
        )
        assert len(job.results("successfulResults")) == count
    assert len(org.query("SELECT Id FROM Lead")) == 40


def _half_an_upload(org: LocalOrg, job: BulkJob) -> socket.socket:
    """Return a connection on which an upload was begun and never ends."""
    address = urlsplit(org.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_SECONDS)
    head = (
        f"PUT {DATA}/jobs/ingest/{job.id}/batches HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
        f"Authorization: Bearer {org.token}\r\nContent-Length: 1000000\r\n\r\n"
    )
    connection.sendall(head.encode() + b"LastName,Company\nDoe,A")
    return connection


@dataclass(slots=True)
class _Client:
    """Writes without end until the org is gone, and knows what was acknowledged.

    ``setups`` are the setups that may be in force: the last one acknowledged, and one that was sent and not answered.
    """

    org: LocalOrg
    rng: random.Random
    name: str
    sending: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    acknowledged: set[str] = field(default_factory=set)
    together: list[set[str]] = field(default_factory=list)
    jobs: dict[str, set[str]] = field(default_factory=dict)
    setups: list[str] = field(default_factory=list)

    def run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {self.org.token}"
            try:
                for number in range(10_000):
                    self._step(session, f"{self.name}-{number}")
            except requests.RequestException:
                return

    def _send(self, session: requests.Session, method: str, path: str, **kwargs: Any) -> Any:
        self.sending.release()
        answer = session.request(method, self.org.url + path, timeout=TIMEOUT_SECONDS, **kwargs)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def _step(self, session: requests.Session, key: str) -> None:
        match self.rng.randrange(5):
            case 0:
                self._send(session, "POST", f"{DATA}/sobjects/Lead", json={**_LEAD, _KEY: key})
                self.acknowledged.add(key)
            case 1:
                self._send(session, "PATCH", f"{DATA}/sobjects/Lead/{_KEY}/{key}", json=_LEAD)
                self.acknowledged.add(key)
            case 2:
                self._write_together(session, {f"{key}{letter}" for letter in "abc"})
            case 3:
                self._run_job(session, {f"{key}{letter}" for letter in "jkl"})
            case _:
                self.setups.append(f"{key}@example.com")
                self._send(session, "PUT", "/__emulator__/setup", json={"users": {self.setups[-1]: {}}})
                self.setups = self.setups[-1:]

    def _write_together(self, session: requests.Session, keys: set[str]) -> None:
        self.together.append(keys)
        records = [{"attributes": {"type": "Lead"}, **_LEAD, _KEY: key} for key in sorted(keys)]
        body = {"allOrNone": True, "records": records}
        self._send(session, "POST", f"{DATA}/composite/sobjects", json=body)
        self.acknowledged |= keys

    def _run_job(self, session: requests.Session, keys: set[str]) -> None:
        job = {"object": "Lead", "operation": "insert", "lineEnding": "LF"}
        path = f"{DATA}/jobs/ingest/" + self._send(session, "POST", f"{DATA}/jobs/ingest", json=job)["id"]
        rows = table((_KEY, "LastName", "Company"), *([key, "L", "C"] for key in sorted(keys)))
        self._send(session, "PUT", f"{path}/batches", data=rows, headers={"Content-Type": "text/csv"})
        self._send(session, "PATCH", path, json={"state": "UploadComplete"})
        self.acknowledged |= keys
        self.together.append(keys)


def test_twenty_kills_at_any_instant_lose_nothing_acknowledged_and_leave_nothing_half(
    start_org: StartOrg, data: str
) -> None:
    rng = random.Random("twenty kills")
    org = start_org("--data", data)
    clients = []
    setups = ["first@example.com"]
    org.control("PUT", "setup", {"users": {setups[0]: {}}})
    for kill in range(_KILLS):
        client = _Client(org, random.Random(f"client {kill}"), f"c{kill}", setups=setups)
        clients.append(client)
        thread = threading.Thread(target=client.run)
        thread.start()
        for _ in range(rng.randint(1, 25)):
            assert client.sending.acquire(timeout=TIMEOUT_SECONDS)
        sum(range(rng.randrange(1_000_000)))  # somewhere within the request, not always at its beginning
        org = _restarted(org, start_org, data)
        thread.join(timeout=TIMEOUT_SECONDS)
        (in_force,) = org.control("GET", "setup")["users"]
        assert in_force in client.setups
        setups = [in_force]
    _require_all_of_it(org, clients)


def _require_all_of_it(org: LocalOrg, clients: list[_Client]) -> None:
    assert org.control("POST", "drain") == {"idle": True}
    rows = [row[_KEY] for row in org.control("GET", "records/Lead")]
    written = set(rows)
    assert len(rows) == len(written), "something was written twice"
    assert len(written) > _KILLS
    for client in clients:
        assert client.acknowledged <= written
        for keys in client.together:
            assert len(keys & written) in (0, len(keys))
