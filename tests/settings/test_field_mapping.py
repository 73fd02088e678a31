"""What an administrator may say of a field mapping, as the type and as YAML (rule F2)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from include.errors import ConfigurationError
from include.frames import BOOKINGS, CLIENTS
from include.mapping.fields import default_mappings
from include.settings.field_mapping import FieldMapping, set_problems
from include.settings.mapping_sources import BOOKING_SOURCES, CLIENT_SOURCES, SETTING_SOURCES
from include.settings.mapping_yaml import FIELD_MAPPINGS, format_mappings, parse_mappings
from include.settings.model import Settings
from include.settings.yaml_form import read_document

pytestmark = pytest.mark.rule("F2")

EVERY_TRANSFORM = [
    {"type": "constant", "value": 'Branch: "north" #1, ü 王'},
    {"type": "concatenation", "sources": ["client.city", "client.region"], "separator": "\n"},
    {"type": "picklist", "values": {"on": "Yes, please", "null": "No"}, "otherwise": "keep"},
    {"type": "date", "reads": "%d/%m/%Y %H:%M", "writes": "date_time", "time_zone": "Europe/Zurich"},
]


def custom(**values: Any) -> dict[str, Any]:
    return {"sobject": "Event", "target": "Goal__c", "source": "answer.goal", **values}


def of_transform(transform: dict[str, Any]) -> FieldMapping:
    source = "" if transform["type"] in {"constant", "concatenation"} else "answer.goal"
    return FieldMapping.model_validate(custom(source=source, transform=transform, null_policy="clear"))


def refused(*values: object) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        parse_mappings(list(values), defaults=())
    return caught.value.problems


@pytest.mark.parametrize("transform", EVERY_TRANSFORM, ids=lambda transform: transform["type"])
def test_a_mapping_reads_back_from_yaml_as_it_was_written(transform: dict[str, Any]) -> None:
    mapping = of_transform(transform)
    part = read_document(format_mappings([mapping]))[FIELD_MAPPINGS]
    assert parse_mappings(part, defaults=()) == (mapping,)


def test_the_defaults_read_back_from_yaml_one_line_each() -> None:
    text = format_mappings(default_mappings())
    assert parse_mappings(read_document(text)[FIELD_MAPPINGS], defaults=()) == default_mappings()
    assert sum(line.startswith("  - ") for line in text.splitlines()) == len(default_mappings())


def test_a_questions_name_may_hold_anything_that_a_name_can() -> None:
    mapping = FieldMapping.model_validate(custom(source="answer.What's your goal? (e.g. a house): #1 - 目标"))
    part = yaml.safe_load(format_mappings([mapping]))[FIELD_MAPPINGS]
    assert parse_mappings(part, defaults=()) == (mapping,)


def test_no_mappings_and_the_word_default_are_understood() -> None:
    assert parse_mappings(read_document(format_mappings([]))[FIELD_MAPPINGS], defaults=()) == ()
    assert parse_mappings("default", defaults=default_mappings()) == default_mappings()


def test_anything_else_in_the_place_of_mappings_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be a list of mappings, or the word default"):
        parse_mappings("standard", defaults=())


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (custom(source="client.shoe_size"), "Event.Goal__c: there is no source client.shoe_size"),
        (custom(source="booking.client_id"), "Event.Goal__c: there is no source booking.client_id"),
        (custom(source="setting.default_owner"), "Event.Goal__c: there is no source setting.default_owner"),
        (custom(source="answer."), "Event.Goal__c: there is no source answer."),
        (custom(source=""), "Event.Goal__c: a source is missing"),
        (custom(source="rule.weather"), "Event.Goal__c: Event has no such rule"),
        (custom(source="rule.subject"), "Event.Goal__c: rule.subject fills Subject only, as it is"),
        (
            custom(transform={"type": "constant", "value": "x"}),
            "Event.Goal__c: a constant or a concatenation takes no source",
        ),
        (
            custom(source="", transform={"type": "concatenation", "sources": ["rule.subject", "client.city"]}),
            "Event.Goal__c: Event has no such rule",
        ),
        (custom(sobject="Task"), "Task.Goal__c: sobject must be Lead, Contact, Account or Event"),
        (custom(target="Goal c"), "Event.Goal c: target is not written as it has to be"),
        (custom(colour="red"), "Event.Goal__c: colour is not known here"),
        (custom(null_policy="wipe"), "Event.Goal__c: null_policy must be leave_alone or clear"),
        (
            custom(transform={"type": "shout"}),
            "Event.Goal__c: transform must be one of constant, picklist, date, concatenation",
        ),
        (
            custom(transform={"type": "date", "reads": "%d", "time_zone": "Mars"}),
            "Event.Goal__c: Mars is not an IANA time zone",
        ),
        (
            custom(transform={"type": "date", "reads": "%Q-%Y"}),
            "Event.Goal__c: %Q is not a part of a date",
        ),
        (custom(transform={"type": "picklist", "values": {}}), "Event.Goal__c: transform.values has too few entries"),
        ("Subject", "mapping 1: must hold lines of the form 'name: value'"),
        ({"sobject": "Event"}, "mapping 1: target is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_mapping_is_said_in_words(values: object, problem: str) -> None:
    assert refused(values) == (problem,)


def test_all_problems_of_a_file_are_named_together() -> None:
    assert len(refused(custom(source="client.a"), custom(target="Other__c", source="client.b"), "x")) == 3


def test_a_mapping_cannot_be_changed_in_place() -> None:
    mapping = FieldMapping.model_validate(custom())
    with pytest.raises(ValidationError):
        mapping.target = "Title"


def test_every_source_on_offer_exists_in_its_frame() -> None:
    derived = {"local_day", "time_zone"}
    assert set(CLIENT_SOURCES) <= set(CLIENTS.columns)
    assert set(BOOKING_SOURCES) - derived <= set(BOOKINGS.columns)
    assert set(SETTING_SOURCES) <= set(Settings.model_fields)


# -- mappings taken together


def less(*targets: str) -> list[FieldMapping]:
    return [mapping for mapping in default_mappings() if mapping.target not in targets]


def test_a_field_is_filled_by_one_mapping_whatever_its_letter_case() -> None:
    twice = [*default_mappings(), FieldMapping.model_validate(custom(target="LOCATION"))]
    assert set_problems(twice) == ["Event.LOCATION: is filled by 2 mappings; keep one"]


@pytest.mark.parametrize("target", ["Subject", "StartDateTime", "WhoId", "Coconut_Booking_Key__c", "ShowAs"])
def test_what_the_sync_lives_by_cannot_be_left_out(target: str) -> None:
    (problem,) = set_problems(less(target))
    assert problem.startswith(f"Event.{target}: is filled by rule.")


def test_what_the_sync_lives_by_cannot_be_filled_otherwise() -> None:
    replaced = [*less("Subject"), FieldMapping.model_validate(custom(target="Subject"))]
    assert set_problems(replaced) == [
        "Event.Subject: is filled by rule.subject, which cannot be left out or replaced"
    ]


@pytest.mark.parametrize("target", ["Location", "Description", "Coconut_Service__c"])
def test_other_defaults_can_be_left_out(target: str) -> None:
    assert set_problems(less(target)) == []


@pytest.mark.parametrize(
    ("sobject", "target"), [("Event", "DurationInMinutes"), ("Contact", "AccountId"), ("Account", "Name")]
)
def test_fields_that_follow_from_others_cannot_be_mapped(sobject: str, target: str) -> None:
    mapping = FieldMapping.model_validate(custom(sobject=sobject, target=target))
    (problem,) = set_problems([*default_mappings(), mapping])
    assert problem.startswith(f"{sobject}.{target}: cannot be mapped, because ")
