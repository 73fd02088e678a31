"""``python -m include.pipeline``: what an administrator says of clients and runs, where they stand, and why.

``disable-client ID…``, ``enable-client ID…``, ``choose-person CLIENT_ID RECORD_ID``, ``client-status ID…`` and
``explain-booking ID…``; ``show-plan RUN``, ``approve-changes RUN`` and ``rebind-org ORG_ID``. What is changed is
recorded in the ledger with who changed it, and acts from the next run on.
Exit codes: 0 done, 1 a database failed, 2 the arguments are wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from include.errors import AppointmentSyncError, ConfigurationError
from include.orchestration.command_line import (
    current_user,
    open_ledger,
    open_salesforce,
    open_source,
    open_staging,
)
from include.pipeline.client_request import ClientRequest
from include.pipeline.explain_booking import explain_booking
from include.pipeline.request_values import shown_ids
from include.pipeline.run_commands import approve, plan_lines, rebind
from include.source.clients import unknown_clients
from include.source.gateway import SourceGateway

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from include.ledger.repository import Ledger
    from include.salesforce.gateway import SalesforceGateway
    from include.staging import Staging

DONE, FAILED, REFUSED = 0, 1, 2

_WHO_CHANGES: Final = ("disable-client", "enable-client", "choose-person", "approve-changes", "rebind-org")


@dataclass(frozen=True, slots=True)
class Doors:
    """How the command reaches databases, org and staging; none is opened before it is needed."""

    ledger: Callable[[], Ledger] = open_ledger
    source: Callable[[], Engine] = open_source
    salesforce: Callable[[], SalesforceGateway] = open_salesforce
    staging: Callable[[], Staging] = open_staging


def main(arguments: Sequence[str] | None = None, *, doors: Doors | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options, doors or Doors())
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    except AppointmentSyncError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.pipeline", description="What an administrator says of clients and runs."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_text in (
        ("disable-client", "no run touches these clients any more"),
        ("enable-client", "the next runs take up what changed meanwhile"),
        ("client-status", "print where these clients stand"),
    ):
        command = commands.add_parser(name, help=help_text)
        command.add_argument("client_ids", nargs="+", metavar="ID", help="a client's id in Coconut")
    choosing = commands.add_parser("choose-person", help="say which Salesforce record a client is")
    choosing.add_argument("client_ids", nargs=1, metavar="CLIENT_ID", help="the client's id in Coconut")
    choosing.add_argument("record_id", metavar="RECORD_ID", help="a Lead's, Contact's or Account's Id")
    explaining = commands.add_parser(
        "explain-booking", help="tell why bookings are on the records they are on"
    )
    explaining.add_argument("booking_ids", nargs="+", metavar="ID", help="a booking's id in Coconut")
    _add_runs(commands)
    for command in (commands.choices[name] for name in _WHO_CHANGES):
        command.add_argument(
            "--who", default="", help="who makes the change (default: the user of this process)"
        )
    return parser


def _add_runs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    showing = commands.add_parser("show-plan", help="print what a dry run would have written")
    showing.add_argument("run_id", metavar="RUN", help="the run, as the result of its check_frames names it")
    showing.add_argument(
        "--values", action="store_true", help="also every value: names, e-mails and notes of people"
    )
    approving = commands.add_parser("approve-changes", help="let a run write that hit a guard rail")
    approving.add_argument("run_id", metavar="RUN", help="the run, as the refusal names it")
    rebinding = commands.add_parser("rebind-org", help="let the ledger go on in another Salesforce org")
    rebinding.add_argument(
        "org_id", metavar="ORG_ID", help="the Id of the org that salesforce_default leads to"
    )


def _switch(options: argparse.Namespace, doors: Doors) -> int:
    client_ids, is_disabling = _known_clients(options, doors), options.command == "disable-client"
    ledger = doors.ledger()
    switch = ledger.disable_clients if is_disabling else ledger.enable_clients
    moved = switch(client_ids, who=options.who or current_user(), now=datetime.now(UTC))
    state = "disabled" if is_disabling else "enabled"
    sys.stdout.write(f"{len(moved)} clients {state}; {len(client_ids) - len(moved)} were so already.\n")
    return DONE


def _choose(options: argparse.Namespace, doors: Doors) -> int:
    (client_id,) = _known_clients(options, doors)
    now = datetime.now(UTC)
    record_id = doors.ledger().choose_person(
        client_id, options.record_id, who=options.who or current_user(), now=now
    )
    sys.stdout.write(f"Client {client_id} is {record_id}; the next run checks the record and moves Events.\n")
    return DONE


def _show_status(options: argparse.Namespace, doors: Doors) -> int:
    ledger = doors.ledger()
    for client_id in _ids(options):
        found = ledger.client_status(client_id)
        facts = {"status": "unknown to the ledger"} if found is None else found
        shown = (f"{name}={value}" for name, value in facts.items() if value and name != "client_id")
        sys.stdout.write(f"{client_id}: {' '.join(shown)}\n")
    return DONE


def _explain(options: argparse.Namespace, doors: Doors) -> int:
    ledger, source = doors.ledger(), SourceGateway(doors.source())
    for booking_id in options.booking_ids:
        sys.stdout.write("\n".join(explain_booking(ledger, source, booking_id).lines()) + "\n")
    return DONE


def _show_plan(options: argparse.Namespace, doors: Doors) -> int:
    lines = plan_lines(doors.ledger(), options.run_id, values_from=doors.staging if options.values else None)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return DONE


def _approve(options: argparse.Namespace, doors: Doors) -> int:
    who = options.who or current_user()
    sys.stdout.write(f"{approve(doors.ledger(), options.run_id, who=who, now=datetime.now(UTC))}\n")
    return DONE


def _rebind(options: argparse.Namespace, doors: Doors) -> int:
    def connected() -> str:
        with doors.salesforce() as salesforce:
            return salesforce.organization_id

    who, now = options.who or current_user(), datetime.now(UTC)
    told = rebind(doors.ledger(), options.org_id, connected=connected, who=who, now=now)
    sys.stdout.write(f"{told}\n")
    return DONE


def _ids(options: argparse.Namespace) -> list[str]:
    return [str(one) for one in ClientRequest.from_conf({"client_ids": options.client_ids}).client_ids]


def _known_clients(options: argparse.Namespace, doors: Doors) -> list[str]:
    """Return the ids that were typed.

    Raises:
        ConfigurationError: Coconut has no client of some id; nothing was changed.
    """
    client_ids = _ids(options)
    if unknown := unknown_clients(doors.source(), [int(one) for one in client_ids]):
        msg = f"Coconut has no client {shown_ids(unknown)}; nothing was changed, correct the ids."
        raise ConfigurationError(msg)
    return client_ids


_COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, Doors], int]]] = {
    "disable-client": _switch,
    "enable-client": _switch,
    "choose-person": _choose,
    "client-status": _show_status,
    "explain-booking": _explain,
    "show-plan": _show_plan,
    "approve-changes": _approve,
    "rebind-org": _rebind,
}

if __name__ == "__main__":
    sys.exit(main())
