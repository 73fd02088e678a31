"""Commit outcomes, quarantine, counts and, last, the watermark; then judge the run (design §2, rules Q2, Q3, Q5).

Third and last commit point of a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from include.errors import FatalError, SkipRun
from include.frames import CLIENTS, EVENTS
from include.mapping.client_outcomes import client_versions
from include.mapping.person_drafts import join_reports
from include.mapping.refused_fields import left_out_of_events
from include.pipeline.accounting import (
    add_counts,
    check_conservation,
    conservation_line,
    count_outcomes,
)
from include.pipeline.artifacts import (
    CLIENTS_NAME,
    EVENTS_NAME,
    EXTRACT,
    LOAD_EVENTS,
    Manifest,
    read_chunk,
)
from include.pipeline.client_results import count_clients, read_client_outcomes
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.settled_mark import mark_settled, settled_verdict
from include.reasons import Reason
from include.settings.field_mapping import Sobject

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
    settled = settled_verdict(run, wiring)
    if settled is not None:  # newer runs may have gone on from there
        return _judged(**settled)
    counts, refused, keys, left_out = _count(_outcomes(run, wiring, manifest))
    check_conservation(manifest.read, counts)
    clients = read_client_outcomes(run, wiring)
    people = count_clients(clients)
    check_conservation(manifest.clients, people, unit="clients")
    counts |= {f"clients_{name}": number for name, number in people.items() if manifest.clients}
    too_many = _too_many(refused, manifest.read, "rows") or _too_many(
        int(clients["reason"].isin(REFUSALS).sum()), manifest.clients, "clients"
    )
    _report_fields(run, wiring, left_out)
    wiring.ledger.settle(
        run,
        _outcomes(run, wiring, manifest),
        counts={"read": manifest.read, **counts},
        watermark=manifest.high_water,
        cleared_dirty=keys,
        settings_version=manifest.settings_version,
        state="failed" if too_many else "success",
        now=run.now,
        clients=clients,
        watermark_name=manifest.watermark_name,
        snapshots=manifest.snapshots,
    )
    result = {"read": manifest.read, **counts, "conservation": conservation_line(manifest.read, counts)}
    if manifest.clients:
        result["clients"] = conservation_line(manifest.clients, people)
    mark_settled(run, wiring, {"result": result, "too_many": too_many})
    return _judged(result, too_many)


def _judged(result: dict[str, object], too_many: str) -> dict[str, object]:
    if too_many:
        msg = (
            f"Salesforce refused {too_many}. Every row is recorded with its reason; look at the quarantine, mend the "
            "cause, and have the rows read again by replay_quarantine."
        )
        raise FatalError(msg)
    return result


def _too_many(refused: int, read: int, unit: str) -> str:
    """Return how many were refused, in words, where that is implausible: one cause in Salesforce meets them all."""
    is_implausible = refused >= MIN_REFUSED and refused > MAX_REFUSED_SHARE * read
    return f"{refused} of {read} {unit}" if is_implausible else ""


def _outcomes(run: SyncRun, wiring: Wiring, manifest: Manifest) -> Iterator[pd.DataFrame]:
    """Yield the outcomes (``ledger.contracts.OUTCOMES``) chunk by chunk, with the version of each pair's client."""
    for chunk in range(manifest.chunks):
        events = read_chunk(run, wiring, LOAD_EVENTS, EVENTS_NAME, chunk, EVENTS)
        clients = read_chunk(run, wiring, EXTRACT, CLIENTS_NAME, chunk, CLIENTS)
        versions = client_versions(clients).set_axis(clients["client_id"]).reindex(events["client_id"])
        yield events.assign(client_version=versions.set_axis(events.index))


def _count(outcomes: Iterator[pd.DataFrame]) -> tuple[dict[str, int], int, list[str], pd.DataFrame]:
    """Return the counts of all outcomes, how many rows Salesforce refused, every booking key, and what was left out."""
    counts: dict[str, int] = {}
    refused = 0
    keys: list[str] = []
    left_out: list[pd.DataFrame] = []
    for frame in outcomes:
        counts = add_counts(counts, count_outcomes(frame))
        refused += int(frame["reason"].isin(REFUSALS).sum())
        keys += frame["booking_key"].tolist()
        left_out.append(left_out_of_events(frame))
    return counts, refused, keys, join_reports(left_out)


def _report_fields(run: SyncRun, wiring: Wiring, left_out: pd.DataFrame) -> None:
    """Keep what was left out of Events (``FIELD_REPORTS``) beside what ``load_people`` reported of people."""
    reported = wiring.ledger.field_reports(run.run_id)
    of_people = reported[reported["sobject"] != Sobject.EVENT]
    if len(left_out) or len(of_people) < len(reported):
        wiring.ledger.record_field_reports(run.run_id, join_reports([of_people, left_out]), now=run.now)
