"""``python -m include.reconcile [RUN]``: print what a reconciliation found, by default the newest.

Without ``--rows`` at most twenty bookings of each finding are named. Exit codes: 0 nothing is left to repair or to a
person, 1 a database failed, 2 the arguments are wrong, 3 something differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.errors import AppointmentSyncError, ConfigurationError
from include.ledger.reports import ReportKind
from include.orchestration.command_line import open_ledger, open_staging
from include.reconcile.findings import FOUND
from include.reconcile.report import FOR_A_PERSON, TO_REPAIR, report_lines
from include.reconcile.streams import COMPARE

if TYPE_CHECKING:
    from include.ledger.repository import Ledger
    from include.staging import Staging

AGREES, FAILED, REFUSED, DIFFERS = range(4)


@dataclass(frozen=True, slots=True)
class Doors:
    """How the command reaches ledger and staging; neither is opened before it is needed."""

    ledger: Callable[[], Ledger] = open_ledger
    staging: Callable[[], Staging] = open_staging


def main(arguments: Sequence[str] | None = None, *, doors: Doors | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m include.reconcile", description="Print what a reconciliation found."
    )
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's id (default: the newest report)")
    options = parser.parse_args(arguments)
    try:
        return _show(options.run, doors or Doors())
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    except AppointmentSyncError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def _show(run_id: str | None, doors: Doors) -> int:
    ledger = doors.ledger()
    kind = ReportKind.RECONCILIATION
    report = ledger.newest_report(kind) if run_id is None else ledger.report(run_id, kind)
    if report is None:
        msg = "There is no report of a reconciliation; start the DAG reconcile, or name a run that made one."
        raise ConfigurationError(msg)
    found = FOUND.empty()
    if report.rows_kept_in is not None:
        found = doors.staging().read_frame(report.run_id, COMPARE, report.rows_kept_in, FOUND)
    lines = [f"{report.run_id}, {report.made_at:%Y-%m-%d %H:%M} UTC", *report_lines(report.summary, found)]
    sys.stdout.write("\n".join(lines) + "\n")
    return DIFFERS if report.summary[TO_REPAIR] or report.summary[FOR_A_PERSON] else AGREES


if __name__ == "__main__":
    sys.exit(main())
