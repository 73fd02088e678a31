"""Read what changed in Coconut since the watermark, and what waited and may go on (design §2, rules T1, T2, Q2, Q5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from include.errors import AutomaticSyncOff, ConfigurationError
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
from include.pipeline.extract_backfill import read_window
from include.pipeline.extract_bookings import read_bookings
from include.pipeline.extract_clients import read_changed, read_requested, refuse_request
from include.pipeline.extract_named import read_replayed
from include.pipeline.extract_repair import read_repaired
from include.pipeline.legacy_mode import integration_in_force, legacy_until
from include.pipeline.legacy_watch import refuse_while_stopped, watch_legacy
from include.pipeline.staged_reading import StagedReading
from include.settings.availability import unavailable
from include.settings.field_mapping import FieldMapping, Sobject
from include.settings.model import Integration, Switch

if TYPE_CHECKING:
    from include.ledger.repository import Ledger, SettingsVersion


def extract_changes(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Stage what the run is about in chunks, and return ``{"read", "clients", "chunks", "empty"}``.

    A sync of bookings reads the changes since the watermark less ``source_overlap``, what the last run could not see,
    the pairs whose *waits_for* moved, and dirty keys; ``read`` counts pairs. ``sync_clients`` reads whom it is asked
    for, or the clients that changed: ``clients``.

    Raises:
        AutomaticSyncOff: the run is scheduled and the setting ``automatic_sync`` is off.
        ConfigurationError: staging cannot be written, the booking database lacks columns, or a setting asks for
            what is not available yet, or ``key_namespace`` changed after the first write, or the request of
            ``sync_clients`` is refused; or the legacy integration is at work after cut-over (rule G8).
        SourceUnavailableError: the booking database does not answer.
    """
    with counted_calls(run, wiring, EXTRACT):
        seen_at = wiring.ledger.advance_clock(
            run.now
        )  # before the first look: what moves from now on is news
        settings = wiring.ledger.current_settings()
        if run.trigger is Trigger.SCHEDULED and settings.settings.automatic_sync is Switch.OFF:
            msg = "Automatic sync is switched off in the settings; trigger the DAG by hand to sync now."
            raise AutomaticSyncOff(msg)
        refuse_while_stopped(wiring.ledger)
        _refuse_unavailable(settings)
        refuse_another_namespace(settings, wiring.ledger)
        wiring.staging.check()
        wiring.source.check()
        watch_legacy(run, wiring)
        mappings = wiring.ledger.current_mappings()
        reading = StagedReading(run, wiring, seen_at, questions=_questions_of_people(mappings.mappings))
        _READERS.get(run.selection, read_bookings)(reading, settings, mappings.version)
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


def _refuse_unavailable(settings: SettingsVersion) -> None:
    """Stop rather than ignore a setting: who chose a value believes that it works."""
    if problems := unavailable(settings.settings):
        msg = "Settings ask for what this release does not do yet; set them back to their defaults:"
        raise ConfigurationError(msg, problems)


def refuse_another_namespace(settings: SettingsVersion, ledger: Ledger) -> None:
    """Stop a run that would not recognise its own Events: they carry the namespace they were written under.

    Raises:
        ConfigurationError: ``key_namespace`` changed after the first write.
    """
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
    reading.begin(settings, request=text if request.names_somebody else None)
    if request.names_somebody:
        read_requested(request, reading)
    else:
        read_changed(reading, settings)


_READERS: Final[Mapping[Selection, Callable[[StagedReading, SettingsVersion, int], None]]] = {
    Selection.CLIENTS: _read_clients,
    Selection.BACKFILL: read_window,
    Selection.REPLAY: read_replayed,
    Selection.REPAIR: read_repaired,
}
"""How each selection reads what it is about, given settings and version of the field mappings; the syncs of bookings
read what changed."""


def _describe(reading: StagedReading, settings: SettingsVersion, mapping_version: int) -> Manifest:
    run_id, staging, mark = reading.run.run_id, reading.wiring.staging, reading.high_water
    manifest = Manifest(
        settings_version=settings.version,
        mapping_version=mapping_version,
        chunks=reading.chunks,
        read=reading.read,
        sync_from=reading.sync_from or settings.sync_from,
        is_legacy=integration_in_force(reading.wiring) is Integration.LEGACY,
        legacy_until=legacy_until(reading.run, reading.wiring.ledger),
        high_water=None if mark is None else (mark.changed_at, mark.id),
        read_at=reading.run.now,
        clients=len(reading.asked_clients),
        watermark_name=reading.watermark_name,
        snapshots=reading.snapshots,
    )
    staging.write_json(run_id, EXTRACT, ASKED_CLIENTS_NAME, reading.asked_clients)
    staging.write_json(run_id, EXTRACT, REMATCHED_CLIENTS_NAME, reading.rematched_clients)
    staging.write_json(run_id, EXTRACT, "manifest", manifest.to_json())
    return manifest


def _settle_empty(run: SyncRun, wiring: Wiring, manifest: Manifest) -> None:
    """End a run that found nothing; one that was settled before, and is read again, keeps what it had counted."""
    counted = wiring.ledger.run_counts(run.run_id) or {"read": 0}
    wiring.ledger.settle(
        run,
        (),
        counts=counted,
        watermark=manifest.high_water,
        watermark_name=manifest.watermark_name,
        snapshots=manifest.snapshots,
        cleared_dirty=(),
        settings_version=manifest.settings_version,
        state="success" if any(counted.values()) else "empty",
        now=run.now,
    )
