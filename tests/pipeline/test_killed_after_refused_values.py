"""Killed right after records were written without the values that Salesforce refused, and run again (rules F4, Q4)."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from include.ledger.repository import Ledger
from include.mapping.org_fields import OrgFields
from include.pipeline.artifacts import MATCH, ORG_FIELDS_NAME
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.settle_run import settle_run
from tests.pipeline.staged import Staged
from tests.pipeline.test_refused_event_values import (
    TOO_LONG,
    answer,
    asked,
    book,
    checked,
    dropped,
    payload,
    sync,
)
from tests.pipeline.world import World

__all__ = ["asked"]

WHEN = pytest.mark.parametrize("when", ["before", "after"])
BOTH_APIS = pytest.mark.parametrize("api", ["rest", "bulk"])


def kill(
    world: World, stage: Callable[[Wiring], object], commit: str, *, when: str, last: bool = False
) -> None:
    """Run a stage in a child process that dies before or after the ledger commits what Salesforce wrote.

    ``last``: not with the first commit, which tells of people who were found, but with the one after it.
    """
    child = os.fork()
    if child == 0:
        try:
            world.ledger = ledger = Ledger(sa.create_engine(world.ledger.engine.url))
            record = getattr(ledger, commit)
            left = [last]

            def die(run_id: str, written: pd.DataFrame, **named: Any) -> None:
                is_it = not written.empty and not (left and left.pop())  # the first is passed over once
                if when == "after" or not is_it:
                    record(run_id, written, **named)
                if is_it:
                    os.kill(os.getpid(), signal.SIGKILL)

            setattr(ledger, commit, die)
            stage(world.wiring())
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the stage ended before the ledger was told of anything written"


def kill_events(world: World, run: SyncRun, *, when: str) -> None:
    load_people(run, world.wiring())
    kill(world, lambda wiring: load_events(run, wiring, 0), "record_event_results", when=when)


def expect_event_without_location(world: World, counts: dict[str, Any], *, location: str | None) -> None:
    event = world.event("101-1")
    assert (counts["written"], event["Location"], len(world.events())) == (1, location, 1)
    assert dropped(world, counts) == [("1", event["Id"], "Location")]
    assert (payload(world, 1)["Location"], payload(world, 1)["refused:Location"]) == (None, TOO_LONG)
    world.edit(101, utm_campaign="another")
    assert (sync(world)["unchanged"], world.written()) == (1, {})


@pytest.mark.rule("F4")
@pytest.mark.rule("Q4")
@BOTH_APIS
@WHEN
def test_an_event_created_without_a_value_is_the_same_after_a_kill(asked: World, api: str, when: str) -> None:
    asked.set(load_api=api)
    book(asked, 1, goal=TOO_LONG)
    run = checked(asked)
    kill_events(asked, run, when=when)
    load_events(run, asked.wiring(), 0)
    counts = {**settle_run(run, asked.wiring()), "run_id": run.run_id}
    expect_event_without_location(asked, counts, location=None)


@pytest.mark.rule("F4")
@pytest.mark.rule("Q4")
@BOTH_APIS
@WHEN
def test_an_event_updated_without_a_value_is_the_same_after_a_kill(asked: World, api: str, when: str) -> None:
    asked.set(load_api=api)
    book(asked, 1, goal="a house")
    sync(asked)
    asked.edit(101, notes="later")
    answer(asked, 1, TOO_LONG)
    run = checked(asked)
    kill_events(asked, run, when=when)
    load_events(run, asked.wiring(), 0)
    counts = {**settle_run(run, asked.wiring()), "run_id": run.run_id}
    expect_event_without_location(asked, counts, location="a house")


@pytest.mark.rule("F4")
@pytest.mark.rule("Q4")
@WHEN
def test_the_run_after_one_that_never_came_back_reports_what_was_left_out(asked: World, when: str) -> None:
    book(asked, 1, goal=TOO_LONG)
    kill_events(asked, checked(asked), when=when)
    counts = sync(asked)
    event = asked.event("101-1")
    assert (event["Location"], len(asked.events())) == (None, 1)
    assert dropped(asked, counts) == [("1", event["Id"], "Location")]
    assert asked.ledger.quarantine_rows().empty


def stage_people(world: World, staged: Staged) -> SyncRun:
    run = staged.stage()
    world.staging.write_json(run.run_id, MATCH, ORG_FIELDS_NAME, OrgFields().to_json())
    return run


def run_again(world: World, run: SyncRun, *, when: str, last: bool = False) -> None:
    kill(world, lambda wiring: load_people(run, wiring), "record_people", when=when, last=last)
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    settle_run(run, world.wiring())


def expect_lead_without_email(world: World, run: SyncRun) -> None:
    (lead,) = world.org.records("Lead")
    assert (lead["Email"], lead["City"]) == (None, "Bern")
    reports = world.ledger.field_reports(run.run_id)
    assert reports[["client_id", "record_id", "field"]].to_numpy().tolist() == [["1", lead["Id"], "Email"]]
    (link,) = world.ledger.person_links(["1"]).to_dict("records")
    values = json.loads(link["values"])
    assert ("Email" in values, values["City"]) == (False, "Bern")
    assert world.event("101-1")["WhoId"] == lead["Id"]


@pytest.mark.rule("F4")
@pytest.mark.rule("Q4")
@BOTH_APIS
@WHEN
def test_a_person_created_without_a_value_is_the_same_after_a_kill(world: World, api: str, when: str) -> None:
    world.set(load_api=api, on_invalid_field="drop_and_report")
    staged = Staged(world)
    staged.new(1, Email="no e-mail", City="Bern")
    run = stage_people(world, staged)
    run_again(world, run, when=when)
    expect_lead_without_email(world, run)


@pytest.mark.rule("F4")
@pytest.mark.rule("Q4")
@BOTH_APIS
@WHEN
def test_a_person_updated_without_a_value_is_the_same_after_a_kill(world: World, api: str, when: str) -> None:
    world.set(load_api=api, on_invalid_field="drop_and_report")
    staged = Staged(world)
    staged.found(1, world.lead(LastName="Lee"), Email="no e-mail", City="Bern")
    run = stage_people(world, staged)
    run_again(world, run, when=when, last=True)
    expect_lead_without_email(world, run)
