"""A range of days, synced on demand in windows, beside the incremental runs (rules T7, S14, Q2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.errors import ConfigurationError
from include.pipeline.backfill import (
    LONGEST_YIELD,
    check_catch_up,
    has_to_wait,
    is_settled,
    plan_windows,
    run_of_window,
    sum_up,
)
from include.pipeline.backfill_request import BackfillRequest, Window
from include.pipeline.context import Selection, SyncRun, Trigger, Wiring
from include.pipeline.run_stages import run_stages
from tests.pipeline.world import NOW, World

pytestmark = pytest.mark.rule("T7")

TODAY = NOW.date()
LAST_WEEK = {"from": str(TODAY - timedelta(days=7)), "until": str(TODAY - timedelta(days=1))}


def run_for(world: World, *, run_id: str = "backfill", dry_run: bool = False, **conf: Any) -> SyncRun:
    """Return a backfill as a person starts it."""
    return world.run(Selection.BACKFILL, run_id=run_id, trigger=Trigger.MANUAL, dry_run=dry_run, conf=conf)


def backfill(world: World, **changes: Any) -> dict[str, object]:
    """Run every window that is not settled, one after the other, and return what they came to."""
    run = run_for(world, **changes)
    for window in plan_windows(run):
        run_window(world, run, window)
    return sum_up(run, world.wiring())


def run_window(world: World, run: SyncRun, window: Window) -> bool:
    """Run a window unless an earlier attempt settled it; tell whether it ran."""
    of_window = run_of_window(run, window, now=world.tick())
    if is_settled(of_window, world.wiring()):
        return False
    run_stages(of_window, lambda: nullcontext(world.wiring()))
    return True


def keys_of(world: World) -> set[str]:
    return {row["Coconut_Booking_Key__c"] for row in world.events()}


def past_booking(world: World, booking_id: int, *client_ids: int, days: int, **values: Any) -> None:
    starts_at = NOW - timedelta(days=days)
    ends_at = starts_at + timedelta(minutes=30)
    world.booking(booking_id, *client_ids, **{"starts_at": starts_at, "ends_at": ends_at, **values})


# -- what a backfill brings


@pytest.mark.rule("S14")
@pytest.mark.rule("Q3")
def test_bookings_from_before_sync_from_come_by_a_backfill_of_their_days_and_no_others(world: World) -> None:
    world.set(sync_from=TODAY)
    for number in (1, 2, 3, 4):
        world.client(number)
    past_booking(world, 10, 1, days=2)
    past_booking(world, 11, 2, days=6, kind="walk_in")
    past_booking(world, 12, 3, days=30)
    world.booking(13, 4)
    world.sync()
    world.walk_ins()
    assert keys_of(world) == {"13-4"}
    counts = backfill(world, **LAST_WEEK, days_per_window=3)
    assert keys_of(world) == {"10-1", "11-2", "13-4"}
    assert counts["windows"] == 3
    assert counts["conservation"] == "read 2 = 2 written + 0 unchanged + 0 held + 0 quarantined + 0 disabled"
    assert world.waiting("12-3")["reason"] == "before_sync_from"


@pytest.mark.rule("S14")
def test_a_booking_that_a_backfill_asked_for_syncs_later_too_once_its_cause_is_mended(world: World) -> None:
    world.set(sync_from=TODAY, unassigned_events_owner="")
    world.client(1)
    past_booking(world, 10, 1, days=2)
    assert backfill(world, **LAST_WEEK)["quarantined"] == 1
    world.set(unassigned_events_owner=world.owner_id)
    assert world.sync()["written"] == 1


@pytest.mark.rule("Q2")
def test_a_change_of_settings_reaches_what_is_written_by_a_backfill_alone(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    world.sync()
    world.set(subject_template="{service}")
    assert world.sync()["read"] == 0
    world.org.forget_calls()
    assert backfill(world, **LAST_WEEK)["updated"] == 1
    assert world.event("10-1")["Subject"] == "Advice [Appointment]"
    assert backfill(world, run_id="another", **LAST_WEEK)["unchanged"] == 1


def test_days_are_those_of_the_place_first_and_last_one_included(world: World) -> None:
    world.client(1)
    world.insert("locations", id=2, name="Far", city="Apia", timezone="Pacific/Apia")  # UTC+13
    world.insert("locations", id=3, name="Lost", city="-", timezone="Mars/Base")
    starts = {
        10: (datetime(2026, 3, 10, 3, 59, tzinfo=UTC), 1),  # 9 March, 23:59 in Toronto
        11: (datetime(2026, 3, 10, 4, 0, tzinfo=UTC), 1),
        12: (datetime(2026, 3, 9, 11, 0, tzinfo=UTC), 2),  # 10 March, 00:00 in Apia
        13: (datetime(2026, 3, 10, 10, 59, tzinfo=UTC), 2),
        14: (datetime(2026, 3, 10, 11, 0, tzinfo=UTC), 2),  # 11 March in Apia
        15: (datetime(2026, 3, 10, 23, 59, tzinfo=UTC), 3),  # nobody knows where: the day in UTC
        16: (datetime(2026, 3, 11, 3, 59, tzinfo=UTC), 1),
        17: (datetime(2026, 3, 11, 4, 0, tzinfo=UTC), 1),
    }
    for booking_id, (starts_at, location_id) in starts.items():
        ends_at = starts_at + timedelta(minutes=5)
        world.booking(booking_id, 1, location_id=location_id, starts_at=starts_at, ends_at=ends_at)
    counts = backfill(world, **{"from": "2026-03-10", "until": "2026-03-10"}, include_archived=True)
    assert keys_of(world) == {"11-1", "12-1", "13-1", "16-1"}
    assert (counts["written"], counts["quarantined"]) == (4, 1)
    assert world.waiting("15-1")["reason"] == "unknown_time_zone"


def test_only_the_kinds_that_are_asked_for_are_read(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    past_booking(world, 11, 1, days=2, kind="walk_in")
    assert backfill(world, **LAST_WEEK, kinds=["walk_in"])["read"] == 1
    assert keys_of(world) == {"11-1"}


@pytest.mark.rule("S9")
def test_a_backfill_deletes_the_event_of_a_deleted_booking_as_any_run_does(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    world.sync()
    world.edit(10, deleted_at=world.now)
    assert backfill(world, **LAST_WEEK)["deleted"] == 1
    assert keys_of(world) == set()


@pytest.mark.rule("T6")
def test_a_dry_run_plans_every_window_writes_nothing_and_is_made_again(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    past_booking(world, 11, 1, days=6)
    for _ in range(2):
        assert backfill(world, **LAST_WEEK, days_per_window=2, dry_run=True)["create"] == 2
    assert keys_of(world) == set()


# -- beside the incremental runs


@pytest.mark.rule("Q5")
def test_a_backfill_moves_no_watermark(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    world.sync()
    before = world.ledger.watermark(Selection.APPOINTMENTS)
    past_booking(world, 11, 1, days=3)
    backfill(world, **LAST_WEEK)
    assert world.ledger.watermark(Selection.APPOINTMENTS) == before
    assert world.ledger.watermark(Selection.BACKFILL) is None
    assert world.sync()["read"] == 0, "the backfill settled what the incremental run would read"


def test_a_newer_version_that_another_run_wrote_meanwhile_is_not_overwritten(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    run = run_for(world, **LAST_WEEK)
    (window,) = plan_windows(run)

    def change_meanwhile() -> None:
        world.edit(10, status="cancelled")
        world.sync()

    world.sync(before_loading=change_meanwhile, **vars_of(run_of_window(run, window, now=world.tick())))
    assert world.event("10-1")["Coconut_Status__c"] == "cancelled"


@pytest.mark.rule("S14")
def test_what_an_incremental_run_held_for_its_date_meanwhile_is_brought_up_to_date_after_it(
    world: World,
) -> None:
    world.set(sync_from=TODAY)
    world.client(1)
    past_booking(world, 10, 1, days=2)
    run = run_for(world, **LAST_WEEK)
    (window,) = plan_windows(run)

    def change_meanwhile() -> None:
        world.edit(10, status="complete")
        assert world.sync()["held"] == 1

    world.sync(before_loading=change_meanwhile, **vars_of(run_of_window(run, window, now=world.tick())))
    world.sync()
    assert world.event("10-1")["Coconut_Status__c"] == "complete"
    assert world.ledger.quarantine_rows().empty


def vars_of(run: SyncRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in ("run_id", "dag_id", "selection", "trigger", "conf", "now")}


def test_a_window_waits_while_a_sync_is_at_work_but_not_for_one_that_died_nor_for_ever(world: World) -> None:
    settings = world.ledger.current_settings()
    begun = world.run(Selection.WALK_INS)
    world.ledger.open_run(begun, settings_version=settings.version)
    now = begun.now + timedelta(minutes=1)

    def waits(*, since: datetime, at: datetime) -> bool:
        return has_to_wait(world.wiring(), waiting_since=since, now=at) is not None

    assert waits(since=now, at=now)
    assert not waits(since=now - LONGEST_YIELD, at=now)
    assert not waits(since=begun.now + LONGEST_YIELD, at=begun.now + LONGEST_YIELD)
    world.ledger.finish_run(begun.run_id, state="success", now=now)
    assert not waits(since=now, at=now)


def test_a_window_does_not_wait_for_another_backfill_or_for_clients(world: World) -> None:
    settings = world.ledger.current_settings()
    for selection in (Selection.CLIENTS, Selection.BACKFILL, Selection.REPLAY):
        world.ledger.open_run(world.run(selection), settings_version=settings.version)
    now = world.tick()
    assert has_to_wait(world.wiring(), waiting_since=now, now=now) is None


@pytest.mark.rule("Q8")
def test_a_window_waits_for_as_long_as_the_budget_of_api_calls_is_used_up(world: World) -> None:
    world.set(daily_api_budget=10)
    now = world.tick()
    long_ago = now - timedelta(days=3)
    assert has_to_wait(world.wiring(), waiting_since=long_ago, now=now) is None
    world.ledger.record_api_calls("another", task="load_events", attempt="1", calls={"collections": 10})
    real_now = datetime.now(UTC)
    wait = has_to_wait(world.wiring(), waiting_since=long_ago, now=real_now)
    assert wait is not None
    assert "0 API calls are left" in wait.reason
    assert has_to_wait(world.wiring(), waiting_since=long_ago, now=real_now + timedelta(hours=25)) is None


# -- windows that are settled


def test_a_backfill_that_was_cut_off_goes_on_at_the_first_window_that_is_not_settled(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=6)
    past_booking(world, 11, 1, days=2)
    run = run_for(world, **LAST_WEEK, days_per_window=2)
    first, *others = plan_windows(run)
    assert run_window(world, run, first)
    again = run_for(world, **LAST_WEEK, days_per_window=2)
    assert [run_window(world, again, window) for window in (first, *others)] == [False, True, True, True]
    assert keys_of(world) == {"10-1", "11-1"}
    assert sum_up(again, world.wiring())["read"] == 2


@pytest.mark.rule("Q4")
def test_a_window_that_died_between_writing_and_settling_ends_as_if_nothing_had_happened(
    world: World,
) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    run = run_for(world, **LAST_WEEK)
    (window,) = plan_windows(run)
    stages = iter(range(7))  # the eighth settles

    @contextmanager
    def until_it_dies() -> Iterator[Wiring]:
        if next(stages, None) is None:
            raise RuntimeError("the process died")
        yield world.wiring()

    with pytest.raises(RuntimeError, match="died"):
        run_stages(run_of_window(run, window, now=world.tick()), until_it_dies)
    assert keys_of(world) == {"10-1"}
    assert run_window(world, run, window)
    assert len(world.events()) == len(world.org.records("Lead")) == 1
    counts = sum_up(run, world.wiring())
    assert counts["conservation"] == "read 1 = 0 written + 1 unchanged + 0 held + 0 quarantined + 0 disabled"


@pytest.mark.rule("Q2")
def test_a_settled_window_is_synced_again_once_settings_or_mappings_changed(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    backfill(world, **LAST_WEEK)
    run = run_for(world, **LAST_WEEK)
    (window,) = plan_windows(run)
    assert not run_window(world, run, window)
    world.set(subject_template="{service}")
    assert run_window(world, run, window)
    mappings = world.ledger.current_mappings().mappings
    kept = [mapping for mapping in mappings if mapping.target != "Description"]
    world.ledger.save_mappings(kept, who="test", now=world.tick())
    assert run_window(world, run, window)


# -- what is asked


@pytest.mark.parametrize(
    ("conf", "problems"),
    [
        ({}, ["from: name a day", "until: name a day"]),
        ({"from": "2026-03-10"}, ["until: name a day"]),
        (
            {"from": "10.3.2026", "until": "soon", "kinds": ["walk_in", "visit"], "days_per_window": 0.5},
            [
                "from: write a day as in 2026-03-29",
                "until: write a day as in 2026-03-29",
                "kinds: 1 of 2 are none of appointment, walk_in",
                "days_per_window: write a whole number from 1 on",
            ],
        ),
        ({"from": "2026-03-10", "until": "2026-03-09"}, ["until: it lies before from"]),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_request_is_said_all_together(conf: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        BackfillRequest.from_conf(conf, today=date(2026, 3, 20))
    assert list(refused.value.problems) == problems


@pytest.mark.parametrize(("first", "is_refused"), [(date(2025, 3, 20), True), (date(2025, 3, 21), False)])
def test_events_old_enough_to_be_archived_need_an_explicit_yes(first: date, is_refused: bool) -> None:
    conf: dict[str, Any] = {"from": str(first), "until": "2026-03-19", "days_per_window": 30}
    if is_refused:
        with pytest.raises(
            ConfigurationError, match=r"include_archived: Salesforce archives .* 2025-03-20 and"
        ):
            BackfillRequest.from_conf(conf, today=date(2026, 3, 20))
        conf["include_archived"] = True
    assert BackfillRequest.from_conf(conf, today=date(2026, 3, 20)).days.first == first


def test_windows_cover_every_day_once_and_the_last_may_be_shorter() -> None:
    request = BackfillRequest(days=Window(date(2026, 3, 1), date(2026, 3, 8)), days_per_window=3)
    assert [str(window) for window in request.windows()] == [
        "2026-03-01_2026-03-03",
        "2026-03-04_2026-03-06",
        "2026-03-07_2026-03-08",
    ]


def test_more_windows_than_airflow_maps_are_refused() -> None:
    conf = {"from": "2020-01-01", "until": "2026-01-01", "days_per_window": 1, "include_archived": True}
    with pytest.raises(ConfigurationError, match="more than 1000 windows"):
        BackfillRequest.from_conf(conf, today=date(2026, 3, 20))


@pytest.mark.rule("T6")
def test_windows_of_one_backfill_are_runs_of_their_own_and_keep_their_ids() -> None:
    run = SyncRun("b", "backfill_bookings", Selection.BACKFILL, Trigger.MANUAL, dry_run=False, now=NOW)
    window = Window(date(2026, 3, 1), date(2026, 3, 3))
    of_window = run_of_window(run, window, now=NOW + timedelta(hours=1))
    assert of_window.run_id == "b__2026-03-01_2026-03-03"
    assert of_window.run_id == run_of_window(run, window, now=NOW).run_id
    assert BackfillRequest.from_conf(of_window.conf, today=TODAY).days == window


# -- a catch-up: only what has no Event


@pytest.mark.rule("G1")
def test_a_catch_up_brings_only_bookings_without_an_event_and_only_after_a_dry_run(world: World) -> None:
    for number in (1, 2, 3):
        world.client(number)
    past_booking(world, 10, 1, days=2)
    world.sync()
    world.set(subject_template="{service}", sync_from=TODAY)
    past_booking(world, 11, 2, days=2, kind="walk_in")
    past_booking(world, 12, 3, days=6)
    asked = {**LAST_WEEK, "days_per_window": 3, "catch_up": True}
    with pytest.raises(ConfigurationError, match="plan has to be seen first"):
        backfill(world, **asked)
    assert keys_of(world) == {"10-1"}
    backfill(world, run_id="plan", dry_run=True, **asked)
    assert keys_of(world) == {"10-1"}
    check_catch_up(run_for(world, **asked), world.wiring())
    assert backfill(world, **asked)["read"] == 2
    assert keys_of(world) == {"10-1", "11-2", "12-3"}
    assert world.event("10-1")["Subject"] != "Advice [Appointment]"


@pytest.mark.rule("G1")
def test_a_catch_up_of_other_days_than_were_planned_is_refused_before_anything_is_read(world: World) -> None:
    world.client(1)
    past_booking(world, 10, 1, days=2)
    backfill(world, run_id="plan", dry_run=True, **LAST_WEEK, catch_up=True)
    others = {**LAST_WEEK, "from": str(TODAY - timedelta(days=8)), "catch_up": True}
    with pytest.raises(ConfigurationError, match="plan has to be seen first"):
        check_catch_up(run_for(world, **others), world.wiring())


@pytest.mark.rule("G1")
def test_a_booking_without_event_for_one_attendee_is_caught_up_whole(world: World) -> None:
    for number in (1, 2):
        world.client(number)
    past_booking(world, 10, 1, days=2)
    world.sync()
    world.insert("attendees", appointment_id=10, client_id=2, is_primary=False)
    backfill(world, run_id="plan", dry_run=True, **LAST_WEEK, catch_up=True)
    assert backfill(world, **LAST_WEEK, catch_up=True)["read"] == 2
    assert keys_of(world) == {"10-1", "10-2"}


@pytest.mark.rule("G1")
def test_a_catch_up_waits_for_the_cut_over_of_a_migration(world: World) -> None:
    world.ledger.begin_migration("migration", who="test", now=world.tick())
    with pytest.raises(ConfigurationError, match="after cut-over"):
        check_catch_up(run_for(world, **LAST_WEEK, catch_up=True), world.wiring())
