"""A human step outside Airflow's scheduler: when it asks, what it keeps, and what wakes it (rules G4, G10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskAwaitingInput

from include.errors import (
    AnswerRefusedError,
    ConfigurationError,
    MigrationTakenOver,
    SalesforceUnavailableError,
)
from include.ledger.repository import Ledger
from include.legacy import Phase
from include.orchestration import human_steps
from include.orchestration.human_steps import AwaitActivation, HumanStep
from include.pipeline.context import Selection, SyncRun, Trigger
from tests.engines import OpenEngine

pytestmark = pytest.mark.rule("G4")

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RUN = SyncRun(
    run_id="forward",
    dag_id="migrate_legacy_integration",
    selection=Selection.MIGRATION,
    trigger=Trigger.MANUAL,
    dry_run=False,
    now=NOW,
)
SILENCE = {"error": "nobody answered", "error_type": "timeout"}


class Step(AwaitActivation):
    """A step whose answer may be more than can be acted on."""

    trouble: Exception | None = None

    def keep(self, *args: Any, **kwargs: Any) -> None:
        if self.trouble:
            raise self.trouble


@dataclass
class Asked:
    """A step at work: its ledger, and how often it asked Airflow."""

    ledger: Ledger
    run: SyncRun = RUN
    times: int = 0
    told: dict[str, str] = field(default_factory=dict)
    trouble: Exception | None = None

    @property
    def context(self) -> Any:
        ti = SimpleNamespace(id="ti", task_id="await_activation", map_index=-1, xcom_push=self._push)
        return {"ti": ti}

    def _push(self, *, key: str, value: str) -> None:
        self.told[key] = value

    def step(self) -> HumanStep:
        step = Step(task_id="await_activation")
        step.trouble = self.trouble
        return step

    def execute(self) -> Any:
        return self.step().execute(self.context)

    def answer(self, option: str = "It is enabled") -> Any:
        who = {"id": "7", "name": "ada"}
        event = {
            "chosen_options": [option],
            "params_input": {},
            "responded_by_user": who,
            "responded_at": NOW,
        }
        return self.step().execute_complete(self.context, event)

    def wake(self, waited_seconds: float) -> Any:
        return self.step().execute_complete(self.context, SILENCE, waited_seconds)

    def questions(self) -> list[tuple[str, str, str | None]]:
        migration = self.ledger.newest_migration()
        assert migration is not None
        return [(one.step, one.role, one.answered_by) for one in self.ledger.migration_answers(migration.id)]


@pytest.fixture
def asked(open_engine: OpenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A migration that is authorised, and the step that comes next."""
    ledger = Ledger.open(open_engine(f"sqlite:///{tmp_path / 'ledger.db'}"))
    ledger.begin_migration(RUN.run_id, who="test", now=NOW)
    ledger.advance_migration(RUN.run_id, Phase.AUTHORISED, facts={})
    made = Asked(ledger)

    @contextmanager
    def migration_stage() -> Iterator[tuple[SyncRun, Any]]:
        yield made.run, SimpleNamespace(ledger=ledger)

    def upsert_hitl_detail(**_: Any) -> None:
        made.times += 1

    monkeypatch.setattr(human_steps, "migration_stage", migration_stage)
    monkeypatch.setattr(human_steps, "upsert_hitl_detail", upsert_hitl_detail)
    return made


def test_an_answer_is_kept_with_its_role_and_who_gave_it(asked: Asked) -> None:
    with pytest.raises(TaskAwaitingInput):
        asked.execute()
    assert asked.questions() == [("await_activation", "Salesforce administrator", None)]

    asked.answer()
    assert asked.questions() == [("await_activation", "Salesforce administrator", "ada")]


def test_a_question_that_is_open_is_not_asked_again_so_that_an_answer_in_between_arrives(
    asked: Asked,
) -> None:
    for _ in range(2):
        with pytest.raises(TaskAwaitingInput):
            asked.execute()

    assert asked.times == len(asked.questions()) == 1


def test_a_question_that_was_answered_is_asked_anew_where_its_task_is_cleared(asked: Asked) -> None:
    for _ in range(2):
        with pytest.raises(TaskAwaitingInput):
            asked.execute()
        asked.answer()

    assert asked.times == len(asked.questions()) == 2


@pytest.mark.rule("G10")
def test_silence_wakes_it_less_and_less_often_and_at_least_every_ten_minutes(asked: Asked) -> None:
    waits = []
    for waited in (60.0, 480.0, 600.0):
        with pytest.raises(TaskAwaitingInput) as parked:
            asked.wake(waited)
        waits.append((parked.value.timeout.total_seconds(), parked.value.kwargs["waited_seconds"]))

    assert waits == [(120.0, 120.0), (600.0, 600.0), (600.0, 600.0)]


@pytest.mark.rule("G10")
def test_a_run_that_lost_the_lease_does_not_go_on_waiting_nor_on_an_answer(asked: Asked) -> None:
    with pytest.raises(TaskAwaitingInput):
        asked.execute()
    asked.ledger.begin_migration("another", who="test", now=NOW, takes_over=True)

    with pytest.raises(MigrationTakenOver):
        asked.wake(60.0)
    with pytest.raises(MigrationTakenOver):
        asked.answer()
    assert asked.questions() == [("await_activation", "Salesforce administrator", "ada")]


def test_nothing_is_asked_that_would_change_nothing(asked: Asked) -> None:
    asked.run = replace(RUN, dry_run=True)
    assert asked.execute() == {"is_asked": False}
    asked.run = RUN
    asked.ledger.advance_migration(RUN.run_id, Phase.ACTIVATED, facts={})
    assert asked.execute() == {"is_asked": False}

    assert asked.times == 0


def test_stop_fails_the_step_with_what_to_do_and_is_kept_too(asked: Asked) -> None:
    with pytest.raises(TaskAwaitingInput):
        asked.execute()
    with pytest.raises(ConfigurationError, match="clear its task to be asked again"):
        asked.answer("Stop")

    assert asked.questions() == [("await_activation", "Salesforce administrator", "ada")]


@pytest.mark.rule("G6")
def test_an_answer_that_cannot_be_is_kept_and_the_question_opens_again_with_the_reason(asked: Asked) -> None:
    with pytest.raises(TaskAwaitingInput):
        asked.execute()
    asked.trouble = AnswerRefusedError("That cannot be chosen.")
    with pytest.raises(TaskAwaitingInput):
        asked.answer()

    assert [who for _, _, who in asked.questions()] == ["ada", None]
    assert (asked.times, asked.told) == (2, {human_steps.REFUSED_KEY: "That cannot be chosen."})


def test_trouble_that_may_pass_leaves_the_question_open_for_the_next_try(asked: Asked) -> None:
    with pytest.raises(TaskAwaitingInput):
        asked.execute()
    asked.trouble = SalesforceUnavailableError("Salesforce does not answer.")
    with pytest.raises(SalesforceUnavailableError):
        asked.answer()

    assert [who for _, _, who in asked.questions()] == [None]
