"""Reconciliation is two tasks of its own before the tasks of a sync, and one after them."""

from __future__ import annotations

import pytest

from tests.dags.conftest import Parsed

pytestmark = pytest.mark.rule("Q7")


def test_what_slipped_by_is_marked_before_the_comparison_and_a_repair_follows_it(parsed: Parsed) -> None:
    tasks = parsed.dags["reconcile"]["tasks"]

    assert tasks["sweep_ledger"]["downstream"] == ["compare_org"]
    assert "extract_changes" in tasks["compare_org"]["downstream"]
    assert tasks["settle_run"]["downstream"] == ["delete_copies"]


def test_a_comparison_that_finds_nothing_to_mend_ends_the_task_of_the_copies_too(parsed: Parsed) -> None:
    assert "delete_copies" in parsed.dags["reconcile"]["tasks"]["compare_org"]["downstream"]


def test_it_runs_daily_and_only_looks_unless_somebody_asks_for_a_repair(parsed: Parsed) -> None:
    dag = parsed.dags["reconcile"]

    assert dag["timetable"] == "CronTriggerTimetable"
    assert dag["params"]["repair"]["type"] == "boolean"
