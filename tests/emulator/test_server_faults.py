from __future__ import annotations

import pytest
import requests

from tests.emulator.clients import BulkJob, table
from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("P3")
_LEAD = {"LastName": "A", "Company": "C"}
_KEY = "Coconut_Client_Key__c"


def test_the_nth_request_of_a_kind_answers_503_and_the_next_is_well(org: LocalOrg) -> None:
    org.script({"type": "respond", "kind": "limits", "nth": 2})
    assert [org.call("GET", "/limits").status_code for _ in range(3)] == [200, 503, 200]
    assert org.calls() == {"limits": 3}


def test_a_fault_touches_only_its_kind(org: LocalOrg) -> None:
    org.script({"type": "respond", "kind": "query", "times": None})
    assert org.call("GET", "/limits").status_code == 200


def test_a_scripted_answer_may_have_any_status_and_body(org: LocalOrg) -> None:
    org.script(
        {"type": "respond", "kind": "limits", "status": 429, "code": "TOO_MANY", "message": "slow down"},
        {"type": "respond", "kind": "limits", "nth": 2, "status": 500, "body": "<html>oops</html>"},
    )
    first, second = org.call("GET", "/limits"), org.call("GET", "/limits")
    assert (first.status_code, first.json()[0]["errorCode"]) == (429, "TOO_MANY")
    assert (second.status_code, second.text) == (500, "<html>oops</html>")


def test_a_connection_dropped_before_leaves_nothing_behind(org: LocalOrg) -> None:
    org.script({"type": "drop", "kind": "create", "when": "before"})
    with pytest.raises(requests.ConnectionError):
        org.call("POST", "/sobjects/Lead", json=_LEAD)
    assert org.query("SELECT Id FROM Lead") == []


def test_a_connection_dropped_after_leaves_a_record_nobody_was_told_of(org: LocalOrg) -> None:
    org.script({"type": "drop", "kind": "create", "when": "after"})
    with pytest.raises(requests.ConnectionError):
        org.call("POST", "/sobjects/Lead", json=_LEAD)
    assert len(org.query("SELECT Id FROM Lead")) == 1


def test_a_hanging_request_outlasts_a_clients_patience(org: LocalOrg) -> None:
    org.script({"type": "hang", "kind": "limits", "seconds": 30})
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{org.url}/services/data/v59.0/limits", timeout=0.2)
    assert org.call("GET", "/limits").status_code == 200


def test_sessions_can_end_in_the_middle_of_a_job(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    org.script({"type": "expire_sessions", "kind": "bulk_ingest_upload"})
    assert job.upload(table(["LastName", "Company"], ["A", "C"])).status_code == 401
    org.sign_in()
    assert job.information()["state"] == "Open"


def test_rows_with_a_locked_key_are_refused_so_many_times(org: LocalOrg) -> None:
    org.script({"type": "lock_rows", "sobject": "Lead", "field": _KEY, "values": ["k1"], "times": 1})
    content = table([_KEY, "LastName", "Company"], ["k1", "A", "C"], ["k2", "B", "C"])
    job = BulkJob.create(org, "Lead", "upsert", externalIdFieldName=_KEY)
    assert job.run(content)["numberRecordsFailed"] == 1
    (locked,) = job.results("failedResults")
    assert locked[_KEY] == "k1"
    assert locked["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:")
    again = BulkJob.create(org, "Lead", "upsert", externalIdFieldName=_KEY)
    assert again.run(content)["numberRecordsFailed"] == 0


def test_locked_rows_are_refused_in_collections_too_and_results_keep_their_order(org: LocalOrg) -> None:
    org.script({"type": "lock_rows", "sobject": "Lead", "field": "LastName", "values": ["B"], "times": None})
    records = [{"attributes": {"type": "Lead"}, "LastName": name, "Company": "C"} for name in "ABC"]
    items = org.call("POST", "/composite/sobjects", json={"records": records}).json()
    assert [item["success"] for item in items] == [True, False, True]
    assert items[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"


def test_an_exhausted_quota_refuses_every_request_until_the_fault_is_deleted(org: LocalOrg) -> None:
    (fault,) = org.script({"type": "exhaust_quota"})
    answer = org.call("GET", "/limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    org.control("DELETE", f"faults/{fault['id']}")
    assert org.call("GET", "/limits").status_code == 200


def test_the_quota_comes_back_after_a_day_of_the_orgs_clock(org: LocalOrg) -> None:
    org.control("POST", "limits", {"DailyApiRequests": {"Max": 1000, "Used": 1000}})
    assert org.call("GET", "/limits").status_code == 403
    org.control("POST", "clock", {"advance_seconds": 25 * 3600})
    org.sign_in()
    assert org.call("GET", "/limits").json()["DailyApiRequests"] == {"Max": 1000, "Remaining": 999}


def test_faults_are_listed_with_what_they_did_and_can_all_be_deleted(org: LocalOrg) -> None:
    org.script({"type": "respond", "kind": "limits", "nth": 2, "times": 1})
    org.call("GET", "/limits")
    org.call("GET", "/limits")
    (fault,) = org.control("GET", "faults")
    assert (fault["type"], fault["seen"], fault["hits"]) == ("respond", 2, 1)
    org.control("DELETE", "faults")
    assert org.control("GET", "faults") == []


@pytest.mark.parametrize(
    "faults",
    [
        "{",
        "{}",
        '[{"type": "gremlin"}]',
        '[{"type": "respond", "nth": 0}]',
        '[{"type": "drop", "kind": "nonsense"}]',
    ],
)
def test_a_malformed_fault_is_refused_with_a_reason_and_not_scripted(org: LocalOrg, faults: str) -> None:
    answer = org.raw("POST", "/__emulator__/faults", data=faults)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "BAD_CONTROL_REQUEST")
    assert org.control("GET", "faults") == []


def test_control_requests_are_neither_counted_nor_limited(org: LocalOrg) -> None:
    org.script({"type": "exhaust_quota"}, {"type": "respond", "kind": "*", "times": None})
    org.seed("Lead", _LEAD)
    assert org.calls() == {}


def test_records_can_be_written_as_another_user(org: LocalOrg) -> None:
    user = {
        "LastName": "Banker",
        "Username": "banker@example.org",
        "Email": "banker@example.org",
        "Alias": "bank",
        "IsActive": True,
    }
    (banker,) = org.seed("User", user)
    org.control("POST", "records/Lead", {"rows": [_LEAD], "as_user": "banker@example.org"})
    assert org.query("SELECT CreatedById FROM Lead")[0]["CreatedById"] == banker
