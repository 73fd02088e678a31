from __future__ import annotations

from typing import Any

import pytest

from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("P3")


def _lead(name: str | None, **more: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Lead"}, "LastName": name, "Company": "C", **more}


def _post(org: LocalOrg, *records: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
    answer = org.call(
        "POST", "/composite/sobjects", json={"allOrNone": all_or_none, "records": list(records)}
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()
    return items


def test_a_refused_record_leaves_the_others_alone_and_the_answer_is_200(org: LocalOrg) -> None:
    good, bad = _post(org, _lead("A"), _lead(None))
    assert good["success"] is True
    assert good["errors"] == []
    assert bad["success"] is False
    assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert len(org.query("SELECT Id FROM Lead")) == 1


def test_all_or_none_rolls_the_innocent_back(org: LocalOrg) -> None:
    innocent, guilty = _post(org, _lead("A"), _lead(None), all_or_none=True)
    assert innocent["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert guilty["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert org.query("SELECT Id FROM Lead") == []


def test_records_of_several_types_go_in_one_call_in_order(org: LocalOrg) -> None:
    contact = {"attributes": {"type": "Contact"}, "LastName": "B"}
    items = _post(org, _lead("A"), contact, _lead("C"))
    assert [item["id"][:3] for item in items] == ["00Q", "003", "00Q"]


def test_upsert_says_which_records_were_created(org: LocalOrg) -> None:
    path = "/composite/sobjects/Lead/Coconut_Client_Key__c"
    first = {"records": [_lead("A", Coconut_Client_Key__c="k1")]}
    both = {"records": [_lead("A2", Coconut_Client_Key__c="k1"), _lead("B", Coconut_Client_Key__c="k2")]}
    assert [item["created"] for item in org.call("PATCH", path, json=first).json()] == [True]
    assert [item["created"] for item in org.call("PATCH", path, json=both).json()] == [False, True]
    assert sorted(row["LastName"] for row in org.query("SELECT LastName FROM Lead")) == ["A2", "B"]


def test_update_and_delete_go_by_id(org: LocalOrg) -> None:
    ids = org.seed("Lead", *({"LastName": name, "Company": "C"} for name in "AB"))
    changes = [{"attributes": {"type": "Lead"}, "Id": record_id, "FirstName": "X"} for record_id in ids]
    updated = org.call("PATCH", "/composite/sobjects", json={"records": changes}).json()
    assert all(item["success"] for item in updated)
    assert {row["FirstName"] for row in org.query("SELECT FirstName FROM Lead")} == {"X"}
    deleted = org.call(
        "DELETE", "/composite/sobjects", params={"ids": ",".join(ids), "allOrNone": "false"}
    ).json()
    assert [item["id"] for item in deleted] == ids
    assert org.query("SELECT Id FROM Lead") == []


def test_retrieve_answers_null_for_what_is_not_there(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": "A", "Company": "C"})
    body = {"ids": [lead, "00QLo00000000zzAAA"], "fields": ["LastName"]}
    found, missing = org.call("POST", "/composite/sobjects/Lead", json=body).json()
    assert found["LastName"] == "A"
    assert missing is None


def test_more_than_200_records_are_refused(org: LocalOrg) -> None:
    records = [_lead(f"L{n}") for n in range(201)]
    answer = org.call("POST", "/composite/sobjects", json={"records": records})
    assert answer.status_code == 400
    assert org.query("SELECT Id FROM Lead") == []


@pytest.mark.parametrize(
    "body",
    [[], {}, {"records": 1}, {"records": [1]}, {"records": [{}]}, {"records": [{"attributes": {"type": 5}}]}],
)
def test_a_malformed_request_is_a_bad_request(org: LocalOrg, body: Any) -> None:
    assert org.call("POST", "/composite/sobjects", json=body).status_code == 400


def test_each_method_is_counted_as_its_own_kind(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": "A", "Company": "C"})
    _post(org, _lead("B"))
    org.call("PATCH", "/composite/sobjects", json={"records": [{"attributes": {"type": "Lead"}, "Id": lead}]})
    org.call("PATCH", "/composite/sobjects/Lead/Coconut_Client_Key__c", json={"records": []})
    org.call("POST", "/composite/sobjects/Lead", json={"ids": [lead], "fields": ["Id"]})
    org.call("DELETE", "/composite/sobjects", params={"ids": lead})
    expected = ("create", "update", "upsert", "retrieve", "delete")
    assert org.calls() == {f"collections_{kind}": 1 for kind in expected}


def test_an_id_of_no_object_is_an_error_of_its_item_only(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": "A", "Company": "C"})
    malformed, deleted = org.call("DELETE", "/composite/sobjects", params={"ids": f"zzz,{lead}"}).json()
    assert malformed["errors"][0]["statusCode"] == "MALFORMED_ID"
    assert deleted["success"] is True
