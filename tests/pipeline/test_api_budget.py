"""Work that can wait stays within the day's API calls (rule Q8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.ledger.api_usage import OrgUsage
from include.ledger.repository import Ledger
from include.pipeline.api_budget import api_room, room_left, why_wait_for_calls
from include.settings.model import Settings
from tests.pipeline.world import NOW, World

pytestmark = pytest.mark.rule("Q8")


class Hours:
    """A ledger whose clock is moved by hand."""

    def __init__(self, file: Path) -> None:
        self.now = NOW
        self.ledger = Ledger(sa.create_engine(f"sqlite:///{file}"), clock=lambda: self.now)

    def budget(self, calls: int) -> None:
        self.ledger.save_settings(Settings(daily_api_budget=calls), who="test", now=self.now)

    def spend(self, calls: int, *, hours_ago: float) -> None:
        self.now = NOW - timedelta(hours=hours_ago)
        self.ledger.record_api_calls(
            "run-1", task="load_events", attempt=f"{hours_ago}", calls={"query": calls}
        )

    def hear(self, used: int, most: int, *, hours_ago: float) -> None:
        self.now = NOW - timedelta(hours=hours_ago)
        self.ledger.note_org_usage(used=used, most=most)

    def room(self) -> int | None:
        return api_room(self.ledger, now=NOW)


@pytest.fixture
def hours(tmp_path: Path, ledger_template: Path) -> Iterator[Hours]:
    file = tmp_path / "ledger.db"
    file.write_bytes(ledger_template.read_bytes())
    hours = Hours(file)
    yield hours
    hours.ledger.engine.dispose()


@pytest.mark.parametrize(
    ("budget", "made", "org", "room"),
    [
        (0, 500, None, None),  # nobody sets a limit
        (1000, 400, None, 600),
        (1000, 1400, None, 0),
        (0, 400, (90, 100), 10),
        (1000, 400, (90, 100), 10),
        (1000, 950, (90, 100_000), 50),
        (1000, 0, (110, 100), 0),
    ],
)
def test_the_narrower_of_budget_and_allowance_decides(
    budget: int, made: int, org: tuple[int, int] | None, room: int | None
) -> None:
    told = None if org is None else OrgUsage(*org, told_at=NOW)
    assert room_left(budget=budget, made=made, org=told, made_since_told=0) == room


def test_calls_count_for_a_day_and_come_free_one_after_the_other(hours: Hours) -> None:
    hours.budget(100)
    hours.spend(70, hours_ago=25)
    hours.spend(60, hours_ago=23)
    hours.spend(10, hours_ago=1)
    assert hours.room() == 30
    assert api_room(hours.ledger, now=NOW + timedelta(hours=2)) == 90


def test_what_the_org_said_is_brought_up_to_date_by_our_own_calls(hours: Hours) -> None:
    hours.spend(5, hours_ago=3)
    hours.hear(900, 1000, hours_ago=2)
    hours.spend(40, hours_ago=1)
    assert hours.room() == 60


def test_what_the_org_said_more_than_a_day_ago_says_nothing_of_today(hours: Hours) -> None:
    hours.hear(1000, 1000, hours_ago=25)
    assert hours.room() is None
    hours.hear(1000, 1000, hours_ago=23)
    assert hours.room() == 0


def test_work_waits_in_words_until_there_is_room_for_all_of_it(hours: Hours) -> None:
    hours.budget(100)
    hours.spend(70, hours_ago=1)
    assert why_wait_for_calls(hours.ledger, now=NOW, needed=30) == ""
    assert "30 API calls are left" in why_wait_for_calls(hours.ledger, now=NOW, needed=31)
    hours.spend(30, hours_ago=2)
    assert "0 API calls are left" in why_wait_for_calls(hours.ledger, now=NOW)


def test_every_run_leaves_its_calls_and_what_the_org_says_of_them(world: World) -> None:
    world.booking(10, world.client(1))
    world.org.forget_calls()
    before = world.ledger.api_calls_since(NOW)
    run = world.sync()
    made = world.org.calls().total()
    assert sum(world.ledger.api_calls(run["run_id"]).values()) == made
    assert world.ledger.api_calls_since(NOW) - before == made
    told = world.ledger.org_usage()
    assert told is not None
    assert 0 < told.used <= told.most
