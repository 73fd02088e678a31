"""Commit outcomes, quarantine, counts and, last, the watermark; then judge the run (design §2, rules Q2, Q3, Q5).

Third and last commit point of a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from include.errors import FatalError, SkipRun
from include.frames import EVENTS
from include.pipeline.accounting import (
    add_counts,
    check_conservation,
    conservation_line,
    count_outcomes,
)
from include.pipeline.artifacts import EVENTS_NAME, LOAD_EVENTS, Manifest, read_chunks
from include.pipeline.client_results import count_clients, read_client_outcomes
from include.pipeline.context import SyncRun, Wiring
from include.reasons import Reason

if TYPE_CHECKING:
    import pandas as pd

REFUSALS: Final = frozenset(
    {Reason.REFUSED_BY_SALESFORCE, Reason.PERSON_NOT_WRITTEN, Reason.ACCOUNT_NOT_WRITTEN}
)
MAX_REFUSED_SHARE: Final = 0.5
MIN_REFUSED: Final = 20


def settle_run(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Settle the run and return its counts, with the conservation line in words.

    Raises:
        SkipRun: the run is a dry run.
        ConservationError: the run does not add up; nothing is settled.
        FatalError: everything is settled, but Salesforce refused an implausible share of the rows.
    """
    if run.dry_run:
        msg = "A dry run ends with its plan; nothing is settled."
        raise SkipRun(msg)
    manifest = Manifest.read_from(run, wiring)
    counts, refused, keys = _count(_outcomes(run, wiring, manifest))
    check_conservation(manifest.read, counts)
    clients = read_client_outcomes(run, wiring)
    people = count_clients(clients)
    check_conservation(manifest.clients, people, unit="clients")
    counts |= {f"clients_{name}": number for name, number in people.items() if manifest.clients}
    is_implausible = refused >= MIN_REFUSED and refused > MAX_REFUSED_SHARE * manifest.read
    wiring.ledger.settle(
        run,
        _outcomes(run, wiring, manifest),
        counts={"read": manifest.read, **counts},
        watermark=manifest.high_water,
        cleared_dirty=keys,
        settings_version=manifest.settings_version,
        state="failed" if is_implausible else "success",
        now=run.now,
        clients=clients,
        watermark_name=manifest.watermark_name,
        snapshots=manifest.snapshots,
    )
    if is_implausible:
        msg = (
            f"Salesforce refused {refused} of {manifest.read} rows. Every row is recorded with its reason; "
            "look at the quarantine, mend the cause, and release the rows as docs/operations.md says."
        )
        raise FatalError(msg)
    result = {"read": manifest.read, **counts, "conservation": conservation_line(manifest.read, counts)}
    if manifest.clients:
        result["clients"] = conservation_line(manifest.clients, people)
    return result


def _outcomes(run: SyncRun, wiring: Wiring, manifest: Manifest) -> Iterator[pd.DataFrame]:
    return read_chunks(run, wiring, LOAD_EVENTS, EVENTS_NAME, manifest.chunks, EVENTS)


def _count(outcomes: Iterator[pd.DataFrame]) -> tuple[dict[str, int], int, list[str]]:
    """Return the counts of all outcomes, how many rows Salesforce refused, and every booking key."""
    counts: dict[str, int] = {}
    refused = 0
    keys: list[str] = []
    for frame in outcomes:
        counts = add_counts(counts, count_outcomes(frame))
        refused += int(frame["reason"].isin(REFUSALS).sum())
        keys += frame["booking_key"].tolist()
    return counts, refused, keys
