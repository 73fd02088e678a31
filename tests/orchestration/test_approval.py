"""The human step outside Airflow's scheduler: who passes at once, and what silence comes to (rule Q10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.standard.exceptions import HITLTimeoutError

from include.errors import ApprovalRequired
from include.orchestration import approval
from include.orchestration.approval import GuardChanges
from include.pipeline.context import SyncRun, Wiring
from tests.pipeline.conftest import ledger_template, world
from tests.pipeline.world import World

__all__ = ["ledger_template", "world"]

pytestmark = pytest.mark.rule("Q10")


@pytest.fixture
def refused(world: World, monkeypatch: pytest.MonkeyPatch) -> SyncRun:
    """Return a run that waits for approval, and that the step belongs to."""
    world.set(create_guard_rows=1)
    world.booking(10, world.client(1))
    run = world.run()
    with pytest.raises(ApprovalRequired):
        world.sync(run_id=run.run_id)
    belong_to(world, run, monkeypatch)
    return run


def belong_to(world: World, run: SyncRun, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def stage_of(_selection: str) -> Iterator[tuple[SyncRun, Wiring]]:
        yield run, world.wiring()

    monkeypatch.setattr(approval, "stage_of", stage_of)


def step() -> GuardChanges:
    return GuardChanges(task_id="guard_changes", selection="appointments")


def answered(option: str) -> dict[str, Any]:
    who = {"id": "7", "name": "ada"}
    return {"chosen_options": [option], "responded_by_user": who, "responded_at": datetime.now(UTC)}


def state(world: World, run: SyncRun) -> str:
    runs = world.ledger.runs().set_index("run_id")
    return str(runs.loc[run.run_id, "state"])


def test_a_run_that_hits_no_guard_rail_passes_at_once_with_its_counts(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.booking(10, world.client(1))
    run = world.run()
    world.sync(run_id=run.run_id)
    belong_to(world, replace(run), monkeypatch)
    assert step().execute({}) == {
        "events_to_delete": 0,
        "events_to_create": 1,
        "people_to_create": 1,
        "known_events": 0,
        "guard_rails_hit": 0,
    }


def test_an_approval_tells_who_gave_it_and_lets_a_cleared_step_pass(world: World, refused: SyncRun) -> None:
    assert step().execute_complete({}, answered("Approve"))["approved_by"] == "ada"
    assert step().execute({})["approved_by"] == "ada"
    asked = world.ledger.approval(refused.run_id)
    assert asked is not None
    assert asked.answered_by == "ada"


def test_a_rejection_fails_the_run_and_keeps_who_rejected(world: World, refused: SyncRun) -> None:
    with pytest.raises(ApprovalRequired, match="was rejected"):
        step().execute_complete({}, answered("Reject"))
    asked = world.ledger.approval(refused.run_id)
    assert asked is not None
    assert (asked.is_approved, asked.answered_by, state(world, refused)) == (False, "ada", "failed")


def test_silence_fails_the_run_and_a_late_approval_still_counts(world: World, refused: SyncRun) -> None:
    with pytest.raises(HITLTimeoutError):
        step().execute_complete({}, {"error": "no answer", "error_type": "timeout"})
    assert state(world, refused) == "failed"
    assert world.ledger.answer_approval(refused.run_id, is_approved=True, who="ada", now=world.tick())
    assert step().execute({})["approved_by"] == "ada"


def test_what_is_asked_holds_counts_and_no_value_of_anybody(world: World, refused: SyncRun) -> None:
    from include.pipeline.guard_changes import guard_changes

    question = approval._question(refused.run_id, guard_changes(refused, world.wiring()))
    assert "| people to create | 1 |" in question
    assert refused.run_id in question
    assert "Lee" not in question
