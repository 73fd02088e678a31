from __future__ import annotations

import gzip

import pytest

from tests.emulator.clients import BulkJob, table
from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("P3")
_ROWS = table(("LastName", "Company"), ["Doe", "Acme"])
_GZIP = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}


def _advance(org: LocalOrg, hours: float) -> None:
    org.control("POST", "clock", {"advance_seconds": hours * 3600})
    org.sign_in()


def test_a_job_left_open_for_a_day_fails_and_takes_nothing_more(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    _advance(org, 23.9)
    assert job.information()["state"] == "Open"
    assert job.upload(_ROWS).status_code == 201
    _advance(org, 0.2)
    listed = org.call("GET", "/jobs/ingest").json()["records"]
    assert [found["state"] for found in listed] == ["Failed"]
    information = job.information()
    assert information["errorMessage"].endswith("open for more than 24 hours")
    assert (information["numberRecordsProcessed"], information["numberRecordsFailed"]) == (0, 0)
    assert job.set_state("UploadComplete").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert job.results("unprocessedrecords") == [{"LastName": "Doe", "Company": "Acme"}]
    assert org.query("SELECT Id FROM Lead") == []


def test_a_compressed_upload_is_unpacked(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    packed = gzip.compress(_ROWS.encode())
    assert org.call("PUT", f"/jobs/ingest/{job.id}/batches", data=packed, headers=_GZIP).status_code == 201
    job.set_state("UploadComplete")
    org.control("POST", "drain")
    assert [row["LastName"] for row in job.results("successfulResults")] == ["Doe"]


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"LastName\n" * 100, mtime=0)[:-9]])
def test_a_broken_compressed_upload_is_refused_and_leaves_the_job_open(org: LocalOrg, content: bytes) -> None:
    job = BulkJob.create(org, "Lead")
    refused = org.call("PUT", f"/jobs/ingest/{job.id}/batches", data=content, headers=_GZIP)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "CLIENT_INPUT_ERROR")
    assert job.upload(_ROWS).status_code == 201


def test_an_unknown_content_encoding_is_refused(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    headers = {"Content-Type": "text/csv", "Content-Encoding": "br"}
    refused = org.call("PUT", f"/jobs/ingest/{job.id}/batches", data=_ROWS.encode(), headers=headers)
    assert refused.status_code == 415


def test_jobs_are_listed_by_type_and_pk_chunking(org: LocalOrg) -> None:
    BulkJob.create(org, "Lead")
    for filters, count in (
        ("", 1),
        ("?jobType=V2Ingest", 1),
        ("?jobType=Classic", 0),
        ("?isPkChunkingEnabled=true", 0),
        ("?isPkChunkingEnabled=false", 1),
    ):
        listed = org.call("GET", f"/jobs/ingest{filters}").json()
        assert (len(listed["records"]), listed["done"], listed["nextRecordsUrl"]) == (count, True, None)
