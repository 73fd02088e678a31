"""Custom fields of Events: what mappings add to the payload, and what an empty or refused value does (rules F2, F4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.mapping.fields import default_mappings
from include.settings.field_mapping import FieldMapping
from include.settings.model import OnInvalidField
from tests.mapping.builders import SETTINGS, answer, booking, decision, link_of, mapped, only, sent, verdict


def with_custom(*changes: dict[str, Any], without: tuple[str, ...] = ()) -> list[FieldMapping]:
    """Return the default mappings less some targets, and more mappings of Event."""
    kept = [mapping for mapping in default_mappings() if mapping.target not in without]
    return kept + [FieldMapping.model_validate({"sobject": "Event", **values}) for values in changes]


GOAL = {"target": "Text__c", "source": "answer.goal"}
CLEARED = GOAL | {"null_policy": "clear"}


def goal(value: str) -> list[dict[str, Any]]:
    return [answer(1, 10, 5, name="goal", value=value)]


@pytest.mark.rule("F2")
def test_an_answer_fills_a_custom_field_and_is_part_of_what_was_written() -> None:
    row = only(mapped([booking()], answers=goal("a house"), mappings=with_custom(GOAL)))
    assert sent(row)["Text__c"] == "a house"
    assert json.loads(row["payload"])["Text__c"] == "a house"


@pytest.mark.rule("S12")
def test_a_custom_field_that_did_not_change_is_not_sent_again() -> None:
    mappings = with_custom(GOAL)
    written = only(mapped([booking()], answers=goal("a house"), mappings=mappings))
    again = only(mapped([booking()], answers=goal("a house"), mappings=mappings, links=[link_of(written)]))
    assert verdict(again) == ("none", "unchanged", "same_as_last_written")
    changed = only(mapped([booking()], answers=goal("a car"), mappings=mappings, links=[link_of(written)]))
    assert sent(changed)["Text__c"] == "a car"
    assert "Subject" not in sent(changed)


@pytest.mark.rule("F2")
def test_a_field_that_is_mapped_later_is_sent_with_the_next_change() -> None:
    written = only(mapped([booking()], answers=goal("a house")))
    row = only(
        mapped([booking()], answers=goal("a house"), mappings=with_custom(GOAL), links=[link_of(written)])
    )
    assert sent(row) == {"Text__c": "a house"}


@pytest.mark.rule("F4")
def test_an_answer_that_became_empty_leaves_the_field_and_what_is_known_of_it_alone() -> None:
    mappings = with_custom(GOAL)
    written = only(mapped([booking()], answers=goal("a house"), mappings=mappings))
    row = only(mapped([booking(status="confirmed")], mappings=mappings, links=[link_of(written)]))
    assert "Text__c" not in sent(row)
    assert json.loads(row["payload"])["Text__c"] == "a house"


@pytest.mark.rule("F4")
def test_an_answer_that_became_empty_clears_the_field_where_its_policy_says_so() -> None:
    mappings = with_custom(CLEARED)
    written = only(mapped([booking()], answers=goal("a house"), mappings=mappings))
    row = only(mapped([booking()], mappings=mappings, links=[link_of(written)]))
    assert sent(row)["Text__c"] == "#N/A"
    assert json.loads(row["payload"])["Text__c"] is None


@pytest.mark.rule("F4")
@pytest.mark.parametrize("custom", [GOAL, CLEARED], ids=["leave_alone", "clear"])
def test_a_new_event_sends_nothing_for_an_empty_answer(custom: dict[str, Any]) -> None:
    assert "Text__c" not in sent(only(mapped([booking()], mappings=with_custom(custom))))


@pytest.mark.rule("F4")
def test_an_event_of_unknown_state_is_not_cleared_where_an_empty_value_leaves_alone() -> None:
    mappings = with_custom(GOAL, CLEARED | {"target": "Long__c"})
    written = only(mapped([booking()], mappings=mappings))
    unsettled = link_of(written, payload=None, written_version=None, settled_version=None)
    row = only(mapped([booking()], mappings=mappings, links=[unsettled]))
    assert sent(row)["Long__c"] == "#N/A"
    assert "Text__c" not in sent(row)


LONG = goal("x" * 21)


@pytest.mark.rule("F4")
def test_a_refused_value_quarantines_the_pair_in_words_without_the_value() -> None:
    row = only(mapped([booking()], answers=LONG, mappings=with_custom(GOAL)))
    assert verdict(row) == ("none", "quarantined", "value_too_long")
    assert row["detail"] == "Text__c is longer than 20 characters"
    assert row["waits_for_key"] == "10"


@pytest.mark.rule("F4")
def test_a_refused_value_is_left_out_and_reported_where_the_setting_says_so() -> None:
    settings = SETTINGS.model_copy(update={"on_invalid_field": OnInvalidField.DROP_AND_REPORT})
    mappings = with_custom(CLEARED)
    new = only(mapped([booking()], answers=LONG, mappings=mappings, settings=settings))
    assert new["action"] == "create"
    assert "Text__c" not in sent(new)
    assert new["detail"] == "left out because Text__c is longer than 20 characters"
    written = only(mapped([booking()], answers=goal("a house"), mappings=mappings))
    known = only(mapped([booking(status="confirmed")], answers=LONG, mappings=mappings, settings=settings,
                        links=[link_of(written)]))  # fmt: skip
    assert "Text__c" not in sent(known), "a value that is no good does not wipe the one before"


@pytest.mark.rule("F4")
def test_a_pair_whose_person_is_held_is_not_quarantined_for_a_value() -> None:
    held = decision(10, None, action="hold", reason="ambiguous_match")
    row = only(mapped([booking()], answers=LONG, decisions=[held], mappings=with_custom(GOAL)))
    assert verdict(row) == ("none", "held", "ambiguous_match")


@pytest.mark.rule("F1")
def test_defaults_without_a_rule_can_be_left_out_or_filled_otherwise() -> None:
    mappings = with_custom(
        {"target": "Description", "source": "booking.notes"},
        {"target": "Coconut_Service__c", "transform": {"type": "constant", "value": "Advice"}},
        without=("Description", "Coconut_Service__c", "Location"),
    )
    fields = sent(only(mapped([booking(notes="Call back")], mappings=mappings)))
    assert (fields["Description"], fields["Coconut_Service__c"]) == ("Call back", "Advice")
    assert "Location" not in fields


@pytest.mark.rule("F2")
def test_a_clients_column_can_fill_an_event() -> None:
    client = {"client_id": "10", "company": "Acme", "sync_disabled": False, "is_deleted": False}
    company = {"target": "Text__c", "source": "client.company"}
    rows = mapped([booking(), booking(2, 11)], clients=[client], mappings=with_custom(company))
    assert [sent(row).get("Text__c") for _, row in rows.iterrows()] == ["Acme", None]
    assert "Text__c" not in sent(only(mapped([booking()], mappings=with_custom(company))))
