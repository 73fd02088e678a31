"""Mappings meet the org before anything is written (rule F3)."""

from __future__ import annotations

import pytest

from include.errors import ConfigurationError
from include.mapping.fields import default_mappings
from include.pipeline.check_org import check_org
from include.settings.field_mapping import FieldMapping
from include.settings.model import EntityType, Settings, Switch
from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("F3")


@pytest.mark.parametrize("entity_type", EntityType)
@pytest.mark.parametrize("overwrite", Switch)
def test_the_default_mappings_fit_an_org_that_has_our_package(
    org: LocalOrg, entity_type: EntityType, overwrite: Switch
) -> None:
    if entity_type is EntityType.PERSON_ACCOUNT:
        org.control("PUT", "setup", {"person_accounts": True})
    settings = Settings(entity_type=entity_type, overwrite_existing=overwrite)
    org_fields = check_org(org.connect(), settings, default_mappings(), questions=())
    assert {"Event"} < set(org_fields.objects)
    assert org_fields.length("Event", "Subject") == 255


def test_all_problems_of_a_mapping_are_named_together(org: LocalOrg) -> None:
    wrong = [
        FieldMapping.model_validate({"sobject": "Event", "target": "Nowhere__c", "source": "booking.notes"}),
        FieldMapping.model_validate({"sobject": "Lead", "target": "Industry", "source": "booking.starts_at"}),
        FieldMapping.model_validate({"sobject": "Lead", "target": "IsConverted", "source": "answer.done"}),
    ]
    with pytest.raises(ConfigurationError) as caught:
        check_org(org.connect(), Settings(), [*default_mappings(), *wrong], questions=["done?"])
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "Event.Nowhere__c",
        "Lead.Industry",
        "Lead.IsConverted",
        "Lead.IsConverted",
    ]
    assert "answer.done" in caught.value.problems[-1]


def test_person_accounts_in_an_org_without_them_are_a_problem_of_configuration(org: LocalOrg) -> None:
    with pytest.raises(ConfigurationError, match=r"this org has no Person Accounts"):
        check_org(
            org.connect(),
            Settings(entity_type=EntityType.PERSON_ACCOUNT),
            default_mappings(),
            questions=(),
        )
