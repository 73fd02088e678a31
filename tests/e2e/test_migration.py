"""A legacy organisation migrates in a real Airflow: people answer through the REST API, and one changes their mind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from include.demo.legacy_proof import prove_migration
from include.demo.legacy_run import MIGRATION, offer_upgrade
from include.demo.org_reader import read_org
from include.local_stack.questions import Questions
from include.local_stack.stack import Stack
from tests.e2e.migration_stack import (
    asked_by,
    migration_stack,
    run_of,
    states_once_over,
    wait_for_state,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with migration_stack(tmp_path_factory.mktemp("stack"), bookings=110) as started:
        yield started


def ledger_rows(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(stack.layout.ledger_database)) as ledger:
        return ledger.execute(query).fetchall()


@pytest.mark.rule("T6")
def test_a_dry_run_looks_as_far_as_verify_asks_nobody_and_leaves_no_migration(stack: Stack) -> None:
    before = read_org(stack.org)

    states = states_once_over(stack, stack.airflow.trigger(MIGRATION, {"dry_run": True}))

    assert (states[""], states["carry_over"], states["verify"]) == ("success", "success", "success")
    assert {states[name] for name in ("review", "cut_over", "finalise", "roll_back")} == {"skipped"}
    assert ledger_rows(stack, "SELECT COUNT(*) FROM legacy_migrations") == [(0,)]
    assert read_org(stack.org) == before


@pytest.mark.rule("G4")
@pytest.mark.rule("G6")
@pytest.mark.rule("G10")
def test_a_rollback_beside_a_run_that_waits_restores_all_and_the_waiting_run_skips_by_itself(
    stack: Stack,
) -> None:
    before = read_org(stack.org)
    questions = Questions(stack.airflow, MIGRATION)
    waiting = stack.airflow.trigger(MIGRATION)

    activation = asked_by(stack, waiting, "await_activation")
    assert activation.subject == "For the Salesforce administrator: enable the integration in Salesforce"
    questions.answer(activation, "It is enabled")

    first_report = asked_by(stack, waiting, "review")
    stack.airflow.clear(run_of(stack, waiting), "carry_over")
    review = asked_by(stack, waiting, "review")
    assert (first_report.map_index, review.map_index) == (0, 1)
    assert "need attention" in review.body
    assert "person_account" not in json.dumps(review.fields["entity_type"]["schema"]["enum"])
    questions.answer(review, "Approve", entity_type="person_account")
    asked_again = asked_by(stack, waiting, "review")
    assert ledger_rows(stack, "SELECT phase FROM legacy_migrations") == [("verified",)]
    questions.answer(asked_again, "Approve", entity_type="contact")

    assert asked_by(stack, waiting, "confirm_legacy_off").options == ("It is off", "Stop")
    rollback = stack.airflow.trigger(MIGRATION, {"rollback": True})
    assert states_once_over(stack, rollback)["roll_back"] == "success"

    states = states_once_over(stack, waiting)
    assert (states["verify"], states["review"]) == ("success", "success")
    assert {states[name] for name in ("confirm_legacy_off", "cut_over", "finalise")} == {"skipped"}
    assert ledger_rows(stack, "SELECT phase, ended_at IS NOT NULL FROM legacy_migrations") == [
        ("rolled_back", 1)
    ]
    assert read_org(stack.org) == before


@pytest.mark.rule("G5")
@pytest.mark.rule("G8")
@pytest.mark.rule("G9")
@pytest.mark.rule("G10")
def test_a_migration_answered_through_the_rest_api_ends_finalised_with_its_proof(stack: Stack) -> None:
    before = read_org(stack.org)
    questions = Questions(stack.airflow, MIGRATION)
    run_id = stack.airflow.trigger(MIGRATION, {"probe_event": True})

    for task_id, option in (
        ("await_activation", "It is enabled"),
        ("review", "Approve"),
        ("confirm_legacy_off", "It is off"),
    ):
        questions.answer(asked_by(stack, run_id, task_id), option)
    wait_for_state(stack, run_id, "await_finalisation", "up_for_reschedule")
    offer_upgrade(stack.layout.booking_database, is_on=False)
    states = states_once_over(stack, run_id)

    assert (states[""], states["finalise"]) == ("success", "success")
    assert ledger_rows(
        stack,
        "SELECT step, role, answered_by FROM migration_answers WHERE answered_at IS NOT NULL AND migration_id = "
        "(SELECT MAX(id) FROM legacy_migrations) ORDER BY id",
    ) == [
        ("await_activation", "Salesforce administrator", "admin"),
        ("review", "Coconut administrator", "admin"),
        ("confirm_legacy_off", "Coconut administrator", "admin"),
    ]
    proof = prove_migration(
        before,
        read_org(stack.org),
        booking_database=stack.layout.booking_database,
        ledger=stack.layout.ledger_database,
    )
    assert proof.holds, proof.lines()
