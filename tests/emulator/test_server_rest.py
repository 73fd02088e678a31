from __future__ import annotations

import pytest
from simple_salesforce.exceptions import SalesforceMalformedRequest

from tests.emulator.clients import signed_in
from tests.local_org import DATA, LocalOrg

pytestmark = pytest.mark.rule("P3")
_LEAD = {"LastName": "Hopper", "Company": "Navy"}


def test_a_created_record_answers_201_with_its_place(org: LocalOrg) -> None:
    answer = org.call("POST", "/sobjects/Lead", json=_LEAD)
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/sobjects/Lead/{answer.json()['id']}")


def test_an_invalid_record_answers_400_with_every_error_as_a_json_array(org: LocalOrg) -> None:
    answer = org.call("POST", "/sobjects/Lead", json={"FirstName": "Grace"})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert "LastName" in answer.json()[0]["fields"]


def test_upsert_by_external_id_answers_201_then_200_and_204_in_old_versions(org: LocalOrg) -> None:
    path = "/sobjects/Lead/Coconut_Client_Key__c/key%2F1"
    created = org.call("PATCH", path, json=_LEAD)
    assert (created.status_code, created.json()["created"]) == (201, True)
    updated = org.call("PATCH", path, json={"FirstName": "Grace"})
    assert (updated.status_code, updated.json()) == (
        200,
        {"id": created.json()["id"], "success": True, "errors": [], "created": False},
    )
    headers = {"Authorization": f"Bearer {signed_in(org).session_id}"}
    old = org.raw("PATCH", f"/services/data/v45.0{path}", json={"FirstName": "G"}, headers=headers)
    assert old.status_code == 204
    assert org.query("SELECT Coconut_Client_Key__c FROM Lead")[0]["Coconut_Client_Key__c"] == "key/1"


def test_query_pages_through_simple_salesforce(org: LocalOrg) -> None:
    org.seed("Lead", *({"LastName": f"L{n:04}", "Company": "C"} for n in range(450)))
    client = signed_in(org)
    client.session.headers["Sforce-Query-Options"] = "batchSize=200"
    org.control("DELETE", "statistics")
    names = [row["LastName"] for row in client.query_all_iter("SELECT LastName FROM Lead ORDER BY LastName")]
    assert names == [f"L{n:04}" for n in range(450)]
    assert org.calls() == {"query": 1, "query_more": 2}


def test_a_page_says_how_much_there_is_and_where_it_goes_on(org: LocalOrg) -> None:
    org.seed("Lead", *({"LastName": f"L{n}", "Company": "C"} for n in range(5)))
    org.control("POST", "paging", {"page_rows": 3})
    first = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead"}).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (5, False, 3)
    last = org.raw(
        "GET", first["nextRecordsUrl"], headers={"Authorization": f"Bearer {signed_in(org).session_id}"}
    ).json()
    assert (last["totalSize"], last["done"], len(last["records"])) == (5, True, 2)
    assert "nextRecordsUrl" not in last


@pytest.mark.parametrize("locator", ["x", "01gLo0000000009AAA-2000", "01gLo0000000009AAA-x"])
def test_an_unknown_cursor_is_an_invalid_query_locator(org: LocalOrg, locator: str) -> None:
    answer = org.call("GET", f"/query/{locator}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_a_cursor_lives_two_days_of_the_orgs_clock(org: LocalOrg) -> None:
    org.seed("Lead", *({"LastName": f"L{n}", "Company": "C"} for n in range(2)))
    org.control("POST", "paging", {"page_rows": 1})
    url = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead"}).json()["nextRecordsUrl"]
    org.control("POST", "clock", {"advance_seconds": 2 * 86400 + 1})
    org.sign_in()
    assert org.call("GET", url.removeprefix(DATA)).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_malformed_query_says_so(org: LocalOrg) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        signed_in(org).query("SELECT FROM WHERE")


def test_describe_lists_the_custom_fields_of_the_package(org: LocalOrg) -> None:
    fields = {field["name"]: field for field in signed_in(org).Event.describe()["fields"]}
    assert fields["Coconut_Booking_Key__c"]["externalId"] is True
    names = {sobject["name"] for sobject in signed_in(org).describe()["sobjects"]}
    assert {"Lead", "Contact", "Account", "Event", "User", "Campaign"} <= names


def test_every_rest_answer_tells_the_api_usage(org: LocalOrg) -> None:
    before = org.call("GET", "/limits")
    after = org.call("GET", "/query", params={"q": "SELECT Id FROM User"})
    used = [
        int(answer.headers["Sforce-Limit-Info"].split("=")[1].split("/")[0]) for answer in (before, after)
    ]
    assert used[1] == used[0] + 1
    assert after.headers["Sforce-Limit-Info"].endswith("/100000")


def test_the_version_list_asks_for_no_sign_in(org: LocalOrg) -> None:
    answer = org.raw("GET", "/services/data/")
    assert "66.0" in {entry["version"] for entry in answer.json()}


def test_a_retired_version_is_gone(org: LocalOrg) -> None:
    assert org.raw("GET", "/services/data/v30.0/limits").status_code == 410


def test_an_unknown_path_is_not_implemented_by_name_and_counted(org: LocalOrg) -> None:
    answer = org.call("GET", "/chatter/feeds")
    assert answer.status_code == 501
    assert answer.json()[0]["errorCode"] == "NOT_IMPLEMENTED"
    assert "/chatter/feeds" in answer.json()[0]["message"]
    assert org.calls() == {"other": 1}


def test_a_known_path_with_another_method_is_not_allowed(org: LocalOrg) -> None:
    assert org.call("PUT", "/sobjects/Lead").status_code == 405


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"x"', "[" * 100_000, '{"LastName": NaN}', '{"LastName": {"a": 1}}', "\x00"]
)
def test_a_malformed_body_is_a_bad_request(org: LocalOrg, body: str) -> None:
    answer = org.call("POST", "/sobjects/Lead", data=body.encode())
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"]


