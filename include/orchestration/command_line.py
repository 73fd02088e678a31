"""What the command lines share: the doors to databases, org and frames, and who is typing."""

from __future__ import annotations

import getpass
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from include.ledger.repository import Ledger
    from include.salesforce.gateway import SalesforceGateway
    from include.staging import Staging


def open_ledger() -> Ledger:
    """Return the ledger that the connection ``sync_ledger`` names."""
    # Airflow sets its logging up for standard output when it is imported; that belongs to the answer.
    with redirect_stdout(sys.stderr):
        from include.ledger.repository import Ledger
        from include.orchestration.connections import ledger_engine

        return Ledger.open(ledger_engine())


def open_source() -> Engine:
    """Return the booking database that the connection ``coconut_db`` names."""
    with redirect_stdout(sys.stderr):
        from include.orchestration.connections import source_engine

        return source_engine()


def open_staging() -> Staging:
    """Return the place where frames of runs lie."""
    with redirect_stdout(sys.stderr):
        from include.orchestration.connections import staging_url
        from include.staging import Staging

        return Staging(staging_url())


def open_salesforce() -> SalesforceGateway:
    """Return the org that the connection ``salesforce_default`` names."""
    with redirect_stdout(sys.stderr):
        from include.orchestration.wiring import connect_salesforce

        return connect_salesforce()


def current_user() -> str:
    """Return the name of this process's user, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in the password file
        return "unknown user"
