from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from include.ledger.repository import Ledger
from include.reasons import WaitsFor
from include.settings.model import Settings, Switch
from tests.ledger.builders import at, decisions, held, outcomes, people, results, run, staff_links

USER = "005000000000002AAA"


def keep_back(ledger: Ledger, *rows: dict[str, object], minute: float = 10) -> None:
    settle(ledger, *(held(**row) for row in rows), minute=minute)


def settle(ledger: Ledger, *rows: dict[str, object], minute: float = 10) -> None:
    ledger.settle(
        run("run-1", now=at(minute)),
        outcomes(*rows),
        counts={"read": len(rows)},
        watermark=None,
        cleared_dirty=(),
        settings_version=0,
        state="success",
        now=at(minute + 5),
    )


def moved(
    ledger: Ledger,
    kind: str = "appointment",
    *,
    clients: Callable[[pd.DataFrame], set[str]] = lambda waiting: set(),
    users: Callable[[set[str]], set[str]] = lambda ids: set(),
) -> frozenset[int]:
    return ledger.moved_appointments(
        (kind,), settings=ledger.current_settings(), moved_clients=clients, active_users=users, now=at(0)
    )


@pytest.mark.rule("Q2")
def test_pairs_that_wait_for_their_row_are_never_moved_by_anything_else(ledger: Ledger) -> None:
    keep_back(ledger, {"waits_for": "row"})
    ledger.save_settings(Settings(sync_events=Switch.OFF), who="ada", now=at(99))
    ledger.record_people("run-1", people({}), settings_version=0, now=at(99))
    assert moved(ledger, clients=lambda waiting: {"7"}, users=lambda ids: ids) == frozenset()


@pytest.mark.rule("Q2")
def test_pairs_that_wait_for_a_client_move_with_the_clients_that_the_source_names(ledger: Ledger) -> None:
    keep_back(
        ledger,
        {"booking_key": "1-7", "waits_for": "client", "client_version": 5},
        {"booking_key": "2-8", "waits_for": "client"},
        {"booking_key": "3-7", "waits_for": "row"},
    )
    asked: list[pd.DataFrame] = []

    def clients(waiting: pd.DataFrame) -> set[str]:
        asked.append(waiting)
        return {"7"}

    assert moved(ledger, clients=clients) == {1}
    assert asked[0]["client_id"].tolist() == ["7", "8"]
    assert asked[0]["client_version"].tolist() == [5, pd.NA]


@pytest.mark.rule("Q2")
def test_a_client_of_several_pairs_is_asked_for_once_per_version_that_was_read(ledger: Ledger) -> None:
    for key, version in (("1-7", 5), ("2-7", 5), ("3-7", 6)):
        keep_back(ledger, {"booking_key": key, "waits_for": "client", "client_version": version})
    asked: list[pd.DataFrame] = []
    moved(ledger, clients=lambda waiting: asked.append(waiting) or set())
    assert asked[0]["client_version"].tolist() == [5, 6]


@pytest.mark.rule("Q2")
@pytest.mark.parametrize(
    ("waits_for_key", "released"),
    [
        ("sync_events", True),
        ("lead_source,sync_events", True),
        ("lead_source", False),
        (None, False),
        ("no_such_setting", False),
    ],
)
def test_pairs_that_wait_for_a_setting_move_when_it_changed_since(
    ledger: Ledger, waits_for_key: str | None, released: bool
) -> None:
    ledger.save_settings(Settings(lead_source="Web"), who="ada", now=at(5))
    keep_back(ledger, {"waits_for": "setting", "waits_for_key": waits_for_key}, minute=10)
    ledger.save_settings(Settings(lead_source="Web", sync_events=Switch.OFF), who="ada", now=at(15))
    assert (moved(ledger) == {1}) is released


@pytest.mark.rule("S14")
def test_pairs_out_of_scope_move_with_any_setting_of_the_scope(ledger: Ledger) -> None:
    keep_back(ledger, {"reason": "out_of_scope", "waits_for": "setting", "waits_for_key": "scope"})
    assert moved(ledger) == frozenset()
    ledger.save_settings(Settings(scope_locations=("4",)), who="ada", now=at(15))
    assert moved(ledger) == {1}


@pytest.mark.rule("S6")
def test_pairs_without_an_active_owner_move_when_the_user_is_active_again(ledger: Ledger) -> None:
    keep_back(
        ledger, {"reason": "events_owner_inactive", "waits_for": "salesforce_user", "waits_for_key": USER}
    )
    assert moved(ledger) == frozenset()
    assert moved(ledger, users=lambda ids: ids & {USER}) == {1}


@pytest.mark.rule("S6")
def test_pairs_without_an_active_owner_move_when_the_setting_names_another(ledger: Ledger) -> None:
    keep_back(
        ledger, {"reason": "events_owner_inactive", "waits_for": "salesforce_user", "waits_for_key": USER}
    )
    ledger.save_settings(Settings(unassigned_events_owner="005000000000003AAA"), who="ada", now=at(15))
    assert moved(ledger) == {1}


@pytest.mark.rule("Q8")
def test_salesforce_is_not_asked_for_users_when_nothing_waits_for_one(ledger: Ledger) -> None:
    keep_back(ledger, {"waits_for": "client"})

    def users(ids: set[str]) -> set[str]:
        raise AssertionError(ids)

    assert moved(ledger, users=users) == frozenset()


