from __future__ import annotations

import json

import pytest

from tests.emulator.clients import BulkJob, table
from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("P3")
_COLUMNS = ("LastName", "Company")
_KEY = "Coconut_Client_Key__c"


def _people(count: int) -> str:
    return table(_COLUMNS, *([f"L{n:05}", "C"] for n in range(count)))


def test_a_job_goes_through_its_states_and_only_then_has_counts(org: LocalOrg) -> None:
    created = org.call("POST", "/jobs/ingest", json={"object": "lead", "operation": "insert"}).json()
    assert created["id"].startswith("750")
    assert (created["state"], created["object"], created["apiVersion"]) == ("Open", "Lead", 59.0)
    assert "numberRecordsProcessed" not in created
    job = BulkJob(org, created["id"])
    uploaded = job.upload(_people(3))
    assert (uploaded.status_code, uploaded.content) == (201, b"")
    assert job.information()["state"] == "Open"
    assert job.set_state("UploadComplete").json()["state"] == "UploadComplete"
    org.control("POST", "drain")
    information = job.information()
    assert (information["state"], information["jobType"]) == ("JobComplete", "V2Ingest")
    assert (information["numberRecordsProcessed"], information["numberRecordsFailed"]) == (3, 0)
    kinds = ("create", "upload", "close")
    assert org.calls() == {**{f"bulk_ingest_{kind}": 1 for kind in kinds}, "bulk_ingest_poll": 2}


def test_in_progress_can_be_seen_while_a_fault_holds_the_job(org: LocalOrg) -> None:
    org.script({"type": "stick_job", "after_rows": 1})
    job = BulkJob.create(org, "Lead")
    held = job.run(_people(3))
    assert (held["state"], held["numberRecordsProcessed"]) == ("InProgress", 1)
    assert org.call("GET", f"/jobs/ingest/{job.id}/failedResults").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    org.control("DELETE", "faults")
    org.control("POST", "drain")
    assert job.information()["state"] == "JobComplete"


