"""The migration is one row of tasks named like their stages, with people between them and its other modes beside it."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise

import pytest

from include.migration.request import EventsSince, Mode
from include.orchestration.migration_tasks import FIRST_TASKS, MANUALS, MODULES
from tests.dags.conftest import Parsed

DAG_ID = "migrate_legacy_integration"
HUMAN = ["await_activation", "review", "confirm_legacy_off"]
FORWARD = [
    "preflight",
    "inventory",
    "authorise",
    "await_activation",
    "check_activation",
    "carry_over",
    "verify",
    "list_reports",
    "review",
    "confirm_legacy_off",
    "inventory_again",
    "cut_over",
    "first_sync",
    "label_events",
    "prove_parity",
    "await_finalisation",
    "finalise",
]
ELSE = ["roll_back", "complete_person_accounts", "resume_syncs"]
NO_STAGES = {*HUMAN, "await_finalisation"}


@pytest.mark.rule("C1")
def test_every_stage_is_a_task_of_its_name_and_they_follow_each_other(parsed: Parsed) -> None:
    tasks = parsed.dags[DAG_ID]["tasks"]

    assert set(tasks) == {"choose_mode", *FORWARD, *ELSE}
    assert [tasks[stage]["downstream"] for stage in FORWARD] == [
        *([after] for _, after in pairwise(FORWARD)),
        [],
    ]


@pytest.mark.rule("C1")
@pytest.mark.parametrize("stage", sorted(set(MANUALS) - NO_STAGES))
def test_a_stage_is_the_function_of_its_task_s_name(stage: str) -> None:
    assert callable(getattr(import_module(f"include.migration.{MODULES.get(stage, stage)}"), stage))


@pytest.mark.rule("G10")
def test_each_mode_of_a_request_is_a_branch_at_the_start(parsed: Parsed) -> None:
    tasks = parsed.dags[DAG_ID]["tasks"]

    assert set(FIRST_TASKS) == set(Mode)
    assert sorted(FIRST_TASKS.values()) == tasks["choose_mode"]["downstream"]
    assert all(tasks[name]["downstream"] == [] for name in ELSE)


@pytest.mark.rule("G9")
def test_the_form_offers_what_a_request_may_ask_and_asks_for_nothing_by_itself(parsed: Parsed) -> None:
    dag = parsed.dags[DAG_ID]

    assert dag["timetable"] == "NullTimetable"
    assert dag["params"]["events_since"]["enum"] == list(EventsSince)
    switches = {name for name, schema in dag["params"].items() if schema.get("type") == "boolean"}
    assert switches == {"take_over", "probe_event", "dry_run", "rollback", "person_accounts", "resume"}


@pytest.mark.rule("G6")
def test_only_the_review_has_an_instance_for_each_report(parsed: Parsed) -> None:
    assert [name for name, task in parsed.dags[DAG_ID]["tasks"].items() if task["is_mapped"]] == ["review"]
