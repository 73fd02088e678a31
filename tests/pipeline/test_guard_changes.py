"""A run that would delete or create more than the settings let pass waits, whoever runs its stages (rule Q10)."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ApprovalRequired, ConfigurationError
from include.pipeline.context import Selection, SyncRun
from include.pipeline.guard_changes import approve_changes, guard_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.settle_run import settle_run
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("Q10")


def refused_run(world: World, **changes: Any) -> SyncRun:
    """Sync, and return the run whose loading was refused."""
    run = world.run(**changes)
    with pytest.raises(ApprovalRequired) as refused:
        world.sync(run_id=run.run_id, selection=run.selection)
    assert run.run_id in str(refused.value)
    return run


def load(world: World, run: SyncRun) -> dict[str, object]:
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    return settle_run(run, world.wiring())


def book(world: World, number: int) -> None:
    for booking_id in range(1, number + 1):
        world.booking(booking_id, world.client(booking_id))


def test_creations_above_the_number_wait_with_nothing_written_until_somebody_approves(world: World) -> None:
    world.set(create_guard_rows=3)
    book(world, 2)
    run = refused_run(world)
    assert world.written() == {}
    assert world.ledger.watermark(Selection.APPOINTMENTS) is None

    approved = approve_changes(world.ledger, run.run_id, who="ada", now=world.tick())
    assert approved == {"people_to_create": 2, "events_to_create": 2, "events_to_delete": 0}
    assert load(world, run)["created"] == 2
    asked = world.ledger.approval(run.run_id)
    assert asked is not None
    assert (asked.is_approved, asked.answered_by, asked.answered_at) == (True, "ada", world.now)


def test_the_next_run_asks_again(world: World) -> None:
    world.set(create_guard_rows=1)
    book(world, 1)
    first, second = refused_run(world), refused_run(world)
    assert [one.run_id for one in world.ledger.open_approvals()] == [first.run_id, second.run_id]
    world.set(create_guard_rows=2)
    assert world.sync()["created"] == 1


def test_an_approval_is_for_the_counts_that_were_shown(world: World) -> None:
    world.set(create_guard_rows=1)
    book(world, 1)
    run = refused_run(world)
    approve_changes(world.ledger, run.run_id, who="ada", now=world.tick())
    world.booking(7, world.client(7))
    with pytest.raises(ApprovalRequired):
        world.sync(run_id=run.run_id)
    assert [one.planned["events_to_create"] for one in world.ledger.open_approvals()] == [2]


def test_many_deletions_wait_and_a_run_that_is_under_way_is_not_stopped_by_its_own(world: World) -> None:
    book(world, 60)
    world.sync()
    for booking_id in range(1, 51):
        world.edit(booking_id, deleted_at=world.now)
    run = refused_run(world)
    assert len(world.events()) == 60

    approve_changes(world.ledger, run.run_id, who="ada", now=world.tick())
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    assert len(world.events()) == 10
    # Every deletion lowers the number of known Events; what was approved stays approved.
    assert load(world, run)["deleted"] == 50


def test_an_ordinary_run_asks_nobody(world: World) -> None:
    book(world, 2)
    world.sync()
    assert world.ledger.open_approvals() == []


def test_a_dry_run_of_a_guarded_sync_ends_with_its_plan(world: World) -> None:
    world.set(create_guard_rows=1)
    book(world, 2)
    assert world.sync(dry_run=True)["people_to_create"] == 2
    assert world.ledger.open_approvals() == []


def test_who_asks_a_second_time_is_not_asked_twice_about_the_same(world: World) -> None:
    world.set(create_guard_rows=1)
    book(world, 1)
    run = refused_run(world)
    assert guard_changes(run, world.wiring()).is_waiting
    assert len(world.ledger.open_approvals()) == 1


def test_what_was_rejected_is_asked_about_afresh_and_both_questions_are_kept(world: World) -> None:
    world.set(create_guard_rows=1)
    book(world, 1)
    run = refused_run(world)
    assert world.ledger.answer_approval(run.run_id, is_approved=False, who="ben", now=world.tick())
    with pytest.raises(ConfigurationError, match="does not wait for approval; runs that do: none"):
        approve_changes(world.ledger, run.run_id, who="ada", now=world.tick())
    assert guard_changes(run, world.wiring()).is_waiting
    approve_changes(world.ledger, run.run_id, who="ada", now=world.tick())
    assert guard_changes(run, world.wiring()).approved_by == "ada"


def test_a_run_that_nobody_asked_about_cannot_be_approved(world: World) -> None:
    with pytest.raises(ConfigurationError, match="does not wait for approval"):
        approve_changes(world.ledger, "sync_appointments__1", who="ada", now=world.now)
