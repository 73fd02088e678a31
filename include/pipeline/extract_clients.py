"""Read the clients, and their bookings, that a run of ``sync_clients`` is about (rules S13, T3, M1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.ledger.runs import Snapshots
from include.mapping.client_outcomes import client_versions, digest_clients
from include.matching.normalise import salesforce_id_18
from include.pipeline.client_request import ClientRequest
from include.pipeline.request_values import shown_ids
from include.pipeline.staged_reading import StagedReading, switch_off, with_switches
from include.pipeline.sync_staff import read_active_users
from include.pipeline.versions_in_order import clients_in_order
from include.reasons import KEPT_BACK
from include.settings.model import ClientScope, Settings, Switch
from include.source.changes import ChangeQuery, ChangeReader
from include.source.clients import ChangedClients, read_named_clients, unknown_bookings, unknown_clients

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

    from include.ledger.repository import Ledger, SettingsVersion
    from include.pipeline.context import SyncRun, Wiring

WATERMARKS = {ClientScope.BOOKED: "clients", ClientScope.ALL: "clients:all"}
"""Each scope has a watermark of its own: ``all`` means all clients, also those who changed before it was chosen."""


def refuse_request(request: ClientRequest, run: SyncRun, wiring: Wiring, *, text: str, version: int) -> None:
    """Stop before anything is read if the request names what Coconut does not have, or rematches unplanned.

    Args:
        request: what the run is asked for.
        run: the run.
        wiring: its adapters.
        text: the request as the ledger keeps it.
        version: the version of the settings in force.

    Raises:
        ConfigurationError: ids that no client or booking has; or a real rematch before a dry run of the same.
    """
    engine = wiring.source.engine
    unknown = {
        "clients": unknown_clients(engine, request.client_ids),
        "bookings": unknown_bookings(engine, request.booking_ids),
    }
    problems = [f"{len(ids)} {what} ({shown_ids(ids)})" for what, ids in unknown.items() if ids]
    if problems:
        msg = "Coconut does not have some of what the run is asked to sync; correct its configuration:"
        raise ConfigurationError(msg, problems)
    if (
        request.is_rematch
        and not run.dry_run
        and not wiring.ledger.was_planned(text, settings_version=version)
    ):
        msg = (
            "A rematch can move Events to other people, so its plan has to be seen first: run the same with "
            "dry_run under the settings and mappings in force, look at the result, and start it again."
        )
        raise ConfigurationError(msg)


def read_requested(request: ClientRequest, reading: StagedReading) -> None:
    """Stage the named clients with all their bookings, and the named bookings, whether anything changed or not."""
    wiring = reading.wiring
    client_ids = frozenset(request.client_ids)
    if request.is_rematch and not client_ids and not request.booking_ids:
        client_ids = _still_in_coconut(wiring.source.engine, wiring.ledger.linked_clients())
    query = ChangeQuery(
        kinds=reading.run.selection.kinds,
        by_change=False,
        appointment_ids=frozenset(request.booking_ids),
        client_ids=client_ids,
    )
    reader = ChangeReader(wiring.source.engine, query)
    named = {str(one) for one in request.booking_ids}
    attending: set[str] = set()
    for chunk in reader.chunks():
        reading.add(with_switches(chunk, wiring.ledger))
        is_named = chunk.bookings["appointment_id"].isin(named)
        attending.update(chunk.bookings.loc[is_named, "client_id"].dropna())
    reading.ask_for(switch_off(read_named_clients(wiring.source.engine, client_ids), wiring.ledger))
    if request.is_rematch:
        reading.rematched_clients = sorted(attending.union(reading.asked_clients))


def read_changed(reading: StagedReading, settings: SettingsVersion) -> None:
    """Stage the clients who changed since the watermark less the overlap and whom the settings, or rule M1, concern."""
    import pandas as pd

    run, wiring, scope = reading.run, reading.wiring, settings.settings.client_scope
    mark, last_snapshot = (
        wiring.ledger.watermark(WATERMARKS[scope]),
        wiring.ledger.snapshot(WATERMARKS[scope]),
    )
    waiting = wiring.ledger.moved_clients(
        settings=settings, active_users=lambda ids: set(read_active_users(wiring.salesforce, ids))
    )
    changed = ChangedClients(
        wiring.source.engine,
        since=None if mark is None else mark[0] - settings.settings.source_overlap,
        client_ids=waiting,
        last_snapshot=last_snapshot,
        not_after=run.now,
    )
    concerned = [
        _in_order(
            _concerned(
                switch_off(chunk, wiring.ledger), wiring.ledger, waiting=waiting, settings=settings.settings
            ),
            wiring,
        )
        for chunk in changed.chunks()
    ]
    if concerned:
        reading.ask_for(pd.concat(concerned, ignore_index=True))
    reading.high_water, reading.watermark_name = changed.high_water, WATERMARKS[scope]
    reading.snapshots = Snapshots(last_snapshot, changed.snapshot)


def _still_in_coconut(engine: Engine, client_ids: frozenset[int]) -> frozenset[int]:
    return client_ids.difference(unknown_clients(engine, client_ids))


def _in_order(clients: pd.DataFrame, wiring: Wiring) -> pd.DataFrame:
    def read_again(client_ids: set[int]) -> pd.DataFrame:
        return switch_off(read_named_clients(wiring.source.engine, client_ids), wiring.ledger)

    return clients_in_order(
        clients, wiring.ledger.settled_clients(clients["client_id"]), read_again=read_again
    )


def _concerned(
    clients: pd.DataFrame, ledger: Ledger, *, waiting: frozenset[int], settings: Settings
) -> pd.DataFrame:
    """Return the clients of a chunk who are to be synced.

    With the scope ``all`` that is everybody; else whoever has a record already which Coconut's values may change (M5)
    or which Coconut now says is another (M1), and whoever an earlier run kept back. Who settled with the very same
    content is left out, unless their wait is over.
    """
    settled = ledger.settled_clients(clients["client_id"]).set_index("client_id")
    settled = settled.reindex(clients["client_id"]).set_axis(clients.index)
    is_settled = (settled["settled_version"] >= client_versions(clients)).fillna(False).astype(bool)
    is_settled &= settled["settled_digest"] == digest_clients(clients)
    is_released = clients["client_id"].isin([str(one) for one in waiting])
    if settings.client_scope is ClientScope.ALL:
        return clients[~is_settled | is_released]
    links = ledger.person_links(clients["client_id"]).set_index("client_id")
    links = links.reindex(clients["client_id"]).set_axis(clients.index)
    named = salesforce_id_18(clients["salesforce_id"])
    is_another = named.notna() & (named != links["record_id"]) & (named != links["who_id"])
    is_open_to_change = is_another | (settings.overwrite_existing is Switch.ON)
    is_concerned = (links["record_id"].notna() & is_open_to_change) | settled["outcome"].isin(KEPT_BACK)
    return clients[(is_concerned & ~is_settled) | is_released]
