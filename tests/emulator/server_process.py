"""The local org as its own tests use it: a real process, plain HTTP, and simple-salesforce unmodified."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "include" / "salesforce_package"
VERSION = "59.0"
DATA = f"/services/data/v{VERSION}"
TIMEOUT_SECONDS = 120
Answer = requests.Response


class LoopbackAdapter(HTTPAdapter):
    """Sends what simple-salesforce addresses to https to the local org's plain-http address instead."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = urlsplit(target)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Answer:
        parts = urlsplit(request.url)
        request.url = urlunsplit((self._target.scheme, self._target.netloc, *parts[2:]))
        return super().send(request, *args, **kwargs)


class ServerProcess:
    """A running local org; ``announcement`` is the first line it printed."""

    def __init__(self, *arguments: str) -> None:
        command = [
            sys.executable,
            "-m",
            "include.salesforce_emulator",
            "--port",
            "0",
            "--package",
            str(PACKAGE),
        ]
        self._process = subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.announcement: dict[str, str] = json.loads(self._process.stdout.readline())
        self.url = self.announcement["url"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = self.announcement.get("ca_file", True)
        self._token = self.announcement["access_token"]

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> int:
        """End this very process in good order."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End this very process at once, as a power cut would."""
        return self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        self.session.close()
        self._process.send_signal(number)
        code = self._process.wait(timeout=TIMEOUT_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def sign_in(self) -> None:
        client = {
            "client_id": self.announcement["consumer_key"],
            "client_secret": self.announcement["consumer_secret"],
        }
        answer = self.raw(
            "POST", "/services/oauth2/token", data={"grant_type": "client_credentials", **client}
        )
        self._token = answer.json()["access_token"]

    def raw(self, method: str, path: str, **kwargs: Any) -> Answer:
        return self.session.request(method, self.url + path, timeout=TIMEOUT_SECONDS, **kwargs)

    def call(self, method: str, path: str, **kwargs: Any) -> Answer:
        """Send a signed-in request below the data resource."""
        headers = {"Authorization": f"Bearer {self._token}", **kwargs.pop("headers", {})}
        return self.raw(method, DATA + path, headers=headers, **kwargs)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.raw(method, f"/__emulator__/{path}", json=body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def script(self, *faults: Mapping[str, Any]) -> list[dict[str, Any]]:
        added: list[dict[str, Any]] = self.control("POST", "faults", list(faults))
        return added

    def seed(self, sobject: str, *rows: Mapping[str, Any]) -> list[str]:
        results = self.control("POST", f"records/{sobject}", list(rows))
        assert all(row["success"] for row in results), results
        return [row["id"] for row in results]

    def counts(self) -> dict[str, int]:
        """Return the requests since the last reset, only the kinds there were."""
        requests_by_kind = self.control("GET", "statistics")["requests"]
        return {kind: number for kind, number in requests_by_kind.items() if number}

    def query(self, soql: str) -> list[dict[str, Any]]:
        answer = self.call("GET", "/query", params={"q": soql})
        assert answer.ok, answer.text
        records: list[dict[str, Any]] = answer.json()["records"]
        return records

    def client_session(self) -> requests.Session:
        """Return a session that reaches this org whatever Salesforce host is asked for."""
        session = requests.Session()
        session.trust_env = False
        session.verify = self.announcement.get("ca_file", True)
        if self.url.startswith("http://"):
            adapter = LoopbackAdapter(self.url)
            for host in (urlsplit(self.url).netloc, "login.salesforce.com", "acme.my.salesforce.com"):
                session.mount(f"https://{host}/", adapter)
        return session

    def client(self) -> Salesforce:
        """Return simple-salesforce, unmodified, signed in with client credentials."""
        return Salesforce(
            consumer_key=self.announcement["consumer_key"],
            consumer_secret=self.announcement["consumer_secret"],
            domain="acme.my",
            version=VERSION,
            session=self.client_session(),
        )


@dataclass(frozen=True, slots=True)
class BulkJob:
    """One ingest job driven step by step."""

    org: ServerProcess
    id: str

    @classmethod
    def create(cls, org: ServerProcess, sobject: str, operation: str = "insert", **more: str) -> BulkJob:
        body = {"object": sobject, "operation": operation, "contentType": "CSV", "lineEnding": "LF", **more}
        answer = org.call("POST", "/jobs/ingest", json=body)
        assert answer.ok, answer.text
        return cls(org, answer.json()["id"])

    def upload(self, content: str | bytes) -> Answer:
        body = content.encode() if isinstance(content, str) else content
        headers = {"Content-Type": "text/csv"}
        return self.org.call("PUT", f"/jobs/ingest/{self.id}/batches", data=body, headers=headers)

    def set_state(self, state: str) -> Answer:
        return self.org.call("PATCH", f"/jobs/ingest/{self.id}", json={"state": state})

    def run(self, content: str | bytes) -> dict[str, Any]:
        """Upload, close, and wait until the job is finished or held; return its information."""
        assert self.upload(content).status_code == 201
        assert self.set_state("UploadComplete").ok
        self.org.control("POST", "drain")
        return self.information()

    def information(self) -> dict[str, Any]:
        information: dict[str, Any] = self.org.call("GET", f"/jobs/ingest/{self.id}").json()
        return information

    def results(self, kind: str) -> list[dict[str, str]]:
        answer = self.org.call("GET", f"/jobs/ingest/{self.id}/{kind}")
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8"), newline="")))


def table(columns: Sequence[str], *rows: Sequence[str], line_ending: str = "\n") -> str:
    """Write a CSV as a client would."""
    sink = io.StringIO(newline="")
    csv.writer(sink, lineterminator=line_ending).writerows([columns, *rows])
    return sink.getvalue()
