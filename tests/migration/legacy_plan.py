"""What a legacy organisation holds, told from a seed: rows of the booking database, Events, links, and what is wrong.

A plan is data. It knows nothing of an org's Ids: people are known by their client, Events by a number, owners by their
staff member; ``tests.migration.legacy_world`` gives them Ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from random import Random
from typing import Any, Final

from include.legacy import Attention, ItemKind
from tests.local_org import NOW

Row = dict[str, Any]
FAULTY_CLIENTS: Final = 100_000
"""Clients of the faults are numbered from here, and so are the bookings: nobody else shares their records."""

CLIENTS_PER_EVENT: Final = 3
DAYS: Final = 60
HALF_AN_HOUR: Final = timedelta(minutes=30)
ARCHIVED: Final = timedelta(days=380)
"""A year after its end Salesforce archives an Event; the ledger of tests is older still."""


class Kept(StrEnum):
    """What Salesforce has for a client."""

    LEAD = "lead"
    CONTACT = "contact"
    CONVERTED = "converted"


class Fate(StrEnum):
    """What became of a legacy Event before the migration."""

    LIVES = "lives"
    IN_RECYCLE_BIN = "in_recycle_bin"
    NEVER_WAS = "never_was"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is; those that need attention count in, so many ``faults`` of each reason."""

    events: int = 60
    staff: int = 8
    mappings: int = 12
    unlinked: int = 3
    converted: int = 2
    drifted: int = 2
    archived: int = 1
    faults: int = 1


@dataclass(frozen=True, slots=True)
class LegacyEvent:
    """An Event as the legacy writer made it: no key, a Subject of its own, custom fields empty."""

    number: int
    client_id: int
    staff_id: int
    values: Row
    fate: Fate = Fate.LIVES


@dataclass(frozen=True, slots=True)
class LegacyLink:
    """A row of ``legacy_event_links``: the Event by its number, or what stands there in place of an Id."""

    appointment_id: int
    client_id: int
    event: int | None
    text: str | None = None

    @property
    def key(self) -> str:
        return f"{self.appointment_id}-{self.client_id}"


@dataclass
class LegacyPlan:
    """Everything there is. ``attention`` says which items cannot be carried over, and why."""

    sizes: Sizes
    random: Random
    clients: list[Row] = field(default_factory=list)
    people: dict[int, Kept] = field(default_factory=dict)
    staff: list[Row] = field(default_factory=list)
    bookings: list[Row] = field(default_factory=list)
    attendees: list[Row] = field(default_factory=list)
    events: list[LegacyEvent] = field(default_factory=list)
    links: list[LegacyLink] = field(default_factory=list)
    drifted: list[str] = field(default_factory=list)
    attention: dict[tuple[ItemKind, str], Attention] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def expected(self, kind: ItemKind) -> dict[str, Attention]:
        """Return the items of a kind that need attention, by key."""
        return {key: why for (of_kind, key), why in self.attention.items() if of_kind is kind}

    @property
    def carried(self) -> list[LegacyLink]:
        """Return the event links that can be carried over."""
        faulty = self.expected(ItemKind.EVENT_LINK)
        return [link for link in self.links if link.key not in faulty]

    # -- what makes it up

    def client(self, client_id: int, kept: Kept) -> int:
        row = {
            "id": client_id,
            "first_name": "Ann",
            "last_name": f"Lee {client_id}",
            "email": f"ann{client_id}@example.com",
            "locale": "en",
            "sync_disabled": False,
        }
        self.clients.append(row | _stamps(NOW - timedelta(days=390)))
        self.people[client_id] = kept
        return client_id

    def booking(self, booking_id: int, *client_ids: int, staff_id: int | None, **values: Any) -> Row:
        starts_at: datetime = values.pop("starts_at", None) or self._start(booking_id)
        status = "booked" if starts_at > NOW else "complete"
        row = {
            "id": booking_id,
            "kind": "appointment",
            "status": status,
            "service_id": 1,
            "location_id": 1,
            "staff_id": staff_id,
            **_times(starts_at),
            "meeting_method": "in_person",
            "booked_through": "client_view",
            "deleted_at": None,
            **values,
        }
        stamp = min(starts_at - timedelta(days=5), NOW - timedelta(hours=3))
        self.bookings.append(row | _stamps(stamp))
        for position, client_id in enumerate(client_ids):
            seat = {"appointment_id": booking_id, "client_id": client_id, "is_primary": position == 0}
            self.attendees.append({**seat, "updated_at": stamp, "deleted_at": None})
        return row

    def event(self, booking: Row, client_id: int, *, fate: Fate = Fate.LIVES, **values: Any) -> int:
        """Plan the Event that the legacy writer made of a booking, and return its number."""
        number = next(self._numbers)
        written = {
            "Subject": f"Coconut: Advice for Ann Lee {client_id}",
            "StartDateTime": booking["starts_at"],
            "EndDateTime": booking["ends_at"],
            "ShowAs": "Free" if booking["status"] == "cancelled" else "Busy",
            "Description": f"Booked in Coconut, number {booking['id']}",
            **values,
        }
        self.events.append(LegacyEvent(number, client_id, booking["staff_id"], written, fate))
        return number

    def link(self, booking_id: int, client_id: int, event: int | None, text: str | None = None) -> str:
        self.links.append(LegacyLink(booking_id, client_id, event, text))
        return self.links[-1].key

    def _start(self, booking_id: int) -> datetime:
        """Return a start within so many days from now, on a quarter of an hour; never today."""
        days = self.random.choice((-1, 1)) * self.random.randint(1, DAYS)
        return NOW + timedelta(days=days, minutes=15 * (booking_id % 24))


