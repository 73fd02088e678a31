from __future__ import annotations

import pytest

from include.errors import ConfigurationError
from include.migration.choices import Choices, Relabel, Stamp
from include.settings.model import EntityType, Integration, MatchingAlgorithm, Settings

pytestmark = pytest.mark.rule("G6")

OFFERED = (EntityType.LEAD, EntityType.CONTACT)


def test_the_defaults_are_those_of_the_rules() -> None:
    choices = Choices.from_answer({"entity_type": "lead"}, offered=OFFERED)
    assert choices.matching_algorithm is MatchingAlgorithm.NAME_AND_EMAIL
    assert choices.relabel_legacy_events is Relabel.UPCOMING
    assert choices.stamp_legacy_events is Stamp.ON_NEXT_CHANGE


def test_all_problems_are_named_together_and_no_value_is_quoted() -> None:
    answered = {"entity_type": "alien", "relabel_legacy_events": "Ann Lee", "colour": "red"}
    with pytest.raises(ConfigurationError) as refused:
        Choices.from_answer(answered, offered=OFFERED)
    named = sorted(problem.partition(":")[0] for problem in refused.value.problems)
    assert named == ["colour", "entity_type", "relabel_legacy_events"]
    assert "Ann Lee" not in str(refused.value)


@pytest.mark.rule("G7")
def test_person_accounts_are_refused_while_they_are_not_offered() -> None:
    answered = {"entity_type": "person_account", "stamp_legacy_events": "never"}
    with pytest.raises(ConfigurationError) as refused:
        Choices.from_answer(answered, offered=OFFERED)
    assert len(refused.value.problems) == 2
    offered = (*OFFERED, EntityType.PERSON_ACCOUNT)
    chosen = Choices.from_answer({"entity_type": "person_account"}, offered=offered)
    assert chosen.entity_type is EntityType.PERSON_ACCOUNT


def test_choices_survive_json_and_change_only_their_own_settings() -> None:
    choices = Choices(entity_type="contact", matching_algorithm="email")
    assert Choices.model_validate(choices.to_json()) == choices
    before = Settings(integration=Integration.LEGACY, key_namespace="b:", person_account_record_type="012x")
    after = choices.applied_to(before)
    changed = {name for name in Settings.model_fields if getattr(before, name) != getattr(after, name)}
    assert changed == {"integration", "entity_type", "matching_algorithm"}
