"""Counts every stage returns and the ledger keeps: API calls by kind, and the conservation line (rules Q3, Q8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from include.errors import ConservationError
from include.reasons import Action, Outcome

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring

ACTION_COUNTS = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted"}


@contextmanager
def counted_calls(run: SyncRun, wiring: Wiring, task: str) -> Iterator[None]:
    """Record the API calls a task made, also when it fails; every attempt counts on its own."""
    attempt = uuid4().hex
    try:
        yield
    finally:
        if wiring.has_signed_in:
            usage = wiring.salesforce.usage
            wiring.ledger.record_api_calls(run.run_id, task=task, attempt=attempt, calls=usage.calls)
            if usage.daily_used is not None and usage.daily_max is not None:
                wiring.ledger.note_org_usage(used=usage.daily_used, most=usage.daily_max)


def count_outcomes(pairs: pd.DataFrame) -> dict[str, int]:
    """Return how many pairs have each outcome, and how many Events were created, updated and deleted.

    Args:
        pairs: columns ``outcome`` and ``action``.
    """
    by_outcome = pairs["outcome"].value_counts()
    counts = {str(outcome): int(by_outcome.get(outcome, 0)) for outcome in Outcome}
    written = pairs.loc[pairs["outcome"] == Outcome.WRITTEN, "action"].value_counts()
    return counts | {name: int(written.get(action, 0)) for action, name in ACTION_COUNTS.items()}


def add_counts(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """Return the sum of two counts, name by name."""
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}


def check_conservation(read: int, counts: Mapping[str, int], *, unit: str = "pairs") -> None:
    """Check ``read = written + unchanged + held + quarantined + disabled`` (rule Q3); ``unit`` is what is counted.

    Raises:
        ConservationError: the run does not add up.
    """
    accounted = sum(counts.get(outcome, 0) for outcome in Outcome)
    if read != accounted:
        msg = (
            f"The run read {read} {unit} but accounts for {accounted}; nothing was settled and the watermark stays. "
            "Clear the run's tasks to run it again, and report this as a defect."
        )
        raise ConservationError(msg)


def conservation_line(read: int, counts: Mapping[str, int]) -> str:
    """Return the conservation equation in words and figures."""
    parts = " + ".join(f"{counts.get(outcome, 0)} {outcome}" for outcome in Outcome)
    return f"read {read} = {parts}"
