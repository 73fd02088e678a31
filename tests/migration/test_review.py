"""The carry-over report and the choices (rule G6)."""

from __future__ import annotations

import json

import pytest

from include.errors import ConfigurationError, MigrationTakenOver
from include.legacy import ATTENTION, ItemKind, Phase
from include.migration.choices import Choices
from include.migration.preflight import preflight
from include.migration.review import record_review, review_question
from tests.migration.legacy_world import LegacyWorld
from tests.migration.test_until_review import migration_run, verified

pytestmark = pytest.mark.rule("G6")

INTEGRATION_USER = "integration@local-org.example"
ANSWER = {"answer": "Approve", "entity_type": "contact", "relabel_legacy_events": "all"}


def test_the_report_counts_every_kind_and_explains_every_reason(legacy: LegacyWorld) -> None:
    body = review_question(verified(legacy), legacy.wiring()).body_markdown
    for kind, title in ((ItemKind.EVENT_LINK, "event links"), (ItemKind.STAFF_LINK, "staff links")):
        faulty = legacy.plan.expected(kind)
        total = len(legacy.plan.links) if kind is ItemKind.EVENT_LINK else legacy.plan.sizes.staff
        assert f"| {title} | {total} | {total - len(faulty)} | {len(faulty)} |" in body
    for why in legacy.plan.attention.values():
        assert f"`{why}`" in body
        assert ATTENTION[why].text in body


@pytest.mark.rule("Q11")
def test_the_report_holds_no_value_of_a_person(legacy: LegacyWorld) -> None:
    body = review_question(verified(legacy), legacy.wiring()).body_markdown
    for row in legacy.plan.clients[:10]:
        assert row["email"] not in body
        assert row["last_name"] not in body


def test_the_form_is_json_and_offers_what_was_chosen_before(legacy: LegacyWorld) -> None:
    run = verified(legacy)
    record_review(run, legacy.wiring(), ANSWER, "Pat", run.now)
    form = review_question(run, legacy.wiring()).params
    assert json.loads(json.dumps(form)) == form
    assert {name: field["default"] for name, field in form.items()} == {
        "entity_type": "contact",
        "matching_algorithm": "name_and_email",
        "relabel_legacy_events": "all",
        "stamp_legacy_events": "on_next_change",
    }
    assert all(field["default"] in field["enum"] for field in form.values())


def test_choices_are_kept_for_the_cut_over_and_no_setting_changes_before_it(legacy: LegacyWorld) -> None:
    run = verified(legacy)
    chosen = record_review(run, legacy.wiring(), ANSWER, "Pat", run.now)
    migration = legacy.ledger.held_migration(run.run_id)
    assert Choices.model_validate(migration.choices) == chosen
    assert migration.phase is Phase.REVIEWED
    assert migration.facts[Phase.REVIEWED.value]["reviewed_by"] == "Pat"
    assert legacy.ledger.current_settings().version == 0


def test_an_entity_type_that_the_org_does_not_take_is_refused_with_the_reasons(legacy: LegacyWorld) -> None:
    run = verified(legacy)
    legacy.set_up_org(users={INTEGRATION_USER: {"objects": {"Contact": ["read"]}}})
    with pytest.raises(ConfigurationError, match="may not create records of Contact"):
        record_review(run, legacy.wiring(), ANSWER, "Pat", run.now)
    assert legacy.ledger.held_migration(run.run_id).phase is Phase.VERIFIED
    record_review(run, legacy.wiring(), {"entity_type": "lead"}, "Pat", run.now)


@pytest.mark.rule("G10")
def test_who_lost_the_lease_is_asked_nothing_and_records_nothing(legacy: LegacyWorld) -> None:
    run = verified(legacy)
    preflight(migration_run(legacy, "migration-2", conf={"take_over": True}), legacy.wiring())
    with pytest.raises(MigrationTakenOver):
        review_question(run, legacy.wiring())
    with pytest.raises(MigrationTakenOver):
        record_review(run, legacy.wiring(), ANSWER, "Pat", run.now)
