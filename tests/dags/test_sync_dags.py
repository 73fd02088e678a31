"""The syncs of bookings and of clients are one pipeline with another selection, a task per stage."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.dags.conftest import Parsed

STAGES = [
    "extract_changes",
    "match_people",
    "map_people",
    "map_events",
    "check_frames",
    "guard_changes",
    "load_people",
    "load_events",
    "settle_run",
]
WATCHED = {"sync_appointments": "coconut_appointments", "sync_walk_ins": "coconut_walk_ins"}
SYNCS = [*WATCHED, "sync_clients", "replay_quarantine"]


@pytest.mark.rule("C1")
@pytest.mark.parametrize("dag_id", SYNCS)
def test_every_stage_is_a_task_of_its_name_and_they_follow_each_other(parsed: Parsed, dag_id: str) -> None:
    tasks = parsed.dags[dag_id]["tasks"]

    assert set(tasks) == {*STAGES, "list_chunks"}
    for stage, following in pairwise(STAGES):
        assert following in tasks[stage]["downstream"]


@pytest.mark.rule("C1")
@pytest.mark.parametrize("dag_id", SYNCS)
def test_events_are_mapped_and_loaded_chunk_by_chunk(parsed: Parsed, dag_id: str) -> None:
    tasks = parsed.dags[dag_id]["tasks"]

    assert {name for name, task in tasks.items() if task["is_mapped"]} == {"map_events", "load_events"}
    assert tasks["list_chunks"]["downstream"] == ["load_events", "map_events"]


@pytest.mark.rule("C1")
@pytest.mark.parametrize("dag_id", SYNCS)
def test_only_load_tasks_link_to_a_salesforce_job_and_show_what_they_produce(
    parsed: Parsed, dag_id: str
) -> None:
    tasks = parsed.dags[dag_id]["tasks"]

    assert {name: task["outlets"] for name, task in tasks.items() if task["links"]} == {
        "load_people": ["salesforce_people"],
        "load_events": ["salesforce_events"],
    }


@pytest.mark.rule("T1")
@pytest.mark.parametrize(("dag_id", "asset"), WATCHED.items())
def test_a_sync_runs_on_a_schedule_and_when_its_own_bookings_change(
    parsed: Parsed, dag_id: str, asset: str
) -> None:
    assert parsed.dags[dag_id]["timetable"] == "AssetOrTimeSchedule"
    assert parsed.dags[dag_id]["assets"] == [asset]


@pytest.mark.rule("S13")
def test_clients_are_synced_on_a_schedule_of_their_own(parsed: Parsed) -> None:
    assert parsed.dags["sync_clients"]["timetable"] == "CronTriggerTimetable"


@pytest.mark.rule("T3")
def test_the_form_takes_ids_as_text_or_as_a_list_and_switches_that_are_off(parsed: Parsed) -> None:
    params = parsed.dags["sync_clients"]["params"]

    for name in ("client_ids", "booking_ids"):
        assert {"string", "array"} <= set(params[name]["type"])
    for name in ("rematch", "move_past_events"):
        assert params[name]["type"] == "boolean"


@pytest.mark.rule("S7")
def test_staff_links_are_refreshed_by_a_dag_of_one_task(parsed: Parsed) -> None:
    assert list(parsed.dags["sync_staff"]["tasks"]) == ["sync_staff"]
