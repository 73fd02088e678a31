"""Who owns new people, whichever way the rows travel, from the booking to the org (rule M11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipeline.cases import Cases
from tests.pipeline.world import World

KINDS = {"lead": "Lead", "contact": "Contact", "person_account": "Account"}


@pytest.fixture
def users(world: World) -> dict[str, str]:
    """A default owner, a staff member's User, one who left, and whom the assignment rule names."""
    made = {name: world.user(f"{name}@example.com") for name in ("default", "banker", "assigned", "former")}
    (assigned,) = world.org.records("User", Id=made["assigned"])
    entry = {
        "conditions": [{"field": "LastName", "operator": "is_not_blank"}],
        "owner": assigned["Username"],
    }
    rule = {"name": "Everybody", "active": True, "entries": [entry]}
    world.set_up_org(person_accounts=True, assignment_rules=[rule])
    world.staff(1, "banker@example.com")
    world.staff(2, "former@example.com")
    world.org.change("User", Id=made["former"], IsActive=False)
    return made


OWNERS: dict[str, dict[str, str]] = {
    # setting: owner of the client booked with staff, with staff who left, and without staff
    "default_owner": {"staff": "default", "staff who left": "default", "no staff": "default"},
    "booking_staff": {"staff": "banker", "staff who left": "default", "no staff": "default"},
    "assignment_rule": {"staff": "assigned", "staff who left": "assigned", "no staff": "assigned"},
}


def owners(world: World, cases: Cases, entity_type: str) -> dict[str, str]:
    by_name = {row["LastName"]: row["OwnerId"] for row in world.org.records(KINDS[entity_type])}
    return {name: by_name[cases.person(name)["LastName"]] for name in cases.clients}


def book(cases: Cases, name: str, staff_id: int | None) -> None:
    number = cases.client(name)
    cases.world.edit(1000 + number, staff_id=staff_id)


@pytest.mark.rule("M11")
@pytest.mark.parametrize(
    ("entity_type", "policy", "api"),
    [
        *(("lead", policy, api) for policy in OWNERS for api in ("rest", "bulk")),
        ("contact", "booking_staff", "rest"),
        ("contact", "assignment_rule", "bulk"),
        ("person_account", "booking_staff", "bulk"),
    ],
)
def test_new_people_have_the_owner_that_the_setting_names(
    world: World, users: dict[str, str], entity_type: str, policy: str, api: str
) -> None:
    settings: dict[str, Any] = {
        "new_record_owner": policy,
        "load_api": api,
        "default_owner": users["default"],
    }
    world.set(entity_type=entity_type, **settings)
    cases = Cases(world)
    for name, staff_id in (("staff", 1), ("staff who left", 2), ("no staff", None)):
        book(cases, name, staff_id)
    world.sync()
    expected = OWNERS[policy]
    if entity_type != "lead" and policy == "assignment_rule":
        expected = OWNERS["default_owner"]
    assert owners(world, cases, entity_type) == {name: users[owner] for name, owner in expected.items()}


@pytest.mark.rule("M11")
def test_an_empty_default_owner_means_the_integration_user(world: World, users: dict[str, str]) -> None:
    world.set(new_record_owner="booking_staff", entity_type="contact")
    cases = Cases(world)
    book(cases, "staff", 1)
    book(cases, "no staff", None)
    world.sync()
    assert owners(world, cases, "contact") == {
        "staff": users["banker"],
        "no staff": world.wiring().salesforce.user_id,
    }
