"""Salesforce's own duplicate rules from the booking on: alerting and blocking, by REST and by Bulk (rule M14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipeline.cases import Cases, expected_creations
from tests.pipeline.world import World

NOT_COMPARED = {"FirstName": "A.", "LastName": "Registered"}
"""What keeps our own algorithm from finding a record that a rule finds by its e-mail."""

ALERT, BLOCK = "allow", "block"
FOUND = ("one", "two", "other kind")


def rule(sobject: str, found: str, *, field: str = "Email", reaction: str = ALERT) -> dict[str, Any]:
    """A rule that finds records of an sObject with the same value."""
    matching = {"name": f"Same_{field}_{found}_Match", "sobject": found, "fields": {field: field}}
    return {
        "name": f"{sobject}_{field}_Like_{found}",
        "sobject": sobject,
        "on_create": reaction,
        "matching_rules": [matching],
    }


RULES = [rule("Contact", found) for found in ("Contact", "Lead")] + [
    rule("Contact", found, field="Phone", reaction=BLOCK) for found in ("Contact", "Lead")
]
"""Rules that alert look at the e-mail, rules that block at the phone."""


def make(cases: Cases, reaction: str) -> None:
    """Add clients of whom a rule finds one Contact, two Contacts, or only a Lead."""
    for position, case in enumerate(FOUND):
        name = f"{reaction}: {case}"
        phone = f"416555{position:04}"
        is_alert = reaction == ALERT
        shared = {"Email": cases.person(name)["Email"]} if is_alert else {"Email": None, "Phone": phone}
        kind = "lead" if case == "other kind" else "contact"
        for _ in range(2 if case == "two" else 1):
            cases.seed(name, kind, label="found", **NOT_COMPARED, **shared)
        cases.client(name, phone=None if is_alert else phone)


def expected(policy: str) -> dict[str, str]:
    """Return where each case ends."""
    blocked = "blocked_by_duplicate_rule"
    alerted = "new Contact" if policy == "allow" else "duplicate_rule"
    outcomes = {f"{ALERT}: {case}": alerted for case in FOUND}
    outcomes |= {f"{BLOCK}: {case}": blocked for case in FOUND}
    if policy == "link":
        outcomes |= {f"{ALERT}: one": "found", f"{BLOCK}: one": "found"}
    return {**outcomes, "nobody": "new Contact"}


@pytest.mark.rule("M14")
@pytest.mark.parametrize("api", ["rest", "bulk"])
@pytest.mark.parametrize("policy", ["allow", "link", "hold"])
def test_whom_a_rule_finds_is_created_linked_held_or_quarantined(world: World, policy: str, api: str) -> None:
    world.set(entity_type="contact", duplicate_rules=policy, load_api=api)
    cases = Cases(world)
    for reaction in (ALERT, BLOCK):
        make(cases, reaction)
    cases.client("nobody")
    world.set_up_org(duplicate_rules=RULES)
    world.sync()
    outcomes = expected(policy)
    assert cases.outcomes() == outcomes
    assert cases.created() == expected_creations(outcomes)


@pytest.mark.rule("M14")
@pytest.mark.rule("Q2")
def test_who_was_kept_back_is_created_once_the_setting_or_the_rule_lets_it(world: World) -> None:
    world.set(duplicate_rules="hold")
    cases = Cases(world)
    cases.seed("one", "lead", **NOT_COMPARED)
    world.set_up_org(duplicate_rules=[rule("Lead", "Lead")])
    cases.client("one")
    assert world.sync()["held"] == 1
    assert world.sync()["read"] == 0
    world.set(duplicate_rules="allow")
    assert world.sync()["created"] == 1
    assert cases.outcomes() == {"one": "new Lead"}


@pytest.mark.rule("M1")
@pytest.mark.rule("M14")
def test_a_person_linked_by_a_rule_stays_linked(world: World) -> None:
    world.set(duplicate_rules="link")
    cases = Cases(world)
    cases.seed("one", "lead", **NOT_COMPARED)
    world.set_up_org(duplicate_rules=[rule("Lead", "Lead")])
    cases.client("one")
    world.sync()
    world.set_up_org()
    cases.book("one", offset=1000)
    world.sync()
    assert cases.outcomes() == {"one": "lead"}
    assert cases.created() == {}
    decision = world.ledger.latest_decision(str(cases.clients["one"]))
    assert decision is not None
    assert decision["evidence"] == "duplicate_rule", "that the link is kept is no news"
