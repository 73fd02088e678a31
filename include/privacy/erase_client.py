"""Remove what ledger and staging hold of a person, and say which Salesforce records are left (rule Q11).

The stages of ``erase_client``, in order; each can be run again at any time. The client is switched off first, for good:
runs that begin afterwards neither write about them nor stage their values, although Coconut still has the row.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from include.errors import RunsAtWorkError
from include.pipeline.request_values import shown_ids
from include.privacy.request import ErasureRequest, refuse_unknown
from include.privacy.staged_rows import Subjects, remove_rows
from include.source.clients import unknown_clients

if TYPE_CHECKING:
    from include.ledger.erasing import ClientTraces
    from include.pipeline.context import SyncRun, Wiring

STAGE: Final = "erase_client"
STAGED_ROWS: Final = "staged_rows"
"""What staging is called where removed rows are counted by table."""

DEAD_AFTER: Final = timedelta(days=1)
"""A run that began longer ago and has not ended is held for dead: a load gives up after half a day."""

_AT_WORK: Final = "runs_at_work"


def list_personal_data(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Return what an erasure would remove; nothing is changed.

    Returns:
        ``clients``; ``removed``, rows by table, and ``staged_rows``; ``salesforce_ids``, records that stay, by client;
        ``also_linked``, other clients who are the same records, and are not asked for.

    Raises:
        ConfigurationError: the request is refused, or names clients whom nobody knows.
        SourceUnavailableError: the booking database does not answer.
    """
    request = ErasureRequest.from_conf(run.conf)
    traces = _traces(wiring, request)
    gone = unknown_clients(wiring.source.engine, request.client_ids)
    refuse_unknown([one for one in gone if not _is_known(wiring, traces[str(one)])])
    counts = _added([wiring.ledger.count_erasable(one) for one in traces])
    staged = _remove_staged(run, wiring, traces, only_count=True)
    asked = set(traces)
    return {
        "clients": len(traces),
        "removed": counts,
        STAGED_ROWS: staged,
        "salesforce_ids": {one.client_id: one.salesforce_ids for one in traces.values()},
        "also_linked": sorted({other for one in traces.values() for other in one.also_linked} - asked),
    }


def begin_erasure(run: SyncRun, wiring: Wiring, *, who: str) -> dict[str, object]:
    """Switch the clients off, note who asked for it, and wait until no run that read them before is at work.

    Raises:
        RunsAtWorkError: a run that may have read them is still at work, or left jobs whose rows settle them.
    """
    request = ErasureRequest.from_conf(run.conf)
    wiring.ledger.begin_erasure(request.names, who=who, now=run.now)
    at_work = wiring.ledger.runs_at_work_or_unsettled(since=run.now - DEAD_AFTER)
    if not wiring.staging.has_json(run.run_id, STAGE, _AT_WORK):
        # After the switch: whichever run has read it as it was is open by now.
        wiring.staging.write_json(run.run_id, STAGE, _AT_WORK, sorted(at_work))
    waited_for: list[str] = wiring.staging.read_json(run.run_id, STAGE, _AT_WORK)
    if left := sorted(at_work.intersection(waited_for)):
        msg = (
            f"Runs that may have read the clients are at work, or left jobs unsettled: {shown_ids(left)}; the erasure "
            "goes on once they have ended, and jobs of dead runs are settled by the next sync."
        )
        raise RunsAtWorkError(msg)
    return {"clients": len(request.client_ids), "waited_for": len(waited_for)}


def erase_staging(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Rewrite what runs have staged without the clients' rows, and return how many rows these were."""
    traces = _traces(wiring, ErasureRequest.from_conf(run.conf))
    return {STAGED_ROWS: _remove_staged(run, wiring, traces, only_count=False)}


def erase_ledger(run: SyncRun, wiring: Wiring, *, staged_rows: int = 0) -> dict[str, object]:
    """Remove or empty the clients' rows in the ledger, client by client, and note what was removed.

    ``staged_rows`` is what ``erase_staging`` removed, for all of them together.

    Returns:
        ``clients``, ``removed`` (rows by table) and ``salesforce_ids`` (records that stay, by client).
    """
    request = ErasureRequest.from_conf(run.conf)
    of_staging = {STAGED_ROWS: staged_rows} if staged_rows else {}
    salesforce_ids, removed = {}, []
    for client_id in request.names:
        salesforce_ids[client_id] = wiring.ledger.client_traces(client_id).salesforce_ids
        removed.append(wiring.ledger.erase_client(client_id, staged_rows=of_staging, now=run.now))
    totals = _added(removed)
    totals.update(of_staging)
    return {"clients": len(request.names), "removed": totals, "salesforce_ids": salesforce_ids}


def _traces(wiring: Wiring, request: ErasureRequest) -> dict[str, ClientTraces]:
    return {one: wiring.ledger.client_traces(one) for one in request.names}


def _is_known(wiring: Wiring, traces: ClientTraces) -> bool:
    return traces.is_known or bool(wiring.ledger.count_erasable(traces.client_id))


def _remove_staged(run: SyncRun, wiring: Wiring, traces: dict[str, ClientTraces], *, only_count: bool) -> int:
    subjects = Subjects.of(list(traces.values()))
    staged = wiring.staging.run_ids()
    # In this order: a run is open before it stages anything. What is at work by now began after the switch, so that it
    # staged no values, and its rows have to add up.
    at_work = wiring.ledger.runs_at_work_or_unsettled(since=run.now - DEAD_AFTER)
    return sum(
        remove_rows(wiring.staging, one, subjects, only_count=only_count)
        for one in staged
        if one not in at_work and one != run.run_id
    )


def _added(counts: list[dict[str, int]]) -> dict[str, int]:
    names = dict.fromkeys(name for one in counts for name in one)
    return {name: sum(one.get(name, 0) for one in counts) for name in names}
