"""What the rules in force would do with every booking, were it read now (rules Q7, S1 to S14)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import DECISIONS, EVENTS, TEXT
from include.mapping.events import REKEYED_FROM, map_events
from include.mapping.org_fields import OrgFields
from include.mapping.owner import OwnerCheck
from include.mapping.plan import hash_payloads
from include.mapping.refused_fields import field_lists
from include.pipeline.staged_reading import switch_off, with_switches
from include.reasons import Action
from include.reconcile.comparison import WANTED
from include.source.changes import KINDS, ChangeQuery, ChangeReader
from include.source.clients import read_named_clients

if TYPE_CHECKING:
    from include.ledger.repository import MappingsVersion, SettingsVersion
    from include.pipeline.context import Wiring
    from include.source.pairs import SourceChunk

PAIRS_PER_CHUNK: Final = 25_000
_KEPT: Final = "link"


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """What the rules go by: settings and mappings, and what the org says of fields, Users and owners.

    ``legacy_until`` is until when the legacy integration synced, if it ever did (rule G1).
    """

    settings: SettingsVersion
    mappings: MappingsVersion
    org_fields: OrgFields
    staff_links: pd.DataFrame
    owners: OwnerCheck
    now: datetime
    legacy_until: datetime | None = None


def wanted_events(wiring: Wiring, in_force: RulesInForce) -> Iterator[pd.DataFrame]:
    """Yield what is due to every pair that Coconut has (``WANTED``), in one snapshot and chunk by chunk.

    Nobody is matched anew: a client is whom the ledger says, else whom their Event was written for.
    """
    reader = ChangeReader(wiring.source.engine, ChangeQuery(kinds=KINDS), pairs_per_chunk=PAIRS_PER_CHUNK)
    for chunk in reader.chunks():
        yield _wanted(with_switches(chunk, wiring.ledger), wiring, in_force)


def _wanted(chunk: SourceChunk, wiring: Wiring, in_force: RulesInForce) -> pd.DataFrame:
    links = wiring.ledger.event_links(chunk.bookings["appointment_id"].unique())
    people = wiring.ledger.person_links(chunk.clients["client_id"])
    events = map_events(
        chunk.bookings,
        chunk.answers,
        chunk.clients,
        kept_decisions(people, links),
        in_force.staff_links,
        links,
        mappings=in_force.mappings.mappings,
        org_fields=in_force.org_fields,
        settings=in_force.settings.settings,
        sync_from=in_force.settings.sync_from,
        owners=in_force.owners,
        now=in_force.now,
        legacy_until=in_force.legacy_until,
    )
    return as_wanted(events, links)


def kept_decisions(people: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return who each client is as far as the ledger knows (``DECISIONS``): by their link, else by an Event of theirs.

    Args:
        people: contract ``PERSON_LINKS``.
        links: contract ``EVENT_LINKS``.
    """
    by_event = links.dropna(subset=["client_id", "who_id"])
    known = pd.concat(
        [
            people[["client_id", "sobject", "record_id", "who_id"]],
            by_event[["client_id", "who_id"]].assign(record_id=by_event["who_id"]),
        ]
    ).drop_duplicates("client_id")
    named = known.assign(person_ref=known["record_id"], action=_KEPT)
    return DECISIONS.conform(named.reindex(columns=list(DECISIONS.columns)))


def as_wanted(events: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return a plan (``EVENTS``) beside what the ledger held when it was made (``WANTED``).

    Args:
        events: what ``map_events`` made of some bookings.
        links: contract ``EVENT_LINKS`` of these bookings.
    """
    link = links.drop_duplicates("booking_key").set_index("booking_key").reindex(events["booking_key"])
    link = link.set_axis(events.index)
    sent = events[[name for name in map(str, events) if name not in {*EVENTS.columns, REKEYED_FROM}]]
    names = field_lists(sent.notna())
    is_update = events["action"].eq(Action.UPDATE.value)
    settled, claimed = link["settled_version"], link["claimed_version"]
    is_current = (settled >= events["source_version"]) & ~(claimed > settled).fillna(value=False)
    return WANTED.conform(
        events[["booking_key", "appointment_id", "client_id", "kind", "action", "outcome", "reason"]].assign(
            fields=names.where(is_update).astype(TEXT),
            is_known=link["appointment_id"].notna(),
            is_settled=is_current.fillna(value=False).astype(bool),
            seen_event_id=link["event_id"],
            seen_version=claimed,
            seen_payload_hash=hash_payloads(link["payload"]),
        )
    )


def disabled_among(wiring: Wiring, client_ids: Collection[str]) -> frozenset[str]:
    """Return those of these clients who are not to be touched (rule T4), by Coconut's flag or by our switch."""
    clients = _clients(wiring, client_ids)
    return wiring.ledger.disabled_clients(client_ids).union(
        clients.loc[clients["sync_disabled"], "client_id"]
    )


def touchable_clients(wiring: Wiring, client_ids: Collection[str]) -> frozenset[str]:
    """Return those of these clients whom Coconut still has, and whose sync is not disabled."""
    clients = _clients(wiring, client_ids)
    is_active = ~clients["is_deleted"] & ~clients["sync_disabled"]
    return frozenset(clients.loc[is_active, "client_id"])


def _clients(wiring: Wiring, client_ids: Collection[str]) -> pd.DataFrame:
    numbers = {int(one) for one in client_ids if one.isdecimal()}
    return switch_off(read_named_clients(wiring.source.engine, numbers), wiring.ledger)
