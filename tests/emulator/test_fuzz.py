"""No malformed input makes the local org fail: thousands in this process, some hundreds through a socket."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.emulator import malformed
from tests.emulator.asgi_driver import AsgiOrg, Reply, Request
from tests.local_org import DATA

pytestmark = pytest.mark.rule("P3")
_INPUTS = {
    "json": 1_800,
    "values": 1_500,
    "csv": 900,
    "xml": 1_100,
    "tokens": 1_000,
    "soql": 1_700,
    "addresses": 1_400,
    "headers": 800,
    "gzip": 300,
    "multipart": 500,
    "control": 1_300,
}
_WRITTEN = ("Lead", "Contact", "Event", "Account", "Task", "Campaign", "CampaignMember", "User")
_NOT_IMPLEMENTED = 501


@pytest.fixture
def asgi_org() -> Iterator[AsgiOrg]:
    org = AsgiOrg()
    yield org
    org.close()


@dataclass(slots=True)
class _Storm:
    """Sends the inputs of one family, and keeps the Ids that the org says it has made."""

    org: AsgiOrg
    family: str
    made: set[str] = field(default_factory=set)
    jobs: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    has_jobs: bool = False
    sent: int = 0

    def __post_init__(self) -> None:
        """Make the records that inputs name: whatever becomes of these, they were made."""
        lead = {"LastName": "Lead", "Company": "Storm"}
        visit = {
            "Subject": "V",
            "StartDateTime": "2026-03-20T10:00:00Z",
            "EndDateTime": "2026-03-20T10:30:00Z",
        }
        for sobject, row in (
            ("Lead", lead),
            ("Contact", {"LastName": "C"}),
            ("Account", {"Name": "A"}),
            ("Event", visit),
        ):
            self.names[f"{{{sobject.lower()}}}"] = self.org.call("POST", f"/sobjects/{sobject}", row)["id"]
        self.made |= set(self.names.values())
        self.names["{token}"] = self.org.token
        self.names["{job}"] = ""

    def send(self, number: int) -> None:
        self.names["{job}"] = ""
        if self.family == "xml":  # an input may have logged out
            self.org.sign_in()
            self.names["{token}"] = self.org.token
        for request in malformed.make(self.family, number):
            prepared = self._named(request)
            reply = self.org.send(prepared)
            where = f"malformed.make({self.family!r}, {number}): {_shown(prepared)}"
            assert reply.status < 500 or reply.status == _NOT_IMPLEMENTED, f"{where} -> {reply}"
            self._note(prepared, reply)
            assert not self.org.server.org.store.in_transaction or self.has_jobs, where
        self.sent += 1

    def _named(self, request: Request) -> Request:
        target, body = request.target, request.body
        for name, value in self.names.items():
            target, body = target.replace(name, value), body.replace(name.encode(), value.encode())
        headers = tuple((name, value.replace("{token}", self.org.token)) for name, value in request.headers)
        return replace(request, target=target, body=body, headers=headers)

    def _note(self, request: Request, reply: Reply) -> None:
        """Keep what was made."""
        path = request.target.removeprefix(DATA)
        if reply.status not in (200, 201) or not reply.body or request.method == "GET":
            return
        self.has_jobs |= path.startswith("/jobs/")
        if path.startswith("/jobs/ingest"):
            self.names["{job}"] = str(reply.json()["id"])
            self.jobs.append(self.names["{job}"])
        elif path.startswith(("/sobjects", "/composite")):
            self._note_results(reply.json())

    def _note_results(self, results: Any) -> None:
        for result in results if isinstance(results, list) else [results]:
            if isinstance(result, dict) and result.get("success"):
                self.made.add(result["id"])

    def settle(self) -> None:
        """Wait for the jobs, and keep what they made."""
        assert self.org.call("POST", "drain", control=True) == {"idle": True}
        for job_id in dict.fromkeys(self.jobs):
            reply = self.org.send(Request("GET", f"{DATA}/jobs/ingest/{job_id}/successfulResults"))
            assert reply.status in (200, 400), reply
            if reply.status == 200:
                self.made |= _created_by_job(reply)


def _created_by_job(reply: Reply) -> set[str]:
    rows = csv.reader(io.StringIO(reply.body.decode(), newline=""), delimiter=_delimiter(reply))
    return {row[0] for row in rows if row and row[0] != "sf__Id" and row[1] == "true"}


def _delimiter(reply: Reply) -> str:
    return reply.body.decode().removeprefix('"sf__Id"')[:1] or ","


def _shown(request: Request) -> str:
    shown = repr(request)
    return shown if len(shown) < 2_000 else f"{shown[:1_000]} … {shown[-500:]}"


def _ids(org: AsgiOrg) -> set[str]:
    found = set()
    for sobject in _WRITTEN:
        reply = org.send(Request("GET", f"/__emulator__/records/{sobject}?include_deleted=true"))
        assert reply.status == 200, reply
        found |= {record["Id"] for record in reply.json()}
    return found


def _require_right_answers(org: AsgiOrg) -> None:
    lead_id = org.call("POST", "/sobjects/Lead", {"LastName": "After", "Company": "Storm"})["id"]
    (found,) = org.call("GET", f"/query?q=SELECT+LastName+FROM+Lead+WHERE+Id='{lead_id}'")["records"]
    assert found["LastName"] == "After"
    assert org.send(Request("DELETE", f"{DATA}/sobjects/Lead/{lead_id}")).status == 204
    assert not org.server.org.store.in_transaction


def test_there_are_ten_thousand_inputs_of_every_kind() -> None:
    assert set(_INPUTS) == set(malformed.FAMILIES)
    assert sum(_INPUTS.values()) >= 10_000


def test_an_input_can_be_made_again_from_its_family_and_number() -> None:
    for family in malformed.FAMILIES:
        if family != "tokens":  # they hold the present time
            assert malformed.make(family, 7) == malformed.make(family, 7)


@pytest.mark.parametrize("family", [family for family in _INPUTS if family != "control"])
def test_no_malformed_input_makes_the_org_fail_or_leaves_a_trace(asgi_org: AsgiOrg, family: str) -> None:
    before = _ids(asgi_org)
    storm = _Storm(asgi_org, family)
    for number in range(_INPUTS[family]):
        storm.send(number)
    assert storm.sent == _INPUTS[family]
    storm.settle()
    assert _ids(asgi_org) == before | storm.made
    _require_right_answers(asgi_org)


def test_no_malformed_control_request_makes_the_org_fail_or_leaves_a_trace(asgi_org: AsgiOrg) -> None:
    before = _ids(asgi_org)
    storm = _Storm(asgi_org, "control")
    for number in range(_INPUTS["control"]):
        storm.send(number)
    assert storm.sent == _INPUTS["control"]
    asgi_org.call("PUT", "setup", {}, control=True)
    asgi_org.call("POST", "reset", control=True)
    assert len(_ids(asgi_org)) == len(before)  # the users an org begins with
    asgi_org.sign_in()
    _require_right_answers(asgi_org)
