"""Validation rules, as clients of the Tooling API find them."""

from __future__ import annotations

import pytest

from tests.local_org import Answer, LocalOrg

RULES = [
    {
        "name": "No_Weekends",
        "sobject": "Event",
        "message": "No.",
        "conditions": [{"field": "Location", "value": "x"}],
    },
    {
        "name": "Off",
        "sobject": "Event",
        "active": False,
        "message": "No.",
        "conditions": [{"field": "Location", "value": "y"}],
    },
    {
        "name": "Of_Leads",
        "sobject": "Lead",
        "message": "No.",
        "conditions": [{"field": "City", "value": "x"}],
    },
]


def ask(org: LocalOrg, query: str) -> Answer:
    return org.call("GET", "/tooling/query", params={"q": query})


def test_a_query_finds_the_rules_that_meet_all_its_conditions(org: LocalOrg) -> None:
    org.control("PUT", "setup", {"validation_rules": RULES})
    every = "SELECT ValidationName, Active FROM ValidationRule"

    page = ask(org, f"{every} WHERE Active = true AND EntityDefinition.QualifiedApiName = 'Event'").json()

    assert [(one["ValidationName"], one["Active"]) for one in page["records"]] == [("No_Weekends", True)]
    assert (page["totalSize"], page["done"]) == (1, True)
    assert ask(org, every).json()["totalSize"] == 3


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("SELECT Name FROM ApexClass", 501),
        ("SELECT ValidationName FROM ValidationRule WHERE Active != true", 501),
        ("SELECT EntityDefinition.DeveloperName FROM ValidationRule", 501),
        ("SELECT Colour FROM ValidationRule", 400),
        ("SELECT ValidationName FROM ValidationRule WHERE Colour = 'red'", 400),
        ("", 501),
    ],
)
def test_other_queries_are_refused(org: LocalOrg, query: str, status: int) -> None:
    assert ask(org, query).status_code == status
