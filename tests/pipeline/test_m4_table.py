"""The table of rule M4, row by row, in orgs with and without Person Accounts."""

from __future__ import annotations

import pytest

from tests.pipeline.cases import Cases, expected_creations
from tests.pipeline.world import World

NOBODY = "nobody"
BUSINESS = (NOBODY, "lead", "contact", "lead + contact")
PEOPLE = ("person account", "lead + person account", "contact + person account")
EVERYBODY = "lead + contact + person account"

TABLE: dict[str, dict[str, str]] = {
    "lead": {
        NOBODY: "new Lead",
        "lead": "lead",
        "contact": "contact",
        "lead + contact": "contact",
        "person account": "person account",
        "lead + person account": "person account",
        "contact + person account": "contact",  # both are Contacts: the older one
        EVERYBODY: "contact",
    },
    "contact": {
        NOBODY: "new Contact",
        "lead": "new Contact",
        "contact": "contact",
        "lead + contact": "contact",
        "person account": "person account",
        "lead + person account": "person account",
        "contact + person account": "contact",
        EVERYBODY: "contact",
    },
    "person_account": {
        NOBODY: "new Person Account",
        "lead": "new Person Account",
        "contact": "contact",
        "lead + contact": "contact",
        "person account": "person account",
        "lead + person account": "person account",
        "contact + person account": "person account",
        EVERYBODY: "person account",
    },
}


def make(cases: Cases, rows: tuple[str, ...]) -> None:
    """Seed the records of every row, business Contacts before Person Accounts, and add its client."""
    for kind in ("lead", "contact", "person account"):
        for row in rows:
            if kind in row.split(" + "):
                cases.seed(row, kind)
        cases.world.later()
    for row in rows:
        cases.client(row)


@pytest.mark.rule("M4")
@pytest.mark.parametrize("entity_type", TABLE)
def test_with_person_accounts_every_row_of_the_table_ends_in_its_record(
    world: World, entity_type: str
) -> None:
    world.set_up_org(person_accounts=True)
    world.set(entity_type=entity_type)
    cases = Cases(world)
    make(cases, (*BUSINESS, *PEOPLE, EVERYBODY))
    world.sync()
    assert cases.outcomes() == TABLE[entity_type]
    assert cases.created() == expected_creations(TABLE[entity_type])


@pytest.mark.rule("M4")
@pytest.mark.parametrize("entity_type", ["lead", "contact"])
def test_without_person_accounts_every_row_of_the_table_ends_in_its_record(
    world: World, entity_type: str
) -> None:
    world.set(entity_type=entity_type)
    cases = Cases(world)
    make(cases, BUSINESS)
    world.sync()
    expected = {row: TABLE[entity_type][row] for row in BUSINESS}
    assert cases.outcomes() == expected
    assert cases.created() == expected_creations(expected)


@pytest.mark.rule("M1")
@pytest.mark.rule("M4")
@pytest.mark.parametrize("entity_type", TABLE)
def test_stronger_evidence_beats_the_entity_type(world: World, entity_type: str) -> None:
    world.set_up_org(person_accounts=True)
    world.set(entity_type=entity_type)
    cases = Cases(world)
    expected = {}
    for kind in ("lead", "contact", "person account"):
        named = cases.seed(f"Coconut names a {kind}", kind, label=f"named {kind}", LastName="Else")
        cases.seed(f"Coconut names a {kind}", "contact", label="agreeing contact")
        cases.client(f"Coconut names a {kind}", salesforce_id=named[:15])
        expected[f"Coconut names a {kind}"] = f"named {kind}"
    for kind in ("lead", "contact", "person account"):
        name = f"an administrator chose a {kind}"
        chosen = cases.seed(name, kind, label=f"chosen {kind}", LastName="Else")
        number = cases.client(name, salesforce_id=cases.seed(name, "contact", label="named contact"))
        world.ledger.choose_person(str(number), chosen, who="ada", now=world.tick())
        expected[name] = f"chosen {kind}"
    name = "Coconut names a business Account"
    cases.client(name, salesforce_id=world.account("Acme"))
    cases.seed(name, "contact")
    expected[name] = "contact"
    world.sync()
    assert cases.outcomes() == expected
    assert cases.created() == {}
