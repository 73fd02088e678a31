"""Erasing a person is four tasks in a row that nobody but a person starts; retention goes along with the daily look."""

from __future__ import annotations

import pytest

from tests.dags.conftest import Parsed

pytestmark = pytest.mark.rule("Q11")


def test_it_lists_then_switches_off_then_removes_and_only_a_person_starts_it(parsed: Parsed) -> None:
    dag = parsed.dags["erase_client"]

    assert dag["timetable"] == "NullTimetable"
    assert {name: task["downstream"] for name, task in dag["tasks"].items()} == {
        "list_personal_data": ["begin_erasure"],
        "begin_erasure": ["erase_staging"],
        "erase_staging": ["erase_ledger"],
        "erase_ledger": [],
    }


def test_what_is_old_is_removed_once_a_day_whatever_the_comparison_finds(parsed: Parsed) -> None:
    tasks = parsed.dags["reconcile"]["tasks"]

    assert tasks["remove_expired"]["downstream"] == []
    assert not [name for name, task in tasks.items() if "remove_expired" in task["downstream"]]
