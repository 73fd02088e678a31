"""What Airflow asks people, and their answers, through its REST API: what *Required Actions* does in the UI."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from include.local_stack.airflow_api import AirflowApi
from include.local_stack.processes import StackError

_POLL_SECONDS: Final = 1.0
_SETTLED_SECONDS: Final = 4.0
"""Airflow fails a task that is answered before its scheduler has heard that the task is parked."""


@dataclass(frozen=True, slots=True)
class Question:
    """An open question of one task instance; ``fields`` are the form's, by name."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    subject: str
    body: str
    options: tuple[str, ...]
    fields: Mapping[str, Any] = field(hash=False, compare=False)

    @property
    def defaults(self) -> dict[str, Any]:
        """Return the form as it is offered."""
        return {name: spec["value"] if isinstance(spec, dict) else spec for name, spec in self.fields.items()}


@dataclass(frozen=True, slots=True)
class Questions:
    """Waits for questions of one DAG, and answers them as the user ``admin``."""

    airflow: AirflowApi
    dag_id: str

    def asked(self, run_id: str = "~") -> list[Question]:
        """Return what is asked now."""
        found = self.airflow.get_open_questions(self.dag_id, run_id)
        return [_question(detail) for detail in found]

    def wait_for(
        self,
        task_id: str,
        run_id: str,
        *,
        timeout_seconds: float,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Question:
        """Wait until a task of a run asks, and its question has stood for a moment.

        Raises:
            StackError: it does not ask in time.
        """
        deadline, since = time.monotonic() + timeout_seconds, None
        while time.monotonic() < deadline:
            meanwhile()
            asked = [question for question in self.asked(run_id) if question.task_id == task_id]
            if not asked:
                since = None
            elif since is None:
                since = time.monotonic()
            elif time.monotonic() - since >= _SETTLED_SECONDS:
                return asked[0]
            time.sleep(_POLL_SECONDS)
        raise StackError(f"{self.dag_id} did not ask {task_id} within {timeout_seconds:.0f} seconds.")

    def answer(self, question: Question, option: str, **values: Any) -> None:
        """Answer with one of the options, and the form's values where they differ from those offered."""
        self.airflow.answer(
            dag_id=question.dag_id,
            run_id=question.run_id,
            task=f"{question.task_id}/{question.map_index}",
            answer={"chosen_options": [option], "params_input": {**question.defaults, **values}},
        )


def _question(detail: Mapping[str, Any]) -> Question:
    task = detail["task_instance"]
    return Question(
        dag_id=task["dag_id"],
        run_id=task["dag_run_id"],
        task_id=task["task_id"],
        map_index=task["map_index"],
        subject=detail["subject"],
        body=detail["body"] or "",
        options=tuple(detail["options"]),
        fields=detail["params"] or {},
    )
