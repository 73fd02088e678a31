"""Scripted corruptions of a synced world, in the org, the ledger and Coconut, each with what must be found of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from include.ledger.tables import event_links
from include.pipeline.context import Selection
from include.source import tables
from tests.pipeline.world import World
from tests.reconcile.reconciling import Findings

Expected = list[tuple[str, str]]

_SLOT: Final = {"StartDateTime": "2026-06-04T12:00:00Z", "EndDateTime": "2026-06-04T12:30:00Z"}
_DRIFTS: Final[tuple[dict[str, Any], ...]] = (
    {"Subject": "Moved by hand"},
    {"StartDateTime": "2026-06-05T09:00:00Z", "EndDateTime": "2026-06-05T09:30:00Z"},
    {"Location": "Elsewhere"},
    {"Location": None},
    {"Description": "Bring cake"},
    {"ShowAs": "OutOfOffice"},
    {"Coconut_Status__c": None},
    {"Coconut_Is_Primary__c": False},
    {"Coconut_Booking_Id__c": "123456789"},
    {"Coconut_Booking_Key__c": None},
    {"Coconut_Booking_Key__c": None, "Coconut_Booking_Id__c": None},
    {"Subject": "Gone astray", "Coconut_Booking_Key__c": "77777-1", "Coconut_Booking_Id__c": "77777"},
)
"""What Salesforce users do to Events: one field or several, filled, emptied, and the very keys."""


@dataclass
class Corrupting:
    """Does damage to bookings nobody damaged before; ``expected`` says what has to be found."""

    world: World
    dice: random.Random
    untouched: list[int]
    event_ids: dict[str, str]
    expected: Findings = field(default_factory=list)
    left_as_they_are: Findings = field(default_factory=list)

    def bookings(self, number: int) -> list[int]:
        """Take so many bookings nobody damaged yet."""
        taken, self.untouched = self.untouched[:number], self.untouched[number:]
        assert len(taken) == number
        return taken

    def ids(self, numbers: Iterable[int]) -> list[str]:
        return [self.event_ids[key_of(number)] for number in numbers]

    def expect(self, finding: str, about: Iterable[str]) -> None:
        self.expected += [(finding, one) for one in about]


def key_of(number: int) -> str:
    """Every booking of the corrupted world has one attendee, who has the booking's number."""
    return f"{number}-{number}"


def delete_events(work: Corrupting, number: int) -> None:
    taken = work.bookings(number)
    work.world.org.control("POST", "delete", {"sobject": "Event", "ids": work.ids(taken)})
    work.expect("missing", map(key_of, taken))


def change_fields(work: Corrupting, number: int) -> None:
    taken = work.bookings(number)
    rows = [{"Id": one, **work.dice.choice(_DRIFTS)} for one in work.ids(taken)]
    used: set[str] = set()
    for row in rows:  # a key is unique
        if row.get("Coconut_Booking_Key__c") in used:
            row["Coconut_Booking_Key__c"] = None
        used.add(str(row.get("Coconut_Booking_Key__c") or ""))
    update(work.world, rows)
    work.expect("drifted", map(key_of, taken))


def add_unknown_events(work: Corrupting, number: int) -> None:
    keys = [f"{900_000 + one}-1" for one in range(number)]
    work.world.org.seed(
        "Event", *({"Subject": "Nobody's", **_SLOT, "Coconut_Booking_Key__c": key} for key in keys)
    )
    work.expect("extra", keys)


