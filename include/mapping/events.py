"""The Event of every pair of booking and attendee, or the reason why there is none (rules S1-S12, S14).

Each pair meets the rules in this order, and the first that applies has the word: disabled client, deletion, what is
wrong with the row, scope (``hurdles``); who the person is; Events switched off; attendees who are one record
(``sharing``); the owner (``owner``); and at last whether anything differs from what was last written (``plan``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import pandas as pd

from include.frames import EVENTS
from include.mapping.adoption import carried_fields, is_really_changed, keep_owners
from include.mapping.event_fields import event_fields, left_alone
from include.mapping.hurdles import HURDLES, Terms
from include.mapping.linked_pairs import REKEYED_FROM, linked_pairs, note_values
from include.mapping.org_fields import OrgFields
from include.mapping.owner import OwnerCheck, assign_owners
from include.mapping.pairs import booking_keys, digest_pairs, source_versions
from include.mapping.plan import (
    OWNER,
    PERSON,
    changed_fields,
    kept_fields,
    parse_payloads,
    with_clears,
)
from include.mapping.refused_fields import (
    asked_again,
    asked_values,
    field_lists,
    format_with_refused,
    refused_values,
    words_of,
)
from include.mapping.sharing import share_events
from include.mapping.verdicts import Verdicts, waits_for_keys
from include.reasons import Action, Reason
from include.settings.field_mapping import FieldMapping, Sobject
from include.settings.model import OnInvalidField, Settings

if TYPE_CHECKING:
    from include.mapping.field_values import FieldValues

__all__ = ["REKEYED_FROM", "booking_keys", "digest_pairs", "map_events", "source_versions"]


def map_events(  # noqa: PLR0913 - everything an Event rests on
    bookings: pd.DataFrame,
    answers: pd.DataFrame,
    clients: pd.DataFrame,
    decisions: pd.DataFrame,
    staff_links: pd.DataFrame,
    event_links: pd.DataFrame,
    *,
    mappings: Sequence[FieldMapping],
    org_fields: OrgFields,
    settings: Settings,
    sync_from: date,
    owners: OwnerCheck,
    now: datetime,
    moves_past_events: bool = False,
    legacy_until: datetime | None = None,
) -> pd.DataFrame:
    """Return the event frame: what is to be written, and why the rest is not.

    Args:
        bookings: contract ``BOOKINGS``; all pairs of a booking belong into one frame.
        answers: contract ``ANSWERS`` of these bookings.
        clients: contract ``CLIENTS``; those of these bookings where a mapping reads a client's column.
        decisions: contract ``DECISIONS`` of these clients.
        staff_links: contract ``STAFF_LINKS``.
        event_links: contract ``EVENT_LINKS``: all links of these bookings, of removed attendees too.
        mappings: the field mappings in force.
        org_fields: what the org says of Event's fields.
        settings: the settings in force.
        sync_from: first local day whose bookings sync; earlier ones only if they have an Event.
        owners: the owner settings, checked.
        now: tells past Events from upcoming ones.
        moves_past_events: past Events follow their client to another person too (rule M1).
        legacy_until: until when the legacy integration synced; what it did not sync and has not changed since is held
            (rule G1).

    Returns:
        Contract ``EVENTS``, one row per row of ``bookings`` in their order, with the mapped fields and
        ``rekeyed_from``.
        Creates carry every field that has a value, updates only what changed. ``WhoId`` is missing where
        ``desired_who_id`` is: the person is yet to be created.
    """
    pairs = linked_pairs(bookings, answers, event_links, settings=settings, now=now)
    pairs = _with_people(pairs, decisions, moves_past_events=moves_past_events)
    verdicts = Verdicts(pairs.index)
    terms = Terms(settings, sync_from, legacy_until=legacy_until)
    for hurdle in HURDLES:
        verdicts.settle(hurdle.applies(pairs, terms), reason=hurdle.reason, action=hurdle.action)
    note_values(pairs, verdicts)
    verdicts.settle_by(pairs["decision_reason"])
    needs_person = verdicts.is_open & terms.are_events_off
    verdicts.settle(needs_person, reason=Reason.EVENTS_OFF)
    _keep_adopted(
        pairs, verdicts, answers, clients, mappings=mappings, org_fields=org_fields, settings=settings
    )
    pairs = share_events(pairs, verdicts, event_links)
    pairs = pairs.join(keep_owners(assign_owners(pairs, staff_links, owners), pairs))
    verdicts.settle_by(pairs["owner_reason"])
    values = event_fields(
        pairs[verdicts.is_open],
        answers,
        clients,
        mappings=mappings,
        org_fields=org_fields,
        settings=settings,
    )
    wire = _plan(pairs, verdicts, values, alone=left_alone(mappings), settings=settings)
    return assemble_events(pairs, verdicts, wire, needs_person=needs_person, owners=owners)


def _with_people(pairs: pd.DataFrame, decisions: pd.DataFrame, *, moves_past_events: bool) -> pd.DataFrame:
    """Add who the Event belongs to, and whether its WhoId has to be sent (rules M1, M7, S12).

    A past Event stays with the person it was written for, unless somebody asks to move it. A record that was converted
    or merged took its Events along, so its new Id is noted but not sent. ``has_moved`` says that the Event goes to
    another person.
    """
    columns = ["person_ref", "who_id", "followed_from", "action", "reason"]
    names = {"who_id": "decided_who_id", "action": "decision_action", "reason": "decision_reason"}
    people = decisions.drop_duplicates("client_id").set_index("client_id")[columns].rename(columns=names)
    joined = pairs.join(people, on="client_id")
    is_decided = joined["decision_action"].isin(["link", "create"])
    stored = joined["link_who_id"].where(joined["has_event"])
    is_same_person = (stored == joined["decided_who_id"]) | (stored == joined["followed_from"])
    stays = joined["is_past"] & (not moves_past_events) & stored.notna() & ~is_same_person
    # A legacy Event says whose it is, until somebody who exists is found to be its client.
    is_only_on_event = joined["is_adopted"] & stored.notna() & (joined["decision_action"] != "link")
    stays |= is_only_on_event
    desired = joined["decided_who_id"].mask(stays, stored)
    reason = joined["decision_reason"].fillna(str(Reason.CLIENT_MISSING))
    return joined.assign(
        person_ref=joined["person_ref"].mask(is_only_on_event, stored),
        decision_reason=reason.mask(is_decided | is_only_on_event),
        desired_who_id=desired,
        person=desired.fillna(joined["person_ref"]),
        stays_with_person=stays,
        has_moved=stored.notna() & desired.notna() & ~is_same_person & ~stays,
    )


def _keep_adopted(
    pairs: pd.DataFrame,
    verdicts: Verdicts,
    answers: pd.DataFrame,
    clients: pd.DataFrame,
    *,
    mappings: Sequence[FieldMapping],
    org_fields: OrgFields,
    settings: Settings,
) -> None:
    """Settle the open pairs whose legacy Event needs nothing: no mass update fires the org's automations (rule G8)."""
    rows = pairs[verdicts.is_open & pairs["is_adopted"] & pairs["has_event"]]
    if rows.empty:
        return
    values = event_fields(
        rows,
        answers,
        clients,
        mappings=carried_fields(mappings),
        org_fields=org_fields,
        settings=settings,
    )
    facts = org_fields.objects.get(Sobject.EVENT, {})
    is_changed = is_really_changed(rows, values, facts, left_alone=left_alone(mappings))
    kept = (~is_changed).reindex(pairs.index, fill_value=False)
    verdicts.settle(kept, reason=Reason.LEGACY_EVENT_KEPT)


