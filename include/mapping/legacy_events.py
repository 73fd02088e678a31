"""What happens to the Events of an organisation that is still on the legacy integration (rule G1).

Each pair meets the same hurdles as on the modern one; what they leave is compared with the Event as the org holds it,
in a few standard fields. The org may lack all of ours, so that nothing else is written, and nobody is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import pandas as pd

from include.frames import CLIENTS, EVENT_LINKS, TEXT
from include.mapping.event_fields import event_fields, left_alone, payload_mappings
from include.mapping.events import assemble_events
from include.mapping.hurdles import HURDLES, Terms, is_removed
from include.mapping.linked_pairs import REKEYED_FROM, linked_pairs, note_values
from include.mapping.org_fields import OrgFields
from include.mapping.org_values import differing_fields
from include.mapping.owner import check_owners
from include.mapping.plan import BOOKING_KEY, OWNER, PERSON, parse_payloads, with_clears
from include.mapping.verdicts import Verdicts
from include.reasons import Action, Reason
from include.settings.field_mapping import FieldMapping, Sobject
from include.settings.model import Settings

LEGACY_FIELDS: Final = ("StartDateTime", "EndDateTime", "ShowAs")
"""What is kept current in a legacy Event."""

_NEVER_SENT: Final = (BOOKING_KEY, "Subject", PERSON, OWNER)
"""Wire fields that the frame carries for the stages that follow."""


def legacy_mappings(mappings: Sequence[FieldMapping]) -> tuple[FieldMapping, ...]:
    """Return the mappings of ``LEGACY_FIELDS``, as far as rules of ours fill these."""
    return tuple(
        mapping for mapping in payload_mappings(mappings) if mapping.target in LEGACY_FIELDS and mapping.rule
    )


def link_legacy_events(bookings: pd.DataFrame, known: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return the links of pairs (``EVENT_LINKS``) with the Event that the legacy integration made for each.

    What the ledger knows of versions stays; an Event that it knows and the legacy integration does not is none. Where
    one Event serves several attendees it is that of one who attends, the primary one first, then the lowest client id.

    Args:
        bookings: contract ``BOOKINGS`` with ``booking_key``.
        known: contract ``EVENT_LINKS``: what the ledger has of these bookings.
        found: ``appointment_id``, ``client_id``, ``event_id``, ``who_id``, ``owner_id`` and ``payload`` (what it holds)
            of the legacy Events that are in the org.
    """
    if bookings.empty:
        return EVENT_LINKS.empty()
    own = ["event_id", "who_id", "owner_id", "payload"]
    pairs = bookings.assign(
        rank=is_removed(bookings),
        is_secondary=~bookings["is_primary"],
        number=pd.to_numeric(bookings["client_id"]),
    )[["booking_key", "appointment_id", "client_id", "staff_id", "rank", "is_secondary", "number"]]
    held = pairs.merge(found, on=["appointment_id", "client_id"])
    held = held.sort_values(["rank", "is_secondary", "number"], kind="stable").drop_duplicates("event_id")
    versions = known.drop(
        columns=[*own, "staff_id", "appointment_id", "client_id", "is_adopted", "is_backfilled"]
    )
    links = pairs[["booking_key", "appointment_id", "client_id", "staff_id"]].merge(
        held[["booking_key", *own]], on="booking_key", how="left"
    )
    links = links.merge(versions, on="booking_key", how="left")
    return EVENT_LINKS.conform(links.assign(is_adopted=links["event_id"].notna(), is_backfilled=False))


def map_legacy_events(
    bookings: pd.DataFrame,
    answers: pd.DataFrame,
    event_links: pd.DataFrame,
    *,
    mappings: Sequence[FieldMapping],
    org_fields: OrgFields,
    settings: Settings,
    sync_from: date,
    now: datetime,
) -> pd.DataFrame:
    """Return the event frame: which legacy Events are updated or deleted, and why the rest is not.

    Args:
        bookings: contract ``BOOKINGS``; all pairs of a booking belong into one frame.
        answers: contract ``ANSWERS`` of these bookings.
        event_links: of ``link_legacy_events``.
        mappings: the field mappings in force.
        org_fields: what the org says of Event's fields.
        settings: the settings in force.
        sync_from: the first local day that syncs.
        now: the run's clock.

    Returns:
        Contract ``EVENTS``, one row per row of ``bookings`` in their order. Updates carry those of ``LEGACY_FIELDS``
        that differ. No payload: the Event is read anew by every run.
    """
    pairs = linked_pairs(bookings, answers, event_links, settings=settings, now=now)
    pairs = pairs.assign(
        may_have_event=pairs["has_event"],
        person_ref=pd.Series(index=pairs.index, dtype=TEXT),
        desired_who_id=pairs["link_who_id"],
        owner_id=pairs["link_owner_id"],
        stays_with_person=True,
        **{REKEYED_FROM: pd.Series(index=pairs.index, dtype=TEXT)},
    )
    verdicts, terms = Verdicts(pairs.index), Terms(settings, sync_from, is_legacy=True)
    for hurdle in HURDLES:
        verdicts.settle(hurdle.applies(pairs, terms), reason=hurdle.reason, action=hurdle.action)
    note_values(pairs, verdicts)
    verdicts.settle(verdicts.is_open & terms.are_events_off, reason=Reason.EVENTS_OFF)
    wire = _differences(
        pairs[verdicts.is_open], answers, mappings=mappings, org_fields=org_fields, settings=settings
    ).reindex(pairs.index)
    verdicts.settle(wire.notna().any(axis="columns"), action=Action.UPDATE)
    verdicts.settle(verdicts.is_open, reason=Reason.LEGACY_EVENT_KEPT)
    names = [*_NEVER_SENT[:2], *map(str, wire), *_NEVER_SENT[2:], "payload", "left_out"]
    return assemble_events(
        pairs,
        verdicts,
        wire.reindex(columns=names).astype(TEXT),
        needs_person=pd.Series(False, index=pairs.index),
        owners=check_owners(settings, ()),
    )


def _differences(
    rows: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    mappings: Sequence[FieldMapping],
    org_fields: OrgFields,
    settings: Settings,
) -> pd.DataFrame:
    """Return the wire fields of ``LEGACY_FIELDS`` in which Events are not as their pairs ask; the others missing."""
    own = legacy_mappings(mappings)
    wanted = event_fields(
        rows, answers, CLIENTS.empty(), mappings=own, org_fields=org_fields, settings=settings
    ).wire
    held = parse_payloads(rows["link_payload"], list(map(str, wanted)))
    facts, alone = org_fields.objects.get(Sobject.EVENT, {}), left_alone(own)
    return with_clears(wanted, alone).where(differing_fields(wanted, held, facts, left_alone=alone))
