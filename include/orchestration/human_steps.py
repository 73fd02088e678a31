"""The human steps of a migration, as tasks that await input in Airflow (rules G4, G6, G8).

Each is meant for a role, and keeps in the ledger what was asked, what was answered, by whom and when. Who may answer
at all is Airflow's business: whoever may edit the DAG. *Required Actions* in the UI, or the REST API, takes the answer.

A waiting step holds no worker. From time to time Airflow wakes it, and it looks whether its run still holds the
migration's lease: a run that another has taken over ends as skipped by itself, without anybody answering (rule G10).
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from include.errors import AnswerRefusedError, ConfigurationError, SkipRun
from include.legacy import Phase
from include.orchestration.approval import who_answered
from include.orchestration.stage import migration_stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow.sdk import Context

    from include.pipeline.context import SyncRun, Wiring

STOP: Final = "Stop"
REFUSED_KEY: Final = "refused_answer"
"""Under which a step leaves the sentence that says why an answer was not taken."""

_FIRST_LOOK: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(minutes=10)

log = logging.getLogger(__name__)


class Role(StrEnum):
    """Whom a step is meant for."""

    SALESFORCE_ADMINISTRATOR = "Salesforce administrator"
    COCONUT_ADMINISTRATOR = "Coconut administrator"


class HumanStep(HITLOperator):
    """Waits until a person lets the migration go on, or stops it; succeeds with what was answered."""

    ui_color = "#ffe4b5"

    def __init__(self, *, role: Role, title: str, go_on: str, settled_by: Phase, **kwargs: Any) -> None:
        """Ask a role.

        Args:
            role: whom the question is meant for.
            title: what they are asked to do, as the end of a sentence.
            go_on: the answer that lets the migration go on.
            settled_by: once the migration has this phase behind it, nobody is asked any more.
            **kwargs: Airflow's own.
        """
        super().__init__(subject=f"For the {role}: {title}", options=[go_on, STOP], **kwargs)
        self.role = role
        self.go_on = go_on
        self.settled_by = settled_by

    @abstractmethod
    def question(self, run: SyncRun, wiring: Wiring) -> tuple[str, Mapping[str, Any]]:
        """Return what whoever answers has to know, in Markdown, and the form: by name what ``Param`` takes."""

    def keep(self, run: SyncRun, wiring: Wiring, form: Mapping[str, Any], *, who: str, now: datetime) -> None:
        """Act on the form of an answer that lets the migration go on.

        Raises:
            AnswerRefusedError: the form cannot be filled in so; the step asks again.
        """

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask, unless the answer would change nothing any more.

        A question that is open stays as it is: should it have been answered while a try was lost, which happens when
        somebody answers before Airflow's scheduler has heard that the task is parked, the answer comes now.
        """
        with migration_stage() as (run, wiring):
            if run.dry_run:
                return {"is_asked": False}
            held = wiring.ledger.held_migration(run.run_id)
            if held.phase.is_behind(self.settled_by):
                return {"is_asked": False}
            step = _step(context)
            if not any(
                (asked.run_id, asked.step, asked.answered_at) == (run.run_id, step, None)
                for asked in wiring.ledger.migration_answers(held.id)
            ):
                body, fields = self.question(run, wiring)
                self._ask(context, body, fields)
                wiring.ledger.ask_in_migration(
                    held.id, run_id=run.run_id, step=step, role=self.role, now=run.now
                )
        raise _parked(_FIRST_LOOK)

    def execute_complete(
        self, context: Context, event: dict[str, Any], waited_seconds: float = _FIRST_LOOK.total_seconds()
    ) -> dict[str, Any]:
        """Take the answer; or, woken without one, go on waiting while the run holds the lease.

        Raises:
            ConfigurationError: the answer was to stop.
            AirflowSkipException: another run has taken the migration over.
        """
        if event.get("error_type") == "timeout":
            with migration_stage() as (run, wiring):
                wiring.ledger.held_migration(run.run_id)
            raise _parked(min(2 * timedelta(seconds=waited_seconds), _LONGEST_WAIT))
        if "error" in event:
            self.process_trigger_event_error(event)
        self.validate_chosen_options(event["chosen_options"])
        with migration_stage() as (run, wiring):
            refused = self._take(run, wiring, _step(context), event)
        if refused:
            self._ask_again(context, refused)
        return {"is_asked": True, "answer": event["chosen_options"][0]}

    def _take(self, run: SyncRun, wiring: Wiring, step: str, event: Mapping[str, Any]) -> str:
        """Act on an answer and keep it in the ledger; return why it cannot be, if so.

        Trouble that may pass leaves the question open, so that the next try takes the answer.
        """
        try:
            self._act(run, wiring, event)
        except AnswerRefusedError as refused:
            self._record(run, wiring, step, event)
            held = wiring.ledger.held_migration(run.run_id)
            wiring.ledger.ask_in_migration(held.id, run_id=run.run_id, step=step, role=self.role, now=run.now)
            return str(refused)
        except (ConfigurationError, SkipRun):
            self._record(run, wiring, step, event)
            raise
        self._record(run, wiring, step, event)
        return ""

    def _act(self, run: SyncRun, wiring: Wiring, event: Mapping[str, Any]) -> None:
        wiring.ledger.held_migration(run.run_id)
        if event["chosen_options"] == [STOP]:
            msg = (
                f"The step {self.task_id} was answered with {STOP}, and nothing was changed by it: clear its task to "
                'be asked again, or start the DAG with {"rollback": true} to go back.'
            )
            raise ConfigurationError(msg)
        who = who_answered(event.get("responded_by_user"))
        self.keep(run, wiring, event["params_input"] or {}, who=who, now=event["responded_at"])

    def _record(self, run: SyncRun, wiring: Wiring, step: str, event: Mapping[str, Any]) -> None:
        """Keep who answered what, and when, also where another run has taken the migration over meanwhile."""
        newest = wiring.ledger.newest_migration()
        if newest is not None:
            wiring.ledger.answer_in_migration(
                newest.id,
                run_id=run.run_id,
                step=step,
                answered={"answer": event["chosen_options"][0], **(event["params_input"] or {})},
                who=who_answered(event.get("responded_by_user")),
                now=event["responded_at"],
            )

    def _ask(self, context: Context, body: str = "", fields: Mapping[str, Any] | None = None) -> None:
        """Open the question in Airflow, which keeps text and form of a question that was open before."""
        form = {name: Param(**spec).serialize() for name, spec in (fields or {}).items()}
        upsert_hitl_detail(
            ti_id=context["ti"].id, options=self.options, subject=self.subject, body=body, params=form
        )

    def _ask_again(self, context: Context, refused: str) -> NoReturn:
        """Open the same question again; as its text stays, the log says what is wrong."""
        log.warning("The answer was not taken, and the question is open again: %s", refused)
        context["ti"].xcom_push(key=REFUSED_KEY, value=refused)
        self._ask(context)
        raise _parked(_FIRST_LOOK)


