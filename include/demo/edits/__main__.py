"""Edit the booking database that the connections name: ``python -m include.demo.edits --seed 7``."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from include.demo.edits.editing import apply_edits
from include.errors import AppointmentSyncError
from include.orchestration.connections import source_engine


def main() -> int:
    """Run the command line; the summary goes to stdout."""
    parser = argparse.ArgumentParser(prog="python -m include.demo.edits", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="bookings to edit")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    try:
        engine = source_engine()
        print(apply_edits(engine, seed=arguments.seed, now=datetime.now(UTC), count=arguments.count))
    except AppointmentSyncError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
