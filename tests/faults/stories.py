"""What happens in Coconut and in Salesforce, told from a seed: the same story can be lived through twice.

A story is data: rows to write to the booking database, round by round, and the records that Salesforce users made
before. It knows nothing of runs, kills or the product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import sqlalchemy as sa

from include.source import tables
from tests.pipeline.world import NOW, World

ENTITY_TYPES: Final = ("lead", "contact", "person_account")
APIS: Final = ("bulk", "rest")
COMPANIES: Final = ("Acme", "Northwind", " acme ", "Initech")
CAMPAIGNS: Final = ("Spring", "Autumn")
LIVE_STATUSES: Final = ("booked", "confirmed", "arrived")
FINAL_STATUSES: Final = ("complete", "no_show", "cancelled")
ROUNDS: Final = 2
STAFF: Final = 3
BETWEEN_ROUNDS: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the booking database as it becomes: written anew, or the values that change where ``key`` holds."""

    table: str
    key: Mapping[str, Any]
    values: Mapping[str, Any]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that happens; ``found`` are the records (sObject, values) that are there before the first run."""

    name: str
    settings: Mapping[str, Any]
    found: tuple[tuple[str, Mapping[str, Any]], ...]
    rounds: tuple[tuple[Row, ...], ...]

    @property
    def title(self) -> str:
        return f"{self.name}, {self.settings['entity_type']} by {self.settings['load_api']}"

    def by(self, api: str) -> Story:
        """Return the same story with its rows loaded by another API, which must not make a difference."""
        return replace(self, settings={**self.settings, "load_api": api})

    def set_up(self, world: World) -> None:
        """Give an empty world what was there before the first round."""
        if self.settings["entity_type"] == "person_account":
            world.set_up_org(person_accounts=True)
        world.org.seed("Campaign", *({"Name": name, "IsActive": True} for name in CAMPAIGNS))
        for number in range(1, STAFF + 1):
            world.staff(number, f"staff{number}@example.com")
            world.user(f"staff{number}@example.com")
        world.set(**self.settings)
        for sobject, values in self.found:
            world.org.seed(sobject, values)

    def go_on(self, world: World, number: int) -> None:
        """Write what happens in one round, in one transaction."""
        world.now = start_of(number)
        with world.source.begin() as connection:
            for row in self.rounds[number]:
                table = tables.metadata.tables[row.table]
                values = dict(row.values)
                values["updated_at"] = world.now = world.now + timedelta(seconds=1)
                if row.is_new and "created_at" in table.c:
                    values["created_at"] = world.now
                if row.is_new:
                    connection.execute(table.insert().values(**row.key, **values))
                else:
                    is_row = sa.and_(*(table.c[name] == value for name, value in row.key.items()))
                    connection.execute(table.update().where(is_row).values(**values))


def start_of(number: int) -> datetime:
    """Return when a round begins."""
    return NOW + BETWEEN_ROUNDS * (number + 1)


def tell(seed: str, number: int, *, bookings: int) -> Story:
    """Return the story of a seed and number; the kind of people goes round with the number."""
    random = Random(f"{seed}:{number}")
    settings = {
        "entity_type": ENTITY_TYPES[number % len(ENTITY_TYPES)],
        "load_api": APIS[0],
        "overwrite_existing": random.choice(("on", "off")),
        "on_cancel": random.choice(("mark", "delete")),
        "account_deduplication": random.choice(("automatic", "leave_duplicates")),
        "contact_without_company": random.choice(("own_account", "placeholder_account", "no_account")),
    }
    author = _Author(random, settings["entity_type"])
    rounds = [tuple(author.first_round(bookings))]
    rounds += [tuple(author.another_round(max(4, bookings // 3))) for _ in range(ROUNDS - 1)]
    return Story(f"{seed}:{number} with {bookings} bookings", settings, tuple(author.found), tuple(rounds))


@dataclass
class _Booking:
    number: int
    kind: str
    attendees: list[int]
    gone: set[int] = field(default_factory=set)
    is_deleted: bool = False


@dataclass
class _Author:
    """Thinks of rows; remembers what it told, so that each round goes on from the one before."""

    random: Random
    entity_type: str
    found: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    twins: dict[int, int] = field(default_factory=dict)
    bookings: list[_Booking] = field(default_factory=list)

    def first_round(self, bookings: int) -> Iterator[Row]:
        for _ in range(max(2, bookings * 2 // 3)):
            yield self._new_client()
        for _ in range(bookings):
            yield from self._new_booking()

    def another_round(self, changes: int) -> Iterator[Row]:
        """Tell changes of bookings that live, never two of one booking."""
        yield self._new_client()
        live = [booking for booking in self.bookings if not booking.is_deleted]
        kinds = (
            self._move, self._change_status, self._delete, self._remove_attendee, self._replace_by_twin,
            self._add_attendee, self._change_campaign,
        )  # fmt: skip
        for booking in self.random.sample(live, min(changes, len(live))):
            yield from self.random.choice(kinds)(booking)
        for _ in range(max(1, changes // 4)):
            yield self._change_client()
            yield from self._new_booking()

    # -- clients

    def _new_client(self) -> Row:
        number = len(self.people) + 1
        if self.people and self.random.random() < 0.2:
            older = self.random.randrange(number - 1)
            self.twins[number], self.twins[older + 1] = older + 1, number
            person = dict(self.people[older])
        else:
            person = {
                "first_name": self.random.choice(("Ann", "Zoë", "Jean-Luc")),
                "last_name": f"O'Neil {number}",
                "email": f"person{number}@example.com",
                "company": self.random.choice((*COMPANIES, None)),
            }
            self._maybe_find(person)
        self.people.append(person)
        phone = f"+1416555{number:04d}"
        return Row("clients", {"id": number}, {**person, "phone": phone, "sync_disabled": False}, True)

    def _maybe_find(self, person: Mapping[str, Any]) -> None:
        """Have some people in Salesforce before Coconut knows them."""
        if self.random.random() >= 0.25:
            return
        names = {"FirstName": person["first_name"], "LastName": person["last_name"]}
        if self.entity_type == "person_account" and self.random.random() < 0.5:
            self.found.append(("Account", {**names, "PersonEmail": person["email"]}))
        elif self.random.random() < 0.5:
            self.found.append(("Contact", {**names, "Email": person["email"]}))
        else:
            self.found.append(("Lead", {**names, "Email": person["email"], "Company": "Before"}))

    def _change_client(self) -> Row:
        number = self.random.randrange(len(self.people)) + 1
        city = self.random.choice(("Toronto", "Montréal", "Halifax"))
        return Row("clients", {"id": number}, {"city": city, "phone": f"+1416556{number:04d}"}, False)

    # -- bookings

    def _new_booking(self) -> Iterator[Row]:
        number, kind = (
            len(self.bookings) + 1,
            self.random.choice(("appointment", "appointment", "appointment", "walk_in")),
        )
        how_many = self.random.choice((1, 1, 1, 2, 3))
        attendees = self.random.sample(range(1, len(self.people) + 1), min(how_many, len(self.people)))
        self.bookings.append(_Booking(number, kind, attendees))
        status = (
            LIVE_STATUSES[0] if kind == "appointment" else self.random.choice((*FINAL_STATUSES, "booked"))
        )
        values = {
            "kind": kind,
            "status": status,
            "service_id": 1,
            "location_id": 1,
            "staff_id": self.random.choice((None, *range(1, STAFF + 1))),
            **self._times(),
            "meeting_method": "in_person",
            "booked_through": "client_view",
            "notes": self.random.choice((None, 'line one\nline "two", three\r\n😀', "Bring papers.")),
            "utm_campaign": self.random.choice((None, *CAMPAIGNS, "Unknown")),
        }
        yield Row("appointments", {"id": number}, values, True)
        for place, client in enumerate(attendees):
            yield self._attendee(number, client, is_primary=place == 0)

    def _attendee(self, number: int, client: int, *, is_primary: bool) -> Row:
        key = {"appointment_id": number, "client_id": client}
        return Row("attendees", key, {"is_primary": is_primary}, True)

    def _times(self) -> dict[str, datetime]:
        starts_at = NOW + timedelta(days=self.random.randrange(2, 60), minutes=30 * self.random.randrange(20))
        return {"starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=30)}

    def _changed(self, booking: _Booking, **values: Any) -> Row:
        return Row("appointments", {"id": booking.number}, values, False)

    def _move(self, booking: _Booking) -> Iterator[Row]:
        yield self._changed(booking, **self._times(), staff_id=self.random.choice((None, 1, STAFF)))

    def _change_status(self, booking: _Booking) -> Iterator[Row]:
        yield self._changed(booking, status=self.random.choice((*LIVE_STATUSES, *FINAL_STATUSES)))

    def _change_campaign(self, booking: _Booking) -> Iterator[Row]:
        yield self._changed(booking, utm_campaign=self.random.choice((None, *CAMPAIGNS)))

    def _delete(self, booking: _Booking) -> Iterator[Row]:
        booking.is_deleted = True
        yield self._changed(booking, deleted_at=NOW + timedelta(days=1))

    def _remove_attendee(self, booking: _Booking) -> Iterator[Row]:
        here = [client for client in booking.attendees if client not in booking.gone]
        if here:
            yield self._remove(booking, self.random.choice(here))

    def _remove(self, booking: _Booking, client: int) -> Row:
        booking.gone.add(client)
        key = {"appointment_id": booking.number, "client_id": client}
        return Row("attendees", key, {"deleted_at": NOW + timedelta(days=1)}, False)

    def _add_attendee(self, booking: _Booking) -> Iterator[Row]:
        others = [n for n in range(1, len(self.people) + 1) if n not in booking.attendees]
        if others:
            client = self.random.choice(others)
            booking.attendees.append(client)
            yield self._attendee(booking.number, client, is_primary=False)

    def _replace_by_twin(self, booking: _Booking) -> Iterator[Row]:
        """Have an attendee replaced by another client row of the same person (rule S4)."""
        for client in booking.attendees:
            twin = self.twins.get(client)
            if client not in booking.gone and twin is not None and twin not in booking.attendees:
                yield self._remove(booking, client)
                booking.attendees.append(twin)
                yield self._attendee(booking.number, twin, is_primary=True)
                return
