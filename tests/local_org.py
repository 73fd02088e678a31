"""The local org as tests use it: a real process on loopback, its control endpoints, and plain HTTP."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.salesforce.credentials import SalesforceCredentials

if TYPE_CHECKING:
    from include.salesforce.gateway import SalesforceGateway

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "include" / "salesforce_package"
COMMAND = (sys.executable, "-m", "include.salesforce_emulator")
VERSION = "59.0"
DATA = f"/services/data/v{VERSION}"
TIMEOUT_SECONDS = 120
SEEDED_AT_ONCE = 20_000
"""Records of one request, which has to stay below the local org's 50 MB."""
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
"""When the org of a test begins: a year after its end Salesforce archives an Event, so today's date must not matter."""
Answer = requests.Response


class LocalOrg:
    """A running local org with our package deployed; ``announcement`` is the first line it printed.

    Its session and its process end with ``stop`` or ``kill``, which name the process by its id.
    """

    def __init__(self, *arguments: str, command: Sequence[str] = COMMAND) -> None:
        """Start a process on a free port, with further arguments of the command line; its clock shows the true time."""
        command = [*command, "--port", "0", "--package", str(PACKAGE), *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.announcement: dict[str, str] = json.loads(self._process.stdout.readline())
        self.url = self.announcement["url"]
        self.session = self._trusting_session()
        self._lent: list[requests.Session] = []
        self._token: str = self.announcement["access_token"]

    # -- the process

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """End this very process in good order."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End this very process at once, as a power cut would."""
        return self._end(signal.SIGKILL)

    def limit_file_size(self, size_bytes: int | None) -> None:
        """Let no file of this very process grow beyond a size, as on a full disk; None lifts the limit."""
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        soft = hard if size_bytes is None else size_bytes
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (soft, hard))

    def _end(self, number: signal.Signals) -> int:
        self._take_back_sessions()
        self.session.close()
        self._process.send_signal(number)
        code = self._process.wait(timeout=TIMEOUT_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    # -- the product's way in

    def credentials(self, **changes: Any) -> SalesforceCredentials:
        values: dict[str, Any] = {
            "instance_url": self.url,
            "consumer_key": self.announcement["consumer_key"],
            "consumer_secret": self.announcement["consumer_secret"],
        }
        return SalesforceCredentials(**{**values, **changes})

    def connect(self, **changes: Any) -> SalesforceGateway:
        """Sign in; whoever calls this closes the gateway."""
        from include.salesforce.gateway import SalesforceGateway

        return SalesforceGateway.connect(self.credentials(**changes))

    # -- plain HTTP

    def lend_session(self) -> requests.Session:
        """Return a session that knows no proxy and trusts this org's certificate; closed with the next reset."""
        self._lent.append(self._trusting_session())
        return self._lent[-1]

    def _trusting_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = self.announcement.get("ca_file", True)
        return session

    def _take_back_sessions(self) -> None:
        while self._lent:
            self._lent.pop().close()

    def raw(self, method: str, path: str, **kwargs: Any) -> Answer:
        return self.session.request(method, self.url + path, timeout=TIMEOUT_SECONDS, **kwargs)

    def call(self, method: str, path: str, **kwargs: Any) -> Answer:
        """Send a signed-in request below the data resource."""
        headers = {"Authorization": f"Bearer {self._token}", **kwargs.pop("headers", {})}
        return self.raw(method, DATA + path, headers=headers, **kwargs)

    def query(self, soql: str) -> list[dict[str, Any]]:
        answer = self.call("GET", "/query", params={"q": soql})
        assert answer.ok, answer.text
        records: list[dict[str, Any]] = answer.json()["records"]
        return records

    @property
    def token(self) -> str:
        """The access token that ``call`` and ``query`` send."""
        return self._token

    def use_session_of(self, other: LocalOrg) -> None:
        """Go on with another's access token, such as that of the process before a restart."""
        self._token = other.token

    def sign_in(self) -> None:
        """Get a new access token for ``call`` and ``query``."""
        client = {
            "client_id": self.announcement["consumer_key"],
            "client_secret": self.announcement["consumer_secret"],
        }
        answer = self.raw(
            "POST", "/services/oauth2/token", data={"grant_type": "client_credentials", **client}
        )
        self._token = answer.json()["access_token"]

    # -- the control endpoints

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.raw(method, f"/__emulator__/{path}", json=body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def reset(self) -> None:
        """Return to the org as tests find it: the time ``NOW``, no records, jobs, faults or counted requests."""
        self._take_back_sessions()
        self.control("POST", "reset")
        self.set_clock(NOW)
        self.sign_in()
        self.forget_calls()

    def set_clock(self, instant: datetime) -> None:
        """Let the org's clock run on from an instant, whatever today's date is."""
        self.control("POST", "clock", {"set": instant.isoformat()})

    def script(self, *faults: Mapping[str, Any]) -> list[dict[str, Any]]:
        added: list[dict[str, Any]] = self.control("POST", "faults", list(faults))
        return added

    def seed(self, sobject: str, *rows: Mapping[str, Any]) -> list[str]:
        """Write records as Salesforce users would have, and return their Ids."""
        results = [
            result
            for start in range(0, len(rows), SEEDED_AT_ONCE)
            for result in self.control(
                "POST", f"records/{sobject}", list(rows[start : start + SEEDED_AT_ONCE])
            )
        ]
        assert all(row["success"] for row in results), results
        return [row["id"] for row in results]

    def change(self, sobject: str, **values: Any) -> None:
        """Change one record, named by its ``Id``, as a Salesforce user would."""
        (result,) = self.control("POST", f"records/{sobject}", {"operation": "update", "rows": [values]})
        assert result["success"], result

    def delete(self, sobject: str, record_id: str) -> None:
        """Delete one record as a Salesforce user would."""
        (result,) = self.control("POST", "delete", {"sobject": sobject, "ids": [record_id]})
        assert result["success"], result

    def records(self, sobject: str, **where: Any) -> list[dict[str, Any]]:
        """Return the live records of an sObject whose fields have the given values."""
        return [
            row
            for row in self.control("GET", f"records/{sobject}")
            if not row.get("IsDeleted") and all(row.get(k) == v for k, v in where.items())
        ]

    def calls(self) -> Counter[str]:
        """Return the requests since the last reset, by kind; only the kinds there were."""
        by_kind = self.control("GET", "statistics")["requests"]
        return Counter({kind: number for kind, number in by_kind.items() if number})

    def forget_calls(self) -> None:
        self.control("DELETE", "statistics")


@contextmanager
def started(*arguments: str) -> Iterator[LocalOrg]:
    """Start a local org of its own for a test at the time ``NOW``, and end that very process afterwards."""
    org = LocalOrg(*arguments)
    try:
        org.set_clock(NOW)
        org.sign_in()
        yield org
    finally:
        if org.is_running:
            org.stop()


@pytest.fixture(scope="session")
def org_process() -> Iterator[LocalOrg]:
    """Return the one local org of a pytest worker, in whatever state the last test left it."""
    with started() as org:
        yield org


@pytest.fixture
def org(org_process: LocalOrg) -> LocalOrg:
    """Return the worker's local org, as it is after its start."""
    org_process.reset()
    return org_process


@pytest.fixture
def start_org() -> Iterator[Callable[..., LocalOrg]]:
    """Start further processes, whose clocks show the true time; whatever still runs is ended with the test."""
    running: list[LocalOrg] = []

    def start(*arguments: str) -> LocalOrg:
        org = LocalOrg(*arguments)
        running.append(org)
        return org

    yield start
    for org in running:
        if org.is_running:
            org.stop()
