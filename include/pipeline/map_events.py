"""Build the Event of every pair of one chunk, or say why there is none (rules S1 to S12, S14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.frames import ANSWERS, BOOKINGS, CLIENTS
from include.mapping.events import map_events as map_frame
from include.mapping.legacy_events import map_legacy_events
from include.pipeline.accounting import counted_calls
from include.pipeline.artifacts import (
    ANSWERS_NAME,
    BOOKINGS_NAME,
    CLIENTS_NAME,
    EVENTS_NAME,
    EXTRACT,
    MAP_EVENTS,
    Manifest,
    chunk_name,
    read_chunk,
    read_decisions_of_chunk,
    read_org_fields,
    read_staff_links,
)
from include.pipeline.client_request import ClientRequest
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.legacy_mode import stage_legacy_links
from include.pipeline.map_people import read_owners
from include.pipeline.repairs import event_links_of

if TYPE_CHECKING:
    import pandas as pd


def map_events(run: SyncRun, wiring: Wiring, chunk: int) -> dict[str, object]:
    """Stage one chunk of events and return counts by planned action and outcome."""
    manifest = Manifest.read_from(run, wiring)
    map_chunk = _map_legacy if manifest.is_legacy else _map
    events = map_chunk(run, wiring, manifest, chunk)
    wiring.staging.write_frame(run.run_id, MAP_EVENTS, chunk_name(EVENTS_NAME, chunk), events)
    to_load = events.loc[events["outcome"].isna(), "action"].value_counts()
    others = events["outcome"].value_counts()
    return {
        "chunk": chunk,
        "pairs": len(events),
        **{str(k): int(v) for k, v in {**to_load, **others}.items()},
    }


def _map(run: SyncRun, wiring: Wiring, manifest: Manifest, chunk: int) -> pd.DataFrame:
    bookings = read_chunk(run, wiring, EXTRACT, BOOKINGS_NAME, chunk, BOOKINGS)
    return map_frame(
        bookings,
        read_chunk(run, wiring, EXTRACT, ANSWERS_NAME, chunk, ANSWERS),
        read_chunk(run, wiring, EXTRACT, CLIENTS_NAME, chunk, CLIENTS),
        read_decisions_of_chunk(run, wiring, chunk),
        read_staff_links(run, wiring),
        event_links_of(run, wiring, bookings["appointment_id"]),
        mappings=wiring.ledger.mappings_at(manifest.mapping_version).mappings,
        org_fields=read_org_fields(run, wiring),
        settings=wiring.ledger.settings_at(manifest.settings_version).settings,
        sync_from=manifest.sync_from,
        owners=read_owners(run, wiring),
        now=run.now,
        moves_past_events=ClientRequest.from_conf(run.conf).moves_past_events,
        legacy_until=manifest.legacy_until,
    )


def _map_legacy(run: SyncRun, wiring: Wiring, manifest: Manifest, chunk: int) -> pd.DataFrame:
    bookings = read_chunk(run, wiring, EXTRACT, BOOKINGS_NAME, chunk, BOOKINGS)
    with counted_calls(run, wiring, MAP_EVENTS):
        links = stage_legacy_links(run, wiring, bookings, manifest=manifest, chunk=chunk)
    return map_legacy_events(
        bookings,
        read_chunk(run, wiring, EXTRACT, ANSWERS_NAME, chunk, ANSWERS),
        links,
        mappings=wiring.ledger.mappings_at(manifest.mapping_version).mappings,
        org_fields=read_org_fields(run, wiring),
        settings=wiring.ledger.settings_at(manifest.settings_version).settings,
        sync_from=manifest.sync_from,
        now=run.now,
    )
