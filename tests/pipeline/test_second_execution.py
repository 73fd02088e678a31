"""Tasks that are executed once more: while the first execution works, and after their run was settled (rule Q4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from include.errors import SkipRun
from include.pipeline.extract_changes import extract_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.settle_run import settle_run
from tests.pipeline.test_bulk_loading import BOOKINGS, checked, expect_everything_once, fault, fill
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("Q4")


def test_of_two_executions_at_once_the_second_waits_and_finds_the_work_done(world: World) -> None:
    fill(world)
    run = checked(world)
    load_people(run, world.wiring())
    world.org.forget_calls()
    fault(world, type="hang", kind="bulk_ingest_poll", seconds=1)
    results: list[dict[str, Any]] = []
    executions = [
        Thread(target=lambda wiring: results.append(load_events(run, wiring, 0)), args=[world.wiring()])
        for _ in range(2)
    ]
    for execution in executions:
        execution.start()
    for execution in executions:
        execution.join()
    assert [result["created"] for result in results] == [BOOKINGS, BOOKINGS]
    assert world.org.calls()["bulk_ingest_create"] == 1
    settle_run(run, world.wiring())
    expect_everything_once(world)


def settled(world: World) -> Any:
    """Return a run of two bookings that is settled; one of them waits for its client, who has no name."""
    world.booking(1, world.client(10))
    world.booking(2, world.client(11, first_name=None, last_name=None))
    run = checked(world)
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    return run, settle_run(run, world.wiring())


def test_a_load_task_of_a_settled_run_is_skipped_whatever_newer_runs_have_written(world: World) -> None:
    run, _ = settled(world)
    world.edit(1, notes="newer")
    world.sync()
    world.org.forget_calls()
    for stage in (load_people, lambda run, wiring: load_events(run, wiring, 0)):
        with pytest.raises(SkipRun, match="The run is settled"):
            stage(run, world.wiring())
    assert world.written() == {}
    assert "newer" in world.event("1-10")["Description"]


def test_a_run_that_is_settled_again_returns_what_it_returned_and_takes_nothing_back(world: World) -> None:
    run, counts = settled(world)
    world.change("clients", {"id": 11}, first_name="Zoë", last_name="Lee")
    world.sync()
    assert world.ledger.quarantine_rows().empty
    watermark = world.ledger.watermark("appointments")
    cleared = replace(
        run, now=world.tick() + timedelta(hours=1)
    )  # Airflow sets the clock of a cleared run anew
    assert settle_run(cleared, world.wiring()) == counts
    assert world.ledger.quarantine_rows().empty
    assert world.ledger.watermark("appointments") == watermark
    assert world.sync()["read"] == 0


def test_a_run_that_is_read_again_finds_what_is_new_and_writes_nothing_twice(world: World) -> None:
    run, counts = settled(world)
    again = replace(run, now=world.tick())
    assert extract_changes(again, world.wiring())["empty"]
    assert world.ledger.run_counts(run.run_id)["read"] == counts["read"]
    world.edit(1, notes="newer")
    assert world.sync()["updated"] == 1
    assert world.sync()["read"] == 0


def test_a_run_that_is_cleared_as_a_whole_loads_what_it_reads_afresh(world: World) -> None:
    run, _ = settled(world)
    world.edit(1, notes="newer")
    again = checked(world, replace(run, now=world.tick()))
    load_people(again, world.wiring())
    load_events(again, world.wiring(), 0)
    assert settle_run(again, world.wiring())["updated"] == 1
    assert "newer" in world.event("1-10")["Description"]
    assert world.sync()["read"] == 0