def _plan(
    pairs: pd.DataFrame,
    verdicts: Verdicts,
    values: FieldValues,
    *,
    alone: frozenset[str],
    settings: Settings,
) -> pd.DataFrame:
    """Settle every open pair as create, update, unchanged or unfit; return their wire fields and payloads."""
    rows = pairs[verdicts.is_open]
    names = list(values.wire.columns)
    has_event, is_unsettled = rows["has_event"], rows["is_unsettled"]
    written, refused = (
        parse_payloads(rows["link_payload"], names),
        refused_values(rows["link_payload"], names),
    )
    asked = _last_asked(written, refused, is_unsettled=is_unsettled, settings=settings)
    desired = _without_faults(values, asked, verdicts, settings)
    desired = kept_fields(desired, written, left_alone=alone)
    changed = changed_fields(desired, asked, resend=is_unsettled, left_alone=alone)
    # An Event whose creation was never settled may exist with other values: the upsert clears what is empty now.
    whole = desired.mask(is_unsettled, with_clears(desired, alone))
    wire = changed.where(has_event, whole)
    keeps_person = has_event & (
        (rows["link_who_id"] == rows["desired_who_id"]) | (rows["link_who_id"] == rows["followed_from"])
    )
    wire[PERSON] = rows["desired_who_id"].mask(keeps_person)
    wire[OWNER] = rows["owner_id"].where(~has_event | (rows["owner_id"] != rows["link_owner_id"]))
    awaits_person = ~keeps_person & rows["desired_who_id"].isna()
    differs = (wire.notna().any(axis=1) | awaits_person).reindex(pairs.index, fill_value=False)
    verdicts.settle(~pairs["has_event"], action=Action.CREATE)
    verdicts.settle(differs, action=Action.UPDATE)
    verdicts.settle(verdicts.is_open, reason=Reason.SAME_AS_LAST_WRITTEN)
    still_refused = refused.where(changed[refused.columns].isna())
    return wire.assign(
        payload=format_with_refused(desired, still_refused),
        left_out=_left_out(values, still_refused, verdicts, settings),
    ).reindex(pairs.index)


