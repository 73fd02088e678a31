"""The sync of an organisation that is on the legacy integration still (rule G1).

Its org may lack every field of ours, so that nothing is asked of it but what the legacy Events hold; nobody is looked
for and nobody is created. Which integration a run works for is found once, by ``extract_changes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError
from include.frames import DECISIONS, EVENT_LINKS, PERSON_REFUSALS, TEXT
from include.ledger.contracts import FORWARDS
from include.mapping.adoption import image_of
from include.mapping.legacy_events import LEGACY_FIELDS, legacy_mappings, link_legacy_events
from include.mapping.org_fields import OrgFields
from include.mapping.pairs import booking_keys
from include.mapping.plan import OWNER, PERSON
from include.matching.decide import HOLD, Decisions
from include.matching.normalise import salesforce_id_18
from include.pipeline.artifacts import (
    LOAD_PEOPLE,
    MAP_EVENTS,
    REFUSALS_NAME,
    Manifest,
    chunk_name,
    read_chunk,
)
from include.pipeline.check_org import describe_fields
from include.pipeline.context import Selection
from include.reasons import Reason
from include.salesforce import soql
from include.settings.field_mapping import Sobject
from include.settings.model import Integration
from include.source.legacy import has_legacy_links, legacy_event_links_of

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.repository import Ledger
    from include.pipeline.context import SyncRun, Wiring
    from include.salesforce.gateway import SalesforceGateway
    from include.settings.field_mapping import FieldMapping

_LINKS: Final = "legacy_links"


def integration_in_force(wiring: Wiring) -> Integration:
    """Return the integration that the organisation is on.

    That is the setting; while no settings were ever saved, the legacy one if Coconut holds legacy event links.

    Raises:
        SourceUnavailableError: the booking database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    version = wiring.ledger.current_settings()
    if version.version > 0:
        return version.settings.integration
    return Integration.LEGACY if has_legacy_links(wiring.source.engine) else Integration.MODERN


def legacy_until(run: SyncRun, ledger: Ledger) -> datetime | None:
    """Return until when the legacy integration synced, if a migration ended that.

    Not for a backfill: it asks for the very bookings that are held for it.
    """
    migration = ledger.newest_migration()
    if run.selection is Selection.BACKFILL or migration is None or not migration.phase.is_cut_over:
        return None
    return migration.legacy_until


def check_legacy_org(salesforce: SalesforceGateway, mappings: Sequence[FieldMapping]) -> OrgFields:
    """Check that our user may change the fields of legacy Events, and return what the org says of Event.

    Raises:
        ConfigurationError: a field is hidden or may not be changed; all of them are named.
    """
    org_fields = describe_fields(salesforce, (Sobject.EVENT,))
    facts = {
        mapping.target: org_fields.fact(Sobject.EVENT, mapping.target)
        for mapping in legacy_mappings(mappings)
    }
    problems = [f"Event.{name}" for name, fact in facts.items() if fact is None or not fact.updateable]
    if problems:
        msg = "The integration user may not change these fields of legacy Events; grant it their edit permission:"
        raise ConfigurationError(msg, problems)
    return org_fields


def nobody_decided(clients: pd.DataFrame) -> Decisions:
    """Return that each of these clients (contract ``CLIENTS``) waits for the modern integration."""
    held = clients[["client_id"]].assign(action=HOLD, reason=Reason.NOBODY_REGISTERED_ON_LEGACY.value)
    decisions = DECISIONS.conform(held.reindex(columns=list(DECISIONS.columns)))
    return Decisions(decisions, FORWARDS.empty(), ())


def load_nobody(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Stage that ``load_people`` had nobody to write, and return its count."""
    wiring.staging.write_frame(run.run_id, LOAD_PEOPLE, REFUSALS_NAME, PERSON_REFUSALS.empty())
    return {"people": 0}


def stage_legacy_links(
    run: SyncRun, wiring: Wiring, bookings: pd.DataFrame, *, manifest: Manifest, chunk: int
) -> pd.DataFrame:
    """Stage and return the links (``EVENT_LINKS``) of one chunk's pairs to the Events that legacy made for them.

    The Events are read from the org by their Ids, archived ones too; one that is deleted there, or hidden from our
    user, is none.

    Args:
        run: the run.
        wiring: its adapters.
        bookings: contract ``BOOKINGS``.
        manifest: the run's.
        chunk: the chunk's number.
    """
    appointment_ids = bookings["appointment_id"].unique()
    namespace = wiring.ledger.settings_at(manifest.settings_version).settings.key_namespace
    links = legacy_event_links_of(wiring.source.engine, appointment_ids)
    links = links.assign(event_id=salesforce_id_18(links["event_id"])).dropna(subset=["event_id"])
    linked = link_legacy_events(
        bookings.assign(booking_key=booking_keys(bookings, namespace=namespace)),
        wiring.ledger.event_links(appointment_ids),
        links.merge(_held_by(wiring.salesforce, links["event_id"]), on="event_id"),
    )
    wiring.staging.write_frame(run.run_id, MAP_EVENTS, chunk_name(_LINKS, chunk), linked)
    return linked


def links_of_chunk(
    run: SyncRun, wiring: Wiring, manifest: Manifest, events: pd.DataFrame, chunk: int
) -> pd.DataFrame:
    """Return the links (``EVENT_LINKS``) by which one chunk of ``events`` was planned."""
    if manifest.is_legacy:
        return read_chunk(run, wiring, MAP_EVENTS, _LINKS, chunk, EVENT_LINKS)
    return wiring.ledger.event_links(events["appointment_id"].unique())


def _held_by(salesforce: SalesforceGateway, event_ids: pd.Series[str]) -> pd.DataFrame:
    """Return ``event_id``, ``who_id``, ``owner_id`` and ``payload`` of these Events."""
    import pandas as pd

    columns = ("Id", PERSON, OWNER, *LEGACY_FIELDS)
    pages = salesforce.find_records(
        select=columns,
        sobject=Sobject.EVENT,
        values={"Id": frozenset(event_ids)},
        include_deleted=True,
        extra_where=soql.equals("IsDeleted", value=False),
    )
    empty = pd.DataFrame(columns=list(columns), dtype=TEXT)
    held = pd.concat([empty, *pages], ignore_index=True).drop_duplicates("Id")
    images = image_of(held, LEGACY_FIELDS)
    return images.rename(columns={"image": "payload"}).assign(who_id=held[PERSON], owner_id=held[OWNER])
