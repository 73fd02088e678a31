"""The REST calls of simple-salesforce 1.12.10 against the local org, errors included."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_external_id, format_soql

from tests.contract.library import Library

pytestmark = pytest.mark.rule("P3")
LEAD = {"LastName": "Hopper", "Company": "Navy"}
_NASTY = ["O'Brien", 'say "hi"', "back\\slash", "tab\tand\nline", "50%_off", "Zoë 🦜", "' OR Id != '", "{x}"]


def _names(records: list[Any]) -> list[str]:
    return [record["LastName"] for record in records]


def _seed(library: Library, count: int) -> list[str]:
    return library.org.seed("Lead", *({"LastName": f"L{n:03}", "Company": "C"} for n in range(count)))


def test_describe_lists_the_objects_and_each_describes_its_fields(sf: Salesforce) -> None:
    names = {sobject["name"] for sobject in sf.describe()["sobjects"]}
    assert {"Account", "Campaign", "CampaignMember", "Contact", "Event", "Lead", "Task", "User"} <= names
    fields = {field["name"]: field for field in sf.Event.describe()["fields"]}
    key = fields["Booking_Key__c"]
    assert (key["type"], key["externalId"], key["unique"], key["createable"]) == ("string", True, True, True)
    assert fields["WhoId"]["referenceTo"] == ["Contact", "Lead"]
    assert sf.Lead.metadata()["objectDescribe"]["keyPrefix"] == "00Q"


def test_a_record_is_created_read_updated_and_deleted(sf: Salesforce) -> None:
    created = sf.Lead.create(LEAD)
    assert (created["success"], created["errors"]) == (True, [])
    assert sf.Lead.update(created["id"], {"FirstName": "Grace", "Email": None}) == 204
    record = sf.Lead.get(created["id"])
    assert (record["Name"], record["attributes"]["type"]) == ("Grace Hopper", "Lead")
    brief = sf.Lead.get(created["id"], params={"fields": "LastName"})
    assert brief["LastName"] == "Hopper"
    assert "Company" not in brief
    assert sf.Lead.delete(created["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Lead.get(created["id"])


def test_upsert_answers_201_then_200_and_tells_the_record(sf: Salesforce) -> None:
    path = format_external_id("Person_Key__c", "a b/c?d=é")
    assert sf.Lead.upsert(path, LEAD) == 201
    again = sf.Lead.upsert(path, {"FirstName": "Grace"}, raw_response=True)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert sf.Lead.get(path)["Person_Key__c"] == "a b/c?d=é"
    assert sf.Lead.get(path)["Id"] == again.json()["id"]
    assert sf.Lead.delete(path) == 204


def test_a_key_that_several_records_hold_is_more_than_one_record(library: Library, sf: Salesforce) -> None:
    ids = library.org.seed("Lead", *({**LEAD, "Import_Key__c": "k1"} for _ in range(2)))
    with pytest.raises(SalesforceMoreThanOneRecord) as refused:
        sf.Lead.upsert("Import_Key__c/k1", LEAD)
    assert [url.rpartition("/")[2] for url in refused.value.content] == ids
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Lead.get_by_custom_id("Import_Key__c", "k1")


def test_a_record_is_got_by_its_key_unless_that_holds_a_blank(library: Library, sf: Salesforce) -> None:
    (lead, _) = library.org.seed("Lead", {**LEAD, "Person_Key__c": "k/1"}, {**LEAD, "Person_Key__c": "k 1"})
    assert sf.Lead.get_by_custom_id("Person_Key__c", "k/1")["Id"] == lead
    with pytest.raises(
        SalesforceResourceNotFound
    ):  # it writes a blank as a plus sign, which a path takes literally
        sf.Lead.get_by_custom_id("Person_Key__c", "k 1")


def test_what_was_deleted_and_updated_within_a_span_is_told(library: Library, sf: Salesforce) -> None:
    kept, gone = _seed(library, 2)
    sf.Lead.delete(gone)
    now = datetime.fromisoformat(library.org.control("GET", "clock")["now"]).astimezone(UTC)
    span = (now - timedelta(hours=1), now + timedelta(hours=1))
    assert sf.Lead.updated(*span)["ids"] == [kept]
    assert [record["id"] for record in sf.Lead.deleted(*span)["deletedRecords"]] == [gone]


def test_a_query_comes_in_pages(library: Library, sf: Salesforce) -> None:
    _seed(library, 7)
    library.org.control("POST", "paging", {"page_rows": 3})
    soql = "SELECT LastName FROM Lead ORDER BY LastName"
    first = sf.query(soql)
    assert (first["totalSize"], first["done"], len(first["records"])) == (7, False, 3)
    by_url = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    by_locator = sf.query_more(first["nextRecordsUrl"].rpartition("/")[2])
    assert _names(by_url["records"]) == _names(by_locator["records"]) == ["L003", "L004", "L005"]
    library.org.forget_calls()
    everything = sf.query_all(soql)
    assert (everything["totalSize"], everything["done"]) == (7, True)
    assert _names(everything["records"]) == [f"L{n:03}" for n in range(7)]
    assert library.org.calls() == {"query": 1, "query_more": 2}


def test_an_iterator_asks_for_a_page_only_once_it_needs_it(library: Library, sf: Salesforce) -> None:
    _seed(library, 5)
    library.org.control("POST", "paging", {"page_rows": 2})
    records = sf.query_all_iter("SELECT LastName FROM Lead ORDER BY LastName")
    assert next(records)["LastName"] == "L000"
    assert library.org.calls() == {"query": 1}
    assert len(list(records)) == 4
    assert library.org.calls() == {"query": 1, "query_more": 2}


def test_a_query_with_deleted_records_goes_through_its_pages(library: Library, sf: Salesforce) -> None:
    ids = _seed(library, 5)
    for record_id in ids[:2]:
        sf.Lead.delete(record_id)
    library.org.control("POST", "paging", {"page_rows": 2})
    soql = "SELECT Id, IsDeleted FROM Lead ORDER BY Id"
    assert sf.query_all(soql)["totalSize"] == 3
    found = sf.query_all(soql, include_deleted=True)["records"]
    assert [record["IsDeleted"] for record in found] == [True, True, False, False, False]
    page = sf.query(soql, include_deleted=True)
    rest = sf.query_more(page["nextRecordsUrl"].rpartition("/")[2], include_deleted=True)
    assert len(rest["records"]) == 2


@pytest.mark.parametrize("name", _NASTY)
def test_a_formatted_query_finds_any_text(sf: Salesforce, name: str) -> None:
    sf.Lead.create({**LEAD, "LastName": name})
    sf.Lead.create(LEAD)
    assert sf.query(format_soql("SELECT Id FROM Lead WHERE LastName = {}", name))["totalSize"] == 1
    soql = format_soql("SELECT Id FROM Lead WHERE LastName IN {names}", names=[name, "no such"])
    assert sf.query(soql)["totalSize"] == 1
    begun = format_soql("SELECT LastName FROM Lead WHERE LastName LIKE '{:like}%'", name)
    assert _names(sf.query(begun)["records"]) == [name]


def test_a_formatted_query_writes_every_kind_of_value(sf: Salesforce) -> None:
    sf.Lead.create({**LEAD, "Score__c": 5, "Consent__c": True, "Birth_Date__c": "1990-05-01"})
    soql = format_soql(
        "SELECT Id FROM Lead WHERE Score__c = {} AND Consent__c = {} AND Birth_Date__c = {} AND Email = {} "
        "AND CreatedDate > {}",
        5,
        True,
        datetime(1990, 5, 1, tzinfo=UTC).date(),
        None,
        datetime(2020, 1, 1, tzinfo=UTC),
    )
    assert sf.query(soql)["totalSize"] == 1


def test_limits_tell_what_is_left(sf: Salesforce) -> None:
    before, after = (sf.limits()["DailyApiRequests"]["Remaining"] for _ in range(2))
    assert after == before - 1
    assert sf.api_usage["api-usage"].total == 100_000


def test_collections_go_through_restful(library: Library, sf: Salesforce) -> None:
    records = [{"attributes": {"type": "Lead"}, **LEAD}, {"attributes": {"type": "Lead"}, "LastName": "X"}]
    created = sf.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": records})
    assert [item["success"] for item in created] == [True, False]
    assert created[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    keyed = [{"attributes": {"type": "Lead"}, **LEAD, "Person_Key__c": f"k{n}"} for n in range(3)]
    path, body = "composite/sobjects/Lead/Person_Key__c", {"allOrNone": True, "records": keyed}
    assert [item["created"] for item in sf.restful(path, method="PATCH", json=body)] == [True] * 3
    ids = [item["id"] for item in sf.restful(path, method="PATCH", json=body)]
    got = sf.restful("composite/sobjects/Lead", method="POST", json={"ids": ids, "fields": ["LastName"]})
    assert _names(got) == ["Hopper"] * 3
    gone = sf.restful("composite/sobjects", {"ids": ",".join(ids), "allOrNone": "true"}, method="DELETE")
    assert [item["success"] for item in gone] == [True] * 3
    assert library.org.calls()["collections_upsert"] == 2


def test_restful_reaches_every_resource(sf: Salesforce) -> None:
    assert sf.restful("limits/recordCount", {"sObjects": "Lead"}) == {
        "sObjects": [{"count": 0, "name": "Lead"}]
    }
    assert "sobjects" in sf.restful("")
    assert sf.restful("jobs/ingest")["records"] == []


def test_the_organization_says_whether_it_is_a_sandbox(sf: Salesforce) -> None:
    assert sf.is_sandbox() is False


@pytest.mark.parametrize(
    "soql", ["SELECT FROM WHERE", "SELECT Nonsense FROM Lead", "SELECT Id FROM Nonsense"]
)
def test_a_query_that_makes_no_sense_is_a_malformed_request(sf: Salesforce, soql: str) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.query(soql)
    assert refused.value.content[0]["errorCode"] in ("MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"LastName": None}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"Email": "x"}, "INVALID_EMAIL_ADDRESS"),
        ({"Nonsense__c": 1}, "INVALID_FIELD"),
        ({"OwnerId": "005000000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_a_refused_record_is_a_malformed_request_with_its_code(
    sf: Salesforce, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Lead.create({**LEAD, **changes})
    assert refused.value.content[0]["errorCode"] == code


def test_what_is_not_there_is_not_found(sf: Salesforce) -> None:
    calls: list[Callable[[], object]] = [
        lambda: sf.Lead.get("00Q000000000000EAA"),
        lambda: sf.Lead.get_by_custom_id("Person_Key__c", "nobody"),
        sf.Nonsense__c.describe,
        lambda: sf.Lead.delete("Person_Key__c/nobody"),
    ]
    for call in calls:
        with pytest.raises(SalesforceResourceNotFound):
            call()


def test_a_spent_allowance_is_a_refused_request(library: Library, sf: Salesforce) -> None:
    library.org.script({"type": "exhaust_quota"})
    with pytest.raises(SalesforceRefusedRequest, match="REQUEST_LIMIT_EXCEEDED"):
        sf.Lead.create(LEAD)


def test_an_ended_session_is_an_expired_session_to_who_only_has_its_id(library: Library) -> None:
    client = library.sign_in(session_id=library.client().session_id, instance_url=library.org.url)
    library.org.control("DELETE", "sessions")
    for call in (client.limits, client.Lead.describe, lambda: client.query("SELECT Id FROM Lead")):
        with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
            call()


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_a_general_error(library: Library, sf: Salesforce, status: int) -> None:
    library.org.script({"type": "respond", "kind": "query", "status": status})
    with pytest.raises(SalesforceGeneralError) as refused:
        sf.query("SELECT Id FROM Lead")
    assert refused.value.status == status


def test_what_the_local_org_lacks_answers_501(sf: Salesforce) -> None:
    calls: list[Callable[[], object]] = [
        lambda: sf.bulk.Lead.insert([LEAD]),
        lambda: sf.bulk.Lead.query("SELECT Id FROM Lead"),
        lambda: sf.apexecute("Booking", method="POST", data={"id": 1}),
        lambda: sf.toolingexecute("query/?q=SELECT+Id+FROM+ApexClass"),
        lambda: sf.search("FIND {Hopper}"),
        lambda: sf.quick_search("Hopper"),
        lambda: sf.Lead.describe_layout("012000000000000AAA"),
        lambda: sf.restful("sobjects/Lead/describe/compactLayouts"),
        lambda: sf.set_password("005000000000000AAA", "secret"),
    ]
    for call in calls:
        with pytest.raises(SalesforceGeneralError) as refused:
            call()
        assert refused.value.status == 501
        assert refused.value.content[0]["errorCode"] == "NOT_IMPLEMENTED"