def test_result_files_are_quoted_shuffled_and_name_each_record(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    job.run(_people(50))
    answer = org.call("GET", f"/jobs/ingest/{job.id}/SuccessfulResults/")
    assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
    assert answer.text.startswith('"sf__Id","sf__Created","LastName","Company"\n"00Q')
    rows = job.results("successfulResults")
    assert [row["LastName"] for row in rows] != sorted(row["LastName"] for row in rows)
    assert {row["sf__Created"] for row in rows} == {"true"}
    stored = {row["Id"]: row["LastName"] for row in org.query("SELECT Id, LastName FROM Lead")}
    assert {row["sf__Id"]: row["LastName"] for row in rows} == stored


def test_a_refused_row_keeps_its_values_and_has_no_id_on_insert(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    information = job.run(table(_COLUMNS, ["A", "C"], ["", "C"]))
    assert (information["numberRecordsProcessed"], information["numberRecordsFailed"]) == (2, 1)
    (refused,) = job.results("failedResults")
    assert (refused["sf__Id"], refused["Company"]) == ("", "C")
    assert (
        refused["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    )
    assert job.results("unprocessedrecords") == []


def test_numbers_come_back_as_java_renders_them(org: LocalOrg) -> None:
    columns = ("Subject", "StartDateTime", "DurationInMinutes")
    job = BulkJob.create(org, "Event")
    job.run(table(columns, ["S", "2026-03-01T10:00:00Z", "60"]))
    (row,) = job.results("successfulResults")
    assert row["DurationInMinutes"] == "60.0"


def test_values_with_newlines_quotes_and_emoji_survive(org: LocalOrg) -> None:
    name = 'O"Brien,\nJosé 🦜'
    job = BulkJob.create(org, "Lead")
    job.run(table(_COLUMNS, [name, "C"]))
    assert job.results("successfulResults")[0]["LastName"] == name
    assert org.query("SELECT LastName FROM Lead")[0]["LastName"] == name


@pytest.mark.parametrize(("declared", "written"), [("LF", "\r\n"), ("CRLF", "\n")])
def test_another_line_ending_than_declared_fails_the_whole_job(
    org: LocalOrg, declared: str, written: str
) -> None:
    job = BulkJob.create(org, "Lead", lineEnding=declared)
    information = job.run(table(_COLUMNS, ["A", "C"], line_ending=written))
    assert information["state"] == "Failed"
    expected = (
        f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {declared}"
    )
    assert information["errorMessage"] == expected
    assert (information["numberRecordsProcessed"], information["numberRecordsFailed"]) == (0, 0)


def test_a_newline_of_another_kind_inside_a_value_fails_the_job_too(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    assert job.run('LastName,Company\n"A\r\nB",C\n')["errorMessage"].startswith(
        "ClientInputError : LineEnding"
    )


@pytest.mark.parametrize("delimiter", ["SEMICOLON", "TAB", "PIPE", "CARET", "BACKQUOTE"])
def test_every_delimiter_is_read_and_written(org: LocalOrg, delimiter: str) -> None:
    sign = {"SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}[delimiter]
    job = BulkJob.create(org, "Lead", columnDelimiter=delimiter)
    job.run(f"LastName{sign}Company\nA{sign}B,C\n")
    answer = org.call("GET", f"/jobs/ingest/{job.id}/successfulResults")
    assert answer.text.splitlines()[1].endswith(f'"A"{sign}"B,C"')


def test_crlf_jobs_answer_with_crlf(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead", lineEnding="CRLF")
    job.run(table(_COLUMNS, ["A", "C"], line_ending="\r\n"))
    assert org.call("GET", f"/jobs/ingest/{job.id}/successfulResults").content.count(b"\r\n") == 2


@pytest.mark.parametrize(
    ("header", "named"),
    [("LastName,Nonsense__c,Other__c", "Nonsense__c"), ("\ufeffLastName,Company", "\ufeffLastName")],
)
def test_an_unknown_column_fails_the_job_before_any_row(org: LocalOrg, header: str, named: str) -> None:
    job = BulkJob.create(org, "Lead")
    cells = ",".join("x" for _ in header.split(","))
    information = job.run(f"{header}\n{cells}\n{cells}\n")
    assert (information["state"], information["errorMessage"]) == (
        "Failed",
        f"InvalidBatch : Field name not found : {named}",
    )
    assert (information["numberRecordsProcessed"], information["numberRecordsFailed"]) == (0, 0)
    assert len(job.results("unprocessedrecords")) == 2
    assert job.results("successfulResults") == job.results("failedResults") == []


@pytest.mark.parametrize(
    "content", ["", "LastName,Company\nA\n", 'LastName,Company\n"A" ,C\n', b"LastName,Company\n\xff,C\n"]
)
def test_a_csv_that_cannot_be_parsed_fails_the_job(org: LocalOrg, content: str | bytes) -> None:
    information = BulkJob.create(org, "Lead").run(content)
    assert information["state"] == "Failed"
    assert information["errorMessage"].split(" : ")[0] in ("ClientInputError", "InvalidBatch")


def test_upsert_creates_and_updates_by_key(org: LocalOrg) -> None:
    org.seed("Lead", {"LastName": "Old", "Company": "C", _KEY: "k1"})
    job = BulkJob.create(org, "Lead", "upsert", externalIdFieldName=_KEY)
    job.run(table((_KEY, *_COLUMNS), ["k1", "New", "C"], ["k2", "Two", "C"]))
    created = {row[_KEY]: row["sf__Created"] for row in job.results("successfulResults")}
    assert created == {"k1": "false", "k2": "true"}
    assert {row["LastName"] for row in org.query("SELECT LastName FROM Lead")} == {"New", "Two"}


def test_an_empty_cell_leaves_a_field_alone_and_na_clears_it(org: LocalOrg) -> None:
    ids = org.seed("Lead", *({"LastName": n, "Company": "C", "City": "Ulm"} for n in "AB"))
    BulkJob.create(org, "Lead", "update").run(table(("Id", "City"), [ids[0], ""], [ids[1], "#N/A"]))
    cities = {row["LastName"]: row["City"] for row in org.query("SELECT LastName, City FROM Lead")}
    assert cities == {"A": "Ulm", "B": None}


def test_delete_goes_by_id(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": "A", "Company": "C"})
    job = BulkJob.create(org, "Lead", "delete")
    assert job.run(table(("Id",), [lead]))["numberRecordsFailed"] == 0
    assert org.query("SELECT Id FROM Lead") == []


def test_a_failed_job_keeps_its_rows_and_hands_the_rest_back(org: LocalOrg) -> None:
    org.script({"type": "fail_job", "after_rows": 2})
    job = BulkJob.create(org, "Lead")
    information = job.run(_people(5))
    assert (information["state"], information["numberRecordsProcessed"]) == ("Failed", 2)
    done = {row["LastName"] for row in job.results("successfulResults")}
    rest = {row["LastName"] for row in job.results("unprocessedRecords")}
    assert done | rest == {f"L{n:05}" for n in range(5)}
    assert done & rest == set()
    assert len(org.query("SELECT Id FROM Lead")) == 2


def test_an_aborted_job_keeps_its_rows_and_hands_the_rest_back(org: LocalOrg) -> None:
    org.script({"type": "stick_job", "after_rows": 2})
    job = BulkJob.create(org, "Lead")
    job.run(_people(5))
    assert job.set_state("Aborted").json()["state"] == "Aborted"
    assert len(job.results("successfulResults")) == 2
    assert len(job.results("unprocessedrecords")) == 3
    assert org.calls()["bulk_ingest_abort"] == 1


def test_a_job_that_ended_cannot_be_aborted(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    job.run(_people(1))
    answer = job.set_state("Aborted")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")


def test_a_held_job_does_not_hold_the_others(org: LocalOrg) -> None:
    org.script({"type": "stick_job", "sobject": "Lead"})
    BulkJob.create(org, "Lead").run(_people(1))
    other = BulkJob.create(org, "Contact").run(table(("LastName",), ["A"]))
    assert other["state"] == "JobComplete"


def test_a_second_upload_to_a_job_is_refused(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    assert job.upload(_people(1)).status_code == 201
    assert job.upload(_people(1)).status_code == 400


def test_a_job_is_deleted_with_204_and_then_unknown(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    path = f"/jobs/ingest/{job.id}"
    assert org.call("DELETE", path).status_code == 400
    job.run(_people(1))
    deleted = org.call("DELETE", path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = org.call("GET", path)
    assert gone.status_code == 404
    assert gone.json() == [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]


def test_a_finished_job_vanishes_after_seven_days(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    job.run(_people(1))
    org.control("POST", "clock", {"advance_seconds": 7 * 86400 + 60})
    org.sign_in()
    assert org.call("GET", f"/jobs/ingest/{job.id}").status_code == 404


def test_jobs_are_listed_the_newest_first(org: LocalOrg) -> None:
    ids = [BulkJob.create(org, "Lead").id for _ in range(3)]
    page = org.call("GET", "/jobs/ingest").json()
    assert page["done"] is True
    assert [job["id"] for job in page["records"]] == ids[::-1]


def test_a_multipart_request_creates_and_uploads_at_once(org: LocalOrg) -> None:
    job = {"object": "Lead", "operation": "insert", "lineEnding": "LF"}
    parts = {
        "job": (None, json.dumps(job), "application/json"),
        "content": ("content", _people(2), "text/csv"),
    }
    answer = org.call("POST", "/jobs/ingest", files=parts)
    assert answer.json()["state"] == "UploadComplete"
    org.control("POST", "drain")
    assert BulkJob(org, answer.json()["id"]).information()["numberRecordsProcessed"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"object": "Nonsense", "operation": "insert"},
        {"object": "Lead", "operation": "conjure"},
        {"object": "Lead", "operation": "upsert"},
        {"object": "Lead", "operation": "upsert", "externalIdFieldName": "City"},
        {"object": "Lead", "operation": "insert", "lineEnding": "CR"},
        {"object": 5, "operation": []},
    ],
)
def test_a_job_that_makes_no_sense_is_refused(org: LocalOrg, body: object) -> None:
    answer = org.call("POST", "/jobs/ingest", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALIDJOB")


def test_a_spent_batch_allowance_fails_the_job_with_its_rows_unprocessed(org: LocalOrg) -> None:
    org.script({"type": "exhaust_quota", "limit": "DailyBulkApiBatches"})
    job = BulkJob.create(org, "Lead")
    information = job.run(_people(2))
    assert (information["state"], information["errorMessage"].split(" : ")[0]) == ("Failed", "ExceededQuota")
    assert len(job.results("unprocessedrecords")) == 2


def test_a_job_of_several_batches_settles_every_row_once(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    information = job.run(_people(10_001))
    assert information["numberRecordsProcessed"] == 10_001
    assert len({row["sf__Id"] for row in job.results("successfulResults")}) == 10_001
    assert org.call("GET", "/limits").json()["DailyBulkApiBatches"]["Remaining"] == 15_000 - 3
