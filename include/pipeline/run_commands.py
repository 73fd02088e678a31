"""What an administrator is told of a run's plan, and decides about runs and the org (rules T6, Q10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.errors import ConfigurationError
from include.frames import TEXT
from include.matching.normalise import salesforce_id_18
from include.pipeline.guard_changes import approve_changes
from include.pipeline.plan_report import read_plan, read_planned_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from include.ledger.repository import Ledger
    from include.staging import Staging

ORG_PREFIX: Final = "00D"
"""Key prefix of an Organization ("Standard Field Record ID Prefix", Salesforce Help)."""

_EMPTY: Final = "(empty)"


def plan_lines(
    ledger: Ledger, run_id: str, *, values_from: Callable[[], Staging] | None = None
) -> Iterator[str]:
    """Yield a dry run's plan in lines of text; every value of every record follows where ``values_from`` is given.

    Raises:
        ConfigurationError: no plan of this run is kept, or its values are gone.
    """
    report = read_plan(ledger, run_id)
    if report is None:
        msg = (
            f"No plan of the run {run_id} is kept; the result of a dry run's task check_frames names its run."
        )
        raise ConfigurationError(msg)
    yield f"Plan of {run_id}, made {report.made_at:%Y-%m-%d %H:%M} UTC"
    yield from _summary_lines(report.summary)
    if values_from is not None:
        yield from _value_lines(values_from(), run_id)


def approve(ledger: Ledger, run_id: str, *, who: str, now: datetime) -> str:
    """Approve what a run is about to do, and return what was approved in one sentence.

    Raises:
        ConfigurationError: the run does not wait for approval.
    """
    planned = approve_changes(ledger, run_id, who=who, now=now)
    return (
        f"Approved by {who}: {planned['people_to_create']} people and {planned['events_to_create']} Events to create, "
        f"{planned['events_to_delete']} Events to delete. "
        "Now clear the run's task that failed or waits."
    )


def rebind(ledger: Ledger, org_id: str, *, connected: Callable[[], str], who: str, now: datetime) -> str:
    """Give the ledger to another org, and return what was done in one sentence.

    Args:
        ledger: the ledger.
        org_id: the org's Id, of 15 or 18 characters.
        connected: returns the Id of the org that the connection leads to.
        who: who decided so.
        now: when.

    Raises:
        ConfigurationError: that is no org's Id, or the connection leads to another org.
    """
    import pandas as pd

    ids = salesforce_id_18(pd.Series([org_id], dtype=TEXT)).dropna().tolist()
    if not ids or not ids[0].startswith(ORG_PREFIX):
        msg = f"An org's Id begins with {ORG_PREFIX} and has 15 or 18 characters; Setup, Company Information shows it."
        raise ConfigurationError(msg)
    wanted = ids[0]
    if (found := connected()) != wanted:
        msg = f"The connection salesforce_default leads to the org {found}, not to {wanted}; correct one of them first."
        raise ConfigurationError(msg)
    before = ledger.rebind_org(wanted, who=who, now=now)
    if before == wanted:
        return f"The ledger belongs to {wanted} already."
    formerly = "nobody" if before is None else before
    return f"The ledger belongs to {wanted} now, and no longer to {formerly}; decided by {who}."


def _summary_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    fields = summary["fields"]
    for sobject, operations in summary["records"].items():
        for operation, number in operations.items():
            yield f"{sobject}: {operation} {number}"
            for field, records in fields.get(sobject, {}).get(operation, {}).items():
                yield f"  {field}: {records}"
    if not summary["records"]:
        yield "Nothing would be written."
    for part, calls in summary["api_calls"].items():
        told = ", ".join(f"{number} {kind}" for kind, number in sorted(calls.items())) or "none"
        yield f"API calls, {part}: {told}"
    storage = summary["storage"]
    yield f"Storage: {storage['taken_kilobytes']} KB taken, {storage['freed_kilobytes']} KB freed"


def _value_lines(staging: Staging, run_id: str) -> Iterator[str]:
    frames = list(read_planned_fields(staging, run_id))
    if not frames:
        msg = f"The values of the plan of {run_id} are no longer kept; make another dry run."
        raise ConfigurationError(msg)
    for frame in frames:
        for row in frame.fillna(_EMPTY).itertuples():
            yield f"{row.sobject} {row.operation} {row.key}: {row.field}: {row.old} -> {row.new}"
