"""Who owns new Leads where an assignment rule decides: the same by REST and by Bulk (rule M11)."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError
from include.pipeline.assignment_rules import assignment_rule
from include.pipeline.load_people import load_people
from include.settings.model import EntityType, NewRecordOwner, Settings
from tests.pipeline.staged import Staged
from tests.pipeline.world import World

BOTH_APIS = pytest.mark.parametrize("api", ["rest", "bulk"])
BY_RULE = {"new_record_owner": "assignment_rule"}


def set_up(world: World, *, is_active: bool = True) -> str:
    """An assignment rule that gives every Lead to a User of its own; return that User's Id."""
    west = world.user("west@example.com")
    (user,) = world.org.records("User", Id=west)
    entry = {"conditions": [{"field": "LastName", "operator": "is_not_blank"}], "owner": user["Username"]}
    rule = {"name": "Everybody to west", "active": is_active, "entries": [entry]}
    world.org.control("PUT", "setup", {"assignment_rules": [rule]})
    return west


def owners(world: World, sobject: str = "Lead") -> set[str]:
    return {row["OwnerId"] for row in world.org.records(sobject)}


def integration_user(world: World) -> str:
    return str(world.wiring().salesforce.user_id)


@pytest.mark.rule("M11")
@BOTH_APIS
def test_the_active_rule_gives_new_leads_their_owner(world: World, api: str) -> None:
    west = set_up(world)
    world.set(load_api=api, **BY_RULE)
    staged = Staged(world)
    staged.new(1)
    staged.new(2)
    staged.load()
    assert owners(world) == {west}


@pytest.mark.rule("M11")
@BOTH_APIS
@pytest.mark.parametrize("policy", ["default_owner", "booking_staff"])
def test_no_rule_runs_under_another_setting(world: World, api: str, policy: str) -> None:
    set_up(world)
    world.set(load_api=api, new_record_owner=policy)
    staged = Staged(world)
    staged.new(1)
    staged.new(2, OwnerId=world.owner_id)
    staged.load()
    assert owners(world) == {integration_user(world), world.owner_id}


@pytest.mark.rule("M11")
@pytest.mark.rule("M5")
@BOTH_APIS
def test_an_update_moves_no_lead_to_another_owner(world: World, api: str) -> None:
    set_up(world)
    world.set(load_api=api, **BY_RULE)
    (lead,) = world.org.seed("Lead", {"LastName": "Lee", "Company": "Acme", "OwnerId": world.owner_id})
    staged = Staged(world)
    staged.found(1, lead, City="Toronto")
    staged.load()
    (record,) = world.org.records("Lead")
    assert (record["City"], record["OwnerId"]) == ("Toronto", world.owner_id)


@pytest.mark.rule("M11")
@pytest.mark.rule("M14")
def test_the_rule_also_runs_for_rows_that_a_duplicate_rule_sends_another_way(world: World) -> None:
    west = set_up(world)
    setup: dict[str, Any] = world.org.control("GET", "setup")
    matching = {"name": "Same_Email_Match", "sobject": "Lead", "fields": {"Email": "Email"}}
    duplicates = {"name": "Same_Email", "sobject": "Lead", "matching_rules": [matching]}
    world.org.control("PUT", "setup", {**setup, "duplicate_rules": [duplicates]})
    (known,) = world.org.seed(
        "Lead",
        {"LastName": "Lee", "Company": "Acme", "Email": "ann1@example.com", "OwnerId": world.owner_id},
    )
    world.set(load_api="bulk", **BY_RULE)
    staged = Staged(world)
    staged.new(1)
    staged.load()
    assert {row["OwnerId"] for row in world.org.records("Lead") if row["Id"] != known} == {west}


@pytest.mark.rule("M11")
def test_contacts_have_no_assignment_rules_and_go_to_whom_their_row_names(world: World) -> None:
    set_up(world)
    world.set(entity_type="contact", **BY_RULE)
    staged = Staged(world, "Contact")
    staged.new(1)
    staged.new(2, OwnerId=world.owner_id)
    staged.load()
    assert owners(world, "Contact") == {integration_user(world), world.owner_id}


@pytest.mark.rule("M11")
def test_without_an_active_rule_nothing_is_written_and_the_error_says_what_to_do(world: World) -> None:
    set_up(world, is_active=False)
    world.set(**BY_RULE)
    staged = Staged(world)
    staged.new(1)
    with pytest.raises(ConfigurationError, match="activate one, or set new_record_owner to default_owner"):
        load_people(staged.stage(), world.wiring())
    assert not world.org.records("Lead")


@pytest.mark.rule("M11")
@pytest.mark.parametrize("entity_type", [EntityType.CONTACT, EntityType.PERSON_ACCOUNT])
def test_no_rule_is_asked_for_where_no_leads_are_created(world: World, entity_type: EntityType) -> None:
    settings = Settings(entity_type=entity_type, new_record_owner=NewRecordOwner.ASSIGNMENT_RULE)
    gateway = world.wiring().salesforce
    world.org.forget_calls()
    assert assignment_rule(gateway, settings) is None
    assert not world.org.calls()
