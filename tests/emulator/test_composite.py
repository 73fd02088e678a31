"""Composite: several calls on records in one request, all or none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_org import DATA, LocalOrg

NOBODY = "00Q000000000000AAA"


def part(name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    given = {} if body is None else {"body": body}
    return {"referenceId": name, "method": method, "url": f"{DATA}/sobjects/{path}", **given}


def send(org: LocalOrg, *parts: dict[str, Any], all_or_none: bool = True) -> list[dict[str, Any]]:
    answer = org.call("POST", "/composite", json={"allOrNone": all_or_none, "compositeRequest": list(parts)})
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return told


def test_a_part_may_name_what_an_earlier_one_answered(org: LocalOrg) -> None:
    made, changed, read, deleted = send(
        org,
        part("made", "POST", "Lead", {"LastName": "Lee", "Company": "Acme"}),
        part("changed", "PATCH", "Lead/@{made.id}", {"City": "Toronto"}),
        part("read", "GET", "Lead/@{made.id}?fields=City"),
        part("deleted", "DELETE", "Lead/@{made.id}"),
    )

    assert [made["httpStatusCode"], changed["httpStatusCode"], deleted["httpStatusCode"]] == [201, 204, 204]
    assert read["body"]["City"] == "Toronto"
    assert org.records("Lead") == []


def test_one_refusal_undoes_all_and_halts_what_follows(org: LocalOrg) -> None:
    made, refused, never = send(
        org,
        part("made", "POST", "Lead", {"LastName": "Lee", "Company": "Acme"}),
        part("refused", "PATCH", f"Lead/{NOBODY}", {"City": "Toronto"}),
        part("never", "POST", "Lead", {"LastName": "Ray", "Company": "Acme"}),
    )

    codes = [one["body"][0]["errorCode"] for one in (made, never)]
    assert codes == ["PROCESSING_HALTED", "PROCESSING_HALTED"]
    assert refused["body"][0]["errorCode"] != "PROCESSING_HALTED"
    assert org.control("GET", "records/Lead?include_deleted=true") == []


def test_without_all_or_none_a_part_fails_alone(org: LocalOrg) -> None:
    refused, made = send(
        org,
        part("refused", "PATCH", f"Lead/{NOBODY}", {"City": "Toronto"}),
        part("made", "POST", "Lead", {"LastName": "Lee", "Company": "Acme"}),
        all_or_none=False,
    )

    assert (refused["httpStatusCode"] >= 400, made["httpStatusCode"]) == (True, 201)
    assert len(org.records("Lead")) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"compositeRequest": "x"},
        {"compositeRequest": [1]},
        {"compositeRequest": [part(str(number), "GET", "Lead/x") for number in range(26)]},
    ],
)
def test_a_request_that_makes_no_sense_is_refused_as_a_whole(org: LocalOrg, body: Any) -> None:
    assert org.call("POST", "/composite", json=body).status_code == 400


def test_a_wrong_reference_and_a_call_that_is_not_taken_are_refusals(org: LocalOrg) -> None:
    (unknown,) = send(org, part("changed", "PATCH", "Lead/@{made.id}", {"City": "Toronto"}))
    query = {"referenceId": "query", "method": "GET", "url": f"{DATA}/query?q=SELECT+Id+FROM+Lead"}
    (not_taken,) = send(org, query)

    assert (unknown["httpStatusCode"], not_taken["httpStatusCode"]) == (400, 501)
