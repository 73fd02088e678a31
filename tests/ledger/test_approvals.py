"""What was asked, what was answered, and what counts (rule Q10)."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from include.ledger import tables
from include.ledger.repository import Ledger
from tests.ledger.builders import at

pytestmark = pytest.mark.rule("Q10")

PLANNED = {"events_to_delete": 60, "events_to_create": 0, "people_to_create": 0}
MORE = {**PLANNED, "events_to_delete": 61}


def questions(ledger: Ledger) -> int:
    with ledger.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(tables.approvals)).scalar_one()


def test_a_question_is_open_until_somebody_answers_it_once(ledger: Ledger) -> None:
    assert ledger.approval("run-1") is None
    asked = ledger.ask_approval("run-1", PLANNED, now=at(1))
    assert (asked.planned, asked.asked_at, asked.is_approved) == (PLANNED, at(1), None)
    assert ledger.open_approvals() == [asked]
    assert ledger.answer_approval("run-1", is_approved=True, who="ada", now=at(2))
    assert not ledger.answer_approval("run-1", is_approved=False, who="ben", now=at(3))
    kept = ledger.approval("run-1")
    assert kept is not None
    assert (kept.is_approved, kept.answered_by, kept.answered_at) == (True, "ada", at(2))
    assert ledger.open_approvals() == []


def test_the_same_counts_are_asked_about_once_and_stay_approved(ledger: Ledger) -> None:
    ledger.ask_approval("run-1", PLANNED, now=at(1))
    assert ledger.ask_approval("run-1", PLANNED, now=at(2)).asked_at == at(1)
    ledger.answer_approval("run-1", is_approved=True, who="ada", now=at(3))
    assert ledger.ask_approval("run-1", PLANNED, now=at(4)).is_approved
    assert questions(ledger) == 1


def test_other_counts_and_what_was_rejected_are_asked_about_anew_beside_what_was_answered(
    ledger: Ledger,
) -> None:
    ledger.ask_approval("run-1", PLANNED, now=at(1))
    ledger.answer_approval("run-1", is_approved=True, who="ada", now=at(2))
    assert ledger.ask_approval("run-1", MORE, now=at(3)).is_approved is None
    ledger.answer_approval("run-1", is_approved=False, who="ben", now=at(4))
    assert ledger.ask_approval("run-1", MORE, now=at(5)).is_approved is None
    assert questions(ledger) == 3


def test_only_the_newest_question_of_a_run_can_be_answered(ledger: Ledger) -> None:
    ledger.ask_approval("run-1", PLANNED, now=at(1))
    ledger.ask_approval("run-1", MORE, now=at(2))
    ledger.ask_approval("run-2", PLANNED, now=at(3))
    assert [(one.run_id, one.planned) for one in ledger.open_approvals()] == [
        ("run-1", MORE),
        ("run-2", PLANNED),
    ]
    assert ledger.answer_approval("run-1", is_approved=True, who="ada", now=at(4))
    assert [one.run_id for one in ledger.open_approvals()] == ["run-2"]
    assert not ledger.answer_approval("run-3", is_approved=True, who="ada", now=at(5))
