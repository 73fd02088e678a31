"""A whole migration as functions: every task of the DAG in order, with the answers of its people given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from include.legacy import Phase
from include.migration.activation import check_activation
from include.migration.authorise import authorise
from include.migration.carry_over import carry_over
from include.migration.cut_over import cut_over
from include.migration.finalise import finalise
from include.migration.first_sync import first_sync
from include.migration.inventory import inventory
from include.migration.inventory_again import inventory_again
from include.migration.label_events import label_events
from include.migration.legacy_off import STEP, record_legacy_off
from include.migration.parity import prove_parity
from include.migration.preflight import preflight
from include.migration.review import record_review, review_question
from include.migration.roll_back import roll_back
from include.migration.verify import verify
from include.pipeline.context import Selection, SyncRun, Trigger, Wiring
from tests.migration.legacy_world import LegacyWorld

Counts = Mapping[str, object]
Stage = Callable[[SyncRun, Wiring], Counts]

DAG: Final = "migrate_legacy_integration"
WHO: Final = "administrator"


def review(run: SyncRun, wiring: Wiring) -> Counts:
    """Answer the review with what the run's configuration says, else with what the form offers first."""
    asked = {name: field["default"] for name, field in review_question(run, wiring).params.items()}
    chosen = {name: run.conf.get(name, value) for name, value in asked.items()}
    record_review(run, wiring, {"answer": "Approve", **chosen}, WHO, run.now)
    return {}


def confirm_legacy_off(run: SyncRun, wiring: Wiring) -> Counts:
    """Ask whether the legacy writer is off, and confirm it."""
    held = wiring.ledger.held_migration(run.run_id)
    wiring.ledger.ask_in_migration(held.id, run_id=run.run_id, step=STEP, role=WHO, now=run.now)
    record_legacy_off(run, wiring, {"answer": "It is off"}, WHO, run.now)
    return {}


BEFORE_CUT_OVER: Final[Mapping[str, Stage]] = {
    "preflight": preflight,
    "inventory": inventory,
    "authorise": authorise,
    "check_activation": check_activation,
    "carry_over": carry_over,
    "verify": verify,
    "review": review,
    "confirm_legacy_off": confirm_legacy_off,
    "inventory_again": inventory_again,
}
FORWARD: Final[Mapping[str, Stage]] = {
    **BEFORE_CUT_OVER,
    "cut_over": cut_over,
    "first_sync": first_sync,
    "label_events": label_events,
    "prove_parity": prove_parity,
}
STAGES: Final[Mapping[str, Stage]] = {**FORWARD, "finalise": finalise, "roll_back": roll_back}


@dataclass
class Migration:
    """One run of the migration's DAG in a world.

    ``conf`` holds the request, and what the review is to be answered with; ``counts`` are the results of its tasks.
    """

    world: LegacyWorld
    run_id: str = "migration"
    conf: Mapping[str, Any] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)

    def run(self) -> SyncRun:
        """Return the run as its next task knows it."""
        return SyncRun(
            self.run_id,
            DAG,
            Selection.MIGRATION,
            Trigger.MANUAL,
            dry_run=False,
            now=self.world.tick(),
            conf=dict(self.conf),
        )

    def do(self, stage: str) -> Counts:
        """Run one stage with adapters of its own, as a task does."""
        wiring = self.world.wiring()
        try:
            self.counts[stage] = STAGES[stage](self.run(), wiring)
        finally:
            wiring.close()
        return self.counts[stage]

    def go(self, *, since: str = "preflight", until: str = "prove_parity") -> dict[str, Counts]:
        """Run the stages from one to another, both included."""
        for stage in stages_between(since, until):
            self.do(stage)
        return self.counts

    def finalise(self) -> Counts:
        """Let the administrator turn the flag off, and close the migration."""
        self.world.offer_upgrade(is_on=False)
        return self.do("finalise")

    @property
    def phase(self) -> Phase:
        newest = self.world.ledger.newest_migration()
        assert newest is not None
        return newest.phase


def stages_between(first: str, last: str) -> tuple[str, ...]:
    """Return the names of the stages from one to another, both included."""
    names = list(FORWARD)
    return tuple(names[names.index(first) : names.index(last) + 1])


def prefixes() -> Iterator[tuple[str, ...]]:
    """Yield the stages before cut-over, one more each time."""
    names = tuple(BEFORE_CUT_OVER)
    yield from (names[: number + 1] for number in range(len(names)))


def roll_back_from(world: LegacyWorld, run_id: str = "rollback", **conf: Any) -> Counts:
    """Go back by a run of its own, as an administrator starts it beside the one that waits."""
    return Migration(world, run_id, {"rollback": True, **conf}).do("roll_back")
