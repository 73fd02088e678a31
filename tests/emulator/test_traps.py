"""The traps that a naive sync with Salesforce falls into, by their numbers, each sprung against the local org.

Three have a part that no org can show, because it happens in the client: that numbers and ids turn into floats in a
frame (8), that a task is run again after its job id was lost (4), and that a client reads the text of an error where
the code would have told it (21; the org shows that the text changes with the label of the field). What the library
itself does wrong (1, 4, 7, 12, 18, 23) is shown in `tests/contract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.format import format_soql

from include.salesforce_emulator.engine.org_setup import DEFAULT_PERMISSIONS, OrgSetup
from include.salesforce_emulator.engine.standard_duplicate_rules import STANDARD_DUPLICATE_RULES
from tests.emulator.clients import BulkJob, client_session, signed_in, table
from tests.emulator.engine_bench import event
from tests.local_org import DATA, Answer, LocalOrg

pytestmark = pytest.mark.rule("P3")
LEAD = {"LastName": "Hopper", "Company": "Navy"}
CLIENT_KEY = "Coconut_Client_Key__c"
BOOKING_KEY = "Coconut_Booking_Key__c"
TIMES = ("2026-03-20T10:00:00Z", "2026-03-20T10:30:00Z")
EVENT_COLUMNS = ("Subject", "StartDateTime", "EndDateTime")


@pytest.fixture
def org(org: LocalOrg) -> LocalOrg:
    """Return an org in which it is a few days before the Events of these tests."""
    org.control("POST", "clock", {"set": "2026-03-18T12:00:00Z", "freeze": True})
    org.sign_in()
    org.forget_calls()
    return org


def code_of(answer: Answer) -> str:
    code: str = answer.json()[0]["errorCode"]
    return code


def refusal(org: LocalOrg, sobject: str, values: Mapping[str, Any]) -> str:
    return code_of(org.call("POST", f"/sobjects/{sobject}", json=values))


def refusals(job: BulkJob) -> list[str]:
    return [row["sf__Error"].partition(":")[0] for row in job.results("failedResults")]


def people(*names: str) -> str:
    return table(("LastName", "Company"), *((name, "C") for name in names))


def test_trap_01_an_http_address_makes_an_https_client(org: LocalOrg) -> None:
    naive = Salesforce(session_id="x", instance_url=org.url, session=org.lend_session())
    with pytest.raises(requests.exceptions.SSLError):
        naive.limits()
    org.seed("Lead", LEAD, LEAD)
    org.control("POST", "paging", {"page_rows": 1})
    assert signed_in(org).query_all("SELECT Id FROM Lead")["totalSize"] == 2


def test_trap_02_soap_login_is_refused_to_a_modern_version_and_where_it_is_off(org: LocalOrg) -> None:
    given = {name: org.announcement[name] for name in ("username", "password", "security_token")}
    with pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(**given, version="65.0", session=client_session(org))
    org.control("PUT", "setup", {"soap_login": False})
    with pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(**given, version="64.0", session=client_session(org))


def test_trap_03_a_complete_job_has_failures_and_a_failed_or_aborted_one_has_saved_rows(
    org: LocalOrg,
) -> None:
    complete = BulkJob.create(org, "Lead").run(people("A", ""))
    assert (complete["state"], complete["numberRecordsFailed"]) == ("JobComplete", 1)
    org.script({"type": "fail_job", "after_rows": 1})
    assert BulkJob.create(org, "Lead").run(people("B", "C"))["state"] == "Failed"
    org.script({"type": "stick_job", "after_rows": 1})
    aborted = BulkJob.create(org, "Lead")
    aborted.run(people("D", "E"))
    assert aborted.set_state("Aborted").json()["state"] == "Aborted"
    assert len(org.query("SELECT Id FROM Lead")) == 3


def test_trap_04_one_503_on_a_poll_says_nothing_about_the_job(org: LocalOrg) -> None:
    org.script({"type": "respond", "kind": "bulk_ingest_poll"})
    job = BulkJob.create(org, "Lead")
    assert org.call("GET", f"/jobs/ingest/{job.id}").status_code == 503
    assert job.run(people("A"))["state"] == "JobComplete"
    (listed,) = org.call("GET", "/jobs/ingest").json()["records"]
    assert listed["id"] == job.id


def test_trap_05_a_repeated_insert_makes_a_second_event_and_a_repeated_upsert_does_not(org: LocalOrg) -> None:
    org.script({"type": "drop", "kind": "create", "when": "after"})
    with pytest.raises(requests.ConnectionError):
        org.call("POST", "/sobjects/Event", json=event())
    org.call("POST", "/sobjects/Event", json=event())
    assert len(org.query("SELECT Id FROM Event")) == 2
    path = f"/sobjects/Event/{BOOKING_KEY}/b1"
    org.script({"type": "drop", "kind": "upsert", "when": "after"})
    with pytest.raises(requests.ConnectionError):
        org.call("PATCH", path, json=event())
    assert org.call("PATCH", path, json=event()).json()["created"] is False
    assert len(org.query(f"SELECT Id FROM Event WHERE {BOOKING_KEY} = 'b1'")) == 1


def test_trap_06_results_come_in_another_order_with_other_numbers_and_the_key_as_it_was(
    org: LocalOrg,
) -> None:
    keys = [f"b{n:02}" for n in range(30)]
    columns = (BOOKING_KEY, "Subject", "StartDateTime", "DurationInMinutes")
    job = BulkJob.create(org, "Event", "upsert", externalIdFieldName=BOOKING_KEY)
    job.run(table(columns, *((key, "Visit", TIMES[0], "60") for key in keys)))
    rows = job.results("successfulResults")
    assert [row[BOOKING_KEY] for row in rows] != keys
    assert sorted(row[BOOKING_KEY] for row in rows) == keys
    assert {row["DurationInMinutes"] for row in rows} == {"60.0"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\ufeffLastName,Company\nA,C\n", "Field name not found"),
        ("LastName,Company\r\nA,C\r\n", "LineEnding"),
        ('LastName,Company\n"A\r\nB",C\n', "LineEnding"),
    ],
)
def test_trap_07_a_byte_order_mark_or_a_foreign_line_ending_fails_the_job(
    org: LocalOrg, content: str, message: str
) -> None:
    assert message in BulkJob.create(org, "Lead").run(content)["errorMessage"]


def test_trap_07_an_empty_cell_is_not_null_and_a_nan_is_a_text(org: LocalOrg) -> None:
    ids = org.seed("Lead", *({**LEAD, "City": "Ulm"} for _ in range(3)))
    cells = ("", "#N/A", "nan")
    BulkJob.create(org, "Lead", "update").run(table(("Id", "City"), *zip(ids, cells, strict=True)))
    found = {row["Id"]: row["City"] for row in org.query("SELECT Id, City FROM Lead")}
    assert [found[record_id] for record_id in ids] == ["Ulm", None, "nan"]


def test_trap_08_a_float_for_an_id_refuses_the_row_and_one_for_a_phone_is_kept(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    job.run(
        table(
            ("LastName", "Company", "Phone", "OwnerId"),
            ("A", "C", "4.15555E9", "5.0"),
            ("B", "C", "4.15555E9", ""),
        )
    )
    assert len(refusals(job)) == 1
    assert org.query("SELECT Phone FROM Lead")[0]["Phone"] == "4.15555E9"


def test_trap_09_an_offset_is_converted_and_a_time_without_one_is_taken_for_utc(org: LocalOrg) -> None:
    for subject, start in (("Offset", "2026-03-20T10:00:00+01:00"), ("Plain", "2026-03-20T10:00:00Z")):
        org.call(
            "POST",
            "/sobjects/Event",
            json=event(Subject=subject, StartDateTime=start, EndDateTime=None, DurationInMinutes=30),
        )
    found = {
        row["Subject"]: row["StartDateTime"] for row in org.query("SELECT Subject, StartDateTime FROM Event")
    }
    assert found == {"Offset": "2026-03-20T09:00:00.000+0000", "Plain": "2026-03-20T10:00:00.000+0000"}


def test_trap_09_an_event_of_the_whole_day_stays_on_its_day(org: LocalOrg) -> None:
    day = {"Subject": "Fair", "IsAllDayEvent": True, "ActivityDate": "2026-03-20"}
    org.call("POST", "/sobjects/Event", json=day)
    (found,) = org.query("SELECT ActivityDate, StartDateTime, DurationInMinutes FROM Event")
    assert (found["ActivityDate"], found["DurationInMinutes"]) == ("2026-03-20", 1440)
    assert found["StartDateTime"] == "2026-03-20T00:00:00.000+0000"


@pytest.mark.parametrize(
    "times",
    [
        {"DurationInMinutes": 45},
        {"EndDateTime": "2026-03-20T09:30:00Z"},
        {"EndDateTime": "2026-03-21T10:00:01Z"},
        {"EndDateTime": "2026-04-03T10:01:00Z"},
    ],
)
def test_trap_09_times_that_disagree_or_are_too_long_are_refused(
    org: LocalOrg, times: dict[str, Any]
) -> None:
    org.control("PUT", "setup", {"multiday_events": False})
    assert refusal(org, "Event", event(**times)) == "FIELD_INTEGRITY_EXCEPTION"


def test_trap_10_two_rows_with_one_key_both_fail(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Event", "upsert", externalIdFieldName=BOOKING_KEY)
    job.run(table((BOOKING_KEY, *EVENT_COLUMNS), ("b1", "First", *TIMES), ("b1", "Later", *TIMES)))
    assert len(refusals(job)) == 2
    assert org.query("SELECT Id FROM Event") == []


def test_trap_11_a_converted_merged_or_deleted_person_takes_no_event(org: LocalOrg) -> None:
    (converted,) = org.seed("Lead", {**LEAD, CLIENT_KEY: "k1"})
    org.control("POST", "convert", {"lead_id": converted})
    kept, merged = org.seed("Contact", {"LastName": "A"}, {"LastName": "B"})
    org.control("POST", "merge", {"sobject": "Contact", "master_id": kept, "loser_ids": [merged]})
    (deleted,) = org.seed("Lead", LEAD)
    org.delete("Lead", deleted)
    job = BulkJob.create(org, "Event")
    rows = [(person, *TIMES, person) for person in (converted, merged, deleted, kept)]
    job.run(table((*EVENT_COLUMNS, "WhoId"), *rows))
    assert {row["Subject"] for row in job.results("failedResults")} == {converted, merged, deleted}
    assert refusal(org, "Lead", {**LEAD, CLIENT_KEY: "k1"}) == "DUPLICATE_VALUE"
    again = org.call("PATCH", f"/sobjects/Lead/{CLIENT_KEY}/k1", json=LEAD)
    assert code_of(again) == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_trap_11_a_person_account_is_no_who_and_a_lead_no_what(org: LocalOrg) -> None:
    org.control("PUT", "setup", {"person_accounts": True})
    org.seed("Account", {"LastName": "Hopper"})
    (account,), (lead,) = org.query("SELECT Id FROM Account"), org.seed("Lead", LEAD)
    assert refusal(org, "Event", event(WhoId=account["Id"])) == "FIELD_INTEGRITY_EXCEPTION"
    assert refusal(org, "Event", event(WhatId=lead)) == "FIELD_INTEGRITY_EXCEPTION"


def test_trap_12_an_alerting_rule_fails_bulk_rows_whatever_header_the_job_has(org: LocalOrg) -> None:
    rules = OrgSetup(duplicate_rules=STANDARD_DUPLICATE_RULES)
    org.control("PUT", "setup", rules.model_dump(mode="json"))
    ann = {"FirstName": "Ann", "LastName": "Ash", "Email": "ann@example.org"}
    org.seed("Contact", ann)
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    body = {"object": "Contact", "operation": "insert"}
    job = BulkJob(org, org.call("POST", "/jobs/ingest", json=body, headers=allow).json()["id"])
    job.run(table(tuple(ann), tuple(ann.values())))
    assert refusals(job) == ["DUPLICATES_DETECTED"]
    assert org.call("POST", "/sobjects/Contact", json=ann, headers=allow).status_code == 201


def test_trap_13_fields_of_activity_are_hidden_by_task_as_well_and_then_look_unknown(org: LocalOrg) -> None:
    for sobject in ("Event", "Task"):
        fields = org.call("GET", f"/sobjects/{sobject}/describe").json()["fields"]
        assert BOOKING_KEY in {field["name"] for field in fields}
    hidden = {"fields": {"Task": {BOOKING_KEY: "hidden"}}}
    org.control("PUT", "setup", {"users": {org.announcement["username"]: hidden}})
    information = BulkJob.create(org, "Event").run(f"Subject,{BOOKING_KEY}\nA,B\n")
    assert information["errorMessage"] == f"InvalidBatch : Field name not found : {BOOKING_KEY}"


def test_trap_14_a_query_misses_archived_and_deleted_events(org: LocalOrg) -> None:
    long_ago = {"StartDateTime": "2025-01-10T10:00:00Z", "EndDateTime": "2025-01-10T10:30:00Z"}
    org.seed("Event", event(**long_ago))
    (deleted, _) = org.seed("Event", event(), event())
    org.delete("Event", deleted)
    soql = {"q": "SELECT Id FROM Event"}
    counts = [org.call("GET", path, params=soql).json()["totalSize"] for path in ("/query", "/queryAll")]
    assert counts == [1, 3]


def test_trap_15_a_list_of_600_ids_is_too_long_for_a_get(org: LocalOrg) -> None:
    def status(count: int) -> int:
        listed = ",".join(f"'{number:018d}'" for number in range(count))
        soql = quote("SELECT Id FROM Lead WHERE LastName IN (" + listed + ")", safe="")
        return org.call("GET", f"/query?q={soql}").status_code

    assert [status(500), status(600), status(700)] == [200, 431, 414]


def test_trap_15_a_query_pasted_together_breaks_or_finds_too_much(org: LocalOrg) -> None:
    org.seed("Lead", {**LEAD, "LastName": "O'Brien"}, LEAD)
    template = "SELECT Id FROM Lead WHERE LastName = '{}'"
    pasted = org.call("GET", "/query", params={"q": template.format("O'Brien")})
    assert code_of(pasted) == "MALFORMED_QUERY"
    assert len(org.query(template.format("x' OR Id != '"))) == 2
    assert len(org.query(format_soql("SELECT Id FROM Lead WHERE LastName = {}", "O'Brien"))) == 1


def test_trap_16_every_poll_and_every_page_uses_up_the_days_requests(org: LocalOrg) -> None:
    def left() -> int:
        remaining: int = org.call("GET", "/limits").json()["DailyApiRequests"]["Remaining"]
        return remaining

    before = left()
    job = BulkJob.create(org, "Lead")
    job.run(people(*"ABCDE"))
    for _ in range(10):
        job.information()
    job.results("successfulResults")
    assert before - left() == 3 + 1 + 10 + 1 + 1
    rows = [{"attributes": {"type": "Lead"}, **LEAD}] * 5
    before = left()
    org.call("POST", "/composite/sobjects", json={"records": rows})
    assert before - left() == 2


def test_trap_17_rows_that_share_a_parent_are_locked_and_saved_when_sent_again(org: LocalOrg) -> None:
    busy, other = org.seed("Contact", {"LastName": "Busy"}, {"LastName": "Other"})
    org.script({"type": "lock_rows", "sobject": "Event", "field": "WhoId", "values": [busy], "times": 2})
    columns = (*EVENT_COLUMNS, "WhoId")
    job = BulkJob.create(org, "Event")
    job.run(table(columns, ("A", *TIMES, busy), ("B", *TIMES, other), ("C", *TIMES, busy)))
    assert refusals(job) == ["UNABLE_TO_LOCK_ROW"] * 2
    again = [(row["Subject"], *TIMES, row["WhoId"]) for row in job.results("failedResults")]
    assert BulkJob.create(org, "Event").run(table(columns, *again))["numberRecordsFailed"] == 0


def test_trap_18_every_rest_answer_tells_the_usage_and_the_library_forgets_most(org: LocalOrg) -> None:
    client = signed_in(org)
    client.Lead.create(LEAD)
    assert client.api_usage == {}
    assert "Sforce-Limit-Info" in org.call("GET", "/jobs/ingest").headers


def test_trap_19_our_own_write_looks_like_a_change_and_hides_the_edit_of_a_person(org: LocalOrg) -> None:
    banker = "banker@bank.example"
    (person,) = org.seed("User", {"Username": banker, "LastName": "B", "Email": banker, "IsActive": True})
    made = org.call("POST", "/sobjects/Lead", json=LEAD).json()["id"]
    edit = {"operation": "update", "rows": [{"Id": made, "Title": "Dr"}], "as_user": banker}
    seen = []
    for change in (
        lambda: org.control("POST", "records/Lead", edit),
        lambda: org.call("PATCH", f"/sobjects/Lead/{made}", json={"City": "Ulm"}),
    ):
        org.control("POST", "clock", {"advance_seconds": 60})
        change()
        (row,) = org.query("SELECT LastModifiedById, SystemModstamp FROM Lead")
        seen.append((row["LastModifiedById"], row["SystemModstamp"]))
    assert [by for by, _ in seen] == [person, org.announcement["user_id"]]
    assert seen[0][1] < seen[1][1]


def test_trap_20_the_owner_of_an_event_is_polymorphic_and_may_be_inactive(org: LocalOrg) -> None:
    gone = "gone@bank.example"
    org.seed("User", {"Username": gone, "LastName": "G", "Email": gone, "IsActive": False})
    plain = BulkJob.create(org, "Event").run(table((*EVENT_COLUMNS, "Owner.Email"), ("A", *TIMES, gone)))
    assert plain["state"] == "Failed"
    typed = BulkJob.create(org, "Event")
    typed.run(table((*EVENT_COLUMNS, "User:Owner.Email"), ("A", *TIMES, gone)))
    assert refusals(typed) == ["INACTIVE_OWNER_OR_USER"]


def test_trap_21_the_text_of_an_error_names_the_label_and_its_code_does_not_change(org: LocalOrg) -> None:
    (error,) = org.call("POST", "/sobjects/Lead", json={**LEAD, "LastName": "x" * 81}).json()
    assert error["errorCode"] == "STRING_TOO_LONG"
    assert error["message"].startswith("Last Name: data value too large")
    assert error["fields"] == ["LastName"]


def test_trap_22_audit_fields_are_set_by_insert_and_refused_by_upsert(org: LocalOrg) -> None:
    row = {**LEAD, "CreatedDate": "2020-01-02T03:04:05Z"}
    assert refusal(org, "Lead", row) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    allowed = {"permissions": sorted({*DEFAULT_PERMISSIONS, "CreateAuditFields"})}
    org.control("PUT", "setup", {"users": {org.announcement["username"]: allowed}})
    assert org.call("POST", "/sobjects/Lead", json=row).status_code == 201
    assert org.query("SELECT CreatedDate FROM Lead")[0]["CreatedDate"] == "2020-01-02T03:04:05.000+0000"
    upserted = org.call("PATCH", f"/sobjects/Lead/{CLIENT_KEY}/k1", json=row)
    assert code_of(upserted) == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_trap_23_a_request_can_hang_beyond_every_patience(org: LocalOrg) -> None:
    org.script({"type": "hang", "kind": "limits", "seconds": 5})
    headers = {"Authorization": f"Bearer {org.announcement['access_token']}"}
    with pytest.raises(requests.ReadTimeout):
        org.session.get(f"{org.url}{DATA}/limits", headers=headers, timeout=0.2)
