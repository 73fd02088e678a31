"""The stages of a migration as functions, as the DAG's tasks call them, and the answers of its people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from include.legacy import Phase
from include.migration.carry_over import carry_over
from include.migration.cut_over import cut_over
from include.migration.first_sync import first_sync
from include.migration.inventory import inventory
from include.migration.inventory_again import inventory_again
from include.migration.legacy_off import STEP, record_legacy_off
from include.migration.preflight import preflight
from include.migration.verify import verify
from include.pipeline.context import Selection, SyncRun, Trigger, Wiring
from tests.pipeline.world import World

RUN: Final = "migration"
CHOICES: Final = {
    "entity_type": "lead",
    "matching_algorithm": "name_and_email",
    "relabel_legacy_events": "none",
    "stamp_legacy_events": "on_next_change",
}


def migration_run(world: World, *, run_id: str = RUN, **conf: Any) -> SyncRun:
    """Return the run of the DAG as one of its tasks knows it now."""
    return world.run(Selection.MIGRATION, run_id=run_id, trigger=Trigger.MANUAL, conf=conf)


def stage(
    world: World, function: Callable[[SyncRun, Wiring], dict[str, object]], **run: Any
) -> dict[str, Any]:
    """Run one stage with adapters of its own."""
    return dict(function(migration_run(world, **run), world.wiring()))


def review(world: World, **choices: str) -> None:
    """Answer the review."""
    world.ledger.choose_in_migration(RUN, {**CHOICES, **choices})
    world.ledger.advance_migration(RUN, Phase.REVIEWED, facts={})


def confirm_legacy_off(world: World) -> None:
    run = migration_run(world)
    held = world.ledger.held_migration(RUN)
    world.ledger.ask_in_migration(held.id, run_id=RUN, step=STEP, role="administrator", now=run.now)
    record_legacy_off(run, world.wiring(), {"answer": "It is off"}, "Ada", run.now)


def until_review(world: World, **choices: str) -> None:
    for one in (preflight, inventory, carry_over, verify):
        stage(world, one)
    review(world, **choices)


def until_cut_over(world: World, **choices: str) -> dict[str, Any]:
    """Go on to cut-over, and return its counts."""
    until_review(world, **choices)
    confirm_legacy_off(world)
    stage(world, inventory_again)
    return stage(world, cut_over)


def until_synced(world: World, **choices: str) -> dict[str, Any]:
    until_cut_over(world, **choices)
    return stage(world, first_sync)
