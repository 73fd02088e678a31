"""What a Salesforce org makes difficult, item by item: one short demonstration each, over HTTP.

The sections follow the checklist that the local org was built to; other modules prove the details. Not to be shown
here, because the local org does not have them: reports, list views and page layouts, what the Metadata API takes for
the parent of a quick action, and fields under Shield encryption.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from include.salesforce_emulator.engine.org_setup import DEFAULT_PERMISSIONS, OrgSetup, UserPermission
from include.salesforce_emulator.engine.standard_duplicate_rules import STANDARD_DUPLICATE_RULES
from tests.emulator.clients import BulkJob, signed_in, table
from tests.emulator.engine_bench import PACKAGE, event
from tests.local_org import DATA, Answer, LocalOrg, started

pytestmark = pytest.mark.rule("P3")
LEAD = {"LastName": "Hopper", "Company": "Navy"}
KEY = "Person_Key__c"
BANKER = "banker@bank.example"
ALLOW_SAVE = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}


@pytest.fixture(scope="module")
def process() -> Iterator[LocalOrg]:
    with started("--package", str(PACKAGE)) as running:
        yield running


@pytest.fixture
def org(process: LocalOrg) -> LocalOrg:
    """Return an org in which it is a few days before the Events of these tests."""
    process.reset()
    process.control("POST", "clock", {"set": "2026-03-18T12:00:00Z", "freeze": True})
    process.sign_in()
    process.forget_calls()
    return process


def code_of(answer: Answer) -> str:
    code: str = answer.json()[0]["errorCode"]
    return code


def refusal(org: LocalOrg, sobject: str, **values: Any) -> str:
    """Return the code with which a new record is refused."""
    return code_of(org.call("POST", f"/sobjects/{sobject}", json=values))


def failure(job: BulkJob) -> str:
    """Return the code of a job's only refused row."""
    (row,) = job.results("failedResults")
    return row["sf__Error"].partition(":")[0]


def set_up(org: LocalOrg, **document: Any) -> None:
    org.control("PUT", "setup", OrgSetup(**document).model_dump(mode="json"))


def limit(org: LocalOrg, *without: UserPermission, **user: Any) -> dict[str, Any]:
    """Return the part of a setup that takes permissions from the integration user."""
    return {org.announcement["username"]: {"permissions": DEFAULT_PERMISSIONS - set(without), **user}}


def people(*names: str) -> str:
    return table(("LastName", "Company"), *((name, "C") for name in names))


# -- sign-in and REST


def test_plain_http_is_served_on_loopback_to_a_library_that_knows_https_only(org: LocalOrg) -> None:
    assert org.url.startswith("http://127.0.0.1:")
    assert signed_in(org).base_url.startswith("https://127.0.0.1:")


def test_all_four_sign_ins_are_accepted_soap_below_version_65_only(org: LocalOrg) -> None:
    told = org.announcement
    client = {"client_id": told["consumer_key"], "client_secret": told["consumer_secret"]}
    user = {"username": told["username"], "password": told["password"]}
    claims = {"iss": told["consumer_key"], "sub": told["username"], "aud": "https://login.salesforce.com"}
    private_key = Path(told["private_key_file"]).read_text()
    assertion = jwt.encode({**claims, "exp": int(time.time()) + 180}, private_key, algorithm="RS256")
    forms: list[dict[str, str]] = [
        {"grant_type": "client_credentials", **client},
        {"grant_type": "password", **client, **user},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion},
    ]
    for form in forms:
        assert org.raw("POST", "/services/oauth2/token", data=form).json()["token_type"] == "Bearer"
    login = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<login xmlns="urn:partner.soap.sforce.com"><username>{told["username"]}</username>'
        f"<password>{told['password']}{told['security_token']}</password></login></e:Body></e:Envelope>"
    )
    answers = [org.raw("POST", f"/services/Soap/u/{version}", data=login) for version in ("64.0", "65.0")]
    assert ["<sessionId>" in answer.text for answer in answers] == [True, False]


