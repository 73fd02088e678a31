"""The ledger's clock goes in the order of commits, whatever the machines' clocks say (rules Q2, S7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from include.ledger import clock, runs
from include.ledger.engine import writing
from include.ledger.repository import Ledger
from include.pipeline.context import Selection
from tests.ledger.builders import at, held, outcomes, results, run, staff_links
from tests.ledger.test_moves import moved

if TYPE_CHECKING:
    from datetime import datetime

TICK = timedelta(microseconds=1)
OTHER = "005000000000003AAA"


@pytest.mark.rule("Q2")
def test_an_instant_is_later_than_all_before_it_however_the_clock_steps(ledger: Ledger) -> None:
    given = [ledger.advance_clock(now) for now in (at(10), at(10), at(5), at(11))]
    assert given == [at(10), at(10) + TICK, at(10) + 2 * TICK, at(11)]


@pytest.mark.rule("Q2")
def test_who_asks_while_another_has_not_committed_waits_and_comes_after_them(ledger: Ledger) -> None:
    with ThreadPoolExecutor(1) as threads:
        with writing(ledger.engine) as connection:
            first = clock.advance(connection, at(10))
            second = threads.submit(ledger.advance_clock, at(9))
        assert second.result() == first + TICK


def settle(ledger: Ledger, run_id: str, *, now: datetime, rows: list[dict[str, object]]) -> None:
    ledger.settle(
        run(run_id, now=now),
        outcomes(*rows),
        counts={"read": len(rows)},
        watermark=None,
        cleared_dirty=(),
        settings_version=0,
        state="success",
        now=now,
    )


@pytest.mark.rule("Q2")
@pytest.mark.rule("T4")
def test_a_switch_that_moved_by_a_slow_clock_after_the_run_looked_is_news_once(ledger: Ledger) -> None:
    disabled = held(outcome="disabled", reason="client_disabled", waits_for="client")
    ledger.disable_clients(["7"], who="ada", now=at(1))
    for number in range(2):
        begun = run(f"run-{number}", now=at(10 + number))
        ledger.open_run(begun, settings_version=0, seen_at=ledger.advance_clock(begun.now))
        if number == 0:
            ledger.enable_clients(["7"], who="ada", now=at(9))
        settle(ledger, begun.run_id, now=begun.now, rows=[disabled])
        assert (moved(ledger) == {1}) is (number == 0)


@pytest.mark.rule("S7")
def test_a_link_that_was_read_earlier_does_not_replace_one_that_moved_meanwhile(ledger: Ledger) -> None:
    early = ledger.advance_clock(at(10))
    late = ledger.advance_clock(at(20))
    assert ledger.save_staff_links(staff_links({"salesforce_user_id": OTHER}), at(20), seen_at=late) == 1
    stale, fresh = staff_links({}), staff_links({"staff_id": "6"})
    assert ledger.save_staff_links(stale, at(10), seen_at=early) == 0
    assert ledger.save_staff_links(fresh, at(10), seen_at=early) == 1
    assert ledger.staff_links()["salesforce_user_id"].tolist() == [OTHER, fresh["salesforce_user_id"][0]]


@pytest.mark.rule("S7")
def test_a_link_saved_by_a_slow_clock_moves_the_events_that_a_run_settled_before(ledger: Ledger) -> None:
    ledger.record_event_results("run-1", results({}), settings_version=0, mapping_version=0, now=at(10))
    settle(ledger, "run-1", now=at(10), rows=[{}])
    ledger.advance_clock(at(10))
    ledger.save_staff_links(staff_links({}), at(9))
    assert moved(ledger) == {1}


@pytest.mark.rule("S7")
def test_what_moved_before_the_last_settled_run_looked_is_not_looked_at_again(ledger: Ledger) -> None:
    begun = run("run-1", now=at(10))
    ledger.open_run(begun, settings_version=0, seen_at=ledger.advance_clock(at(10)))
    with writing(ledger.engine) as connection:
        assert runs.last_look(connection, Selection.APPOINTMENTS) is None
    settle(ledger, "run-1", now=at(10), rows=[{}])
    with writing(ledger.engine) as connection:
        assert runs.last_look(connection, Selection.APPOINTMENTS) == at(10)
        assert runs.last_look(connection, Selection.WALK_INS) is None


@pytest.mark.rule("S7")
def test_a_settled_run_that_begins_again_has_not_looked_again_until_it_settles(ledger: Ledger) -> None:
    begun = run("run-1", now=at(10))
    ledger.open_run(begun, settings_version=0, seen_at=ledger.advance_clock(at(10)))
    settle(ledger, "run-1", now=at(10), rows=[{}])
    ledger.open_run(begun, settings_version=0, seen_at=ledger.advance_clock(at(20)))
    with writing(ledger.engine) as connection:
        assert runs.last_look(connection, Selection.APPOINTMENTS) == at(10)


@pytest.mark.rule("Q5")
def test_a_snapshot_follows_only_the_one_that_the_run_read_on_from(ledger: Ledger) -> None:
    def reach(last: str | None, reached: str | None, *, watermark: tuple[datetime, int] | None) -> None:
        ledger.settle(
            run(),
            outcomes(),
            counts={"read": 0},
            watermark=watermark,
            cleared_dirty=(),
            settings_version=0,
            state="empty",
            now=at(20),
            snapshots=runs.Snapshots(last, reached),
        )

    reach(None, "early", watermark=None)
    assert ledger.snapshot("appointments") is None  # without a watermark the next run reads everything
    reach(None, "first", watermark=(at(5), 7))
    assert ledger.snapshot("appointments") == "first"
    reach("first", "second", watermark=None)
    assert ledger.snapshot("appointments") == "second"
    reach("first", "of a run that began before and settles later", watermark=(at(6), 1))
    assert ledger.snapshot("appointments") == "second"
    reach("second", None, watermark=(at(7), 1))
    assert ledger.snapshot("appointments") == "second"
