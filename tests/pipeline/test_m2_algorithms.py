"""Every matching algorithm with values that agree, disagree and are empty, on every kind of person (rules M2, M3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from include.settings.model import MatchingAlgorithm
from tests.pipeline.cases import Cases, expected_creations
from tests.pipeline.world import World

ALGORITHMS = (
    MatchingAlgorithm.NAME_AND_EMAIL,
    MatchingAlgorithm.EMAIL,
    MatchingAlgorithm.PHONE_THEN_NAME_AND_EMAIL,
    MatchingAlgorithm.NAME_AND_EMAIL_THEN_PHONE,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What client and record have otherwise than each other, and which of ``ALGORITHMS`` take them for one person."""

    found_by: str
    client: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


COMPARISONS = {
    "all agree": Comparison("1111"),
    "other first name": Comparison("0111", record={"FirstName": "Anna"}),
    "other last name": Comparison("0111", record={"LastName": "Else"}),
    "names exchanged": Comparison("0111", client={"first_name": "Lee", "last_name": "Ann"}),
    "other e-mail": Comparison("0011", record={"Email": "else@example.com"}),
    "record without e-mail": Comparison("0011", record={"Email": None}),
    "client without e-mail": Comparison("0011", client={"email": None}),
    "client with a blank e-mail": Comparison("0011", client={"email": "  "}),
    "nobody has an e-mail": Comparison("0011", client={"email": None}, record={"Email": None}),
    "other phone": Comparison("1111", record={"Phone": "+1 647 555 0199"}),
    "record without phone": Comparison("1111", record={"Phone": None}),
    "client without phone": Comparison("1111", client={"phone": None}),
    "nobody has a phone": Comparison("1111", client={"phone": None}, record={"Phone": None}),
    "client without first name": Comparison("0111", client={"first_name": None}),
    "nobody has a first name": Comparison("0111", client={"first_name": " "}, record={"FirstName": None}),
    "only the names agree": Comparison(
        "0000", record={"Email": "names-only@example.com", "Phone": "+1 647 555 0198"}
    ),
    "only the names, and nothing else is there": Comparison(
        "0000", client={"email": None, "phone": None}, record={"Email": None, "Phone": None}
    ),
    "phone in the mobile field": Comparison(
        "0011",
        record={"Email": "mobile@example.com", "Phone": None, "MobilePhone": "{phone}"},
    ),
    "phone without country code": Comparison(
        "0011", client={"phone": "({area}) 555-{line}", "country": "Canada"}, record={"Email": None}
    ),
    "phone that is none": Comparison("1111", client={"phone": "none"}, record={"Phone": "none"}),
    "phone that is none, other e-mail": Comparison(
        "0000", client={"phone": "000000"}, record={"Phone": "000000", "Email": "none@example.com"}
    ),
    "other letter case and blanks": Comparison(
        "1111",
        client={"first_name": " ANN ", "phone": None},
        record={"FirstName": "ann", "Phone": None},
    ),
}

MOBILE = {"person account": "PersonMobilePhone"}


@pytest.mark.rule("M2")
@pytest.mark.rule("M3")
@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        *(("lead", algorithm) for algorithm in ALGORITHMS),
        ("contact", MatchingAlgorithm.NAME_AND_EMAIL_THEN_PHONE),
        ("person account", MatchingAlgorithm.PHONE_THEN_NAME_AND_EMAIL),
    ],
)
def test_an_algorithm_finds_whom_its_values_name_and_nobody_else(
    world: World, kind: str, algorithm: MatchingAlgorithm
) -> None:
    world.set_up_org(person_accounts=kind == "person account")
    world.set(entity_type=kind.replace(" ", "_"), matching_algorithm=algorithm)
    cases = Cases(world)
    new = {"lead": "new Lead", "contact": "new Contact", "person account": "new Person Account"}[kind]
    expected = {}
    for position, (name, comparison) in enumerate(COMPARISONS.items()):
        phone = {"area": "416", "line": f"{position:04}", "phone": f"+1 416 555 {position:04}"}
        record = {"Phone": phone["phone"], **filled(comparison.record, phone)}
        if "MobilePhone" in record:
            record[MOBILE.get(kind, "MobilePhone")] = record.pop("MobilePhone")
        cases.seed(name, kind, label="found", **record)
        cases.client(name, **{"phone": phone["phone"], **filled(comparison.client, phone)})
        is_found = comparison.found_by[ALGORITHMS.index(algorithm)] == "1"
        expected[name] = "found" if is_found else new
    world.sync()
    assert cases.outcomes() == expected
    assert cases.created() == expected_creations(expected)


def filled(values: dict[str, Any], phone: dict[str, str]) -> dict[str, Any]:
    return {name: value.format(**phone) if value else value for name, value in values.items()}


@pytest.mark.rule("M2")
@pytest.mark.parametrize("algorithm", ALGORITHMS[2:])
def test_the_first_step_that_finds_anybody_decides(world: World, algorithm: MatchingAlgorithm) -> None:
    world.set(matching_algorithm=algorithm)
    cases = Cases(world)
    cases.seed("two records", "lead", label="by phone", Email="else@example.com", Phone="+14165550100")
    cases.seed("two records", "lead", label="by name and e-mail", Phone="+14165550199")
    cases.client("two records", phone="+1 416 555 0100")
    cases.seed("Contact in the second step", "lead", label="first step", Phone="+14165550101", Email=None)
    cases.seed("Contact in the second step", "contact", label="second step")
    cases.client("Contact in the second step", phone="+1 416 555 0101")
    world.sync()
    is_phone_first = algorithm is MatchingAlgorithm.PHONE_THEN_NAME_AND_EMAIL
    assert cases.outcomes() == {
        "two records": "by phone" if is_phone_first else "by name and e-mail",
        "Contact in the second step": "first step" if is_phone_first else "second step",
    }
