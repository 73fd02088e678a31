"""What the legacy integration left in a demo organisation: whom it knew, which Events it made, and what went wrong.

Rows only, told from the rows of the booking database; :mod:`include.demo.legacy_filling` writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from include.demo.catalogue import (
    STAFF_WHO_LEFT,
    STAFF_WITH_INACTIVE_USER,
    STAFF_WITH_TWO_USERS,
    STAFF_WITHOUT_EMAIL,
    STAFF_WITHOUT_USER,
)
from include.demo.hand_made import Somebody
from include.demo.plan import Row

LEGACY_USERNAME: Final = "coconut.legacy@bank.example.com.demo"
SUBJECT: Final = "Coconut: "
"""How the Subjects of legacy Events begin; suffix and kind are what they lack (rule G6)."""

NO_BOOKING: Final = 990_001
NO_STAFF: Final = 9_901
NO_USER: Final = "005000000000zzzAAA"
NO_EVENT: Final = "00U000000000zzzEAA"

_LONGEST: Final = timedelta(days=14)
_HALF_AN_HOUR: Final = timedelta(minutes=30)
_MISSED: Final = 17
"""One staffed booking in so many never reached Salesforce."""


class Fault(StrEnum):
    """What became of a legacy link; most are in order."""

    NONE = "none"
    RESCHEDULE_MISSED = "reschedule_missed"
    EVENT_DELETED = "event_deleted"
    EVENT_GONE = "event_gone"
    NO_ID = "no_id"
    SHARED_EVENT = "shared_event"


_FAULTS: Final[Mapping[int, Fault]] = {
    3: Fault.EVENT_DELETED,
    5: Fault.RESCHEDULE_MISSED,
    9: Fault.EVENT_GONE,
    13: Fault.NO_ID,
    21: Fault.EVENT_DELETED,
    29: Fault.RESCHEDULE_MISSED,
    38: Fault.EVENT_DELETED,
}
"""The faults of links, by their place."""

_ONE_PERSON: Final = frozenset({Somebody.TWIN, Somebody.TWIN_SPELT_OTHERWISE})
"""Two clients who are one Salesforce record: a booking of both has a second Event on it."""

CONVERTED_LATER: Final = (2, 7, 11)
"""Which of the Leads that the legacy integration created became Contacts after their Events were made."""

MAPPINGS: Final[Sequence[tuple[str, str, str]]] = (
    ("client.locale", "Lead", "Title"),
    ("client.locale", "Contact", "Title"),
    ("client.city", "Contact", "OtherCity"),
    ("client.country", "Contact", "OtherCountry"),
    ("answer.language", "Contact", "AssistantName"),
    ("answer.visit_reason", "Contact", "Department"),
    ("client.city", "Lead", "Retired_Branch__c"),
    ("client.city", "Contact", "LastActivityDate"),
    ("client.city", "Lead", "NumberOfEmployees"),
    ("appointment.notes", "Event", "Subject"),
    ("client.company", "Opportunity", "Description"),
    ("client.shoe_size", "Contact", "Department"),
)
"""Source, object and field: the first half fits the org, each of the others does not in a way of its own."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A staffed booking and one of its attendees, as far as the legacy integration cared."""

    appointment_id: int
    client_id: int
    staff_id: int
    service: str
    status: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class LegacyLink:
    """A link that the legacy integration kept; ``event_of`` is the pair whose Event it names, if any."""

    pair: Pair
    fault: Fault = Fault.NONE
    event_of: Pair | None = None


@dataclass(slots=True)
class LegacySide:
    """Everything the legacy integration left, people and owners by their number in Coconut."""

    links: list[LegacyLink] = field(default_factory=list)
    staff_users: dict[int, str] = field(default_factory=dict)

    @property
    def events(self) -> list[LegacyLink]:
        """Return the links that have an Event of their own."""
        return [link for link in self.links if link.event_of == link.pair]


def legacy_side(pairs: Iterable[Pair], users: Mapping[str, str]) -> LegacySide:
    """Say what the legacy integration made of staffed pairs, in their order.

    Args:
        pairs: the pairs it may have synced.
        users: Ids of Users by the key that ``salesforce_side`` gave them.
    """
    side = LegacySide(staff_users=_staff_users(users))
    synced = [pair for pair in pairs if pair.appointment_id % _MISSED]
    first_of: dict[int, Pair] = {}
    is_shared = False
    for place, pair in enumerate(synced):
        first = first_of.setdefault(pair.appointment_id, pair)
        fault = _FAULTS.get(place, Fault.NONE)
        if first != pair and not is_shared and pair.client_id not in _ONE_PERSON and fault is Fault.NONE:
            is_shared, fault = True, Fault.SHARED_EVENT
        has_event = fault not in {Fault.EVENT_GONE, Fault.NO_ID}
        side.links.append(
            LegacyLink(pair, fault, (first if fault is Fault.SHARED_EVENT else pair) if has_event else None)
        )
    return side


def event_values(link: LegacyLink) -> Row:
    """Return the Event of a link as the legacy integration wrote it, without person and owner."""
    late = _HALF_AN_HOUR if link.fault is Fault.RESCHEDULE_MISSED else timedelta(0)
    pair = link.pair
    return {
        "Subject": f"{SUBJECT}{pair.service}"[:255],
        "StartDateTime": _wire(pair.starts_at - late),
        "EndDateTime": _wire(pair.ends_at - late),
        "ShowAs": "Free" if pair.status == "cancelled" else "Busy",
        "Description": f"Booked in Coconut, number {pair.appointment_id}",
    }


def is_syncable(starts_at: datetime | None, ends_at: datetime | None) -> bool:
    """Tell whether an Event can have these times."""
    return (
        starts_at is not None
        and ends_at is not None
        and starts_at.year < 3000
        and timedelta(0) <= ends_at - starts_at < _LONGEST
    )


def _staff_users(users: Mapping[str, str]) -> dict[int, str]:
    """Link every staff member who has a User, one of them to a colleague's, and two who are not there any more."""
    links = {
        int(name.removeprefix("user:staff").partition("@")[0]): user
        for name, user in users.items()
        if name.startswith("user:staff")
    }
    links[STAFF_WITHOUT_EMAIL] = links[STAFF_WITH_TWO_USERS]
    links[STAFF_WITHOUT_USER] = NO_USER
    links[NO_STAFF] = links[STAFF_WHO_LEFT]
    return links


def can_own(staff_id: int, side: LegacySide) -> bool:
    """Tell whether the User of a staff member could be given an Event."""
    return staff_id != STAFF_WITH_INACTIVE_USER and side.staff_users.get(staff_id, NO_USER) != NO_USER


def _wire(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")
