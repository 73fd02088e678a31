"""How REST requests and answers travel: conditions, compression, methods, and who calls."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.emulator.clients import BulkJob
from tests.local_org import DATA, Answer, LocalOrg

pytestmark = pytest.mark.rule("P3")
_LEAD = {"LastName": "Hopper", "Company": "Navy"}
_MADE = "2026-03-01T10:00:00Z"
_BEFORE, _AT = (format_datetime(datetime(2026, 3, 1, hour, tzinfo=UTC), usegmt=True) for hour in (9, 10))


def _lead_of_march(org: LocalOrg) -> str:
    org.control("POST", "clock", {"set": _MADE, "freeze": True})
    org.sign_in()
    (lead_id,) = org.seed("Lead", _LEAD)
    return lead_id


# -- conditional requests


def test_a_record_not_modified_since_is_answered_304_without_a_body(org: LocalOrg) -> None:
    path = f"/sobjects/Lead/{_lead_of_march(org)}"
    unchanged = org.call("GET", path, headers={"If-Modified-Since": _AT})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert org.call("GET", path, headers={"If-Modified-Since": _BEFORE}).json()["LastName"] == "Hopper"
    assert org.call("GET", path, headers={"If-Modified-Since": "yesterday"}).status_code == 200


def test_a_write_to_a_record_modified_since_is_refused_412(org: LocalOrg) -> None:
    path = f"/sobjects/Lead/{_lead_of_march(org)}"
    refused = org.call("PATCH", path, json={"FirstName": "Grace"}, headers={"If-Unmodified-Since": _BEFORE})
    assert refused.status_code == 412
    assert org.records("Lead")[0]["FirstName"] is None
    assert (
        org.call("PATCH", path, json={"FirstName": "G"}, headers={"If-Unmodified-Since": _AT}).status_code
        == 204
    )
    unreadable = org.call("PATCH", path, json={"FirstName": "G"}, headers={"If-Unmodified-Since": "soon"})
    assert unreadable.status_code == 400


@pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Lead/describe"])
def test_a_describe_is_answered_304_until_the_org_is_set_up_anew(org: LocalOrg, path: str) -> None:
    _lead_of_march(org)
    org.control("PUT", "setup", {})
    assert org.call("GET", path, headers={"If-Modified-Since": _AT}).status_code == 304
    org.control("POST", "clock", {"advance_seconds": 60})
    org.control("PUT", "setup", {"soap_login": False})
    assert org.call("GET", path, headers={"If-Modified-Since": _AT}).status_code == 200


# -- compression


def _raw(org: LocalOrg, encoding: str) -> tuple[Answer, bytes]:
    answer = org.call("GET", "/sobjects/Lead/describe", headers={"Accept-Encoding": encoding}, stream=True)
    return answer, answer.raw.read(decode_content=False)


def test_an_answer_is_compressed_for_clients_that_ask_for_gzip_only(org: LocalOrg) -> None:
    compressed, packed = _raw(org, "gzip, deflate")
    plain, unpacked = _raw(org, "identity")
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed) == unpacked


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_request_is_read(org: LocalOrg, encoding: str, pack: object) -> None:
    assert callable(pack)
    answer = org.call(
        "POST",
        "/sobjects/Lead",
        data=pack(json.dumps(_LEAD).encode()),
        headers={"Content-Type": "application/json", "Content-Encoding": encoding},
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", b"{}", 400),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-4], 400),
        ("gzip", gzip.compress(bytes(60_000_000), mtime=0), 413),
        ("br", b"{}", 415),
    ],
    ids=["not gzip", "cut short", "a bomb", "unknown"],
)
def test_a_body_that_is_not_what_its_encoding_says_is_refused(
    org: LocalOrg, encoding: str, body: bytes, status: int
) -> None:
    answer = org.call("POST", "/sobjects/Lead", data=body, headers={"Content-Encoding": encoding})
    assert answer.status_code == status
    assert answer.json()[0]["errorCode"]


# -- methods and resources


@pytest.mark.parametrize("method", ["PUT", "POST", "TRACE", "BREW"])
def test_a_method_that_a_known_path_does_not_take_is_told_which_it_takes(org: LocalOrg, method: str) -> None:
    answer = org.call(method, "/sobjects/Lead/00Q000000000001")
    assert answer.status_code == 405
    assert answer.json() == [
        {
            "message": f"HTTP Method '{method}' not allowed. Allowed are DELETE,GET,HEAD,PATCH",
            "errorCode": "METHOD_NOT_ALLOWED",
        }
    ]


def test_head_answers_as_get_does_without_the_body(org: LocalOrg) -> None:
    answer = org.call("HEAD", "/limits")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Sforce-Limit-Info" in answer.headers


def test_the_resources_of_a_version_name_the_identity_of_who_asks(org: LocalOrg) -> None:
    resources = org.call("GET", "/").json()
    assert resources["sobjects"] == f"{DATA}/sobjects"
    assert resources["identity"].endswith(org.announcement["user_id"])


def test_what_is_not_implemented_says_so(org: LocalOrg) -> None:
    answer = org.call("POST", "/composite/graph", json={"graphs": []})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (501, "NOT_IMPLEMENTED")


def test_a_job_remembers_the_client_that_made_it(org: LocalOrg) -> None:
    body = {"object": "Lead", "operation": "insert"}
    headers = {"Sforce-Call-Options": "client=Booking <Sync>/1.0, defaultNamespace=sf"}
    job = BulkJob(org, org.call("POST", "/jobs/ingest", json=body, headers=headers).json()["id"])
    page = org.raw("GET", f"/lightning/setup/AsyncApiJobStatus/page?address=%2F{job.id}").text
    assert "<th>client</th><td>Booking &lt;Sync&gt;/1.0</td>" in page
