from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.emulator.clients import table
from tests.local_org import DATA, TIMEOUT_SECONDS, LocalOrg

pytestmark = pytest.mark.rule("P3")
_CLIENTS = 50
_ROUNDS = 4
_KEY = "Coconut_Client_Key__c"


@pytest.fixture
def session(org: LocalOrg) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.headers["Authorization"] = f"Bearer {org.token}"
        yield made


def test_one_connection_serves_many_requests(org: LocalOrg, session: requests.Session) -> None:
    ports = set()
    for path in (
        "/limits",
        "/sobjects",
        "/nonsense",
        "/query?q=nonsense",
        "/query?q=SELECT+Id+FROM+Lead",
    ) * 4:
        with session.get(f"{org.url}{DATA}{path}", stream=True, timeout=TIMEOUT_SECONDS) as answer:
            connection = answer.raw.connection
            assert connection is not None
            ports.add(connection.sock.getsockname()[1])
            assert answer.content
    assert len(ports) == 1


def test_a_method_a_resource_does_not_have_answers_405_and_leaves_the_connection_usable(
    org: LocalOrg, session: requests.Session
) -> None:
    for method in ("PUT", "TRACE"):
        answer = session.request(method, f"{org.url}{DATA}/limits", timeout=TIMEOUT_SECONDS)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert session.get(f"{org.url}{DATA}/limits", timeout=TIMEOUT_SECONDS).status_code == 200


def test_head_answers_without_a_body(org: LocalOrg, session: requests.Session) -> None:
    answer = session.head(f"{org.url}{DATA}/limits", timeout=TIMEOUT_SECONDS)
    assert answer.content == b""
    assert session.get(f"{org.url}{DATA}/limits", timeout=TIMEOUT_SECONDS).status_code == 200


def _work(org: LocalOrg, name: str) -> list[str]:
    """Write and read as one client among many; return the keys written."""
    keys = []
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {org.token}"

        def send(method: str, path: str, **kwargs: object) -> requests.Response:
            answer = session.request(method, f"{org.url}{DATA}{path}", timeout=TIMEOUT_SECONDS, **kwargs)  # type: ignore[arg-type]
            assert answer.ok, answer.text
            return answer

        for number in range(_ROUNDS):
            key = f"{name}-{number}"
            send("POST", "/sobjects/Lead", json={"LastName": "L", "Company": "C", _KEY: key})
            found = send("GET", "/query", params={"q": f"SELECT Id FROM Lead WHERE {_KEY} = '{key}'"}).json()
            assert found["totalSize"] == 1
            send("PATCH", f"/sobjects/Lead/{_KEY}/{key}", json={"LastName": "M"})
            send("GET", "/sobjects/Lead/describe")
            keys.append(key)
        job = {"object": "Lead", "operation": "insert", "lineEnding": "LF"}
        path = f"/jobs/ingest/{send('POST', '/jobs/ingest', json=job).json()['id']}"
        rows = table((_KEY, "LastName", "Company"), [f"{name}-job", "L", "C"])
        send("PUT", f"{path}/batches", data=rows, headers={"Content-Type": "text/csv"})
        send("PATCH", path, json={"state": "UploadComplete"})
    return [*keys, f"{name}-job"]


def test_fifty_clients_read_and_write_at_once_without_an_error(org: LocalOrg) -> None:
    with ThreadPoolExecutor(_CLIENTS) as pool:
        keys = pool.map(lambda number: _work(org, f"c{number}"), range(_CLIENTS))
        expected = sorted(key for written in keys for key in written)
    assert org.control("POST", "drain") == {"idle": True}
    assert sorted(row[_KEY] for row in org.records("Lead")) == expected
    assert {row["LastName"] for row in org.records("Lead")} == {"L", "M"}
