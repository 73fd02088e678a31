"""The mappings a new installation starts with (rule F1)."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.frames import BOOKINGS, CLIENTS
from include.mapping.fields import default_mappings
from include.settings.field_mapping import FieldMapping, NullPolicy, WritePolicy, set_problems
from include.settings.mapping_sources import RULES
from include.settings.model import Settings

pytestmark = pytest.mark.rule("F1")

KNOWN_SOURCES = {
    "client": set(CLIENTS.columns),
    "booking": set(BOOKINGS.columns),
    "setting": set(Settings.model_fields),
    "rule": {rule for rules in RULES.values() for rule in rules},
}


def test_every_sobject_has_mappings() -> None:
    assert {mapping.sobject for mapping in default_mappings()} == {"Lead", "Contact", "Account", "Event"}


@pytest.mark.parametrize("sobject", ["Lead", "Contact", "Account", "Event"])
def test_mappings_can_be_asked_for_by_sobject_and_fill_each_field_once(sobject: str) -> None:
    targets = [mapping.target for mapping in default_mappings(sobject)]
    assert targets
    assert len(targets) == len(set(targets))
    assert {mapping.sobject for mapping in default_mappings(sobject)} == {sobject}


@pytest.mark.parametrize(
    "mapping", default_mappings(), ids=lambda mapping: f"{mapping.sobject}.{mapping.target}"
)
def test_every_source_exists(mapping: FieldMapping) -> None:
    kind, _, name = mapping.source.partition(".")
    assert name in KNOWN_SOURCES[kind]


def test_the_defaults_agree_with_each_other() -> None:
    assert set_problems(default_mappings()) == []


@pytest.mark.rule("M5")
def test_key_owner_and_origin_of_a_person_are_written_on_creation_only() -> None:
    policies = {mapping.target: mapping.write_policy for mapping in default_mappings("Lead")}
    never = {target for target, policy in policies.items() if policy is WritePolicy.NEVER}
    assert never == {"LeadSource", "OwnerId", "Coconut_Client_Key__c"}


@pytest.mark.rule("F4")
def test_an_empty_value_of_a_person_never_clears_a_field_by_default() -> None:
    people = [mapping for mapping in default_mappings() if mapping.sobject != "Event"]
    assert {mapping.null_policy for mapping in people} == {NullPolicy.LEAVE_ALONE}


def test_a_mapping_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError):
        default_mappings("Lead")[0].target = "Title"  # type: ignore[misc]