def test_a_session_that_ended_answers_401_with_a_json_array(org: LocalOrg) -> None:
    org.control("DELETE", "sessions")
    answer = org.call("GET", "/limits")
    assert (answer.status_code, code_of(answer)) == (401, "INVALID_SESSION_ID")


def test_every_rest_answer_tells_the_daily_usage(org: LocalOrg) -> None:
    for path in ("/limits", "/sobjects/Lead/nothing"):
        assert org.call("GET", path).headers["Sforce-Limit-Info"].startswith("api-usage=")


def test_the_size_of_a_page_is_what_the_org_is_told(org: LocalOrg) -> None:
    org.seed("Lead", LEAD, LEAD, LEAD)
    org.control("POST", "paging", {"page_rows": 2})
    page = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead"}).json()
    rest = org.call("GET", page["nextRecordsUrl"].removeprefix(DATA)).json()
    assert [len(page["records"]), len(rest["records"])] == [2, 1]


def test_a_uri_beyond_16384_bytes_is_414_and_with_its_headers_431(org: LocalOrg) -> None:
    assert org.call("GET", "/query", params={"q": "x" * 16_400}).status_code == 414
    padding = {"X-Padding": "x" * 8_200}
    assert org.call("GET", "/query", params={"q": "x" * 8_200}, headers=padding).status_code == 431


def test_collections_answer_200_though_every_record_is_refused(org: LocalOrg) -> None:
    rows = [{"attributes": {"type": "Lead"}, "LastName": "Hopper"}] * 2
    answer = org.call("POST", "/composite/sobjects", json={"records": rows})
    assert answer.status_code == 200
    assert {item["errors"][0]["statusCode"] for item in answer.json()} == {"REQUIRED_FIELD_MISSING"}


def test_a_single_upsert_answers_201_200_or_300(org: LocalOrg) -> None:
    path = f"/sobjects/Lead/{KEY}/k1"
    assert [org.call("PATCH", path, json=LEAD).status_code for _ in range(2)] == [201, 200]
    ids = org.seed("Lead", *({**LEAD, "Import_Key__c": "twice"} for _ in range(2)))
    several = org.call("PATCH", "/sobjects/Lead/Import_Key__c/twice", json=LEAD)
    assert (several.status_code, len(several.json())) == (300, len(ids))


# -- Bulk API 2.0


def test_an_upload_answers_201_without_a_body(org: LocalOrg) -> None:
    answer = BulkJob.create(org, "Lead").upload(people("A"))
    assert (answer.status_code, answer.content) == (201, b"")


