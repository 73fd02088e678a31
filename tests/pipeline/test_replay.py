"""Reading again what waits, by reason, key or age, when somebody asks for it (rule Q2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from include.errors import ConfigurationError
from include.pipeline.context import Selection, Trigger
from include.pipeline.replay_request import ReplayRequest
from include.reasons import Outcome, Reason
from include.source import tables
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("Q2")


def replay(world: World, *, dry_run: bool = False, **conf: Any) -> dict[str, Any]:
    """Run ``replay_quarantine`` as a person starts it."""
    return world.sync(Selection.REPLAY, trigger=Trigger.MANUAL, dry_run=dry_run, conf=conf)


def keys_of(world: World) -> set[str]:
    return {row["Coconut_Booking_Key__c"] for row in world.events()}


@pytest.fixture
def waiting(world: World) -> World:
    """Return a world where 10-1 lacks an end before its start, 11-2 is held, 12-3 disabled and 13-4 synced."""
    for client_id in (1, 2, 4):
        world.client(client_id)
    world.client(3)
    world.change("clients", {"id": 3}, sync_disabled=True)
    world.booking(10, 1, ends_at=world.now)
    world.booking(11, 2, kind="walk_in", status="arrived")
    world.booking(12, 3)
    world.booking(13, 4)
    world.sync()
    world.walk_ins()
    assert keys_of(world) == {"13-4"}
    return world


# -- what is read


@pytest.mark.rule("Q3")
def test_a_refused_row_is_written_once_its_cause_in_salesforce_is_mended(world: World) -> None:
    world.client(1)
    world.booking(10, 1)
    closed = {"field": "Subject", "operator": "is_not_blank"}
    world.set_up_org(
        validation_rules=[
            {"name": "Closed", "sobject": "Event", "message": "Closed.", "conditions": [closed]}
        ]
    )
    assert world.sync()["quarantined"] == 1
    world.set_up_org()
    assert world.sync()["read"] == 0, "nothing in Coconut or in the settings moved"
    counts = replay(world, reasons=["refused_by_salesforce"])
    assert counts["conservation"] == "read 1 = 1 written + 0 unchanged + 0 held + 0 quarantined + 0 disabled"
    assert keys_of(world) == {"10-1"}
    assert world.ledger.quarantine_rows().empty


def test_a_row_that_is_refused_again_keeps_its_reason_and_counts_the_attempt(waiting: World) -> None:
    before = waiting.waiting("10-1")
    replay(waiting, keys="10-1")
    again = waiting.waiting("10-1")
    assert (before["attempts"], again["attempts"]) == (1, 2)
    assert (again["reason"], again["first_seen_at"]) == (before["reason"], before["first_seen_at"])


@pytest.mark.parametrize(
    ("conf", "read"),
    [
        ({"reasons": ["ends_before_start"]}, ["10-1"]),
        ({"reasons": "ends_before_start, walk_in_not_final"}, ["10-1", "11-2"]),
        ({"outcomes": ["held"]}, ["11-2"]),
        ({"outcomes": ["disabled", "quarantined"]}, ["10-1", "12-3"]),
        ({"keys": ["10-1", "12-3"]}, ["10-1", "12-3"]),
        ({"keys": "11"}, ["11-2"]),
        ({"keys": ["13-4", "99-9"]}, []),
        ({"reasons": ["ends_before_start"], "keys": ["11"]}, []),
        ({"older_than": "1h"}, []),
        ({"newer_than": "1h"}, ["10-1", "11-2", "12-3"]),
        ({"all": True}, ["10-1", "11-2", "12-3"]),
    ],
    ids=str,
)
def test_what_meets_every_condition_is_read_again_and_nothing_else(
    waiting: World, conf: dict[str, Any], read: list[str]
) -> None:
    counts = replay(waiting, **conf)
    rows = waiting.ledger.quarantine_rows()
    assert counts["read"] == len(read)
    assert set(rows.loc[rows["attempts"] == 2, "booking_key"]) == set(read)


def test_an_age_counts_from_when_the_row_began_to_wait(waiting: World) -> None:
    waiting.now += timedelta(days=3)
    replay(waiting, keys="10-1")
    waiting.now += timedelta(hours=1)
    assert replay(waiting, older_than="3d", newer_than="4d", outcomes="quarantined")["read"] == 1


@pytest.mark.rule("T4")
def test_a_disabled_client_stays_untouched_by_a_replay(waiting: World) -> None:
    assert replay(waiting, all=True)["disabled"] == 1
    assert keys_of(waiting) == {"13-4"}


@pytest.mark.rule("T6")
def test_a_dry_run_leaves_everything_waiting_as_it_was(waiting: World) -> None:
    waiting.edit(10, ends_at=waiting.now + timedelta(days=4))
    plan = replay(waiting, keys="10", dry_run=True)
    assert plan["create"] == 1
    assert waiting.waiting("10-1")["attempts"] == 1
    assert keys_of(waiting) == {"13-4"}


def test_a_booking_that_vanished_from_coconut_keeps_waiting(waiting: World) -> None:
    with waiting.source.begin() as coconut:
        coconut.execute(sa.delete(tables.attendees).where(tables.attendees.c.appointment_id == 10))
        coconut.execute(sa.delete(tables.appointments).where(tables.appointments.c.id == 10))
    assert replay(waiting, keys="10")["read"] == 0
    assert waiting.waiting("10-1")["attempts"] == 1


@pytest.mark.rule("Q5")
def test_a_replay_moves_no_watermark(waiting: World) -> None:
    before = waiting.ledger.watermark(Selection.APPOINTMENTS)
    replay(waiting, all=True)
    assert waiting.ledger.watermark(Selection.APPOINTMENTS) == before
    assert waiting.ledger.watermark(Selection.REPLAY) is None


# -- what is asked


@pytest.mark.parametrize(
    ("conf", "problem"),
    [
        ({}, "nothing is named"),
        ({"reasons": [], "keys": "", "all": False}, "nothing is named"),
        ({"all": True, "keys": "1"}, "all: leave it off"),
        ({"older_than": "2d", "newer_than": "2d"}, "older_than: nothing is older"),
        ({"reasons": ["too_long"], "outcomes": ["held"]}, "outcomes: none of the reasons"),
    ],
    ids=str,
)
def test_a_request_that_names_nothing_or_contradicts_itself_is_refused(
    conf: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        ReplayRequest.from_conf(conf)


def test_all_wrong_values_are_named_together_and_none_is_quoted() -> None:
    conf = {
        "reasons": ["too_long", "Ann", "same_as_last_written"],
        "outcomes": "written",
        "keys": ["10-1", "ann@example.com"],
        "older_than": "soon",
        "newer_than": "3w",
    }
    with pytest.raises(ConfigurationError) as refused:
        ReplayRequest.from_conf(conf)
    said = [problem.partition(" are none of ")[0] for problem in refused.value.problems]
    assert said == [
        "reasons: 2 of 3",
        "outcomes: 1 of 1",
        "keys: 1 of 2 are neither keys nor ids of bookings",
        "older_than: write days or hours as in 3d or 12h",
        "newer_than: write days or hours as in 3d or 12h",
    ]
    assert "nn" not in "".join(said)


def test_a_request_is_read_from_a_form_as_from_json() -> None:
    assert ReplayRequest.from_conf(
        {"reasons": "too_long", "outcomes": [], "keys": " 7-8;acme-9-10 ", "older_than": " 12H "}
    ) == ReplayRequest(reasons=(Reason.TOO_LONG,), keys=("7-8", "acme-9-10"), older_than=timedelta(hours=12))
    assert ReplayRequest.from_conf({"outcomes": ["held"]}).outcomes == (Outcome.HELD,)
