"""Read what changed in Coconut since the watermark, and what waited and may go on (design §2, rules T1, T2, Q2, Q5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from include.errors import AutomaticSyncOff, ConfigurationError
from include.mapping.events import booking_keys, digest_pairs, source_versions
from include.mapping.field_sources import questions_read
from include.pipeline.accounting import counted_calls
from include.pipeline.artifacts import (
    ASKED_CLIENTS_NAME,
    EXTRACT,
    REMATCHED_CLIENTS_NAME,
    Manifest,
)
from include.pipeline.client_request import ClientRequest
from include.pipeline.context import Selection, SyncRun, Trigger, Wiring
from include.pipeline.extract_clients import read_changed, read_requested, refuse_request
from include.pipeline.staged_reading import StagedReading, with_switches
from include.pipeline.sync_staff import read_active_users
from include.settings.availability import unavailable
from include.settings.field_mapping import FieldMapping, Sobject
from include.settings.model import Switch
from include.source.changes import ChangeQuery, ChangeReader, clients_changed_since
from include.source.pairs import SourceChunk

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.repository import Ledger, SettingsVersion

PAIRS_PER_CHUNK = 25_000


def extract_changes(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Stage what the run is about in chunks, and return ``{"read", "clients", "chunks", "empty"}``.

    A sync of bookings reads the changes since the watermark less ``source_overlap``, the pairs whose *waits_for* moved,
    and dirty keys; ``read`` counts pairs. A pair that the overlap shows again unchanged was accounted for before and is
    not read a second time. ``sync_clients`` reads whom it is asked for, or the clients that changed: ``clients``.

    Raises:
        AutomaticSyncOff: the run is scheduled and the setting ``automatic_sync`` is off.
        ConfigurationError: staging cannot be written, the booking database lacks columns, or a setting asks for
            what is not available yet, or ``key_namespace`` changed after the first write, or the request of
            ``sync_clients`` is refused.
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
        mappings = wiring.ledger.current_mappings()
        reading = StagedReading(run, wiring, questions=_questions_of_people(mappings.mappings))
        if run.selection is Selection.CLIENTS:
            _read_clients(reading, settings, mappings.version)
        else:
            _begin(reading, settings)
            _read_bookings(reading, settings)
        manifest = _describe(reading, settings, mappings.version)
        if manifest.is_empty:
            _settle_empty(run, wiring, manifest)
        return {
            "read": manifest.read,
            "clients": manifest.clients,
            "chunks": manifest.chunks,
            "empty": manifest.is_empty,
        }


def _questions_of_people(mappings: Iterable[FieldMapping]) -> frozenset[str]:
    return questions_read(mapping for mapping in mappings if mapping.sobject is not Sobject.EVENT)


def _begin(reading: StagedReading, settings: SettingsVersion, *, request: str | None = None) -> None:
    reading.wiring.ledger.open_run(reading.run, settings_version=settings.version, request=request)
    reading.wiring.staging.clear(reading.run.run_id, EXTRACT)


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


def _read_clients(reading: StagedReading, settings: SettingsVersion, mapping_version: int) -> None:
    request = ClientRequest.from_conf(reading.run.conf)
    text = request.to_text(mapping_version=mapping_version)
    refuse_request(request, reading.run, reading.wiring, text=text, version=settings.version)
    _begin(reading, settings, request=text if request.names_somebody else None)
    if request.names_somebody:
        read_requested(request, reading)
    else:
        read_changed(reading, settings)


def _read_bookings(reading: StagedReading, settings: SettingsVersion) -> None:
    run, wiring = reading.run, reading.wiring
    kinds = run.selection.kinds
    reread = wiring.ledger.dirty_appointments(kinds) | _moved(run, wiring, settings)
    mark = wiring.ledger.watermark(run.selection)
    since = None if mark is None else mark[0] - settings.settings.source_overlap
    query = ChangeQuery(kinds=kinds, since=since, appointment_ids=reread, not_after=run.now)
    reader = ChangeReader(wiring.source.engine, query, pairs_per_chunk=PAIRS_PER_CHUNK)
    for source_chunk in reader.chunks():
        fresh = _without_settled(
            with_switches(source_chunk, wiring.ledger),
            wiring.ledger,
            reread=reread,
            namespace=settings.settings.key_namespace,
        )
        if len(fresh.bookings):
            reading.add(fresh)
    reading.high_water = reader.high_water


def _describe(reading: StagedReading, settings: SettingsVersion, mapping_version: int) -> Manifest:
    run_id, staging, mark = reading.run.run_id, reading.wiring.staging, reading.high_water
    manifest = Manifest(
        settings_version=settings.version,
        mapping_version=mapping_version,
        chunks=reading.chunks,
        read=reading.read,
        sync_from=settings.sync_from,
        high_water=None if mark is None else (mark.changed_at, mark.id),
        read_at=reading.run.now,
        clients=len(reading.asked_clients),
        watermark_name=reading.watermark_name,
    )
    staging.write_json(run_id, EXTRACT, ASKED_CLIENTS_NAME, reading.asked_clients)
    staging.write_json(run_id, EXTRACT, REMATCHED_CLIENTS_NAME, reading.rematched_clients)
    staging.write_json(run_id, EXTRACT, "manifest", manifest.to_json())
    return manifest


def _moved(run: SyncRun, wiring: Wiring, settings: SettingsVersion) -> frozenset[int]:
    def moved_clients(waiting: pd.DataFrame) -> set[str]:
        return clients_changed_since(
            wiring.source.engine, waiting.rename(columns={"last_seen_at": "attempted_at"})
        )

    def active_users(user_ids: set[str]) -> set[str]:
        return set(read_active_users(wiring.salesforce, user_ids))

    return wiring.ledger.moved_appointments(
        run.selection.kinds,
        settings=settings,
        moved_clients=moved_clients,
        active_users=active_users,
        now=run.now,
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


def _settle_empty(run: SyncRun, wiring: Wiring, manifest: Manifest) -> None:
    wiring.ledger.settle(
        run,
        (),
        counts={"read": 0},
        watermark=manifest.high_water,
        watermark_name=manifest.watermark_name,
        cleared_dirty=(),
        settings_version=manifest.settings_version,
        state="empty",
        now=run.now,
    )
