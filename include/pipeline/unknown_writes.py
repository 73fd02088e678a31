"""What is done about Events of which nobody can tell whether a write arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.ledger.contracts import UNKNOWN_WRITES
from include.mapping.plan import OWNER, PERSON
from include.pipeline.loading import Forgetting

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring


def forget_events(run: SyncRun, wiring: Wiring, *, is_sent_again: bool) -> Forgetting:
    """Return how the unknown writes of a run's Events are met.

    Args:
        run: the run that sent them.
        wiring: the adapters of the task that asks.
        is_sent_again: the run goes on and sends these rows anew, so that only what another run has claimed since is
            forgotten. Rows of a run that is not at work are all forgotten: a later run reads and writes them.
    """
    ledger = wiring.ledger

    def forget_rows(rows: pd.DataFrame) -> None:
        sent = rows.reindex(columns=[*rows.columns, *({PERSON, OWNER} - set(rows.columns))])
        unknown = sent.assign(who_id=sent[PERSON], owner_id=sent[OWNER])
        ledger.forget_writes(UNKNOWN_WRITES.conform(unknown), overtaken_only=is_sent_again, now=run.now)

    def forget_keys(keys: Collection[str]) -> None:
        ledger.forget_writes_of(run.run_id, keys, now=run.now)

    return Forgetting(forget_rows, forget_keys)
