"""Opens the adapters that a stage may use, from Airflow's connections."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from include.orchestration.connections import (
    ledger_engine,
    salesforce_credentials,
    source_engine,
    staging_url,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.pipeline.context import Wiring
    from include.salesforce.gateway import SalesforceGateway

CLIENT_NAME: Final = "appointment-sync"
"""How Salesforce names us in change events, so that our own writes can be told from others'."""


@contextmanager
def open_wiring() -> Iterator[Wiring]:
    """Yield the adapters, and close their connections afterwards.

    The ledger's tables are created or migrated when they are behind. Salesforce is signed in to on first use.

    Raises:
        ConfigurationError: when a connection or the staging area is missing or makes no sense.
        LedgerUnavailableError: when the ledger's database does not answer.
    """
    from include.ledger.repository import Ledger
    from include.pipeline.context import Wiring
    from include.source.gateway import SourceGateway
    from include.staging import Staging

    with ExitStack() as stack:
        source = source_engine()
        stack.callback(source.dispose)
        ledger = ledger_engine()
        stack.callback(ledger.dispose)
        wiring = Wiring(
            source=SourceGateway(source),
            ledger=Ledger.open(ledger),
            staging=Staging(staging_url()),
            connect_salesforce=connect_salesforce,
        )
        stack.callback(wiring.close)
        yield wiring


def connect_salesforce() -> SalesforceGateway:
    """Sign in to the org that ``salesforce_default`` names."""
    from include.salesforce.gateway import SalesforceGateway

    return SalesforceGateway.connect(salesforce_credentials(), client_name=CLIENT_NAME)
