"""Run the local stack (``up``) or print its environment (``env``)."""

from __future__ import annotations

import argparse
import shlex
import sys
import time

from include.local_stack.layout import Layout, StackInUseError, exports
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


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m include.local_stack", description=__doc__)
    parser.add_argument("command", choices=("up", "env"))
    command = parser.parse_args().command
    layout = Layout()
    try:
        with ending_on_signals():
            up(layout) if command == "up" else env(layout)
    except Interrupted as interrupted:
        return 0 if command == "up" else interrupted.exit_code
    except (StackError, StackInUseError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
