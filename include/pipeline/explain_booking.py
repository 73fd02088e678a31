"""Tell in plain words why a booking is on the Salesforce records it is on (rules M9, T5, S4, M13).

Words name ids, keys, rules and settings only: nothing here says who a client is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.errors import ConfigurationError
from include.matching.evidence import Evidence
from include.matching.explain import explain
from include.pipeline.explain_campaigns import NamedCampaign, campaign_sentences, named_campaigns
from include.pipeline.explain_fields import field_sentences, shown_instant
from include.reasons import REASONS, Outcome, Reason, WaitsFor
from include.source.attendance import read_attendance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from include.ledger.booking_history import BookingHistory, ClientHistory, Row
    from include.ledger.repository import Ledger
    from include.source.gateway import SourceGateway

NOT_READ_YET: Final = "No run has read this attendee yet; the next one of its selection does."

_LARGEST_ID: Final = 2**63 - 1

_WAITS: Final[Mapping[str, str]] = {
    WaitsFor.ROW: "It is read again when the booking changes.",
    WaitsFor.CLIENT: "It is read again when the client changes.",
    WaitsFor.STAFF_LINK: "It is read again when the staff member's link to a User moves.",
    WaitsFor.SETTING: "It is read again when the setting changes.",
    WaitsFor.SALESFORCE_USER: "It is read again when the Salesforce User is active.",
    WaitsFor.BACKFILL: "After the migration it is read again by backfill_bookings of its day, or when it changes.",
    WaitsFor.PERSON: "It is read again when a person has chosen the record, or the rule or setting changed.",
}


@dataclass(frozen=True, slots=True)
class AttendeeStory:
    """Why one attendee's Event is where it is; ``event_id`` and ``record_id`` are missing while there is none."""

    client_id: str
    booking_key: str
    event_id: str | None
    record_id: str | None
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BookingStory:
    """Why a booking is where it is: sentences on the booking as a whole, and one story per attendee."""

    appointment_id: str
    sentences: tuple[str, ...]
    attendees: tuple[AttendeeStory, ...]

    def lines(self) -> list[str]:
        """Return the story as lines of text, an attendee's indented below its client id."""
        told = [f"Booking {self.appointment_id}", *(f"  {sentence}" for sentence in self.sentences)]
        for attendee in self.attendees:
            told += [f"Client {attendee.client_id}", *(f"  {sentence}" for sentence in attendee.sentences)]
        return told


def explain_booking(ledger: Ledger, source: SourceGateway, appointment_id: str) -> BookingStory:
    """Return why a booking is on its records, attendee by attendee, as of the last run that read it.

    Args:
        ledger: what earlier runs decided and wrote.
        source: says who attends the booking now.
        appointment_id: the booking's id in Coconut.

    Raises:
        ConfigurationError: neither Coconut nor the ledger knows such a booking.
    """
    number = _as_number(appointment_id)
    attendance = read_attendance(source.engine, number)
    now = attendance.dropna(subset=["client_id"]).set_index("client_id")
    history = ledger.booking_history(appointment_id, now.index.tolist())
    if attendance.empty and not history.events and not history.waiting:
        raise _unknown(appointment_id)
    campaigns = named_campaigns(source.engine, number, ledger.current_settings().settings)
    return BookingStory(
        appointment_id=appointment_id,
        sentences=tuple(_of_booking(attendance, history)),
        attendees=tuple(
            _attendee(client_id, now, history, campaigns.get(client_id))
            for client_id in sorted(history.clients, key=_order)
        ),
    )


def _as_number(appointment_id: str) -> int:
    if not (appointment_id.isascii() and appointment_id.isdecimal()) or int(appointment_id) > _LARGEST_ID:
        raise _unknown(appointment_id)
    return int(appointment_id)


def _unknown(appointment_id: str) -> ConfigurationError:
    msg = f"There is no booking {appointment_id} in Coconut, and no run ever read one; look the id up in Coconut."
    return ConfigurationError(msg)


def _order(client_id: str) -> tuple[int, str]:
    return len(client_id), client_id


def _of_booking(attendance: pd.DataFrame, history: BookingHistory) -> list[str]:
    if attendance.empty:
        return ["Coconut does not have this booking any more."]
    sentences = []
    if attendance["booking_deleted"].any():
        sentences.append("The booking was deleted in Coconut.")
    if attendance["client_id"].isna().all():
        sentences.append(REASONS[Reason.NO_ATTENDEE].text)
    if history.dirty:
        sentences.append("The next run reads this booking again.")
    return sentences


def _attendee(
    client_id: str, now: pd.DataFrame, history: BookingHistory, campaign: NamedCampaign | None
) -> AttendeeStory:
    client = history.clients[client_id]
    event = next((row for row in history.events.values() if row["client_id"] == client_id), None)
    waiting = next((row for row in history.waiting.values() if row["client_id"] == client_id), None)
    known = event or waiting
    booking_key = str(known["booking_key"]) if known else ""
    event_id = event["event_id"] if event else None
    record_id = client.link["record_id"] if client.link else None
    return AttendeeStory(
        client_id=client_id,
        booking_key=booking_key,
        event_id=event_id,
        record_id=record_id,
        sentences=(
            *_attends(client_id, now),
            *_whereabouts(event, waiting, history),
            *_person(client),
            *field_sentences(client.reports, {record_id, event_id}),
            *campaign_sentences(campaign, booking_key, client),
        ),
    )


