"""Hand-made clients and bookings: every awkward case at least once, whatever the seed and the number of bookings."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from include.demo import catalogue
from include.demo.bookings import BookingBatch
from include.demo.clock_changes import clock_change_near
from include.demo.plan import (
    FIRST_BOOKING,
    FIRST_CLIENT,
    FIRST_LOCATION,
    FIRST_QUESTION,
    FIRST_SERVICE,
    FIRST_STAFF,
    DemoPlan,
    Row,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Somebody(IntEnum):
    """The hand-made clients by what is special about them; the value is the client's id."""

    TWIN = FIRST_CLIENT
    TWIN_SPELT_OTHERWISE = FIRST_CLIENT + 1
    A_LEAD = FIRST_CLIENT + 2
    A_CONTACT = FIRST_CLIENT + 3
    LEAD_AND_CONTACT = FIRST_CLIENT + 4
    A_CONVERTED_LEAD = FIRST_CLIENT + 5
    TWO_LEADS = FIRST_CLIENT + 6
    KNOWN_BY_ID = FIRST_CLIENT + 7
    KNOWN_BY_SHORT_ID = FIRST_CLIENT + 8
    KNOWN_BY_FOREIGN_ID = FIRST_CLIENT + 9
    WITHOUT_EMAIL = FIRST_CLIENT + 10
    WITHOUT_FIRST_NAME = FIRST_CLIENT + 11
    WITH_APOSTROPHE = FIRST_CLIENT + 12
    FOR_SUBJECT_OF_255 = FIRST_CLIENT + 13
    RIGHT_TO_LEFT = FIRST_CLIENT + 14
    DISABLED = FIRST_CLIENT + 15
    DELETED = FIRST_CLIENT + 16
    UNNAMED = FIRST_CLIENT + 17
    INVALID_EMAIL = FIRST_CLIENT + 18
    NAME_TOO_LONG = FIRST_CLIENT + 19
    ORDINARY = FIRST_CLIENT + 20
    ORDINARY_TOO = FIRST_CLIENT + 21


CLIENT_THAT_DOES_NOT_EXIST: Final = FIRST_CLIENT + 199

_NAMES: Final[dict[Somebody, tuple[str | None, str | None, str | None]]] = {
    Somebody.TWIN: ("Renée", "Delacroix-Öztürk", "renee.delacroix@example.org"),
    Somebody.TWIN_SPELT_OTHERWISE: (" renée ", "DELACROIX-ÖZTÜRK", "Renee.Delacroix@Example.org "),
    Somebody.A_LEAD: ("Marek", "Wójcik", "marek.wojcik@example.org"),
    Somebody.A_CONTACT: ("Ingrid", "Sørensen", "ingrid.sorensen@example.org"),
    Somebody.LEAD_AND_CONTACT: ("Nikos", "Παπαδόπουλος", "nikos.p@example.org"),
    Somebody.A_CONVERTED_LEAD: ("Halina", "Zając", "halina.zajac@example.org"),
    Somebody.TWO_LEADS: ("Tomás", "Ibáñez", "tomas.ibanez@example.org"),
    Somebody.KNOWN_BY_ID: ("Aiko", "山田", "aiko.yamada@example.org"),
    Somebody.KNOWN_BY_SHORT_ID: ("Liam", "Byrne", "liam.byrne@example.org"),
    Somebody.KNOWN_BY_FOREIGN_ID: ("Greta", "Lind", "greta.lind@example.org"),
    Somebody.WITHOUT_EMAIL: ("Olga", "Кузнецова", None),
    Somebody.WITHOUT_FIRST_NAME: (None, "Sukarno", "sukarno@example.org"),
    Somebody.WITH_APOSTROPHE: ("Sinéad", "O'Connor", "sinead.o'connor@example.org"),
    Somebody.FOR_SUBJECT_OF_255: ("Bo", "Li", "bo.li@example.org"),
    Somebody.RIGHT_TO_LEFT: ("ليلى", "حداد", "layla@example.org"),
    Somebody.DISABLED: ("Petra", "Novak", "petra.novak@example.org"),
    Somebody.DELETED: ("Hugo", "Marchand", "hugo.marchand@example.org"),
    Somebody.UNNAMED: (None, "  ", "nobody@example.org"),
    Somebody.INVALID_EMAIL: ("Carla", "Rossi", "carla.rossi(at)example.org"),
    Somebody.NAME_TOO_LONG: (
        "Wolfe",
        "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff " * 3,
        "wolfe@example.org",
    ),
    Somebody.ORDINARY: ("Jane", "Miller", "jane.miller@example.org"),
    Somebody.ORDINARY_TOO: ("Kofi", "Mensah", "kofi.mensah@example.org"),
}

