"""Run the local stack (``up``), print its environment (``env``), or pass an org's credentials on (``connect``)."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path

from include.local_stack.layout import Layout, StackInUseError, exports, salesforce_connection
from include.local_stack.processes import Interrupted, StackError, ending_on_signals
from include.local_stack.stack import DEMO_BOOKINGS, DEMO_SEED, local_stack


def up(layout: Layout) -> None:
    """Run everything until somebody ends it; a booking database that is not there yet is filled with demo data."""
    with layout.locked(), local_stack(layout) as stack:
        print("Starting the local org, the booking database and Airflow ...", flush=True)
        stack.start_migrating_metadata()
        stack.start_org()
        if not layout.booking_database.exists():
            stack.fill_with_demo_data(bookings=DEMO_BOOKINGS, seed=DEMO_SEED)
        stack.start_airflow()
        stack.wait_for_airflow()
        print(
            f"Airflow:   {stack.airflow.url}   user admin, password {stack.airflow.password()}\n"
            f"Local org: http://127.0.0.1:{stack.ports.org}   (credentials in {layout.org_announcement})\n"
            f"Logs:      {layout.process_logs}\n"
            "End with Ctrl-C.",
            flush=True,
        )
        while True:
            stack.processes.check_alive()
            time.sleep(1.0)


def env(layout: Layout) -> None:
    """Print the exports for using ``airflow`` by hand.

    The first call makes what they speak of: Airflow's metadata database, and the local org's credentials.
    """
    if not (layout.org_announcement.exists() and layout.metadata_database.exists()):
        with layout.locked(), local_stack(layout) as stack:
            stack.start_migrating_metadata()
            stack.start_org()
            stack.processes.finish("airflow-migrate")
    layout.staging.mkdir(parents=True, exist_ok=True)
    for name, value in exports(layout, layout.ports()).items():
        print(f"export {name}={shlex.quote(value)}")


def connect(announcement: Path, connections: Path) -> None:
    """Write what an org announced as a file for Airflow's local filesystem secrets backend."""
    org = json.loads(announcement.read_text().partition("\n")[0])
    connections.touch(mode=0o600)
    connections.write_text(json.dumps({"salesforce_default": salesforce_connection(org)}))


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m include.local_stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="run everything until Ctrl-C")
    commands.add_parser("env", help="print the exports for using airflow by hand")
    connecting = commands.add_parser("connect", help="turn an org's first line into an Airflow connection")
    connecting.add_argument("announcement", type=Path, help="file with the org's first line")
    connecting.add_argument("connections", type=Path, help="file to write")
    options = parser.parse_args()
    try:
        with ending_on_signals():
            if options.command == "connect":
                connect(options.announcement, options.connections)
            else:
                {"up": up, "env": env}[options.command](Layout())
    except Interrupted as interrupted:
        return 0 if options.command == "up" else interrupted.exit_code
    except (StackError, StackInUseError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