@pytest.mark.rule("Q2")
def test_pairs_that_wait_for_a_staff_link_move_with_it(ledger: Ledger) -> None:
    ledger.save_staff_links(staff_links({"salesforce_user_id": None, "user_is_active": False}), at(5))
    keep_back(ledger, {"waits_for": "staff_link", "waits_for_key": "5"})
    assert moved(ledger) == frozenset()
    ledger.save_staff_links(staff_links({}), at(15))
    assert moved(ledger) == {1}


@pytest.mark.rule("Q2")
def test_pairs_that_wait_for_a_person_move_with_the_link_or_an_administrators_choice(ledger: Ledger) -> None:
    keep_back(
        ledger,
        {"booking_key": "1-7", "waits_for": "person"},
        {"booking_key": "2-8", "waits_for": "person"},
        {"booking_key": "3-9", "waits_for": "person"},
    )
    ledger.record_people("run-2", people({"client_id": "7"}), settings_version=0, now=at(15))
    chosen = decisions(
        {"client_id": "8", "evidence": "admin_choice"},
        {"client_id": "9", "evidence": "email", "action": "hold"},
    )
    ledger.record_decisions("run-2", chosen, settings_version=0, now=at(15))
    assert moved(ledger) == {1, 2}


@pytest.mark.rule("Q2")
def test_what_moved_before_the_run_that_saw_the_pair_began_is_no_news(ledger: Ledger) -> None:
    ledger.record_people("run-0", people({}), settings_version=0, now=at(9))
    keep_back(ledger, {"waits_for": "person"}, minute=10)
    assert moved(ledger) == frozenset()


@pytest.mark.rule("Q2")
def test_what_moved_while_the_run_that_saw_the_pair_was_under_way_is_news(ledger: Ledger) -> None:
    keep_back(ledger, {"waits_for": "setting", "waits_for_key": "sync_events"}, minute=10)
    ledger.save_settings(Settings(sync_events=Switch.OFF), who="ada", now=at(12))
    assert moved(ledger) == {1}


@pytest.mark.rule("S7")
def test_events_on_the_unassigned_owner_move_when_the_staff_link_appears(ledger: Ledger) -> None:
    ledger.save_staff_links(staff_links({"salesforce_user_id": None, "user_is_active": False}), at(5))
    ledger.record_event_results("run-1", results({}), settings_version=0, mapping_version=0, now=at(10))
    settle(ledger, {})
    assert moved(ledger) == frozenset()
    ledger.save_staff_links(staff_links({}), at(20))
    assert moved(ledger) == {1}
    settle(ledger, {}, minute=30)
    assert moved(ledger) == frozenset()


@pytest.mark.rule("S7")
@pytest.mark.parametrize(
    "link",
    [{"salesforce_user_id": "005000000000001AAA"}, {"user_is_active": False}, {"staff_id": "6"}],
    ids=["already theirs", "user not active", "another member of staff"],
)
def test_events_stay_where_they_are_when_the_link_gives_them_no_other_owner(
    ledger: Ledger, link: dict[str, object]
) -> None:
    ledger.record_event_results("run-1", results({}), settings_version=0, mapping_version=0, now=at(10))
    settle(ledger, {})
    ledger.save_staff_links(staff_links(link), at(20))
    assert moved(ledger) == frozenset()


@pytest.mark.rule("T1")
@pytest.mark.parametrize(
    ("kind", "selections"),
    [
        ("appointment", {"appointment"}),
        ("walk_in", {"walk_in"}),
        ("party", {"appointment", "walk_in"}),
        (None, {"appointment", "walk_in"}),
    ],
)
def test_a_pair_belongs_to_the_selection_of_its_kind_and_one_of_no_known_kind_to_all(
    ledger: Ledger, kind: str | None, selections: set[str]
) -> None:
    keep_back(ledger, {"kind": kind, "waits_for": "client"})
    seen = {one for one in ("appointment", "walk_in") if moved(ledger, one, clients=lambda waiting: {"7"})}
    assert seen == selections
    waiting = {one for one in seen if len(ledger.waiting((one,), [WaitsFor.CLIENT]))}
    assert waiting == selections


@pytest.mark.rule("T4")
def test_disabled_pairs_move_with_their_clients_switch(ledger: Ledger) -> None:
    disabled = {"outcome": "disabled", "reason": "client_disabled", "waits_for": "client"}
    keep_back(
        ledger,
        {"booking_key": "1-7", **disabled},
        {"booking_key": "2-8", **disabled},
        {"booking_key": "3-7", "waits_for": "row"},
    )
    ledger.disable_clients(["7"], who="ada", now=at(15))
    ledger.enable_clients(["7"], who="ada", now=at(16))
    assert moved(ledger) == {1}


@pytest.mark.rule("M1")
def test_upcoming_events_move_when_their_client_is_linked_to_somebody_else(ledger: Ledger) -> None:
    upcoming = {"ends_at": at(2000)}
    ledger.record_event_results("run-1", results(upcoming), settings_version=0, mapping_version=0, now=at(10))
    ledger.record_people("run-1", people({}), settings_version=0, now=at(10))
    settle(ledger, upcoming)
    assert moved(ledger) == frozenset()
    ledger.choose_person("7", "003000000000001AAA", who="ada", now=at(20))
    assert moved(ledger) == {1}
    settle(ledger, upcoming, minute=30)
    assert moved(ledger) == frozenset()


@pytest.mark.rule("M1")
def test_past_events_stay_with_whom_they_were_written_for(ledger: Ledger) -> None:
    past = {"ends_at": at(-10)}
    ledger.record_event_results("run-1", results(past), settings_version=0, mapping_version=0, now=at(10))
    settle(ledger, past)
    ledger.choose_person("7", "003000000000001AAA", who="ada", now=at(20))
    assert moved(ledger) == frozenset()
