"""Whether the org takes what mappings would write (rule F3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.mapping.fields import default_mappings
from include.mapping.mapping_checks import mapping_problems, question_problems, written_sobjects
from include.mapping.org_fields import FieldFacts, OrgFields
from include.settings.field_mapping import FieldMapping, Sobject
from include.settings.model import EntityType, Settings, Switch
from tests.mapping.org import ORG

pytestmark = pytest.mark.rule("F3")

LEADS = Settings()
OVERWRITING = Settings(overwrite_existing=Switch.ON)


def problems(
    *custom: dict[str, Any], org_fields: OrgFields = ORG, settings: Settings = LEADS, without: str = ""
) -> list[str]:
    mappings = [mapping for mapping in default_mappings() if mapping.name != without]
    mappings += [FieldMapping.model_validate({"sobject": "Event", **values}) for values in custom]
    return mapping_problems(mappings, org_fields, settings)


def with_facts(sobject: str, name: str, facts: FieldFacts | None) -> OrgFields:
    """Return the org with one field described otherwise, or gone."""
    fields = {key: value for key, value in ORG.objects[sobject].items() if key != name}
    return OrgFields({**ORG.objects, sobject: fields if facts is None else {**fields, name: facts}})


@pytest.mark.parametrize("entity_type", EntityType)
@pytest.mark.parametrize("overwrite", Switch)
def test_the_defaults_fit_an_org_with_our_fields(entity_type: EntityType, overwrite: Switch) -> None:
    assert problems(settings=Settings(entity_type=entity_type, overwrite_existing=overwrite)) == []


def test_the_facts_of_an_org_read_back_as_they_were_staged() -> None:
    assert OrgFields.from_json(ORG.to_json()) == ORG


@pytest.mark.parametrize(
    ("custom", "problem"),
    [
        ({"target": "Nowhere__c", "source": "answer.goal"},
         "Event.Nowhere__c does not exist or is hidden from the integration user"),
        ({"target": "Formula__c", "source": "answer.goal"}, "Event.Formula__c is a formula, which nobody can write"),
        ({"target": "Flag__c", "source": "booking.starts_at"},
         "Event.Flag__c is of type boolean, which does not take booking.starts_at as it is"),
        ({"target": "Day__c", "source": "client.city"},
         "Event.Day__c is of type date, which does not take client.city as it is"),
        ({"target": "Number__c", "source": "booking.is_primary"},
         "Event.Number__c is of type double, which does not take booking.is_primary as it is"),
        ({"target": "Text__c", "source": "booking.starts_at"},
         "Event.Text__c takes 20 characters, and booking.starts_at has 24"),
        ({"target": "Day__c", "source": "answer.born",
          "transform": {"type": "date", "reads": "%d/%m/%Y", "writes": "date_time"}},
         "Event.Day__c is of type date, which takes no date_time"),
        ({"target": "Flag__c", "transform": {"type": "concatenation", "sources": ["client.city", "client.region"]}},
         "Event.Flag__c is of type boolean, which takes no concatenated text"),
        ({"target": "Text__c", "transform": {"type": "constant", "value": "x" * 21}},
         f"Event.Text__c would be sent '{'x' * 21}' by its constant, which is longer than 20 characters"),
        ({"target": "Colour__c", "transform": {"type": "constant", "value": "Mauve"}},
         "Event.Colour__c would be sent 'Mauve' by its constant, which is not an active value of the picklist"),
        ({"target": "Colour__c", "source": "answer.paint",
          "transform": {"type": "picklist", "values": {"rot": "Red", "lila": "Mauve"}}},
         "Event.Colour__c would be sent 'Mauve' by its translation, which is not an active value of the picklist"),
        ({"target": "Email__c", "transform": {"type": "constant", "value": "nobody"}},
         "Event.Email__c would be sent 'nobody' by its constant, which is not an e-mail address"),
    ],
)  # fmt: skip
def test_what_the_org_would_refuse_is_said_in_words(custom: dict[str, Any], problem: str) -> None:
    assert problems(custom) == [problem]


def test_what_coconut_is_known_to_send_is_checked_word_by_word() -> None:
    found = problems({"target": "Colour__c", "source": "booking.kind"})
    assert [problem.split("'")[1] for problem in found] == ["appointment", "walk_in"]


@pytest.mark.parametrize(
    "custom",
    [
        {"target": "Number__c", "source": "answer.income"},
        {"target": "Whole__c", "source": "booking.service_minutes"},
        {"target": "Number__c", "source": "booking.appointment_id"},
        {"target": "Instant__c", "source": "booking.booked_at"},
        {"target": "Day__c", "source": "booking.starts_at"},
        {"target": "Flag__c", "source": "booking.is_primary"},
        {"target": "Free__c", "source": "booking.status"},
        {"target": "Long__c", "source": "client.created_at"},
        {"target": "Colour__c", "transform": {"type": "constant", "value": "dark blue"}},
        {
            "target": "Instant__c",
            "source": "answer.when",
            "transform": {"type": "date", "reads": "%d.%m.%Y", "writes": "date_time"},
        },
    ],
    ids=lambda custom: custom["target"],
)
def test_what_the_org_takes_is_no_problem(custom: dict[str, Any]) -> None:
    assert problems(custom) == []


def test_every_problem_is_reported_together_with_those_of_the_set() -> None:
    found = problems(
        {"target": "Nowhere__c", "source": "answer.goal"},
        {"target": "WhatId", "source": "answer.goal"},
        without="Lead.LastName",
    )
    assert [problem.split()[0].rstrip(":") for problem in found] == [
        "Event.WhatId",
        "Event.Nowhere__c",
        "Lead.LastName",
    ]


def test_a_required_field_needs_a_source_unless_salesforce_fills_it() -> None:
    required = FieldFacts("string", length=20, nillable=False)
    assert problems(org_fields=with_facts("Lead", "Branch__c", required)) == [
        "Lead.Branch__c is required in Salesforce, and no mapping fills it"
    ]
    assert problems(org_fields=with_facts("Lead", "Branch__c", replace(required, has_default=True))) == []
    assert problems(org_fields=with_facts("Lead", "Branch__c", replace(required, createable=False))) == []


def test_a_required_field_is_asked_for_only_where_records_are_created() -> None:
    required = with_facts("Contact", "Branch__c", FieldFacts("string", length=20, nillable=False))
    assert problems(org_fields=required, settings=OVERWRITING) == []
    assert len(problems(org_fields=required, settings=Settings(entity_type=EntityType.CONTACT))) == 1


def test_a_field_that_may_be_created_but_not_changed_is_a_problem_only_where_it_is_changed() -> None:
    frozen = with_facts("Lead", "Phone", FieldFacts("phone", length=40, updateable=False))
    assert problems(org_fields=frozen) == []
    assert problems(org_fields=frozen, settings=OVERWRITING) == [
        "Lead.Phone cannot be changed by the integration user, which its write policy asks for"
    ]
    written_once = {"sobject": "Lead", "target": "Phone", "source": "client.phone", "write_policy": "never"}
    assert problems(written_once, org_fields=frozen, settings=OVERWRITING, without="Lead.Phone") == []


def test_a_field_hidden_or_read_only_for_our_user_is_a_problem() -> None:
    read_only = FieldFacts("string", length=255, createable=False, updateable=False)
    assert problems(org_fields=with_facts("Event", "Location", read_only)) == [
        "Event.Location cannot be written by the integration user"
    ]
    assert problems(org_fields=with_facts("Event", "Location", None)) == [
        "Event.Location does not exist or is hidden from the integration user"
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (LEADS, {Sobject.EVENT, Sobject.LEAD}),
        (OVERWRITING, {Sobject.EVENT, Sobject.LEAD, Sobject.CONTACT}),
        (Settings(entity_type=EntityType.CONTACT), {Sobject.EVENT, Sobject.CONTACT}),
        (
            Settings(entity_type=EntityType.PERSON_ACCOUNT, overwrite_existing=Switch.ON),
            {Sobject.EVENT, Sobject.ACCOUNT, Sobject.CONTACT},
        ),
    ],
)
def test_only_objects_that_a_run_may_write_are_checked(settings: Settings, expected: set[Sobject]) -> None:
    assert set(written_sobjects(settings)) == expected


def answers(*sources: str, sobject: str = "Lead") -> list[FieldMapping]:
    """Return one mapping of the answers: the answer itself, or several joined."""
    joined = {"transform": {"type": "concatenation", "sources": sources}}
    values = {"source": sources[0]} if len(sources) == 1 else joined
    return [FieldMapping.model_validate({"sobject": sobject, "target": "Title", **values})]


def test_an_answer_to_no_question_is_a_problem_that_names_the_questions_near_it() -> None:
    asked = ["Occupation", "occupation_since", "goal"]
    lost = "Lead.Title reads answer.{}, but Coconut has no question of that name; {}"
    assert question_problems(answers("answer.occupation"), asked, LEADS) == [
        lost.format("occupation", "near it in spelling: Occupation, occupation_since")
    ]
    assert question_problems(answers("answer.goal", "answer.x", "answer.gaol"), asked, LEADS) == [
        lost.format("gaol", "near it in spelling: goal"),
        lost.format("x", "none is near it in spelling"),
    ]


def test_answers_to_questions_and_fields_of_objects_that_are_never_written_are_no_problem() -> None:
    assert question_problems(answers("answer.goal", "client.city"), ["goal"], LEADS) == []
    assert question_problems(default_mappings(), [], OVERWRITING) == []
    of_contacts = answers("answer.gaol", sobject="Contact")
    assert question_problems(of_contacts, ["goal"], LEADS) == []
    assert len(question_problems(of_contacts, ["goal"], OVERWRITING)) == 1
