"""Refusals of people in columns: which reason each result becomes."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from include.frames import RESULTS
from include.pipeline.loading import Load
from include.pipeline.person_links import written_values
from include.pipeline.person_refusals import person_refusals, refusals_of_account
from include.reasons import Reason
from include.settings.model import DuplicateRules, LoadApi
from tests.pipeline.staged import frame

ALLOW, LINK, HOLD = DuplicateRules.ALLOW, DuplicateRules.LINK, DuplicateRules.HOLD


def refused(**values: Any) -> pd.DataFrame:
    return frame(RESULTS, [{"key": "7", **values}]).assign(person_ref="new:7")


def reason_of(results: pd.DataFrame, policy: DuplicateRules = ALLOW) -> str:
    (row,) = person_refusals(results, policy, of_missing_record=Reason.PERSON_UNUSABLE).to_dict("records")
    assert row["person_ref"] == "new:7"
    return str(row["reason"])


@pytest.mark.rule("Q6")
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"error_code": "INVALID_EMAIL_ADDRESS"}, "person_not_written"),
        ({"error_code": "UNABLE_TO_LOCK_ROW"}, "transient_exhausted"),
        ({"is_unprocessed": True}, "unprocessed"),
        ({"error_code": "ENTITY_IS_DELETED"}, "person_unusable"),
        ({"error_code": "CANNOT_UPDATE_CONVERTED_LEAD"}, "person_unusable"),
        ({"error_code": None}, "person_not_written"),
    ],
)
def test_each_class_of_refusal_has_its_reason(values: dict[str, Any], reason: str) -> None:
    assert reason_of(refused(**values)) == reason


@pytest.mark.rule("M14")
@pytest.mark.parametrize(
    ("policy", "values", "reason"),
    [
        (ALLOW, {"duplicate_ids": "a", "is_blocked": False}, "blocked_by_duplicate_rule"),
        (LINK, {"duplicate_ids": "a b", "is_blocked": False}, "duplicate_rule"),
        (LINK, {"duplicate_ids": "", "is_blocked": False}, "duplicate_rule"),
        (LINK, {"duplicate_ids": None, "is_blocked": False}, "unprocessed"),
        (LINK, {"duplicate_ids": "a b", "is_blocked": True}, "blocked_by_duplicate_rule"),
        (HOLD, {"duplicate_ids": None, "is_blocked": False}, "duplicate_rule"),
        (HOLD, {"duplicate_ids": "a", "is_blocked": True}, "blocked_by_duplicate_rule"),
    ],
)
def test_a_duplicate_rules_refusal_is_what_setting_and_rule_make_of_it(
    policy: DuplicateRules, values: dict[str, Any], reason: str
) -> None:
    assert reason_of(refused(error_code="DUPLICATES_DETECTED", **values), policy) == reason


@pytest.mark.rule("Q11")
def test_a_detail_names_codes_fields_rules_and_records_and_never_a_message() -> None:
    results = refused(
        error_code="DUPLICATES_DETECTED",
        error_message="ann@example.com",
        error_fields="Email",
        duplicate_rule="Same_Email",
        duplicate_ids="a b c d e f g",
    )
    (detail,) = person_refusals(results, HOLD, of_missing_record=Reason.PERSON_UNUSABLE)["detail"]
    assert detail == "DUPLICATES_DETECTED on Email by Same_Email: a, b, c, d, e and 2 more"


@pytest.mark.rule("M10")
@pytest.mark.parametrize(
    ("reason", "of_contact"),
    [("person_not_written", "account_not_written"), ("transient_exhausted", "transient_exhausted")],
)
def test_an_accounts_refusal_is_its_contacts_and_what_passes_by_itself_stays_so(
    reason: str, of_contact: str
) -> None:
    refusals = pd.DataFrame({"person_ref": ["a"], "reason": [reason], "detail": ["CODE"]}, dtype="str")
    (row,) = refusals_of_account(refusals).to_dict("records")
    assert (row["reason"], row["detail"]) == (of_contact, "Account: CODE")


@pytest.mark.rule("M5")
def test_written_values_name_only_the_fields_that_were_sent_and_survive_awkward_text() -> None:
    rows = pd.DataFrame(
        {"A": ['","B":null,"', None], "B": [None, "{é}"], "C": [None, None], "D": ["#N/A", None]}, dtype="str"
    )
    first, second = written_values(rows)
    assert json.loads(first) == {"A": '","B":null,"', "D": "#N/A"}
    assert json.loads(second) == {"B": "{é}"}


@pytest.mark.rule("Q6")
def test_rows_of_one_parent_are_sent_side_by_side() -> None:
    rows = pd.DataFrame({"AccountId": ["b", "a", None, "b", "a"], "key": list("12345")}, dtype="str")
    load = Load(
        "step", 0, "Contact", "insert", rows, ("AccountId",), "key", LoadApi.BULK, parent_column="AccountId"
    )
    assert load.rows_in_order["key"].tolist() == ["2", "5", "1", "4", "3"]
