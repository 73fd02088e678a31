"""The connection is tried whole, and all that it lacks is told together (rules G3, G4)."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError
from include.migration.activation import check_activation
from include.migration.authorise import authorise
from include.migration.inventory import inventory
from include.migration.preflight import preflight
from include.migration.review import review_question
from include.pipeline.context import SyncRun
from tests.migration.legacy_world import LegacyWorld
from tests.migration.test_until_review import migration_run

pytestmark = pytest.mark.rule("G3")

INTEGRATION_USER = "integration@local-org.example"
PROBE = {"probe_event": True}
RULE = {"message": "No.", "conditions": [{"field": "Location", "value": "nowhere"}]}


def begun(world: LegacyWorld, **conf: Any) -> SyncRun:
    run = migration_run(world, conf=conf)
    preflight(run, world.wiring())
    return run


def problems(world: LegacyWorld, run: SyncRun) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        authorise(run, world.wiring())
    return refused.value.problems


def all_events(world: LegacyWorld) -> set[str]:
    """Return every Event the org knows, those in the recycle bin too."""
    return {row["Id"] for row in world.org.control("GET", "records/Event?include_deleted=true")}


def limit(world: LegacyWorld, *, sharing: str = "controlled_by_parent", **rights: Any) -> None:
    document = {"users": {INTEGRATION_USER: rights}} if rights else {}
    world.set_up_org(**document, **({"activity_sharing": sharing} if sharing == "private" else {}))


def test_fields_rights_objects_and_the_probe_are_all_told_at_once(legacy: LegacyWorld) -> None:
    run = begun(legacy, **PROBE)
    limit(
        legacy,
        sharing="private",
        permissions=["ApiEnabled"],
        objects={"Lead": ["read"], "Account": []},
        fields={"Event": {"Coconut_Booking_Key__c": "hidden", "Description": "read"}},
    )
    told = problems(legacy, run)
    for named in (
        "create records of Lead",
        "Account",
        "Coconut_Booking_Key__c",
        "Event.Description",
        "another user owns",
    ):
        assert any(named in problem for problem in told), (named, told)


def test_without_access_to_the_api_it_says_so(legacy: LegacyWorld) -> None:
    run = begun(legacy)
    limit(legacy, permissions=[])
    assert any("API_DISABLED_FOR_ORG" in problem for problem in problems(legacy, run))


def test_events_of_others_that_may_not_be_changed_are_seen_by_a_probe_that_leaves_nothing(
    legacy: LegacyWorld,
) -> None:
    run = begun(legacy, **PROBE)
    limit(legacy, sharing="private", permissions=["ApiEnabled", "ViewAllData"])
    before = all_events(legacy)
    (told,) = problems(legacy, run)
    assert "cannot change an Event that another user owns (INSUFFICIENT_ACCESS_OR_READONLY)" in told
    assert all_events(legacy) == before


def test_a_probe_that_succeeds_leaves_nothing_either(legacy: LegacyWorld) -> None:
    run = begun(legacy, **PROBE)
    before = all_events(legacy)
    assert authorise(run, legacy.wiring())["is_probed"] is True
    assert all_events(legacy) == before


def test_no_event_is_tried_unless_the_administrator_allows_it(legacy: LegacyWorld) -> None:
    run = begun(legacy)
    limit(legacy, sharing="private", permissions=["ApiEnabled", "ViewAllData"])
    assert authorise(run, legacy.wiring())["is_probed"] is False


@pytest.mark.rule("G4")
def test_what_only_enabling_brings_is_left_to_the_activation(legacy: LegacyWorld) -> None:
    run = begun(legacy)
    limit(
        legacy, fields={"Event": {"Coconut_Kind__c": "hidden"}, "Lead": {"Coconut_Client_Key__c": "hidden"}}
    )
    assert authorise(run, legacy.wiring())["to_enable"] == 2
    with pytest.raises(ConfigurationError) as refused:
        check_activation(run, legacy.wiring())
    assert {problem.partition(" ")[0] for problem in refused.value.problems} == {
        "Event.Coconut_Kind__c",
        "Lead.Coconut_Client_Key__c",
    }
    limit(legacy)
    assert check_activation(run, legacy.wiring()) == {"missing": 0}


@pytest.mark.rule("G6")
def test_the_review_names_rules_of_the_org_and_what_the_org_does_not_tell(legacy: LegacyWorld) -> None:
    run = begun(legacy)
    duplicates = [
        {
            "name": "Strict_Leads",
            "sobject": "Lead",
            "matching_rules": [{"name": "M", "sobject": "Lead", "fields": {"Email": "Email"}}],
        }
    ]
    rules = [
        {"name": "No_Nowhere", "sobject": "Event", **RULE},
        {
            "name": "Of_Leads",
            "sobject": "Lead",
            "message": "No.",
            "conditions": [{"field": "City", "value": "x"}],
        },
    ]
    legacy.set_up_org(duplicate_rules=duplicates, validation_rules=rules)
    inventory(run, legacy.wiring())
    authorise(run, legacy.wiring())
    body = review_question(run, legacy.wiring()).body_markdown
    assert "- duplicate rules: `Lead.Strict_Leads`" in body
    assert "- validation rules on Event: `No_Nowhere`\n" in body + "\n"
    assert "Of_Leads" not in body
    assert "- flows on Event: the org does not let the integration user see them" in body


@pytest.mark.rule("G10")
def test_authorising_again_leaves_the_same(legacy: LegacyWorld) -> None:
    run = begun(legacy)
    authorise(run, legacy.wiring())
    once = legacy.ledger.newest_migration()
    authorise(run, legacy.wiring())
    assert legacy.ledger.newest_migration() == once
