"""A limited user over HTTP: every API answers as that user sees the org, and control requests as nobody does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest

from include.salesforce_emulator.engine.org_setup import DEFAULT_PERMISSIONS, UserPermission
from tests.emulator.clients import BulkJob, table
from tests.local_org import DATA, Answer, LocalOrg

pytestmark = pytest.mark.rule("P3")

BANKER = "banker@bank.example"
DEFAULTS = sorted(DEFAULT_PERMISSIONS)
VISIT = {
    "Subject": "Visit",
    "StartDateTime": "2026-03-20T10:00:00Z",
    "EndDateTime": "2026-03-20T10:30:00Z",
}


def _limit(org: LocalOrg, *, sharing: str = "public", without: tuple[str, ...] = (), **user: Any) -> None:
    """Limit the integration user, in whose name `org.call` asks."""
    kept = [name for name in DEFAULTS if name not in without]
    document = {
        "activity_sharing": sharing,
        "users": {org.announcement["username"]: {"permissions": kept, **user}},
    }
    org.control("PUT", "setup", document)


def _error(answer: Answer) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def _token_of(org: LocalOrg, username: str) -> str:
    claims = {
        "iss": org.announcement["consumer_key"],
        "sub": username,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    key = Path(org.announcement["private_key_file"]).read_text()
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": jwt.encode(claims, key, algorithm="RS256"),
    }
    token: str = org.raw("POST", "/services/oauth2/token", data=form).json()["access_token"]
    return token


def _banker(**values: Any) -> Mapping[str, Any]:
    return {"Username": BANKER, "LastName": "Banker", "Email": BANKER, **values}


def test_rest_shows_and_takes_what_the_user_sees_and_control_everything(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": "Doe", "Company": "x", "Description": "secret", "Title": "Dr"})
    _limit(org, fields={"Lead": {"Description": "hidden", "Title": "read"}})

    fields = {item["name"]: item for item in org.call("GET", "/sobjects/Lead/describe").json()["fields"]}
    assert "Description" not in fields
    assert not fields["Title"]["updateable"]

    record = org.call("GET", f"/sobjects/Lead/{lead}").json()
    assert record["Title"] == "Dr"
    assert "Description" not in record
    answer = org.call("GET", "/query", params={"q": "SELECT Description FROM Lead"})
    assert _error(answer) == (400, "INVALID_FIELD")
    assert "ERROR at Row:1:Column:8" in answer.json()[0]["message"]

    answer = org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Description": "y"})
    assert _error(answer) == (400, "INVALID_FIELD")
    assert answer.json()[0]["message"] == "No such column 'Description' on sobject of type Lead"
    answer = org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "Prof"})
    assert _error(answer) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")

    (shown,) = org.records("Lead")
    assert shown["Description"] == "secret"
    org.change("Lead", Id=lead, Description="new", Title="Prof")
    assert org.records("Lead", Description="new", Title="Prof")


def test_another_users_session_sees_what_that_user_sees(org: LocalOrg) -> None:
    org.seed("User", _banker())
    document = {"users": {BANKER: {"fields": {"Lead": {"Email": "hidden"}}}}}
    org.control("PUT", "setup", document)
    soql = {"q": "SELECT Email FROM Lead"}
    bearer = {"Authorization": f"Bearer {_token_of(org, BANKER)}"}
    assert _error(org.raw("GET", f"{DATA}/query", params=soql, headers=bearer)) == (400, "INVALID_FIELD")
    assert org.call("GET", "/query", params=soql).ok


def test_an_object_without_rights_is_not_found_anywhere(org: LocalOrg) -> None:
    _limit(org, objects={"Campaign": []})
    assert "Campaign" not in {item["name"] for item in org.call("GET", "/sobjects").json()["sobjects"]}
    for method, path, body in (
        ("GET", "/sobjects/Campaign", None),
        ("GET", "/sobjects/Campaign/describe", None),
        ("GET", "/sobjects/Campaign/701000000000001AAA", None),
        ("POST", "/sobjects/Campaign", {"Name": "x"}),
        ("POST", "/composite/sobjects/Campaign", {"ids": [], "fields": ["Id"]}),
    ):
        assert _error(org.call(method, path, json=body)) == (404, "NOT_FOUND"), path
    answer = org.call("GET", "/query", params={"q": "SELECT Id FROM Campaign"})
    assert _error(answer) == (400, "INVALID_TYPE")
    job = {"object": "Campaign", "operation": "insert"}
    assert _error(org.call("POST", "/jobs/ingest", json=job)) == (400, "INVALIDJOB")


def test_collections_refuse_row_by_row_what_the_user_may_not_write(org: LocalOrg) -> None:
    lead, other = org.seed("Lead", *[{"LastName": name, "Company": "x"} for name in ("Doe", "Roe")])
    _limit(org, objects={"Lead": ["read", "edit"]}, fields={"Lead": {"Title": "read"}})
    kind = {"attributes": {"type": "Lead"}}
    records = [{**kind, "Id": lead, "Title": "x"}, {**kind, "Id": other, "LastName": "New"}]
    updated = org.call("PATCH", "/composite/sobjects", json={"records": records}).json()
    assert [item["success"] for item in updated] == [False, True]
    assert updated[0]["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    new = {"records": [{**kind, "LastName": "B", "Company": "x"}]}
    (created,) = org.call("POST", "/composite/sobjects", json=new).json()
    assert created["errors"][0]["statusCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert created["errors"][0]["message"] == "entity type cannot be inserted: Lead"
    (deleted,) = org.call("DELETE", f"/composite/sobjects?ids={lead}").json()
    assert deleted["errors"][0]["statusCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    single = org.call("DELETE", f"/sobjects/Lead/{lead}")
    assert _error(single) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")


def test_a_bulk_job_with_a_hidden_column_fails_before_its_first_row(org: LocalOrg) -> None:
    _limit(org, fields={"Task": {"Coconut_Status__c": "hidden"}})
    columns = [*VISIT, "Coconut_Status__c"]
    job = BulkJob.create(org, "Event").run(table(columns, [*VISIT.values(), "booked"]))
    assert job["state"] == "Failed"
    assert job["errorMessage"] == "InvalidBatch : Field name not found : Coconut_Status__c"
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (0, 0)
    assert org.records("Event") == []


def test_a_bulk_job_with_a_read_only_column_fails_its_rows(org: LocalOrg) -> None:
    _limit(org, fields={"Activity": {"Coconut_Status__c": "read"}})
    job = BulkJob.create(org, "Event")
    content = table([*VISIT, "Coconut_Status__c"], [*VISIT.values(), "booked"], [*VISIT.values(), ""])
    ended = job.run(content)
    assert (ended["state"], ended["numberRecordsFailed"]) == ("JobComplete", 1)
    (failed,) = job.results("failedResults")
    assert failed["sf__Error"].startswith("INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: ")


def test_a_bulk_job_of_a_user_who_lost_the_object_meanwhile_fails(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Campaign")
    assert job.upload(table(["Name"], ["Spring"])).status_code == 201
    _limit(org, objects={"Campaign": []})
    assert job.set_state("UploadComplete").ok
    org.control("POST", "drain")
    assert job.information()["errorMessage"] == "InvalidJob : Unable to find object: Campaign"


def test_a_bulk_query_shows_what_its_creator_sees(org: LocalOrg) -> None:
    _limit(org, fields={"Lead": {"Email": "hidden"}})
    body = {"operation": "query", "query": "SELECT Email FROM Lead"}
    assert _error(org.call("POST", "/jobs/query", json=body)) == (400, "INVALID_FIELD")
    body["query"] = "SELECT LastName FROM Lead"
    assert org.call("POST", "/jobs/query", json=body).ok


def test_without_api_enabled_every_data_request_is_forbidden(org: LocalOrg) -> None:
    _limit(org, without=(UserPermission.API_ENABLED,))
    for method, path in (
        ("GET", "/sobjects"),
        ("GET", "/limits"),
        ("POST", "/sobjects/Lead"),
        ("POST", "/jobs/ingest"),
    ):
        assert _error(org.call(method, path)) == (403, "API_DISABLED_FOR_ORG")
    org.control("PUT", "setup", {})
    assert org.call("GET", "/sobjects").ok


def test_hard_deletion_is_refused_when_the_job_is_made(org: LocalOrg) -> None:
    _limit(org, without=(UserPermission.BULK_API_HARD_DELETE,))
    answer = org.call("POST", "/jobs/ingest", json={"object": "Event", "operation": "hardDelete"})
    assert _error(answer) == (400, "FEATURENOTENABLED")
    assert org.call("POST", "/jobs/ingest", json={"object": "Event", "operation": "delete"}).ok


def test_under_private_sharing_a_second_upsert_of_a_bankers_event_is_refused(org: LocalOrg) -> None:
    (banker,) = org.seed("User", _banker())
    _limit(org, sharing="private", without=(UserPermission.MODIFY_ALL_DATA,))
    path = "/sobjects/Event/Coconut_Booking_Key__c/b-1"
    body = {**VISIT, "OwnerId": banker}
    assert org.call("PATCH", path, json=body).status_code == 201
    assert _error(org.call("PATCH", path, json=body)) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    columns = ["Coconut_Booking_Key__c", "Subject"]
    job = BulkJob.create(org, "Event", "upsert", externalIdFieldName="Coconut_Booking_Key__c")
    assert job.run(table(columns, ["b-1", "Moved"]))["numberRecordsFailed"] == 1
    (failed,) = job.results("failedResults")
    assert failed["sf__Error"] == "INSUFFICIENT_ACCESS_OR_READONLY:insufficient access rights on object id:--"
    _limit(org, sharing="private", without=(UserPermission.MODIFY_ALL_DATA,), above=[BANKER])
    assert org.call("PATCH", path, json={"Subject": "Moved"}).status_code == 200


def test_a_setup_that_names_what_the_org_lacks_is_refused_with_the_reason(org: LocalOrg) -> None:
    document = {"users": {BANKER: {"fields": {"Lead": {"Nonsense__c": "hidden"}}}}}
    answer = org.raw("PUT", "/__emulator__/setup", json=document)
    assert _error(answer) == (400, "INVALID_FIELD")
    assert "Lead.Nonsense__c" in answer.json()[0]["message"]
    assert org.control("GET", "setup")["users"] == {}
