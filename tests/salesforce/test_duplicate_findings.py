"""What an answer tells of duplicates, in every shape that was seen."""

from __future__ import annotations

from typing import Any

import pytest

from include.salesforce.duplicate_findings import DuplicateFinding, read_duplicates

LEAD, OTHER = "00Q000000000001AAA", "00Q000000000002AAA"


def record(record_id: str) -> dict[str, Any]:
    return {"record": {"attributes": {"type": "Lead"}, "Id": record_id}}


def refusal(*matches: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    results = [{"matchRecords": found} for found in matches]
    return {"duplicateRule": "Same_Email", "allowSave": True, "matchResults": results, **values}


@pytest.mark.rule("M14")
@pytest.mark.parametrize("name", ["duplicateResult", "duplicateResut"])
def test_the_rule_and_its_records_are_read_under_either_spelling(name: str) -> None:
    error = {name: refusal([record(LEAD), record(OTHER)], [record(LEAD)])}
    assert read_duplicates(error) == DuplicateFinding("Same_Email", (LEAD, OTHER), is_blocked=False)


@pytest.mark.rule("M14")
def test_a_record_without_its_id_is_named_by_its_url() -> None:
    url = {"record": {"attributes": {"url": f"/services/data/v64.0/sobjects/Lead/{LEAD}"}}}
    found = read_duplicates({"duplicateResult": refusal([url])})
    assert found is not None
    assert found.record_ids == (LEAD,)


@pytest.mark.rule("M14")
@pytest.mark.parametrize("values", [{"allowSave": False}, {"allowSave": None}])
def test_a_rule_that_does_not_say_one_may_save_blocks(values: dict[str, Any]) -> None:
    found = read_duplicates({"duplicateResult": refusal([record(LEAD)], **values)})
    assert found is not None
    assert found.is_blocked


@pytest.mark.rule("M14")
@pytest.mark.parametrize("results", [None, [], [{"matchRecords": None}], [{"matchRecords": [{}]}]])
def test_records_that_our_user_may_not_see_are_no_records(results: Any) -> None:
    found = read_duplicates({"duplicateResult": refusal(matchResults=results)})
    assert found == DuplicateFinding("Same_Email", (), is_blocked=False)


@pytest.mark.rule("M14")
@pytest.mark.parametrize("error", [{}, {"statusCode": "DUPLICATES_DETECTED"}, {"duplicateResult": None}])
def test_an_answer_that_tells_nothing_is_told_from_one_that_names_no_record(error: dict[str, Any]) -> None:
    assert read_duplicates(error) is None
