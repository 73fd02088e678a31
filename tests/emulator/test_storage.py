"""Limits and data storage: what counts, what is refused once nothing is left, and the org's latency."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from include.salesforce_emulator.engine.org_setup import OrgSetup
from tests.emulator.clients import BulkJob, table
from tests.emulator.engine_bench import Bench, event, only_error
from tests.local_org import LocalOrg

FULL = ("STORAGE_LIMIT_EXCEEDED", ())


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.mark.rule("P3")
def test_records_take_two_kilobytes_members_one_and_what_is_deleted_none(bench: Bench) -> None:
    assert bench.org.used_storage_kilobytes() == 0
    lead = bench.lead()
    bench.contact()
    bench.event()
    bench.user("banker@example.org")
    assert bench.org.used_storage_kilobytes() == 6
    campaign = bench.insert("Campaign", Name="Spring", IsActive=True)
    bench.insert("CampaignMember", CampaignId=campaign, LeadId=lead)
    assert bench.org.used_storage_kilobytes() == 15
    bench.delete("Lead", lead)
    assert bench.org.used_storage_kilobytes() == 12


@pytest.mark.rule("P3")
def test_a_person_account_takes_four_kilobytes_and_is_refused_where_only_a_company_has_room(
    bench: Bench,
) -> None:
    bench.org.configure(OrgSetup(person_accounts=True))
    bench.insert("Account", LastName="Doe")
    assert bench.org.used_storage_kilobytes() == 4
    bench.org.store.capacity_kilobytes = lambda: 7
    person, company = bench.write("insert", "Account", [{"LastName": "Roe"}, {"Name": "Acme"}])
    assert only_error(person) == FULL
    assert company.success


@pytest.mark.rule("P3")
def test_rows_are_saved_as_long_as_there_is_room_and_updates_always(bench: Bench) -> None:
    bench.org.store.capacity_kilobytes = lambda: 6
    lead = bench.lead()
    rows = [{"LastName": f"L{n}", "Company": "C"} for n in range(3)]
    results = bench.write("insert", "Lead", rows)
    assert [result.success for result in results] == [True, True, False]
    assert only_error(results[2]) == FULL
    assert results[2].errors[0].message == "storage limit exceeded"
    assert bench.update("Lead", lead, Title="Dr").success
    bench.delete("Lead", lead)
    assert bench.write("insert", "Lead", rows[:1])[0].success


@pytest.mark.rule("P3")
def test_users_need_no_storage(bench: Bench) -> None:
    bench.org.store.capacity_kilobytes = lambda: 0
    assert bench.user("banker@example.org")
    assert only_error(bench.write("insert", "Event", [event()])[0]) == FULL


def storage_of(org: LocalOrg) -> dict[str, int]:
    limits: dict[str, dict[str, int]] = org.call("GET", "/limits").json()
    return limits["DataStorageMB"]


@pytest.mark.rule("P3")
def test_limits_show_what_storage_is_left(org: LocalOrg) -> None:
    assert storage_of(org) == {"Max": 10_240, "Remaining": 10_240}
    org.control("POST", "limits", {"DataStorageMB": {"Max": 2, "Used": 1}})
    org.seed("Lead", *({"LastName": f"L{n}", "Company": "C"} for n in range(511)))
    assert storage_of(org) == {"Max": 2, "Remaining": 1}
    org.seed("Lead", {"LastName": "Last", "Company": "C"})
    assert storage_of(org) == {"Max": 2, "Remaining": 0}
    refused = org.call("POST", "/sobjects/Lead", json={"LastName": "Late", "Company": "C"})
    assert refused.json() == [
        {"errorCode": "STORAGE_LIMIT_EXCEEDED", "message": "storage limit exceeded", "fields": []}
    ]


@pytest.mark.rule("P3")
def test_a_scripted_fault_leaves_no_storage_to_any_api(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": "Doe", "Company": "C"})
    org.script({"type": "exhaust_quota", "limit": "DataStorageMB"})
    assert storage_of(org)["Remaining"] == 0
    job = BulkJob.create(org, "Lead")
    done = job.run(table(("LastName", "Company"), ("Doe", "C"), ("Roe", "C")))
    assert (done["state"], done["numberRecordsFailed"]) == ("JobComplete", 2)
    assert {row["sf__Error"] for row in job.results("failedResults")} == {
        "STORAGE_LIMIT_EXCEEDED:storage limit exceeded:--"
    }
    assert org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "Dr"}).status_code == 204
    org.control("DELETE", "faults")
    assert org.call("POST", "/sobjects/Lead", json={"LastName": "Doe", "Company": "C"}).status_code == 201


@pytest.mark.rule("P3")
def test_a_spent_request_quota_refuses_rest_collections_and_every_step_of_bulk(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    org.script({"type": "exhaust_quota"})
    answers = [
        org.call("GET", "/sobjects"),
        org.call("POST", "/composite/sobjects", json={"records": []}),
        org.call("GET", "/query", params={"q": "SELECT Id FROM Lead"}),
        org.call("POST", "/jobs/ingest", json={"object": "Lead", "operation": "insert"}),
        job.upload("LastName\nDoe\n"),
        job.set_state("UploadComplete"),
        org.call("GET", f"/jobs/ingest/{job.id}"),
        org.call("GET", f"/jobs/ingest/{job.id}/successfulResults"),
        org.call("POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"}),
    ]
    refusal = {"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}
    assert [(answer.status_code, answer.json()) for answer in answers] == [(403, [refusal])] * len(answers)


@pytest.mark.rule("P3")
def test_the_allowances_of_bulk_are_their_own(org: LocalOrg) -> None:
    org.script(
        {"type": "exhaust_quota", "limit": "DailyBulkApiBatches"},
        {"type": "exhaust_quota", "limit": "DailyBulkV2QueryJobs"},
    )
    job = BulkJob.create(org, "Lead")
    failed = job.run(table(("LastName", "Company"), ("Doe", "C")))
    assert (failed["state"], failed["numberRecordsProcessed"]) == ("Failed", 0)
    assert failed["errorMessage"].startswith("ExceededQuota")
    assert len(job.results("unprocessedrecords")) == 1
    query = org.call("POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"})
    assert (query.status_code, query.json()[0]["errorCode"]) == (400, "EXCEEDEDQUOTA")


@pytest.mark.rule("P3")
def test_a_fault_that_exhausts_no_known_limit_is_refused(org: LocalOrg) -> None:
    answer = org.raw("POST", "/__emulator__/faults", json=[{"type": "exhaust_quota", "limit": "Patience"}])
    assert (answer.status_code, answer.json()[0]["message"]) == (400, "Patience: no such limit")
    assert org.control("GET", "faults") == []


@pytest.mark.rule("P3")
def test_each_kind_of_request_has_the_latency_it_is_given_until_the_fault_goes(org: LocalOrg) -> None:
    (fault,) = org.script({"type": "latency", "seconds": {"limits": 0, "*": 30}})
    for _ in range(2):
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{org.url}/services/data/v59.0/sobjects", timeout=0.2)
    assert org.call("GET", "/limits").status_code == 200
    org.control("DELETE", f"faults/{fault['id']}")
    assert org.call("GET", "/sobjects").status_code == 200


@pytest.mark.rule("P3")
def test_rows_of_one_parent_can_be_locked_together_also_where_the_request_does_not_name_it(
    org: LocalOrg,
) -> None:
    one, other = org.seed("Contact", {"LastName": "One"}, {"LastName": "Other"})
    org.script({"type": "lock_rows", "sobject": "Event", "field": "WhoId", "values": [one], "times": None})
    job = BulkJob.create(org, "Event")
    times = ("2026-03-20T10:00:00Z", "2026-03-20T10:30:00Z")
    columns = ("Subject", "StartDateTime", "EndDateTime", "WhoId")
    job.run(table(columns, ("A", *times, one), ("B", *times, other), ("C", *times, one)))
    events = {row["Subject"]: row["Id"] for row in org.query("SELECT Id, Subject FROM Event")}
    assert set(events) == {"B"}
    org.script({"type": "lock_rows", "sobject": "Event", "field": "WhoId", "values": [other]})
    by_id = [org.call("PATCH", f"/sobjects/Event/{events['B'][:15]}", json={"Subject": "D"}) for _ in "12"]
    assert [answer.status_code for answer in by_id] == [400, 204]
    locked = job.results("failedResults")
    assert {row["Subject"] for row in locked} == {"A", "C"}
    assert all(row["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:") for row in locked)