def test_a_job_goes_through_its_states_as_slowly_as_it_is_told(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    (stuck,) = org.script({"type": "stick_job", "state": "UploadComplete"})
    seen = [job.information()["state"], job.run(people("A", "B"))["state"]]
    org.script({"type": "stick_job", "after_rows": 1})
    org.control("DELETE", f"faults/{stuck['id']}")
    for _ in range(2):
        org.control("POST", "drain")
        seen.append(job.information()["state"])
        org.control("DELETE", "faults")
    assert seen == ["Open", "UploadComplete", "InProgress", "JobComplete"]


def test_results_are_shuffled_quoted_re_rendered_and_say_their_charset(org: LocalOrg) -> None:
    columns = ("LastName", "Company", "Score__c")
    job = BulkJob.create(org, "Lead")
    job.run(table(columns, *((f"L{n:02}", "C", "60") for n in range(40))))
    answer = org.call("GET", f"/jobs/ingest/{job.id}/successfulResults")
    assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
    assert all(line.startswith('"') and line.endswith('"') for line in answer.text.splitlines())
    rows = job.results("successfulResults")
    assert [row["LastName"] for row in rows] != sorted(row["LastName"] for row in rows)
    assert {row["Score__c"] for row in rows} == {"60.0"}


def test_a_failed_insert_has_no_id_and_unprocessed_records_are_found_in_any_case(org: LocalOrg) -> None:
    org.script({"type": "fail_job", "after_rows": 1})
    job = BulkJob.create(org, "Lead")
    job.run(people("", "B"))
    assert job.results("failedResults")[0]["sf__Id"] == ""
    for name in ("unprocessedrecords", "unprocessedRecords", "unprocessedrecords/"):
        assert [row["LastName"] for row in job.results(name)] == ["B"]


def test_the_wrong_line_ending_and_an_unknown_column_fail_a_job_before_its_first_row(org: LocalOrg) -> None:
    crlf = BulkJob.create(org, "Lead").run(people("A").replace("\n", "\r\n"))
    unknown = BulkJob.create(org, "Lead").run("LastName,Nonsense\nA,B\n")
    assert crlf["errorMessage"].startswith("ClientInputError : LineEnding is invalid")
    assert unknown["errorMessage"] == "InvalidBatch : Field name not found : Nonsense"
    for job in (crlf, unknown):
        counts = job["numberRecordsProcessed"], job["numberRecordsFailed"]
        assert (job["state"], *counts) == ("Failed", 0, 0)


def test_two_rows_of_one_file_with_one_key_are_both_refused(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead", "upsert", externalIdFieldName=KEY)
    information = job.run(table((KEY, "LastName", "Company"), ("k", "A", "C"), ("k", "B", "C")))
    assert information["numberRecordsFailed"] == 2
    assert all("DUPLICATE_VALUE" in row["sf__Error"] for row in job.results("failedResults"))


def test_a_row_can_be_locked_once_on_demand(org: LocalOrg) -> None:
    org.script({"type": "lock_rows", "sobject": "Lead", "field": "LastName", "values": ["A"]})
    first, second = BulkJob.create(org, "Lead"), BulkJob.create(org, "Lead")
    assert first.run(people("A", "B"))["numberRecordsFailed"] == 1
    assert failure(first) == "UNABLE_TO_LOCK_ROW"
    assert second.run(people("A"))["numberRecordsFailed"] == 0


def test_a_poll_can_answer_503_and_a_session_can_end_in_the_middle_of_a_job(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    org.script(
        {"type": "respond", "kind": "bulk_ingest_poll"},
        {"type": "expire_sessions", "kind": "bulk_ingest_poll", "nth": 2},
    )
    path = f"/jobs/ingest/{job.id}"
    assert [org.call("GET", path).status_code for _ in range(2)] == [503, 401]
    org.sign_in()
    assert job.run(people("A"))["state"] == "JobComplete"


def test_a_job_is_deleted_with_204_and_vanishes_by_itself_after_seven_days(org: LocalOrg) -> None:
    deleted, left = BulkJob.create(org, "Lead"), BulkJob.create(org, "Lead")
    deleted.run(people("A"))
    left.run(people("B"))
    assert org.call("DELETE", f"/jobs/ingest/{deleted.id}").status_code == 204
    org.control("POST", "clock", {"advance_seconds": 7 * 86_400 + 60})
    org.sign_in()
    assert org.call("GET", f"/jobs/ingest/{left.id}").status_code == 404


# -- rules of the data


def test_a_converted_lead_is_read_only_and_takes_no_event(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", LEAD)
    org.control("POST", "convert", {"lead_id": lead})
    answer = org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "Dr"})
    assert code_of(answer) == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert refusal(org, "Event", **event(WhoId=lead)) == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_a_deleted_or_merged_person_takes_no_event_and_names_the_record_that_is_left(org: LocalOrg) -> None:
    kept, merged, deleted = org.seed("Contact", *({"LastName": name} for name in "ABC"))
    org.control("POST", "merge", {"sobject": "Contact", "master_id": kept, "loser_ids": [merged]})
    org.delete("Contact", deleted)
    for gone in (merged, deleted):
        assert refusal(org, "Event", **event(WhoId=gone)) in (
            "ENTITY_IS_DELETED",
            "INVALID_CROSS_REFERENCE_KEY",
        )
    soql = "SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = true AND MasterRecordId != null"
    (loser,) = org.call("GET", "/queryAll", params={"q": soql}).json()["records"]
    assert (loser["Id"], loser["MasterRecordId"]) == (merged, kept)


def test_a_person_account_is_met_through_its_contact(org: LocalOrg) -> None:
    set_up(org, person_accounts=True)
    created = org.call("POST", "/sobjects/Account", json={"LastName": "Hopper", "FirstName": "Grace"})
    assert created.status_code == 201, created.text
    (account,) = org.query("SELECT Id, Name, IsPersonAccount, PersonContactId FROM Account")
    assert (account["Name"], account["IsPersonAccount"]) == ("Grace Hopper", True)
    assert refusal(org, "Event", **event(WhoId=account["Id"])) == "FIELD_INTEGRITY_EXCEPTION"
    assert org.call("POST", "/sobjects/Event", json=event(WhoId=account["PersonContactId"])).ok


def test_an_inactive_user_owns_nothing_new(org: LocalOrg) -> None:
    (banker,) = org.seed("User", {"Username": BANKER, "LastName": "B", "Email": BANKER, "IsActive": False})
    assert refusal(org, "Event", **event(OwnerId=banker)) == "INACTIVE_OWNER_OR_USER"


def test_a_private_event_concerns_nobody(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", LEAD)
    assert refusal(org, "Event", **event(WhoId=lead, IsPrivate=True)) == "FIELD_INTEGRITY_EXCEPTION"


@pytest.mark.parametrize(
    "times",
    [
        {"DurationInMinutes": 31},
        {"EndDateTime": "2026-03-20T09:00:00Z"},
        {"EndDateTime": "2026-04-03T10:00:01Z"},
    ],
)
def test_duration_and_end_agree_and_an_event_lasts_14_days_at_most(
    org: LocalOrg, times: dict[str, Any]
) -> None:
    assert refusal(org, "Event", **event(**times)) == "FIELD_INTEGRITY_EXCEPTION"


@pytest.mark.parametrize(("field", "length"), [("Subject", 255), ("Description", 32_000)])
def test_texts_have_a_length(org: LocalOrg, field: str, length: int) -> None:
    assert org.call("POST", "/sobjects/Event", json=event(**{field: "x" * length})).status_code == 201
    assert refusal(org, "Event", **event(**{field: "x" * (length + 1)})) == "STRING_TOO_LONG"


def test_an_event_of_long_ago_is_seen_by_query_all_only_and_still_written(org: LocalOrg) -> None:
    past = {"StartDateTime": "2025-03-01T10:00:00Z", "EndDateTime": "2025-03-01T10:30:00Z"}
    (old,) = org.seed("Event", event(**past))
    assert org.query("SELECT Id FROM Event") == []
    soql = "SELECT Id, IsArchived FROM Event"
    (record,) = org.call("GET", "/queryAll", params={"q": soql}).json()["records"]
    assert record["IsArchived"] is True
    assert org.call("PATCH", f"/sobjects/Event/{old}", json={"Subject": "Later"}).status_code == 204


def test_a_field_hidden_by_field_level_security_looks_like_a_typing_error(org: LocalOrg) -> None:
    set_up(org, users=limit(org, fields={"Event": {"Booking_Key__c": "hidden"}}))
    answer = org.call("GET", "/query", params={"q": "SELECT Booking_Key__c FROM Event"})
    assert (answer.status_code, code_of(answer)) == (400, "INVALID_FIELD")
    information = BulkJob.create(org, "Task").run("Subject,Booking_Key__c\nA,B\n")
    assert information["errorMessage"] == "InvalidBatch : Field name not found : Booking_Key__c"


def test_a_key_that_is_not_unique_can_be_ambiguous(org: LocalOrg) -> None:
    org.seed("Lead", *({**LEAD, "Import_Key__c": "k"} for _ in range(2)))
    job = BulkJob.create(org, "Lead", "upsert", externalIdFieldName="Import_Key__c")
    job.run(table(("Import_Key__c", "LastName", "Company"), ("k", "A", "C")))
    assert failure(job) == "DUPLICATE_EXTERNAL_ID"


# -- confirmed later


def _assigning(org: LocalOrg) -> str:
    """Have an active rule give every Lead to a banker, and return their Id."""
    (banker,) = org.seed("User", {"Username": BANKER, "LastName": "B", "Email": BANKER, "IsActive": True})
    set_up(org, assignment_rules=({"name": "All", "entries": ({"owner": BANKER},)},))
    return banker


def test_rest_assigns_new_leads_unless_told_not_to(org: LocalOrg) -> None:
    banker = _assigning(org)
    org.call("POST", "/sobjects/Lead", json=LEAD)
    org.call("POST", "/sobjects/Lead", json={**LEAD, "Title": "Dr"}, headers={"Sforce-Auto-Assign": "FALSE"})
    owners = {row["Title"]: row["OwnerId"] for row in org.query("SELECT Title, OwnerId FROM Lead")}
    assert owners == {None: banker, "Dr": org.announcement["user_id"]}


def test_bulk_assigns_only_where_the_job_names_a_rule(org: LocalOrg) -> None:
    banker = _assigning(org)
    (rule,) = org.query("SELECT Id FROM AssignmentRule")
    BulkJob.create(org, "Lead").run(people("A"))
    BulkJob.create(org, "Lead", assignmentRuleId=rule["Id"]).run(people("B"))
    owners = {row["LastName"]: row["OwnerId"] for row in org.query("SELECT LastName, OwnerId FROM Lead")}
    assert owners == {"A": org.announcement["user_id"], "B": banker}


def test_an_event_with_a_lead_takes_no_what(org: LocalOrg) -> None:
    (lead,), (account,) = org.seed("Lead", LEAD), org.seed("Account", {"Name": "Navy"})
    assert refusal(org, "Event", **event(WhoId=lead, WhatId=account)) == "FIELD_INTEGRITY_EXCEPTION"


def test_conversion_moves_the_events_of_a_lead_to_contact_and_account(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", LEAD)
    org.seed("Event", event(WhoId=lead))
    org.control("POST", "convert", {"lead_id": lead})
    (person,) = org.query("SELECT ConvertedContactId, ConvertedAccountId FROM Lead")
    (moved,) = org.query("SELECT WhoId, AccountId FROM Event")
    assert (moved["WhoId"], moved["AccountId"]) == (
        person["ConvertedContactId"],
        person["ConvertedAccountId"],
    )


def test_where_there_are_person_accounts_a_lead_without_company_becomes_one(org: LocalOrg) -> None:
    assert refusal(org, "Lead", LastName="Hopper") == "REQUIRED_FIELD_MISSING"
    set_up(org, person_accounts=True)
    person, business = org.seed("Lead", {"LastName": "Hopper"}, LEAD)
    for lead in (person, business):
        org.control("POST", "convert", {"lead_id": lead})
    found = org.query("SELECT Name, IsPersonAccount FROM Account")
    assert {row["Name"]: row["IsPersonAccount"] for row in found} == {"Hopper": True, "Navy": False}
    assert org.query("SELECT Id FROM RecordType WHERE IsPersonType = true") != []


def test_a_person_account_is_written_through_its_account(org: LocalOrg) -> None:
    set_up(org, person_accounts=True)
    org.seed("Account", {"LastName": "Hopper"})
    (account,) = org.query("SELECT Id, PersonContactId FROM Account")
    answer = org.call("PATCH", f"/sobjects/Contact/{account['PersonContactId']}", json={"LastName": "X"})
    assert code_of(answer) == "INVALID_PERSON_ACCOUNT_OPERATION"
    assert org.call("PATCH", f"/sobjects/Account/{account['Id']}", json={"LastName": "X"}).status_code == 204


def test_the_standard_duplicate_rules_alert_and_match_contacts_against_leads(org: LocalOrg) -> None:
    set_up(org, duplicate_rules=STANDARD_DUPLICATE_RULES)
    ann = {"FirstName": "Ann", "LastName": "Ash", "Email": "ann@example.org"}
    org.seed("Lead", {**ann, "Company": "C"})
    assert refusal(org, "Contact", **ann) == "DUPLICATES_DETECTED"
    assert org.call("POST", "/sobjects/Contact", json=ann, headers=ALLOW_SAVE).status_code == 201


def test_under_private_sharing_the_maker_of_a_bankers_event_cannot_change_it(org: LocalOrg) -> None:
    (banker,) = org.seed("User", {"Username": BANKER, "LastName": "B", "Email": BANKER, "IsActive": True})
    private: dict[str, Any] = {"activity_sharing": "private"}
    set_up(org, **private, users=limit(org, UserPermission.MODIFY_ALL_DATA))
    made = org.call("POST", "/sobjects/Event", json=event(OwnerId=banker)).json()["id"]
    path, change = f"/sobjects/Event/{made}", {"Subject": "Moved"}
    assert code_of(org.call("PATCH", path, json=change)) == "INSUFFICIENT_ACCESS_OR_READONLY"
    set_up(org, **private, users=limit(org, UserPermission.MODIFY_ALL_DATA, above=[BANKER]))
    assert org.call("PATCH", path, json=change).status_code == 204
    set_up(org, **private)
    assert org.call("DELETE", path).status_code == 204


def test_a_status_that_a_campaign_lacks_becomes_its_default_and_the_list_needs_marketing_rights(
    org: LocalOrg,
) -> None:
    (lead,), (campaign,) = org.seed("Lead", LEAD), org.seed("Campaign", {"Name": "Spring"})
    member = {"CampaignId": campaign, "LeadId": lead, "Status": "Nonsense"}
    assert org.call("POST", "/sobjects/CampaignMember", json=member).status_code == 201
    assert org.query("SELECT Status FROM CampaignMember")[0]["Status"] == "Sent"
    set_up(org, users=limit(org, UserPermission.MARKETING_USER))
    answer = org.call("GET", "/query", params={"q": "SELECT Id FROM CampaignMemberStatus"})
    assert code_of(answer) == "INVALID_TYPE"


def test_a_record_takes_two_kilobytes_of_storage_and_none_is_saved_beyond_it(org: LocalOrg) -> None:
    org.control("POST", "limits", {"DataStorageMB": {"Max": 1}})
    org.seed("Lead", *({**LEAD} for _ in range(511)))
    assert org.call("POST", "/sobjects/Lead", json=LEAD).status_code == 201
    assert refusal(org, "Lead", **LEAD) == "STORAGE_LIMIT_EXCEEDED"


@pytest.mark.parametrize("phone", ["(415) 555-0100", "+49 30 / 12 34", "0041-call me"])
def test_phones_are_stored_as_typed(org: LocalOrg, phone: str) -> None:
    org.call("POST", "/sobjects/Lead", json={**LEAD, "Phone": phone})
    assert org.query("SELECT Phone FROM Lead")[0]["Phone"] == phone


def test_an_upsert_can_be_told_to_create_nothing(org: LocalOrg) -> None:
    path = f"/sobjects/Lead/{KEY}/k1"
    only = {"updateOnly": "true"}
    assert org.call("PATCH", path, params=only, json=LEAD).status_code == 404
    assert org.call("PATCH", path, json=LEAD).status_code == 201
    assert org.call("PATCH", path, params=only, json={"Title": "Dr"}).status_code == 200


def test_an_upsert_on_a_key_that_is_not_unique_needs_view_all_data(org: LocalOrg) -> None:
    set_up(org, users=limit(org, UserPermission.VIEW_ALL_DATA, UserPermission.MODIFY_ALL_DATA))
    assert org.call("PATCH", f"/sobjects/Lead/{KEY}/k1", json=LEAD).status_code == 201
    refused = org.call("PATCH", "/sobjects/Lead/Import_Key__c/k1", json=LEAD)
    assert code_of(refused) == "INSUFFICIENT_ACCESS"
