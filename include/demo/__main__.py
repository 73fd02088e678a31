"""Fill the booking database and the org that the connections name with demo data.

Both have to be empty of it. With ``--settings FILE`` the settings that make the demo whole (``sync_from``,
``unassigned_events_owner``) are written as YAML for ``python -m include.settings import FILE``.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from include.demo.filling import FillSummary, fill, refuse_unless_empty
from include.demo.legacy_filling import fill_legacy
from include.demo.local_org import LocalOrg
from include.demo.org_seeding import SeededOrg, refuse_if_seeded, seed_org
from include.demo.plan import DemoPlan
from include.demo.salesforce_side import salesforce_side
from include.errors import AppointmentSyncError, ConfigurationError
from include.orchestration.connections import source_engine
from include.orchestration.wiring import connect_salesforce
from include.settings.model import Integration

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOLD_EVERY = 50_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m include.demo", description=__doc__)
    parser.add_argument("--bookings", type=_positive, default=6_000, help="number of bookings")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same data")
    parser.add_argument("--settings", type=Path, help="file to write the demo's settings to (YAML)")
    parser.add_argument(
        "--legacy",
        nargs="?",
        const="on",
        choices=("on", "off"),
        help="make it an organisation on the legacy integration, with Coconut's upgrade flag on or off",
    )
    wanted = parser.parse_args(arguments)
    plan = DemoPlan(wanted.bookings, wanted.seed, datetime.now(UTC))
    try:
        summary, seeded = _fill_both(plan, legacy=wanted.legacy)
    except AppointmentSyncError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{summary.bookings:,} bookings, {summary.clients:,} clients, {summary.attendees:,} attendees; in the org:"
    )
    print(", ".join(f"{number:,} {name}" for name, number in seeded.created.items()))
    if wanted.settings is not None:
        settings = _settings(summary, seeded, is_legacy=wanted.legacy is not None)
        wanted.settings.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return 0


def _fill_both(plan: DemoPlan, *, legacy: str | None) -> tuple[FillSummary, SeededOrg]:
    engine = source_engine()
    refuse_unless_empty(engine)
    gateway = connect_salesforce()
    refuse_if_seeded(gateway)
    local_org = LocalOrg.at(gateway.base_url)
    if local_org is None:
        if legacy:
            raise ConfigurationError(
                "A legacy organisation is made in the local org only: start it and try again."
            )
        print("This is not the local org: demo Users and converted Leads are left out.")
    seeded = seed_org(gateway, local_org, salesforce_side(plan))
    summary = fill(engine, plan, salesforce_ids=seeded.salesforce_ids, report=_tell)
    if legacy and local_org is not None:
        left = fill_legacy(engine, gateway, local_org, seeded, is_offered=legacy == "on", now=plan.now)
        print(", ".join(f"{number:,} rows of {name}" for name, number in left.items()))
    return summary, seeded


def _tell(bookings: int) -> None:
    if bookings % _TOLD_EVERY < 10_000 and bookings >= _TOLD_EVERY:
        print(f"{bookings:,} bookings written", flush=True)


def _settings(summary: FillSummary, seeded: SeededOrg, *, is_legacy: bool) -> dict[str, str]:
    """Settings under which every booking of the demo is in scope and nobody's Event lacks an owner."""
    settings = {}
    if summary.first_start is not None:
        # A day earlier, because a booking's local day may begin before the UTC day.
        settings["sync_from"] = (summary.first_start - timedelta(days=1)).date().isoformat()
    if seeded.unassigned_owner is not None:
        settings["unassigned_events_owner"] = seeded.unassigned_owner
    if is_legacy:
        settings["integration"] = Integration.LEGACY.value
    return settings


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        msg = "must be at least 1"
        raise argparse.ArgumentTypeError(msg)
    return number


if __name__ == "__main__":
    sys.exit(main())