def _last_asked(
    written: pd.DataFrame, refused: pd.DataFrame, *, is_unsettled: pd.Series[bool], settings: Settings
) -> pd.DataFrame:
    """Return what was last asked of each field; a refused value counts only while the setting drops such values."""
    if settings.on_invalid_field is OnInvalidField.DROP_AND_REPORT:
        return asked_values(written, refused.mask(is_unsettled))
    return asked_again(written, refused)


def _left_out(
    values: FieldValues, still_refused: pd.DataFrame, verdicts: Verdicts, settings: Settings
) -> pd.Series[str]:
    """Name the fields whose value is left out, and say so of those that Salesforce refused earlier."""
    wanted = with_clears(values.wire[still_refused.columns])
    is_left_out = wanted == still_refused
    for name in still_refused:
        verdicts.remark(is_left_out[name], words_of(str(name)))
    if settings.on_invalid_field is OnInvalidField.DROP_AND_REPORT:
        for fault in values.faults:
            is_left_out[fault.target] = fault.rows | is_left_out.get(fault.target, False)
    return field_lists(is_left_out)


def _without_faults(
    values: FieldValues, asked: pd.DataFrame, verdicts: Verdicts, settings: Settings
) -> pd.DataFrame:
    """Return the values without those that Salesforce would refuse, or quarantine their pairs, as the setting says."""
    desired = values.wire.copy()
    for fault in values.faults:
        if settings.on_invalid_field is OnInvalidField.DROP_AND_REPORT:
            desired[fault.target] = desired[fault.target].mask(fault.rows, asked[fault.target])
            verdicts.remark(fault.rows, f"left out because {fault.words}")
        else:
            verdicts.settle(fault.rows.reindex(verdicts.is_open.index, fill_value=False), reason=fault.reason)
            verdicts.remark(fault.rows, fault.words)
    return desired


def assemble_events(
    pairs: pd.DataFrame,
    verdicts: Verdicts,
    wire: pd.DataFrame,
    *,
    needs_person: pd.Series[bool],
    owners: OwnerCheck,
) -> pd.DataFrame:
    """Return the event frame (contract ``EVENTS`` with its wire fields) that verdicts come to.

    Args:
        pairs: the working frame, with ``desired_who_id``, ``owner_id``, ``stays_with_person`` and ``rekeyed_from``.
        verdicts: what every pair came to.
        wire: what is sent, with ``payload`` and ``left_out``, same index.
        needs_person: pairs whose person is needed although nothing is written.
        owners: the checked owners; a pair may wait for the User they name.
    """
    outcome, fields = (
        verdicts.to_frame(),
        [name for name in wire.columns if name not in {"payload", "left_out"}],
    )
    is_written = outcome["action"].isin([str(Action.CREATE), str(Action.UPDATE)])
    is_as_desired = is_written | (outcome["reason"] == str(Reason.SAME_AS_LAST_WRITTEN))
    is_passed_on = is_written & pairs[REKEYED_FROM].notna()
    own_event_id = pairs["link_event_id"].where(pairs[REKEYED_FROM].isna() | is_passed_on)
    keys = waits_for_keys(outcome, pairs["client_id"], scope_settings=pairs["scope_settings"], owners=owners)
    events = pairs.assign(
        **{str(name): column for name, column in outcome.items()},
        waits_for_key=keys,
        event_id=own_event_id,
        desired_who_id=pairs["desired_who_id"].where(is_as_desired),
        desired_owner_id=pairs["owner_id"].where(is_as_desired),
        needs_person=needs_person | (is_written & ~pairs["stays_with_person"]),
        payload=wire["payload"].where(is_as_desired),
        left_out=wire["left_out"],
        **{name: wire[name].where(is_written) for name in fields},
    )
    events[REKEYED_FROM] = events[REKEYED_FROM].where(is_passed_on)
    return EVENTS.conform(events[[*EVENTS.columns, *fields, REKEYED_FROM]])
