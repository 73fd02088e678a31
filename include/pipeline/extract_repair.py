"""Read what a reconciliation found something about (rules Q7, S9)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from include.frames import ANSWERS, BOOKINGS, CLAIM, CLIENTS, INSTANT
from include.mapping.events import booking_keys
from include.pipeline.repairs import RepairOrder
from include.pipeline.staged_reading import StagedReading, switch_off, with_switches
from include.source.changes import ChangeQuery, ChangeReader
from include.source.clients import read_named_clients
from include.source.pairs import SourceChunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from include.ledger.repository import SettingsVersion
    from include.pipeline.context import Wiring

PAIRS_PER_CHUNK: Final = 25_000


def read_repaired(reading: StagedReading, settings: SettingsVersion, _mapping_version: int) -> None:
    """Stage the bookings and clients of the run's ``RepairOrder``, and whatever is marked to be read again.

    A pair that vanished from Coconut is read as one that was deleted there, so that its Event goes the way of all
    deletions: planned, counted, guarded and recorded.

    Raises:
        SourceUnavailableError: the booking database does not answer.
    """
    run, wiring = reading.run, reading.wiring
    reading.begin(settings)
    order = RepairOrder.read_from(run, wiring)
    marked = wiring.ledger.dirty_appointments(run.selection.kinds)
    query = ChangeQuery(
        kinds=run.selection.kinds,
        by_change=False,
        appointment_ids=marked.union(order.appointment_ids),
        client_ids=frozenset(order.client_ids),
    )
    namespace = settings.settings.key_namespace
    gone, met = order.gone_pairs, set[str]()
    for chunk in ChangeReader(wiring.source.engine, query, pairs_per_chunk=PAIRS_PER_CHUNK).chunks():
        met.update(chunk.bookings["appointment_id"])
        reading.add(with_switches(_with_removed(chunk, gone, namespace=namespace), wiring.ledger))
    for vanished in _in_chunks(gone[~gone["appointment_id"].isin(met)]):
        reading.add(with_switches(_vanished(vanished, wiring), wiring.ledger))
    if order.client_ids:
        clients = read_named_clients(wiring.source.engine, order.client_ids)
        reading.ask_for(switch_off(clients, wiring.ledger))


def _with_removed(chunk: SourceChunk, gone: pd.DataFrame, *, namespace: str) -> SourceChunk:
    """Add to their bookings the attendees whose rows vanished, as removed ones of the booking's own version."""
    import pandas as pd

    bookings = chunk.bookings
    is_removed = gone["appointment_id"].isin(bookings["appointment_id"])
    is_removed &= ~gone["booking_key"].isin(booking_keys(bookings, namespace=namespace))
    removed = gone[is_removed]
    if removed.empty:
        return chunk
    whole = bookings.drop_duplicates("appointment_id").set_index("appointment_id")
    of_booking = whole.loc[removed["appointment_id"]].reset_index()
    added = of_booking.assign(
        client_id=removed["client_id"].to_numpy(),
        is_primary=False,
        attendee_deleted=True,
        client_exists=False,
        client_deleted=False,
        client_disabled=False,
        changed_at=of_booking["changed_at"].clip(lower=_instants(removed).reset_index(drop=True)),
    )
    both = pd.concat([bookings, added], ignore_index=True)
    return replace(chunk, bookings=BOOKINGS.conform(both.sort_values("appointment_id", kind="stable")))


def _vanished(gone: pd.DataFrame, wiring: Wiring) -> SourceChunk:
    """Return pairs of bookings that vanished as deleted ones of the newest version that the ledger knows."""
    numbers = [int(one) for one in gone["client_id"].dropna().unique()]
    clients = read_named_clients(wiring.source.engine, numbers)
    bookings = gone.reindex(columns=list(BOOKINGS.columns))
    bookings[[name for name, dtype in BOOKINGS.columns.items() if dtype == CLAIM]] = False
    bookings = bookings.assign(
        booking_deleted=True,
        client_disabled=gone["client_id"].isin(clients.loc[clients["sync_disabled"], "client_id"]),
        changed_at=_instants(gone),
    )
    return SourceChunk(bookings=BOOKINGS.conform(bookings), clients=CLIENTS.empty(), answers=ANSWERS.empty())


def _instants(gone: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """Return the newest version that the ledger knows, as an instant; its next change in Coconut will be newer."""
    import pandas as pd

    return pd.to_datetime(gone["version"].fillna(0).astype("int64"), unit="us", utc=True).astype(INSTANT)


def _in_chunks(gone: pd.DataFrame) -> Iterator[pd.DataFrame]:
    in_order = gone.sort_values("appointment_id", kind="stable").reset_index(drop=True)
    for start in range(0, len(in_order), PAIRS_PER_CHUNK):
        yield in_order.iloc[start : start + PAIRS_PER_CHUNK].reset_index(drop=True)
