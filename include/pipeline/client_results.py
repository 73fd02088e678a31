"""What became of the clients that a run was about by themselves (rules S13, Q3, T5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.frames import CLIENTS, PERSON_REFUSALS
from include.ledger.contracts import CLIENT_OUTCOMES
from include.mapping.client_outcomes import client_outcomes
from include.pipeline.artifacts import (
    CLIENTS_NAME,
    LOAD_PEOPLE,
    MATCH,
    REFUSALS_NAME,
    read_asked_clients,
    read_checked_people,
    read_decisions,
)
from include.pipeline.map_people import read_owners
from include.reasons import Outcome

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring


def read_client_outcomes(run: SyncRun, wiring: Wiring) -> pd.DataFrame:
    """Return one outcome per client that the run was about by itself (``ledger.contracts.CLIENT_OUTCOMES``)."""
    asked = read_asked_clients(run, wiring)
    if not asked:
        return CLIENT_OUTCOMES.empty()
    clients = wiring.staging.read_frame(run.run_id, MATCH, CLIENTS_NAME, CLIENTS)
    return CLIENT_OUTCOMES.conform(
        client_outcomes(
            clients[clients["client_id"].isin(asked)],
            read_decisions(run, wiring),
            read_checked_people(run, wiring),
            wiring.staging.read_frame(run.run_id, LOAD_PEOPLE, REFUSALS_NAME, PERSON_REFUSALS),
            owners=read_owners(run, wiring),
        )
    )


def count_clients(clients: pd.DataFrame) -> dict[str, int]:
    """Return how many clients have each outcome."""
    by_outcome = clients["outcome"].value_counts()
    return {str(outcome): int(by_outcome.get(outcome, 0)) for outcome in Outcome}