def copy_events(work: Corrupting, number: int) -> None:
    taken = work.bookings(number)
    rows = [{"Subject": "Copy", **_SLOT, "Coconut_Booking_Id__c": str(one)} for one in taken]
    us, user = work.world.org.announcement["user_id"], work.world.user("copies@example.com")
    ours = insert_as(work.world, us, rows[: number // 2])
    users = insert_as(work.world, user, rows[number // 2 :])
    work.expect("duplicate", [*ours, *users])
    work.left_as_they_are += [("duplicate", one) for one in users]


def move_owners_and_people(work: Corrupting, number: int) -> None:
    owner, lead = work.world.user("another@example.com"), work.world.lead(LastName="Elsewhere")
    owned, moved = work.bookings(number // 2), work.bookings(number - number // 2)
    update(work.world, [{"Id": one, "OwnerId": owner} for one in work.ids(owned)])
    update(work.world, [{"Id": one, "WhoId": lead} for one in work.ids(moved)])
    changed = [("owner_changed", key_of(one)) for one in owned] + [
        ("person_changed", key_of(one)) for one in moved
    ]
    work.expected += changed
    work.left_as_they_are += changed


def forget_events(work: Corrupting, number: int) -> None:
    taken = work.bookings(number)
    forgotten = {"event_id": None, "payload": None, "payload_hash": None}
    links = sa.update(event_links).where(event_links.c.booking_key.in_(map(key_of, taken)))
    with work.world.ledger.engine.begin() as connection:
        connection.execute(links.values(forgotten))
    work.expect("unlinked", map(key_of, taken))


def forget_pairs(work: Corrupting, number: int) -> None:
    taken = work.bookings(number)
    with work.world.ledger.engine.begin() as connection:
        connection.execute(sa.delete(event_links).where(event_links.c.booking_key.in_(map(key_of, taken))))
    work.expect("unlinked", map(key_of, taken))


def point_elsewhere(work: Corrupting, number: int) -> None:
    """Give links the Id of an Event that is not there; theirs stands under its key."""
    taken = work.bookings(number)
    with work.world.ledger.engine.begin() as connection:
        for one in taken:
            link = sa.update(event_links).where(event_links.c.booking_key == key_of(one))
            connection.execute(link.values(event_id=f"00U00000{one:07d}AAA"))
    work.expect("unlinked", map(key_of, taken))


def believe_otherwise(work: Corrupting, number: int) -> None:
    """Change what the ledger believes it wrote: the Event differs from that, and so does what is due."""
    taken = work.bookings(number)
    with work.world.ledger.engine.begin() as connection:
        for one in taken:
            where = event_links.c.booking_key == key_of(one)
            payload = connection.execute(sa.select(event_links.c.payload).where(where)).scalar_one()
            wrong = payload.replace('"Subject":"', '"Subject":"Not ')
            connection.execute(sa.update(event_links).where(where).values(payload=wrong))
    for finding in ("drifted", "stale"):
        work.expect(finding, map(key_of, taken))


def lose_bookings(work: Corrupting, number: int) -> None:
    taken = work.bookings(number)
    appointments, attendees = (tables.metadata.tables[name] for name in ("appointments", "attendees"))
    with work.world.source.begin() as connection:
        connection.execute(sa.delete(attendees).where(attendees.c.appointment_id.in_(taken)))
        connection.execute(sa.delete(appointments).where(appointments.c.id.in_(taken)))
    work.expect("orphaned", map(key_of, taken))


def rename_behind_the_back(work: Corrupting, number: int) -> None:
    """Give bookings a renamed service, without a mark of change: nothing tells the sync."""
    taken = work.bookings(number)
    work.world.insert("services", id=2, name="Counsel", duration_minutes=30)
    appointments = tables.metadata.tables["appointments"]
    with work.world.source.begin() as connection:
        connection.execute(sa.update(appointments).where(appointments.c.id.in_(taken)).values(service_id=2))
    work.expect("stale", map(key_of, taken))


def restore_deleted(work: Corrupting, number: int) -> None:
    """Write Events anew under the keys of bookings whose deletion was synced long ago."""
    taken = work.bookings(number)
    for one in taken:
        work.world.edit(one, deleted_at=work.world.now)
    work.world.sync()
    work.world.sync(Selection.WALK_INS)
    rows = ({"Subject": "Back", **_SLOT, "Coconut_Booking_Key__c": key_of(one)} for one in taken)
    work.world.org.seed("Event", *rows)
    work.expect("extra", map(key_of, taken))


def lose_people(work: Corrupting, number: int) -> None:
    """Convert Leads, as Salesforce users do: their Events go along."""
    taken = work.bookings(number)
    for one in taken:
        (lead,) = work.world.org.records("Lead", Email=f"ann{one}@example.com")
        work.world.convert(lead["Id"])
    work.expect("person_gone", map(str, taken))


KINDS: Final[Sequence[Callable[[Corrupting, int], None]]] = (
    restore_deleted,
    delete_events,
    change_fields,
    add_unknown_events,
    copy_events,
    move_owners_and_people,
    forget_events,
    forget_pairs,
    point_elsewhere,
    believe_otherwise,
    lose_bookings,
    rename_behind_the_back,
    lose_people,
)


def insert_as(world: World, user_id: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    body = {"operation": "insert", "rows": list(rows), "as_user": user_id}
    results = world.org.control("POST", "records/Event", body)
    assert all(row["success"] for row in results), results
    return [row["id"] for row in results]


def update(world: World, rows: Sequence[dict[str, Any]]) -> None:
    results = world.org.control("POST", "records/Event", {"operation": "update", "rows": list(rows)})
    assert all(row["success"] for row in results), results


def corrupt(world: World, *, bookings: int, corruptions: int, seed: int) -> Corrupting:
    """Do so many corruptions of all kinds to a world whose bookings 1 to ``bookings`` are synced."""
    dice = random.Random(seed)
    numbers = list(range(1, bookings + 1))
    dice.shuffle(numbers)
    events = {row["Coconut_Booking_Key__c"]: row["Id"] for row in world.events()}
    work = Corrupting(world, dice, numbers, events)
    shares = [corruptions // len(KINDS) + (one < corruptions % len(KINDS)) for one in range(len(KINDS))]
    for kind, number in zip(KINDS, shares, strict=True):
        kind(work, number)
    work.expected.sort()
    return work