def legacy_plan(seed: int, sizes: Sizes) -> LegacyPlan:
    """Return the plan of a seed; the same seed and sizes tell the same."""
    plan = LegacyPlan(sizes, Random(seed))
    _staff(plan)
    _faulty_links(plan)
    _linked_bookings(plan)
    _unlinked_bookings(plan)
    return plan


def _staff(plan: LegacyPlan) -> None:
    """Only a link can tell whom every second staff member is: their e-mail is no User's."""
    for staff_id in range(1, plan.sizes.staff + 1):
        row = {"id": staff_id, "first_name": "Sam", "last_name": f"Staff {staff_id}", "active": True}
        domain = "example.com" if staff_id % 2 else "elsewhere.example"
        stamp = NOW - timedelta(days=390)
        plan.staff.append({**row, "email": f"staff{staff_id}@{domain}", "updated_at": stamp})
    faults = (Attention.STAFF_GONE, Attention.USER_MISSING, Attention.USER_INACTIVE)
    last = iter(range(plan.sizes.staff, 0, -1))
    for why in faults * plan.sizes.faults:
        plan.attention[(ItemKind.STAFF_LINK, str(next(last)))] = why


def healthy_staff(plan: LegacyPlan) -> list[int]:
    """Return the staff members whose link can be carried over."""
    faulty = plan.expected(ItemKind.STAFF_LINK)
    return [staff_id for staff_id in range(1, plan.sizes.staff + 1) if str(staff_id) not in faulty]


