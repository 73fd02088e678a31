"""Reports of runs: a summary in the ledger, the rows in staging (rules T6, Q7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from include.ledger.engine import upsert
from include.ledger.tables import reports


class ReportKind(StrEnum):
    """What a report is about."""

    PLAN = "plan"
    RECONCILIATION = "reconciliation"
    MIGRATION_CARRY_OVER = "migration_carry_over"
    MIGRATION_PARITY = "migration_parity"
    MIGRATION_ROLLBACK = "migration_rollback"


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    ``summary`` holds counts and names of fields, never values of people; ``rows_kept_in`` names the staged frame of the
    run that holds the rows, if there is one.
    """

    run_id: str
    kind: ReportKind
    made_at: datetime
    summary: Mapping[str, Any]
    rows_kept_in: str | None


def save(connection: Connection, report: Report) -> None:
    """Keep a report in place of the one that the run made of this kind before."""
    values = {
        "run_id": report.run_id,
        "kind": report.kind.value,
        "made_at": report.made_at,
        "summary": dict(report.summary),
        "rows_kept_in": report.rows_kept_in,
    }
    kept = upsert(connection, reports).values(values)
    connection.execute(
        kept.on_conflict_do_update(
            index_elements=[reports.c.run_id, reports.c.kind],
            set_={name: kept.excluded[name] for name in ("made_at", "summary", "rows_kept_in")},
        )
    )


def of_run(connection: Connection, run_id: str, kind: ReportKind) -> Report | None:
    """Return what the run reported."""
    query = select(reports).where(reports.c.run_id == run_id, reports.c.kind == kind.value)
    row = connection.execute(query).mappings().first()
    return None if row is None else _report(row)


def newest(connection: Connection, kind: ReportKind) -> Report | None:
    """Return the newest report of this kind."""
    query = select(reports).where(reports.c.kind == kind.value).order_by(reports.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _report(row)


def _report(row: RowMapping) -> Report:
    return Report(
        run_id=row["run_id"],
        kind=ReportKind(row["kind"]),
        made_at=row["made_at"],
        summary=row["summary"],
        rows_kept_in=row["rows_kept_in"],
    )
