"""The human step of a run that would delete or create more than the settings let pass (rules Q10, G4).

An ordinary run passes it at once. Only one that hits a guard rail waits, in Airflow's state *awaiting input*, which
holds no worker; *Required Actions* in the UI, or the REST API, answers it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.operators.hitl import ApprovalOperator

from include.orchestration.stage import stage_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.pipeline.guard_changes import GuardedChanges

WAIT_FOR_APPROVAL: Final = timedelta(hours=24)
"""How long a run waits for an answer. Meanwhile no other run of its DAG begins; afterwards the next one asks again."""

_SUBJECT: Final = "Approve what this run is about to write to Salesforce"
_MANUAL: Final = """Have the guard rails of the settings approved by somebody where the run hits them.

For whoever answers for the Salesforce data. **Approve** lets the run write. **Reject** fails it: nothing is written,
its rows stay pending, and the next run asks again. So it does when nobody answers within a day.
"""


class GuardChanges(ApprovalOperator):
    """Succeeds with the run's counts, after somebody approved them where a guard rail is hit."""

    ui_color = "#ffe4b5"

    def __init__(self, *, selection: str, **kwargs: Any) -> None:
        """Guard the run of a selection."""
        super().__init__(
            subject=_SUBJECT,
            response_timeout=WAIT_FOR_APPROVAL,
            fail_on_reject=True,
            doc_md=_MANUAL,
            **kwargs,
        )
        self.selection = selection

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the counts of a run that nobody has to approve, or somebody has; else wait for the answer."""
        from include.pipeline.guard_changes import guard_changes

        with stage_of(self.selection) as (run, wiring):
            guarded = guard_changes(run, wiring)
        if guarded.is_waiting:
            self.body = _question(run.run_id, guarded)
            super().execute(context)  # leaves by the exception that parks the task
        return guarded.to_result()

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - Airflow's
        """Record who answered, and return the counts that were approved.

        Raises:
            ApprovalRequired: the run was rejected.
            HITLTimeoutError: nobody answered in time.
        """
        from include.pipeline.guard_changes import answer_changes, give_up, guard_changes

        with stage_of(self.selection) as (run, wiring):
            if "error" in event:
                give_up(run, wiring, now=datetime.now(UTC))
                self.process_trigger_event_error(event)
            self.validate_chosen_options(event["chosen_options"])
            answer_changes(
                run,
                wiring,
                is_approved=event["chosen_options"] == [self.APPROVE],
                who=who_answered(event.get("responded_by_user")),
                now=event["responded_at"],
            )
            return guard_changes(run, wiring).to_result()


def _question(run_id: str, guarded: GuardedChanges) -> str:
    """Return what whoever answers has to know, in Markdown: counts, and no value of anybody."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {count} |" for name, count in guarded.planned.to_json().items()
    )
    hits = "\n".join(f"- {sentence}" for sentence in guarded.hits)
    return f"{hits}\n\n| planned | rows |\n|---|---|\n{rows}\n\nRun `{run_id}`. A dry run of the DAG shows every field."


def who_answered(user: Any) -> str:
    """Return the name of the Airflow user who answered, for the audit."""
    told = dict(user or {})
    return str(told.get("name") or told.get("id") or "unknown user of Airflow")
