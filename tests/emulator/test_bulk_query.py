from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.emulator.clients import signed_in
from tests.local_org import DATA, Answer, LocalOrg

pytestmark = pytest.mark.rule("P3")
_ALL = "SELECT LastName, Id FROM Lead ORDER BY LastName"


def _seed(org: LocalOrg, count: int) -> list[str]:
    names = [f"L{n:04}\n“{n}”" for n in range(count)]
    org.seed("Lead", *({"LastName": name, "Company": "C"} for name in names))
    return names


def _run(org: LocalOrg, soql: str, operation: str = "query", **more: str) -> dict[str, Any]:
    body = {"operation": operation, "query": soql, **more}
    answer = org.call("POST", "/jobs/query", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "UploadComplete"
    org.control("POST", "drain")
    information: dict[str, Any] = org.call("GET", f"/jobs/query/{answer.json()['id']}").json()
    return information


def _rows(answer: Answer) -> list[dict[str, str]]:
    assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def test_a_query_job_streams_its_rows_page_by_page_with_locators(org: LocalOrg) -> None:
    names = _seed(org, 7)
    job = _run(org, _ALL)
    assert (job["state"], job["jobType"], job["numberRecordsProcessed"]) == ("JobComplete", "V2Query", 7)
    path, found, locator, sizes = f"/jobs/query/{job['id']}/results", [], "", []
    while locator != "null":
        answer = org.call("GET", path, params={"maxRecords": "3", "locator": locator})
        locator = answer.headers["Sforce-Locator"]
        sizes.append(answer.headers["Sforce-NumberOfRecords"])
        found += [row["LastName"] for row in _rows(answer)]
    assert found == names
    assert sizes == ["3", "3", "1"]
    assert org.calls() == {"bulk_query_create": 1, "bulk_query_poll": 1, "bulk_query_results": 3}


def test_columns_come_in_the_order_of_the_select(org: LocalOrg) -> None:
    _seed(org, 1)
    job = _run(org, "SELECT LastName, Id, Company FROM Lead")
    answer = org.call("GET", f"/jobs/query/{job['id']}/results")
    assert answer.text.startswith('"LastName","Id","Company"\n')


def test_a_query_without_rows_answers_its_header(org: LocalOrg) -> None:
    job = _run(org, _ALL)
    answer = org.call("GET", f"/jobs/query/{job['id']}/results")
    assert (answer.text, answer.headers["Sforce-Locator"]) == ('"LastName","Id"\n', "null")
    assert answer.headers["Sforce-NumberOfRecords"] == "0"


def test_a_locator_can_be_used_again(org: LocalOrg) -> None:
    _seed(org, 3)
    path = f"/jobs/query/{_run(org, _ALL)['id']}/results"
    locator = org.call("GET", path, params={"maxRecords": "2"}).headers["Sforce-Locator"]
    first, second = (org.call("GET", path, params={"locator": locator}) for _ in range(2))
    assert first.content == second.content
    assert len(_rows(first)) == 1


def test_query_all_shows_deleted_records_too(org: LocalOrg) -> None:
    lead, _ = org.seed("Lead", *({"LastName": name, "Company": "C"} for name in "AB"))
    org.control("POST", "delete", {"sobject": "Lead", "ids": [lead]})
    assert _run(org, _ALL)["numberRecordsProcessed"] == 1
    assert _run(org, _ALL, "queryAll")["numberRecordsProcessed"] == 2


def test_delimiter_and_line_ending_are_the_jobs(org: LocalOrg) -> None:
    org.seed("Lead", {"LastName": "A", "Company": "C"})
    job = _run(org, "SELECT LastName, Company FROM Lead", columnDelimiter="PIPE", lineEnding="CRLF")
    answer = org.call("GET", f"/jobs/query/{job['id']}/results")
    assert answer.content == b'"LastName"|"Company"\r\n"A"|"C"\r\n'


def test_result_pages_can_be_fetched_side_by_side(org: LocalOrg) -> None:
    names = _seed(org, 13)
    job = _run(org, _ALL)
    path, pages = f"/jobs/query/{job['id']}/resultPages?maxRecords=2", []
    while path is not None:
        answer = org.call("GET", path).json()
        assert len(answer["resultPages"]) <= 5
        pages += [page["resultUrl"].removeprefix(DATA) for page in answer["resultPages"]]
        path = answer["nextRecordsUrl"] and answer["nextRecordsUrl"].removeprefix(DATA)
    found = [row["LastName"] for page in reversed(pages) for row in _rows(org.call("GET", page))]
    assert sorted(found) == names


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT COUNT() FROM Lead",
        "SELECT LastName, COUNT(Id) FROM Lead GROUP BY LastName",
        "SELECT Id FROM Lead LIMIT 1 OFFSET 1",
        "SELECT Nonsense FROM Lead",
        "SELECT Id FROM Nonsense",
        "SELEC Id FROM Lead",
    ],
)
def test_what_a_bulk_query_cannot_do_is_refused_at_once(org: LocalOrg, soql: str) -> None:
    answer = org.call("POST", "/jobs/query", json={"operation": "query", "query": soql})
    assert answer.status_code == 400
    assert org.call("GET", "/jobs/query").json()["records"] == []


@pytest.mark.parametrize("locator", ["!!", "eA", "OTk5", "\udcff"])
def test_a_locator_nobody_gave_is_invalid(org: LocalOrg, locator: str) -> None:
    path = f"/jobs/query/{_run(org, _ALL)['id']}/results"
    params = {"locator": locator.encode("utf-8", "surrogateescape")}
    answer = org.call("GET", path, params=params)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_results_ask_for_the_api_version_of_the_job(org: LocalOrg) -> None:
    job = _run(org, _ALL)
    headers = {"Authorization": f"Bearer {signed_in(org).session_id}"}
    answer = org.raw("GET", f"/services/data/v60.0/jobs/query/{job['id']}/results", headers=headers)
    assert answer.status_code == 409


def test_a_held_query_job_can_be_aborted_and_deleted(org: LocalOrg) -> None:
    org.script({"type": "stick_job", "state": "UploadComplete"})
    job = _run(org, _ALL)
    path = f"/jobs/query/{job['id']}"
    assert job["state"] == "UploadComplete"
    assert org.call("GET", f"{path}/results").status_code == 400
    assert org.call("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert org.call("DELETE", path).status_code == 204
    assert org.call("GET", path).status_code == 404