def test_a_uri_beyond_16384_bytes_is_too_long_and_so_are_uri_and_headers_together(org: LocalOrg) -> None:
    soql = "SELECT Id FROM Lead WHERE LastName = '{}'"
    assert org.call("GET", "/query", params={"q": soql.format("x" * 16_400)}).status_code == 414
    half = {"X-Padding": "x" * 9_000}
    assert org.call("GET", "/query", params={"q": soql.format("x" * 9_000)}, headers=half).status_code == 431


def test_what_was_deleted_and_updated_can_be_asked_for(org: LocalOrg) -> None:
    kept, gone = org.seed("Lead", _LEAD, {**_LEAD, "LastName": "Gone"})
    org.control("POST", "delete", {"sobject": "Lead", "ids": [gone]})
    now = org.control("GET", "clock")["now"]
    span = {"start": f"{now[:10]}T00:00:00+00:00", "end": "2099-01-01T00:00:00Z"}
    assert org.call("GET", "/sobjects/Lead/updated/", params=span).json()["ids"] == [kept]
    deleted = org.call("GET", "/sobjects/Lead/deleted/", params=span).json()
    assert [record["id"] for record in deleted["deletedRecords"]] == [gone]


def test_record_counts_are_told_by_object(org: LocalOrg) -> None:
    org.seed("Lead", _LEAD, _LEAD)
    answer = org.call("GET", "/limits/recordCount", params={"sObjects": "Lead,Contact"}).json()
    assert answer == {"sObjects": [{"count": 2, "name": "Lead"}, {"count": 0, "name": "Contact"}]}


def test_a_reference_by_external_id_may_be_nested(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {**_LEAD, "Coconut_Client_Key__c": "k1"})
    who = {"attributes": {"type": "Lead"}, "Coconut_Client_Key__c": "k1"}
    event = {"Subject": "S", "StartDateTime": "2026-03-01T10:00:00Z", "DurationInMinutes": 30, "Who": who}
    answer = org.call("POST", "/sobjects/Event", json=event)
    assert answer.status_code == 201, answer.text
    assert org.query("SELECT WhoId FROM Event")[0]["WhoId"] == lead


@pytest.mark.parametrize("path", ["/sobjects/Lead/{id}", "/sobjects/Lead/Coconut_Client_Key__c/k1"])
def test_a_body_must_not_repeat_the_key_of_its_path(org: LocalOrg, path: str) -> None:
    (lead,) = org.seed("Lead", {**_LEAD, "Coconut_Client_Key__c": "k1"})
    body = {"Id": lead, "Coconut_Client_Key__c": "k1"}
    answer = org.call("PATCH", path.format(id=lead), json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_half_a_surrogate_pair_is_a_bad_request(org: LocalOrg) -> None:
    answer = org.call("POST", "/sobjects/Lead", data=b'{"LastName": "\\ud800", "Company": "C"}')
    assert answer.status_code == 400
    assert org.query("SELECT Id FROM Lead") == []


def test_a_reset_empties_the_org_and_sets_the_clock_right(org: LocalOrg) -> None:
    org.seed("Lead", _LEAD)
    org.control("POST", "clock", {"set": "2090-01-01T00:00:00Z"})
    org.script({"type": "exhaust_quota"})
    then = org.control("GET", "clock")["now"]
    org.control("POST", "reset")
    org.sign_in()
    assert org.query("SELECT Id FROM Lead") == []
    assert org.control("GET", "clock")["now"] < then


@pytest.mark.parametrize(
    "span",
    [
        {},
        {"start": "x", "end": "y"},
        {"start": "2026-01-01T00:00:00Z", "end": "9999-12-31T23:59:59-12:00"},
        {"start": "0001-01-01T00:00:00+14:00", "end": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_span_that_makes_no_sense_is_refused(org: LocalOrg, span: dict[str, str]) -> None:
    answer = org.call("GET", "/sobjects/Lead/updated", params=span)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_REPLICATION_DATE")


def test_records_destroyed_between_two_pages_do_not_end_the_query(org: LocalOrg) -> None:
    ids = org.seed("Lead", *({"LastName": f"L{n}", "Company": "C"} for n in range(5)))
    org.control("POST", "paging", {"page_rows": 2})
    page = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead ORDER BY LastName"}).json()
    rows = [{"Id": record_id} for record_id in ids[2:4]]
    org.control("POST", "records/Lead", {"rows": rows, "operation": "hardDelete"})
    found = []
    while not page["done"]:
        page = org.call("GET", page["nextRecordsUrl"].removeprefix(DATA)).json()
        found += [record["Id"] for record in page["records"]]
    assert found == ids[4:]


def test_a_count_is_one_page_however_much_it_counts(org: LocalOrg) -> None:
    org.seed("Lead", *({"LastName": f"L{n}", "Company": "C"} for n in range(3)))
    org.control("POST", "paging", {"page_rows": 1})
    answer = org.call("GET", "/query", params={"q": "SELECT COUNT() FROM Lead"}).json()
    assert answer == {"totalSize": 3, "done": True, "records": []}
