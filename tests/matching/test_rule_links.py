"""Decisions that Salesforce's own duplicate rules overrule."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from include.matching.explain import explain
from include.matching.rule_links import linked_by_rule
from tests.matching.builders import CONTACT_1, LEAD_1, client, decided

RULE = {
    "client_id": "2",
    "sobject": "Contact",
    "record_id": CONTACT_1,
    "who_id": CONTACT_1,
    "rule": "Same_Email",
}


@pytest.mark.rule("M14")
@pytest.mark.rule("M9")
def test_the_client_is_linked_to_the_reported_record_and_told_so() -> None:
    decisions = decided([client("1"), client("2", email="b@example.org")]).decisions
    (row,) = linked_by_rule(decisions, pd.DataFrame([RULE])).to_dict("records")
    assert (row["client_id"], row["action"], row["evidence"]) == ("2", "link", "duplicate_rule")
    assert (row["sobject"], row["record_id"], row["who_id"]) == ("Contact", CONTACT_1, CONTACT_1)
    facts = json.loads(row["explanation"])
    assert (facts["action"], facts["evidence"], facts["record"]) == ("link", "duplicate_rule", CONTACT_1)
    assert facts["sobject"] == "Contact"
    assert explain(row["explanation"]).startswith(
        f"Salesforce's duplicate rule Same_Email reported record {CONTACT_1}, which is used."
    )


@pytest.mark.rule("M9")
def test_a_rule_without_a_name_and_an_explanation_with_more_to_tell_stay_readable() -> None:
    decisions = decided([client("1", salesforce_id=LEAD_1)]).decisions
    links = pd.DataFrame([{**RULE, "client_id": "1", "rule": ""}])
    (row,) = linked_by_rule(decisions, links).to_dict("records")
    facts = json.loads(row["explanation"])
    assert facts["source_fate"] == "not_found"
    assert facts["record"] == CONTACT_1
    assert "does not exist in this org" in explain(row["explanation"])