_CLOCK_CHANGES: Final = (
    "America/Halifax",
    "America/St_Johns",
    "America/Vancouver",
    "Europe/Berlin",
    "Australia/Adelaide",
)


def hand_made_clients(plan: DemoPlan) -> list[Row]:
    """Rows of ``clients`` for everybody in :class:`Somebody`."""
    touched = plan.now - timedelta(days=90)
    deleted = {Somebody.DELETED}
    return [
        {
            "id": int(who),
            "salesforce_id": None,
            "first_name": first_name,
            "last_name": last_name,
            "email": email,
            "phone": f"+1 902 555 01{int(who) - FIRST_CLIENT:02d}",
            "company": "Byrne & Daughters, Ltd." if who is Somebody.KNOWN_BY_SHORT_ID else None,
            "address": None,
            "city": None,
            "region": None,
            "postal_code": None,
            "country": None,
            "locale": "en_CA",
            "sync_disabled": who is Somebody.DISABLED,
            "created_at": touched,
            "updated_at": touched,
            "deleted_at": touched if who in deleted else None,
        }
        for who, (first_name, last_name, email) in _NAMES.items()
    ]


def hand_made_bookings(plan: DemoPlan) -> BookingBatch:
    """The hand-made bookings, numbered from ``FIRST_BOOKING``; at most ``plan.bookings`` of them, bad ones first."""
    batch = BookingBatch()
    cases = (*_refused(plan.now), *_held(plan.now), *_people(), *_texts(), *_times(plan.now))
    for number, (values, attendees) in enumerate(cases[: plan.bookings]):
        _add(batch, plan, FIRST_BOOKING + number, values, attendees)
    return batch


_Case = tuple[dict[str, Any], "tuple[Row | int, ...]"]
_BUSY: Final = (Somebody.ORDINARY,)


def _refused(now: datetime) -> Iterator[_Case]:
    """Bookings that bad input puts into quarantine, one for every reason."""
    start = _hour(now, days=4)
    yield {}, ()  # never had an attendee
    yield {}, (CLIENT_THAT_DOES_NOT_EXIST,)
    yield {"starts_at": None, "ends_at": None}, _BUSY
    yield {"starts_at": start, "ends_at": start - timedelta(minutes=5)}, _BUSY
    yield {"starts_at": start, "ends_at": start + timedelta(days=14, seconds=1)}, _BUSY
    yield {"service_id": catalogue.SERVICE_WITHOUT_DURATION, "ends_at": None}, _BUSY
    yield {"kind": "carrier_pigeon"}, _BUSY
    yield {"status": "rebooked"}, _BUSY
    yield {"timezone": "Mars/Olympus_Mons"}, _BUSY
    yield {}, (Somebody.UNNAMED,)
    yield {}, (Somebody.INVALID_EMAIL,)
    yield {}, (Somebody.NAME_TOO_LONG,)
    # A mistyped year that only Salesforce refuses: it takes dates up to the year 4000.
    yield {"starts_at": start.replace(year=start.year + 2_000), "ends_at": None}, _BUSY


def _held(now: datetime) -> Iterator[_Case]:
    """Bookings that wait, that are left alone, or that are gone."""
    for status in ("booked", "confirmed", "arrived", "in_service", "complete", "no_show", "cancelled"):
        walk_in = {
            "kind": "walk_in",
            "status": status,
            "booked_through": "kiosk",
            "starts_at": _hour(now, hours=-3),
        }
        yield walk_in, _BUSY
    yield {}, (Somebody.DISABLED,)
    yield {"deleted_at": now - timedelta(hours=2)}, (Somebody.DISABLED,)
    yield {}, (Somebody.DELETED,)
    yield {"deleted_at": now - timedelta(hours=2)}, _BUSY
    yield {}, ({"client_id": Somebody.ORDINARY, "deleted_at": now - timedelta(hours=1)},)
    # A removed attendee beside one who stays, and one replaced by the same person's other client row (S4).
    yield (
        {},
        (Somebody.ORDINARY, {"client_id": Somebody.ORDINARY_TOO, "deleted_at": now - timedelta(hours=1)}),
    )
    yield (
        {},
        ({"client_id": Somebody.TWIN, "deleted_at": now - timedelta(hours=1)}, Somebody.TWIN_SPELT_OTHERWISE),
    )
    yield {"status": "cancelled", "cancellation_reason": 'Said "no, thanks"'}, _BUSY