def _step(context: Context) -> str:
    """Return what the ledger calls the step: each report has a review of its own."""
    ti = context["ti"]
    return str(ti.task_id) if ti.map_index < 1 else f"{ti.task_id}[{ti.map_index}]"


def _parked(wait: timedelta) -> TaskAwaitingInput:
    """Return what parks the task until somebody answers, or for a while."""
    return TaskAwaitingInput(
        method_name="execute_complete", kwargs={"waited_seconds": wait.total_seconds()}, timeout=wait
    )


class AwaitActivation(HumanStep):
    """Has the integration enabled in Salesforce; ``check_activation`` then looks whether it is (rule G4)."""

    def __init__(self, **kwargs: Any) -> None:
        """Ask the administrator of Salesforce."""
        super().__init__(
            role=Role.SALESFORCE_ADMINISTRATOR,
            title="enable the integration in Salesforce",
            go_on="It is enabled",
            settled_by=Phase.ACTIVATED,
            **kwargs,
        )

    def question(self, run: SyncRun, wiring: Wiring) -> tuple[str, Mapping[str, Any]]:  # noqa: ARG002
        """Say what there is to do; there is nothing to fill in."""
        return _ACTIVATION, {}


class Review(HumanStep):
    """Shows what is carried over and what needs attention, and has the choices confirmed (rule G6).

    Airflow never changes the text of a question, not even when its task is cleared. So each report has a task
    instance of its own, and those of older reports succeed without asking.
    """

    def __init__(self, *, is_newest: bool = True, **kwargs: Any) -> None:
        """Ask about the newest report only."""
        super().__init__(
            role=Role.COCONUT_ADMINISTRATOR,
            title="review what is carried over, and choose",
            go_on="Approve",
            settled_by=Phase.CUT_OVER,
            **kwargs,
        )
        self.is_newest = is_newest

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask about the newest report."""
        return super().execute(context) if self.is_newest else {"is_asked": False}

    def question(self, run: SyncRun, wiring: Wiring) -> tuple[str, Mapping[str, Any]]:
        """Show the report, with a form for the choices."""
        from include.migration.review import review_question

        asked = review_question(run, wiring)
        return asked.body_markdown, asked.params

    def keep(self, run: SyncRun, wiring: Wiring, form: Mapping[str, Any], *, who: str, now: datetime) -> None:
        """Record the choices."""
        from include.migration.review import record_review

        record_review(run, wiring, form, who, now)


class ConfirmLegacyOff(HumanStep):
    """Has it confirmed that the legacy integration writes no more (rule G8)."""

    def __init__(self, **kwargs: Any) -> None:
        """Ask the administrator of Coconut."""
        super().__init__(
            role=Role.COCONUT_ADMINISTRATOR,
            title="switch the legacy integration off",
            go_on="It is off",
            settled_by=Phase.CUT_OVER,
            **kwargs,
        )

    def question(self, run: SyncRun, wiring: Wiring) -> tuple[str, Mapping[str, Any]]:  # noqa: ARG002
        """Say what there is to do; there is nothing to fill in."""
        return _LEGACY_OFF, {}

    def keep(self, run: SyncRun, wiring: Wiring, form: Mapping[str, Any], *, who: str, now: datetime) -> None:
        """Record that the legacy integration is off."""
        from include.migration.legacy_off import record_legacy_off

        record_legacy_off(run, wiring, {"answer": self.go_on, **form}, who, now)


_ACTIVATION: Final = """Enable the modern integration in Salesforce:

1. Deploy the package `include/salesforce_package` to the org.
2. Give the integration user its permission sets.
3. Answer **It is enabled**. The next task looks for itself, and lists everything that is still missing.

Until cut-over nothing that users see is changed. **Stop** ends the run; clear this task to be asked again.
"""

_LEGACY_OFF: Final = """Switch the legacy integration off in Coconut, so that it writes nothing to Salesforce any more.

Answer **It is off** only then: what follows takes stock a second time and cuts over. Should the legacy integration be
seen at work afterwards, all syncs stop. **Stop** ends the run; clear this task to be asked again.
"""
