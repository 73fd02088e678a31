"""Person Accounts are not self-serve: an administrator's extra step comes before anybody can choose them (rule G7)."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError
from include.migration.person_accounts import complete_person_accounts
from include.migration.review import record_review, review_question
from include.settings.model import EntityType
from tests.migration.legacy_world import LegacyWorld
from tests.migration.test_until_review import migration_run, verified

pytestmark = pytest.mark.rule("G7")

INTEGRATION_USER = "integration@local-org.example"
RECORD_TYPE = {
    "sobject": "Account",
    "developer_name": "Client",
    "name": "Client",
    "person": True,
    "default": True,
}
CHOSEN = {"answer": "Approve", "entity_type": "person_account"}


def with_person_accounts(world: LegacyWorld, **document: Any) -> str:
    """Switch Person Accounts on and return the Id of their record type."""
    world.set_up_org(person_accounts=True, record_types=[RECORD_TYPE], **document)
    (found,) = world.org.query("SELECT Id FROM RecordType WHERE DeveloperName = 'Client'")
    return str(found["Id"])


def intend(world: LegacyWorld) -> None:
    world.change("legacy_settings", {"name": "use_person_accounts"}, value="true")


def accounts(world: LegacyWorld) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = world.org.control("GET", "records/Account?include_deleted=true")
    return records


def complete(world: LegacyWorld, **conf: Any) -> dict[str, object]:
    run = migration_run(world, "extra-step", conf={"person_accounts": True, **conf})
    return complete_person_accounts(run, world.wiring())


def test_an_organisation_that_intended_them_goes_on_with_leads_and_is_told(legacy: LegacyWorld) -> None:
    intend(legacy)
    with_person_accounts(legacy)
    asked = review_question(verified(legacy), legacy.wiring())
    assert "Person Accounts were intended" in asked.body_markdown
    assert asked.params["entity_type"]["enum"] == ["lead", "contact"]
    assert asked.params["entity_type"]["default"] == "lead"


def test_who_chooses_them_all_the_same_is_refused(legacy: LegacyWorld) -> None:
    with_person_accounts(legacy)
    run = verified(legacy)
    with pytest.raises(ConfigurationError, match="completed their extra step"):
        record_review(run, legacy.wiring(), CHOSEN, "Pat", run.now)
    assert legacy.ledger.held_migration(run.run_id).choices == {}


def test_after_the_step_they_are_offered_beside_a_run_that_waits_and_its_record_type_is_chosen_with_them(
    legacy: LegacyWorld,
) -> None:
    intend(legacy)
    record_type = with_person_accounts(legacy)
    run = verified(legacy)
    before = accounts(legacy)

    assert complete(legacy, record_type=record_type) == {"record_type": record_type}

    assert accounts(legacy) == before
    assert legacy.ledger.held_migration(run.run_id).lease_run_id == run.run_id
    asked = review_question(run, legacy.wiring())
    assert asked.params["entity_type"]["enum"] == ["lead", "contact", "person_account"]
    assert "tried with success" in asked.body_markdown
    chosen = record_review(run, legacy.wiring(), CHOSEN, "Pat", run.now)
    assert (chosen.entity_type, chosen.person_account_record_type) == (EntityType.PERSON_ACCOUNT, record_type)


def test_the_step_changes_no_setting_and_so_not_the_integration_in_force(legacy: LegacyWorld) -> None:
    with_person_accounts(legacy)
    complete(legacy)
    assert legacy.ledger.current_settings().version == 0


def test_without_person_accounts_or_with_a_wrong_record_type_the_step_says_so(legacy: LegacyWorld) -> None:
    with pytest.raises(ConfigurationError, match="this org has no Person Accounts"):
        complete(legacy)
    with_person_accounts(legacy)
    with pytest.raises(ConfigurationError, match="not the Id of an active record type"):
        complete(legacy, record_type="012000000000999AAA")


def test_all_that_is_missing_is_told_together(legacy: LegacyWorld) -> None:
    rights = {"objects": {"Account": ["read"]}, "fields": {"Account": {"Coconut_Client_Key__c": "hidden"}}}
    with_person_accounts(legacy, users={INTEGRATION_USER: rights})
    with pytest.raises(ConfigurationError) as refused:
        complete(legacy)
    told = refused.value.problems
    assert any("create records of Account" in problem for problem in told)
    assert any(problem.startswith("Account.Coconut_Client_Key__c") for problem in told)


def test_what_only_a_creation_shows_is_found_by_the_trial_which_leaves_nothing(legacy: LegacyWorld) -> None:
    rule = {
        "name": "Needs_City",
        "sobject": "Account",
        "message": "Say where.",
        "conditions": [{"field": "BillingCity", "operator": "is_blank"}],
    }
    with_person_accounts(legacy, validation_rules=[rule])
    before = accounts(legacy)
    with pytest.raises(ConfigurationError, match="FIELD_CUSTOM_VALIDATION_EXCEPTION"):
        complete(legacy)
    assert accounts(legacy) == before


def test_a_dry_run_of_the_step_offers_nothing(legacy: LegacyWorld) -> None:
    with_person_accounts(legacy)
    run = migration_run(legacy, "extra-step", conf={"person_accounts": True}, dry_run=True)
    complete_person_accounts(run, legacy.wiring())
    assert (
        "person_account"
        not in review_question(verified(legacy), legacy.wiring()).params["entity_type"]["enum"]
    )


def test_what_was_tried_in_another_org_counts_for_nothing(legacy: LegacyWorld) -> None:
    legacy.ledger.note_person_accounts("00D000000000999AAA", "", now=legacy.now)
    run = verified(legacy)
    assert "person_account" not in review_question(run, legacy.wiring()).params["entity_type"]["enum"]
