"""The DAGs that run when somebody starts them: a backfill in windows, and a replay of what waits."""

from __future__ import annotations

import pytest

from include.reasons import KEPT_BACK, REASONS
from tests.dags.conftest import Parsed


@pytest.mark.rule("T7")
@pytest.mark.rule("Q2")
@pytest.mark.parametrize("dag_id", ["backfill_bookings", "replay_quarantine"])
def test_nothing_but_a_person_starts_them(parsed: Parsed, dag_id: str) -> None:
    assert parsed.dags[dag_id]["timetable"] == "NullTimetable"


@pytest.mark.rule("T7")
def test_windows_are_synced_one_at_a_time_and_after_the_tasks_of_other_dags(parsed: Parsed) -> None:
    tasks = parsed.dags["backfill_bookings"]["tasks"]

    assert tasks["sync_window"]["is_mapped"]
    assert tasks["sync_window"]["at_once"] == 1
    assert {task["weight"] for task in tasks.values()} == {0}
    assert tasks["plan_windows"]["downstream"] == ["sync_window"]
    assert tasks["sync_window"]["downstream"] == ["sum_up"]


@pytest.mark.rule("C1")
def test_a_window_shows_what_it_produces(parsed: Parsed) -> None:
    window = parsed.dags["backfill_bookings"]["tasks"]["sync_window"]

    assert window["outlets"] == ["salesforce_people", "salesforce_events"]


@pytest.mark.rule("Q2")
def test_the_form_offers_every_reason_and_outcome_that_a_row_may_wait_with(parsed: Parsed) -> None:
    params = parsed.dags["replay_quarantine"]["params"]

    assert params["outcomes"]["examples"] == [str(outcome) for outcome in KEPT_BACK]
    assert params["reasons"]["examples"] == [
        str(reason) for reason, text in REASONS.items() if text.outcome in KEPT_BACK
    ]