def _attends(client_id: str, now: pd.DataFrame) -> list[str]:
    if client_id not in now.index:
        return ["This client does not attend the booking any more."]
    if now.loc[client_id, "is_removed"]:
        return ["This client was removed from the booking."]
    return ["This is the primary attendee."] if now.loc[client_id, "is_primary"] else []


def _whereabouts(event: Row | None, waiting: Row | None, history: BookingHistory) -> list[str]:
    """Say where the attendee's Event is, or why there is none, and what that waits for."""
    sentences = []
    if event and event["event_id"]:
        sentences.append(f"The Event is {event['event_id']}, on {event['who_id'] or 'no record'}.")
        sentences += [*_adoption(event), *_versions(event)]
    if waiting:
        sentences += _waits(waiting)
    elif event and event["last_outcome"]:
        sentences += _settled(event, history)
    return sentences or [NOT_READ_YET]


def _adoption(event: Row) -> list[str]:
    """Say that the Event is one of the legacy integration's, and whether it was written since (rule G8)."""
    if event["adopted_at"] is None:
        return []
    since = "been written since" if event["written_version"] is not None else "not been written since"
    taken_over = shown_instant(event["adopted_at"])
    return [f"It was taken over from the legacy integration on {taken_over}, and has {since}."]


def _versions(event: Row) -> list[str]:
    if event["mapping_version"] is None:
        return []
    return [
        f"It was written by version {event['mapping_version']} of the field mappings, "
        f"and last read under version {event['settings_version']} of the settings."
    ]


def _waits(waiting: Row) -> list[str]:
    reason = Reason(waiting["reason"])
    sentences = [
        f"It is {waiting['outcome']} since {shown_instant(waiting['first_seen_at'])}: {REASONS[reason].text}"
    ]
    if waiting["detail"]:
        sentences.append(f"Detail: {waiting['detail']}.")
    if waiting["attempts"] > 1:
        sentences.append(f"{waiting['attempts']} runs came to this.")
    setting = REASONS[reason].setting or ""
    named = f" The setting is {setting}." if setting else ""
    return (
        [*sentences, f"{_WAITS[waiting['waits_for']]}{named}"]
        if waiting["waits_for"] in _WAITS
        else sentences
    )


def _settled(event: Row, history: BookingHistory) -> list[str]:
    if event["last_reason"] == Reason.SHARED_EVENT:
        return [_shared(event, history)]
    if event["last_reason"]:
        return [REASONS[Reason(event["last_reason"])].text]
    if event["last_outcome"] == Outcome.WRITTEN and event["written_version"] is None:
        return [
            "The Event that the legacy integration has for it was brought up to date, or deleted with it."
        ]
    if event["last_outcome"] == Outcome.WRITTEN and not event["event_id"]:
        return ["The Event was deleted, as the booking asks."]
    return []


def _shared(event: Row, history: BookingHistory) -> str:
    """Name the attendee of the same person who carries the Event (rule S4)."""
    text = REASONS[Reason.SHARED_EVENT].text
    link = history.clients[event["client_id"]].link
    carriers = [
        row["client_id"]
        for row in history.events.values()
        if row["event_id"] and link and row["who_id"] == link["who_id"]
    ]
    return f"{text} It is client {carriers[0]}." if carriers else text


def _person(client: ClientHistory) -> list[str]:
    """Say why the client is the record that it is: the latest decision, and whatever made its link."""
    if not client.decisions:
        return ["Nobody has been looked for in Salesforce yet."]
    latest = client.decisions[0]
    sentences = [f"Decided on {shown_instant(latest['decided_at'])}: {explain(latest['explanation'])}"]
    if latest["evidence"] == Evidence.KEPT_LINK:
        sentences += _origin(client.decisions[1:])
    return [*sentences, *_link(client.link, latest), *_said_by_people(client)]


def _origin(earlier: Sequence[Row]) -> list[str]:
    """Return the decision that made a link which was only kept, or followed, since."""
    made = next((row for row in earlier if row["evidence"] not in {None, Evidence.KEPT_LINK}), None)
    if made is None:
        return []
    return [f"Before, on {shown_instant(made['decided_at'])}: {explain(made['explanation'])}"]


def _link(link: Row | None, latest: Row) -> list[str]:
    if link is None:
        return ["No record of this client is known yet."]
    sentences = []
    if link["record_id"] != latest["record_id"]:
        sentences.append(f"The record is {link['record_id']} ({link['sobject']}).")
    if link["created_by_us"]:
        sentences.append(f"We created the record, under the key {link['claim_key']}.")
    account = _written(link).get("AccountId")
    if account:
        sentences.append(f"It was created in the Account {account}.")
    if link["sobject"] == "Account":
        sentences.append(f"It is a Person Account: Events point at its Contact {link['who_id']}.")
    return sentences


def _written(link: Row) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(link["written_values"] or "{}")
    return values


def _said_by_people(client: ClientHistory) -> list[str]:
    sentences = []
    if client.choices:
        choice = client.choices[0]
        sentences.append(
            f"An administrator chose {choice['record_id']} for this client on {shown_instant(choice['chosen_at'])}."
        )
    if client.switches:
        switch = client.switches[0]
        does = "disabled" if switch["is_disabled"] else "enabled"
        sentences.append(f"Sync was {does} here for this client on {shown_instant(switch['changed_at'])}.")
    return sentences
