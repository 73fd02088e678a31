"""Several candidates: they collapse, and what is left follows the policy (rule M6)."""

from __future__ import annotations

import pytest

from tests.pipeline.cases import Cases, expected_creations
from tests.pipeline.world import World

POLICIES = ("oldest", "most_recently_modified", "hold")
HELD = "ambiguous_match"

RECORDS: dict[str, tuple[str, ...]] = {
    "one Lead": ("old lead",),
    "two Leads": ("old lead", "young lead"),
    "two Contacts": ("old contact", "young contact"),
    "two Leads and a Contact": ("old lead", "old contact", "young lead"),
    "a Lead and two Contacts": ("old lead", "old contact", "young contact"),
    "two Person Accounts": ("old person account", "young person account"),
    "a Contact and a younger Person Account": ("old contact", "young person account"),
    "a Person Account and a younger Contact": ("old person account", "young contact"),
    "two Leads and a Person Account": ("old lead", "young lead", "young person account"),
}

OLDEST_AND_NEWEST: dict[str, dict[str, tuple[str, str]]] = {
    "lead": {
        "one Lead": ("old lead", "old lead"),
        "two Leads": ("old lead", "young lead"),
        "two Contacts": ("old contact", "young contact"),
        "two Leads and a Contact": ("old contact", "old contact"),
        "a Lead and two Contacts": ("old contact", "young contact"),
        "two Person Accounts": ("old person account", "young person account"),
        "a Contact and a younger Person Account": ("old contact", "young person account"),
        "a Person Account and a younger Contact": ("old person account", "young contact"),
        "two Leads and a Person Account": ("young person account", "young person account"),
    },
    "contact": {
        "one Lead": ("new Contact", "new Contact"),
        "two Leads": ("new Contact", "new Contact"),
        "two Contacts": ("old contact", "young contact"),
        "two Leads and a Contact": ("old contact", "old contact"),
        "a Lead and two Contacts": ("old contact", "young contact"),
        "two Person Accounts": ("old person account", "young person account"),
        "a Contact and a younger Person Account": ("old contact", "young person account"),
        "a Person Account and a younger Contact": ("old person account", "young contact"),
        "two Leads and a Person Account": ("young person account", "young person account"),
    },
    "person_account": {
        "one Lead": ("new Person Account", "new Person Account"),
        "two Leads": ("new Person Account", "new Person Account"),
        "two Contacts": ("old contact", "young contact"),
        "two Leads and a Contact": ("old contact", "old contact"),
        "a Lead and two Contacts": ("old contact", "young contact"),
        "two Person Accounts": ("old person account", "young person account"),
        "a Contact and a younger Person Account": ("young person account", "young person account"),
        "a Person Account and a younger Contact": ("old person account", "old person account"),
        "two Leads and a Person Account": ("young person account", "young person account"),
    },
}
"""What the policies ``oldest`` and ``most_recently_modified`` take; where they differ, ``hold`` holds."""


def make(cases: Cases) -> None:
    for age in ("old", "young"):
        for name, records in RECORDS.items():
            for label in records:
                if label.startswith(age):
                    cases.seed(name, label.removeprefix(age).strip(), label=label)
        cases.world.later()
    for name in RECORDS:
        cases.client(name)


def expected(entity_type: str, policy: str) -> dict[str, str]:
    found = OLDEST_AND_NEWEST[entity_type]
    if policy == "hold":
        return {name: old if old == young else HELD for name, (old, young) in found.items()}
    return {name: records[POLICIES.index(policy)] for name, records in found.items()}


@pytest.mark.rule("M6")
@pytest.mark.parametrize(
    ("entity_type", "policy"),
    [
        ("lead", "oldest"),
        ("lead", "most_recently_modified"),
        ("lead", "hold"),
        ("contact", "most_recently_modified"),
        ("person_account", "oldest"),
        ("person_account", "hold"),
    ],
)
def test_of_several_records_of_the_preferred_kind_the_policy_takes_one(
    world: World, entity_type: str, policy: str
) -> None:
    world.set_up_org(person_accounts=True)
    world.set(entity_type=entity_type, ambiguous_match=policy)
    cases = Cases(world)
    make(cases)
    counts = world.sync()
    outcomes = expected(entity_type, policy)
    assert cases.outcomes() == outcomes
    assert cases.created() == expected_creations(outcomes)
    assert counts["held"] == list(outcomes.values()).count(HELD)


@pytest.mark.rule("M6")
@pytest.mark.rule("M7")
@pytest.mark.parametrize("entity_type", ["lead", "person_account"])
def test_records_that_are_one_by_now_are_not_several(world: World, entity_type: str) -> None:
    world.set_up_org(person_accounts=True)
    world.set(entity_type=entity_type, ambiguous_match="hold")
    cases = Cases(world)
    lead = cases.seed("a Lead and the Contact it became", "lead")
    cases.labels[world.convert(lead)] = "its Contact"
    cases.client("a Lead and the Contact it became")
    name = "two Leads that became one Contact"
    into = world.convert(cases.seed(name, "lead"))
    (made,) = world.org.records("Contact", Id=into)
    world.convert(cases.seed(name, "lead"), contact_id=into, account_id=made["AccountId"])
    cases.labels[into] = "the one Contact"
    cases.client(name)
    for kind, sobject in (("lead", "Lead"), ("contact", "Contact"), ("person account", "Account")):
        name = f"two records of the kind {kind}, merged"
        master, loser = cases.seed(name, kind, label="survivor"), cases.seed(name, kind)
        world.merge(sobject, master, loser)
        cases.client(name)
    world.sync()
    of_leads = "survivor" if entity_type == "lead" else "new Person Account"
    assert cases.outcomes() == {
        "a Lead and the Contact it became": "its Contact",
        "two Leads that became one Contact": "the one Contact",
        "two records of the kind lead, merged": of_leads,
        "two records of the kind contact, merged": "survivor",
        "two records of the kind person account, merged": "survivor",
    }


@pytest.mark.rule("M6")
@pytest.mark.rule("Q2")
def test_who_was_held_goes_on_once_a_person_chose(world: World) -> None:
    world.set_up_org(person_accounts=True)
    world.set(entity_type="person_account", ambiguous_match="hold")
    cases = Cases(world)
    chosen = cases.seed("chosen", "person account", label="chosen")
    cases.seed("chosen", "person account", label="not chosen")
    number = cases.client("chosen")
    assert world.sync()["held"] == 1
    world.ledger.choose_person(str(number), chosen, who="ada", now=world.tick())
    assert world.sync()["created"] == 1
    assert cases.outcomes() == {"chosen": "chosen"}