def _people() -> Iterator[_Case]:
    """One booking for every way in which Salesforce may know somebody, groups, and staff of every sort."""
    yield {}, (Somebody.TWIN,)
    yield {}, (Somebody.TWIN_SPELT_OTHERWISE,)
    yield {}, (Somebody.TWIN, Somebody.TWIN_SPELT_OTHERWISE, Somebody.ORDINARY)
    for who in Somebody:
        if Somebody.A_LEAD <= who <= Somebody.RIGHT_TO_LEFT:
            yield {}, (who,)
    yield {}, (Somebody.A_LEAD, Somebody.A_CONTACT, Somebody.LEAD_AND_CONTACT, Somebody.WITHOUT_EMAIL)
    for staff_id in (
        None,
        catalogue.STAFF_WITHOUT_USER,
        catalogue.STAFF_WITH_INACTIVE_USER,
        catalogue.STAFF_WITH_TWO_USERS,
        catalogue.STAFF_WITHOUT_EMAIL,
        catalogue.STAFF_WHO_LEFT,
        catalogue.STAFF_WITH_APOSTROPHE,
        FIRST_STAFF + 499,
    ):
        yield {"staff_id": staff_id}, _BUSY


def _texts() -> Iterator[_Case]:
    """Texts that a careless writer would break."""
    yield {"service_id": catalogue.SERVICE_OF_300_CHARACTERS}, _BUSY
    yield {"service_id": catalogue.SERVICE_FOR_SUBJECT_OF_255}, (Somebody.FOR_SUBJECT_OF_255,)
    yield {"service_id": FIRST_SERVICE + 299, "location_id": FIRST_LOCATION + 19}, _BUSY
    yield {"notes": 'Two lines,\n"quoted", it\'s fine; 日本語 👋🏽'}, _BUSY
    yield {"notes": "Old Mac\rWindows\r\nUnix\nend"}, _BUSY
    yield {"notes": ""}, _BUSY
    yield {"notes": None, "meeting_method": "video", "booked_through": "salesforce"}, _BUSY


def _times(now: datetime) -> Iterator[_Case]:
    """Times at the edges: none, equal, fourteen days, and the nights on which clocks change."""
    start = _hour(now, days=3)
    yield {"starts_at": start, "ends_at": start}, _BUSY
    yield {"starts_at": start, "ends_at": None}, _BUSY
    yield {"starts_at": start, "ends_at": start + timedelta(days=14)}, _BUSY
    yield {"starts_at": start + timedelta(seconds=59, microseconds=999_999)}, _BUSY
    yield {"starts_at": start, "timezone": None}, _BUSY
    for zone in _CLOCK_CHANGES:
        change = clock_change_near(now, ZoneInfo(zone))
        for minutes in (-90, -30, 0, 30):
            yield (
                {"starts_at": change + timedelta(minutes=minutes), "timezone": zone},
                (Somebody.ORDINARY_TOO,),
            )


def _add(
    batch: BookingBatch, plan: DemoPlan, booking_id: int, values: Row, attendees: tuple[Row | int, ...]
) -> None:
    start = values.get("starts_at") or _hour(plan.now, days=1 + booking_id % 20)
    created = min(start, plan.now) - timedelta(days=6, minutes=booking_id % 500)
    touched = values.get("deleted_at") or created + timedelta(hours=5)
    booking = {
        "id": booking_id,
        "kind": "appointment",
        "status": "booked" if start > plan.now else "complete",
        "service_id": FIRST_SERVICE,
        "location_id": FIRST_LOCATION,
        "staff_id": FIRST_STAFF + 10,
        "starts_at": start,
        "ends_at": start + timedelta(minutes=45),
        "timezone": "America/Halifax",
        "meeting_method": "in_person",
        "booked_through": "client_view",
        "notes": None,
        "utm_campaign": None,
        "cancellation_reason": None,
        "created_at": created,
        "updated_at": touched,
        "deleted_at": None,
        **values,
    }
    batch.appointments.append(booking)
    for number, attendee in enumerate(attendees):
        row = attendee if isinstance(attendee, dict) else {"client_id": int(attendee)}
        gone = row.get("deleted_at")
        batch.attendees.append(
            {
                "appointment_id": booking_id,
                "is_primary": number == 0,
                "updated_at": gone or created,
                "deleted_at": None,
                **row,
            }
        )
        if booking_id % 3 == 0 and number == 0:
            batch.answers.append(
                {
                    "appointment_id": booking_id,
                    "client_id": row["client_id"],
                    "question_id": FIRST_QUESTION,
                    "value": 'Something "private", please',
                    "updated_at": created,
                }
            )


def _hour(now: datetime, *, days: int = 0, hours: int = 0) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(days=days, hours=hours)
