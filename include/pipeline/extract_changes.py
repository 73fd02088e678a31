"""Read what changed in Coconut since the watermark, and what waited and may go on (design §2, rules T1, T2, Q2, Q5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import AutomaticSyncOff, ConfigurationError
from include.mapping.events import booking_keys, digest_pairs, source_versions
from include.pipeline.accounting import counted_calls
from include.pipeline.artifacts import (
    ANSWERS_NAME,
    BOOKINGS_NAME,
    CLIENTS_NAME,
    EXTRACT,
    Manifest,
    chunk_name,
)
from include.pipeline.context import SyncRun, Trigger, Wiring
from include.pipeline.sync_staff import read_active_users
from include.settings.availability import unavailable
from include.settings.model import Switch
from include.source.changes import ChangeQuery, ChangeReader, clients_changed_since
from include.source.pairs import SourceChunk

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.repository import Ledger, SettingsVersion

PAIRS_PER_CHUNK = 25_000


def extract_changes(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Stage the changed pairs in chunks, and return ``{"read", "chunks", "empty"}``.

    Read are the changes since the watermark less ``source_overlap``, the pairs whose *waits_for* moved, and dirty keys.
    A pair that the overlap shows again unchanged was accounted for before and is not read a second time.

    Raises:
        AutomaticSyncOff: the run is scheduled and the setting ``automatic_sync`` is off.
        ConfigurationError: staging cannot be written, the booking database lacks columns, or a setting asks for
            what is not available yet, or ``key_namespace`` changed after the first write.
        SourceUnavailableError: the booking database does not answer.
    """
    with counted_calls(run, wiring, EXTRACT):
        settings = wiring.ledger.current_settings()
        if run.trigger is Trigger.SCHEDULED and settings.settings.automatic_sync is Switch.OFF:
            msg = "Automatic sync is switched off in the settings; trigger the DAG by hand to sync now."
            raise AutomaticSyncOff(msg)
        _refuse_unavailable(settings)
        _refuse_another_namespace(settings, wiring.ledger)
        wiring.staging.check()
        wiring.source.check()
        wiring.ledger.open_run(run, settings_version=settings.version)
        manifest = _stage_changes(run, wiring, settings)
        if manifest.read == 0:
            _settle_empty(run, wiring, manifest)
        return {"read": manifest.read, "chunks": manifest.chunks, "empty": manifest.read == 0}


def _refuse_unavailable(settings: SettingsVersion) -> None:
    """Stop rather than ignore a setting: who chose a value believes that it works."""
    if problems := unavailable(settings.settings):
        msg = "Settings ask for what this release does not do yet; set them back to their defaults:"
        raise ConfigurationError(msg, problems)


def _refuse_another_namespace(settings: SettingsVersion, ledger: Ledger) -> None:
    """Stop a run that would not recognise its own Events: they carry the namespace they were written under."""
    bound, wanted = ledger.bound_namespace(), settings.settings.key_namespace
    if bound is not None and bound != wanted:
        msg = (
            f"The setting key_namespace is '{wanted}', but this ledger's Events carry '{bound}'; "
            "set it back, because Events and people would not be found under another one."
        )
        raise ConfigurationError(msg)


def _stage_changes(run: SyncRun, wiring: Wiring, settings: SettingsVersion) -> Manifest:
    wiring.staging.clear(run.run_id, EXTRACT)
    kinds = run.selection.kinds
    reread = wiring.ledger.dirty_appointments(kinds) | _moved(run, wiring, settings)
    mark = wiring.ledger.watermark(run.selection)
    since = None if mark is None else mark[0] - settings.settings.source_overlap
    query = ChangeQuery(kinds=kinds, since=since, appointment_ids=reread, not_after=run.now)
    reader = ChangeReader(wiring.source.engine, query, pairs_per_chunk=PAIRS_PER_CHUNK)
    chunks = read = 0
    for source_chunk in reader.chunks():
        fresh = _without_settled(
            source_chunk, wiring.ledger, reread=reread, namespace=settings.settings.key_namespace
        )
        if fresh.bookings.empty:
            continue
        _stage_chunk(run, wiring, chunks, fresh)
        chunks += 1
        read += len(fresh.bookings)
    high_water = None if reader.high_water is None else (reader.high_water.changed_at, reader.high_water.id)
    manifest = Manifest(
        settings_version=settings.version,
        mapping_version=wiring.ledger.current_mappings().version,
        chunks=chunks,
        read=read,
        sync_from=settings.sync_from,
        high_water=high_water,
        read_at=run.now,
    )
    wiring.staging.write_json(run.run_id, EXTRACT, "manifest", manifest.to_json())
    return manifest


def _moved(run: SyncRun, wiring: Wiring, settings: SettingsVersion) -> frozenset[int]:
    def moved_clients(waiting: pd.DataFrame) -> set[str]:
        return clients_changed_since(
            wiring.source.engine, waiting.rename(columns={"last_seen_at": "attempted_at"})
        )

    def active_users(user_ids: set[str]) -> set[str]:
        return set(read_active_users(wiring.salesforce, user_ids))

    return wiring.ledger.moved_appointments(
        run.selection.kinds, settings=settings, moved_clients=moved_clients, active_users=active_users
    )


def _without_settled(
    chunk: SourceChunk, ledger: Ledger, *, reread: frozenset[int], namespace: str
) -> SourceChunk:
    """Drop the bookings whose very content has a recorded outcome already, except those read again on purpose.

    A booking stays whole: which attendee carries a shared Event (rule S4) is seen only over all of them.
    """
    bookings = chunk.bookings
    if bookings.empty:
        return chunk
    settled = ledger.settled(bookings["appointment_id"].unique())
    if settled.empty:
        return chunk
    known = settled.set_index("booking_key")
    keys = booking_keys(bookings, namespace=namespace)
    versions, digests = source_versions(bookings), digest_pairs(bookings, chunk.answers)
    is_settled = (keys.map(known["settled_version"]) >= versions).fillna(False).astype(bool) & (
        keys.map(known["settled_digest"]) == digests
    )
    is_reread = bookings["appointment_id"].isin([str(number) for number in reread])
    is_fresh = (~is_settled | is_reread).groupby(bookings["appointment_id"]).transform("any")
    kept = bookings[is_fresh]
    return SourceChunk(
        bookings=kept.reset_index(drop=True),
        clients=chunk.clients[chunk.clients["client_id"].isin(kept["client_id"])].reset_index(drop=True),
        answers=chunk.answers[chunk.answers["appointment_id"].isin(kept["appointment_id"])].reset_index(
            drop=True
        ),
    )


def _stage_chunk(run: SyncRun, wiring: Wiring, chunk: int, frames: SourceChunk) -> None:
    named = {BOOKINGS_NAME: frames.bookings, CLIENTS_NAME: frames.clients, ANSWERS_NAME: frames.answers}
    for name, frame in named.items():
        wiring.staging.write_frame(run.run_id, EXTRACT, chunk_name(name, chunk), frame)


def _settle_empty(run: SyncRun, wiring: Wiring, manifest: Manifest) -> None:
    wiring.ledger.settle(
        run,
        (),
        counts={"read": 0},
        watermark=manifest.high_water,
        cleared_dirty=(),
        settings_version=manifest.settings_version,
        state="empty",
        now=run.now,
    )