def _linked_bookings(plan: LegacyPlan) -> None:
    """Fill up with links that are in order; one booking in ten has two attendees, each with an Event."""
    wanted = plan.sizes.events
    clients = max(1, wanted // CLIENTS_PER_EVENT)
    for number in range(1, clients + 1):
        plan.client(number, Kept.CONVERTED if number <= plan.sizes.converted else _kept(number))
    staff = healthy_staff(plan)
    for booking_id in count(1):
        missing = wanted - len(plan.links)
        if missing <= 0:
            return
        client_id = 1 + (booking_id - 1) % clients
        others = (1 + booking_id % clients,) if booking_id % 10 == 0 and missing > 1 and clients > 1 else ()
        values = _variety(plan, booking_id)
        attending = (client_id, *others)
        booking = plan.booking(booking_id, *attending, staff_id=staff[booking_id % len(staff)], **values)
        for attendee in attending:
            event = plan.event(booking, attendee, **_drift(plan, booking, attendee))
            plan.link(booking_id, attendee, event)


def _kept(number: int) -> Kept:
    return Kept.LEAD if number % 2 else Kept.CONTACT


def _variety(plan: LegacyPlan, booking_id: int) -> Row:
    """Return what is special about a booking: some are long past, and some are cancelled."""
    if booking_id <= plan.sizes.archived:
        return {"starts_at": NOW - ARCHIVED}
    if booking_id % 15 == 0:
        return {"status": "cancelled", "cancellation_reason": "Ill"}
    return {}


def _drift(plan: LegacyPlan, booking: Row, client_id: int) -> Row:
    """Let the legacy writer have missed a reschedule of some upcoming bookings."""
    is_upcoming = booking["starts_at"] > NOW and booking["status"] == "booked"
    if len(plan.drifted) >= plan.sizes.drifted or not is_upcoming or booking["id"] % 10 == 0:
        return {}
    plan.drifted.append(f"{booking['id']}-{client_id}")
    return {
        name: booking[at] - HALF_AN_HOUR
        for name, at in (("StartDateTime", "starts_at"), ("EndDateTime", "ends_at"))
    }


def _unlinked_bookings(plan: LegacyPlan) -> None:
    """What the legacy integration never synced: walk-ins, bookings without staff, and staffed ones it missed."""
    first = 1 + max((row["id"] for row in plan.bookings if row["id"] < FAULTY_CLIENTS), default=0)
    shapes: tuple[Row, ...] = (
        {"kind": "walk_in", "status": "complete", "staff_id": None, "starts_at": NOW - timedelta(days=2)},
        {"staff_id": None},
        {"staff_id": healthy_staff(plan)[0]},
    )
    for number in range(plan.sizes.unlinked * len(shapes)):
        booking_id = first + number
        client_id = plan.client(FAULTY_CLIENTS * 2 + number, _kept(number))
        plan.booking(booking_id, client_id, **shapes[number % len(shapes)])


# -- what is wrong


def _faulty_links(plan: LegacyPlan) -> None:
    numbers = count(FAULTY_CLIENTS)
    for _ in range(plan.sizes.faults):
        for fault in (_alone, _beside_another):
            fault(plan, numbers)


def _alone(plan: LegacyPlan, numbers: Iterator[int]) -> None:
    """Links that cannot be carried over for what they say themselves."""
    staff_id = healthy_staff(plan)[0]

    def booked(*, attends: bool = True) -> tuple[Row, int]:
        number = next(numbers)
        client_id = plan.client(number, _kept(number))
        return plan.booking(number, *([client_id] if attends else []), staff_id=staff_id), client_id

    def faulty(key: str, why: Attention) -> None:
        plan.attention[(ItemKind.EVENT_LINK, key)] = why

    gone_booking, client_id = next(numbers), plan.client(next(numbers), Kept.LEAD)
    was = {"id": gone_booking, "staff_id": staff_id, "status": "booked", **_times(NOW + timedelta(days=1))}
    faulty(plan.link(gone_booking, client_id, plan.event(was, client_id)), Attention.BOOKING_GONE)
    booking, client_id = booked()
    other = plan.client(next(numbers), Kept.LEAD)
    plan.link(booking["id"], client_id, plan.event(booking, client_id))
    faulty(plan.link(booking["id"], other, plan.event(booking, other)), Attention.ATTENDEE_GONE)
    booking, client_id = booked()
    faulty(plan.link(booking["id"], client_id, None, "not an Id"), Attention.EVENT_ID_MALFORMED)
    booking, client_id = booked()
    gone = plan.event(booking, client_id, fate=Fate.NEVER_WAS)
    faulty(plan.link(booking["id"], client_id, gone), Attention.EVENT_GONE)
    booking, client_id = booked()
    deleted = plan.event(booking, client_id, fate=Fate.IN_RECYCLE_BIN)
    faulty(plan.link(booking["id"], client_id, deleted), Attention.EVENT_DELETED)
    booking, client_id = booked()
    keyed = plan.event(booking, client_id, Coconut_Booking_Key__c=f"{booking['id']}-1")
    faulty(plan.link(booking["id"], client_id, keyed), Attention.EVENT_KEYED_OTHERWISE)


def _beside_another(plan: LegacyPlan, numbers: Iterator[int]) -> None:
    """Links of two attendees of one booking, of which the first is carried over."""
    staff_id = healthy_staff(plan)[0]

    def booked() -> tuple[Row, int, int]:
        first, second = (plan.client(next(numbers), Kept.CONTACT) for _ in range(2))
        return plan.booking(first, first, second, staff_id=staff_id), first, second

    booking, first, second = booked()
    event = plan.event(booking, first)
    plan.link(booking["id"], first, event)
    key = plan.link(booking["id"], second, event)
    plan.attention[(ItemKind.EVENT_LINK, key)] = Attention.EVENT_SERVES_SEVERAL
    booking, first, second = booked()
    plan.link(booking["id"], first, plan.event(booking, first))
    key = plan.link(booking["id"], second, plan.event(booking, first))
    plan.attention[(ItemKind.EVENT_LINK, key)] = Attention.SECOND_EVENT


def _times(starts_at: datetime) -> Row:
    return {"starts_at": starts_at, "ends_at": starts_at + HALF_AN_HOUR}


def _stamps(stamp: datetime) -> Row:
    return {"created_at": stamp, "updated_at": stamp}
