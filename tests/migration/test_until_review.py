"""From preflight to review: everything is noted, judged and reported, and nothing is touched."""

from __future__ import annotations

from typing import Any

import pytest

from include.legacy import ItemKind, Phase
from include.migration.activation import check_activation
from include.migration.authorise import authorise
from include.migration.carry_over import carry_over
from include.migration.holdings import kept_holdings
from include.migration.inventory import inventory
from include.migration.preflight import preflight
from include.migration.review import record_review, review_question
from include.migration.verify import verify
from include.pipeline.context import Selection, SyncRun, Trigger
from tests.migration.legacy_world import LegacyWorld

STAGES = (preflight, inventory, authorise, check_activation, carry_over, verify)


def migration_run(world: LegacyWorld, run_id: str = "migration-1", **changes: Any) -> SyncRun:
    values: dict[str, Any] = {
        "run_id": run_id,
        "dag_id": "migrate_legacy_integration",
        "selection": Selection.MIGRATION,
        "trigger": Trigger.MANUAL,
        "dry_run": False,
        "now": world.tick(),
    }
    return SyncRun(**{**values, **changes})


def verified(world: LegacyWorld, **changes: Any) -> SyncRun:
    run = migration_run(world, **changes)
    for stage in STAGES:
        stage(run, world.wiring())
    return run


@pytest.mark.rule("G5")
def test_every_item_is_carried_or_needs_attention_for_the_reason_that_is_true(legacy: LegacyWorld) -> None:
    run = verified(legacy)

    migration = legacy.ledger.held_migration(run.run_id)
    for kind, items in kept_holdings(legacy.ledger, migration.id).items.items():
        reasons = items.set_index("item_key")["reason"]
        assert reasons.dropna().to_dict() == legacy.plan.expected(kind), kind
        assert len(items) > len(reasons.dropna())
    assert migration.phase is Phase.VERIFIED
    assert ItemKind.EVENT_LINK.value in migration.facts["verified"]["carried"]
