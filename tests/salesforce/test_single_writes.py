"""One record by a call of its own."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.errors import OrgExhaustedError
from include.frames import RESULTS
from include.salesforce.gateway import SalesforceGateway
from tests.local_org import LocalOrg

KEY = "Coconut_Client_Key__c"
FIELDS = ("LastName", "Company", "Email", KEY)


def insert(
    gateway: SalesforceGateway, headers: dict[str, str] | None = None, **values: Any
) -> dict[str, Any]:
    row = {"LastName": "Lee", "Company": "-", "Email": "ann@example.com", KEY: "7", "person_ref": "new:7"}
    result = gateway.insert_one(
        "Lead",
        pd.DataFrame([{**row, **values}]).astype("str"),
        key_column=KEY,
        fields=FIELDS,
        headers=headers,
    )
    assert list(result.columns) == list(RESULTS.columns)
    (found,) = result.to_dict("records")
    return found


def set_up_rule(org: LocalOrg) -> None:
    matching = {"name": "Same_Email_Match", "sobject": "Lead", "fields": {"Email": "Email"}}
    rule = {"name": "Same_Email", "sobject": "Lead", "matching_rules": [matching]}
    org.control("PUT", "setup", {"duplicate_rules": [rule]})


def test_a_record_is_inserted_with_the_fields_that_travel(org: LocalOrg, gateway: SalesforceGateway) -> None:
    result = insert(gateway)
    (lead,) = org.records("Lead")
    assert (result["key"], result["record_id"], result["is_success"], result["is_created"]) == (
        "7",
        lead["Id"],
        True,
        True,
    )
    assert lead[KEY] == "7"


@pytest.mark.rule("M14")
def test_a_refusal_by_a_duplicate_rule_names_the_rule_and_the_record(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    (known,) = org.seed("Lead", {"LastName": "Lee", "Company": "-", "Email": "ann@example.com"})
    set_up_rule(org)
    result = insert(gateway)
    assert (result["is_success"], result["error_code"]) == (False, "DUPLICATES_DETECTED")
    assert (result["duplicate_rule"], result["duplicate_ids"], result["is_blocked"]) == (
        "Same_Email",
        known,
        False,
    )
    saved = insert(gateway, {"Sforce-Duplicate-Rule-Header": "allowSave=true"})
    assert saved["is_success"]


@pytest.mark.rule("M8")
def test_a_key_that_is_taken_is_a_result_and_no_error(org: LocalOrg, gateway: SalesforceGateway) -> None:
    insert(gateway)
    again = insert(gateway)
    assert (again["is_success"], again["error_code"]) == (False, "DUPLICATE_VALUE")
    assert len(org.records("Lead")) == 1


@pytest.mark.rule("F4")
def test_a_value_that_is_refused_names_its_field(org: LocalOrg, gateway: SalesforceGateway) -> None:
    result = insert(gateway, Email="no e-mail")
    assert (result["error_code"], result["error_fields"]) == ("INVALID_EMAIL_ADDRESS", "Email")
    assert not org.records("Lead")


@pytest.mark.rule("Q6")
def test_a_used_up_quota_is_trouble_of_the_org_and_not_of_the_record(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    gateway.describe("Lead")
    org.script({"type": "exhaust_quota"})
    with pytest.raises(OrgExhaustedError):
        insert(gateway)


@pytest.mark.rule("Q4")
def test_a_call_whose_answer_was_lost_is_sent_again_and_lands_once(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    org.script({"type": "drop", "kind": "create", "when": "after", "times": 1})
    assert insert(gateway)["error_code"] == "DUPLICATE_VALUE"
    assert len(org.records("Lead")) == 1
