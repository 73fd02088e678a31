"""What is booked, where and with whom: services, locations, questions and staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from include.demo.plan import FIRST_LOCATION, FIRST_QUESTION, FIRST_SERVICE, FIRST_STAFF, DemoPlan, Row
from include.demo.texts import Texts

_PLACES: Final = (
    ("Harbourfront", "12 Lower Water St", "Halifax", "NS", "Canada", "America/Halifax"),
    ("Signal Hill", "3 Duckworth St", "St. John's", "NL", "Canada", "America/St_Johns"),
    ("King & Bay", "66 King St W", "Toronto", "ON", "Canada", "America/Toronto"),
    ("Vieux-Port", "41 rue de la Commune", "Montréal", "QC", "Canada", "America/Toronto"),
    ("Gastown", "200 Water St", "Vancouver", "BC", "Canada", "America/Vancouver"),
    ("Camelback", "2100 E Camelback Rd", "Phoenix", "AZ", "United States", "America/Phoenix"),
    ("Southbank", "9 Upper Ground", "London", "", "United Kingdom", "Europe/London"),
    ("Neue Mitte", "Friedrichstraße 80", "Berlin", "", "Germany", "Europe/Berlin"),
    ("丸の内", "丸の内1-9-1", "東京", "", "Japan", "Asia/Tokyo"),
    ("Connaught Place", "7 Radial Road", "New Delhi", "DL", "India", "Asia/Kolkata"),
    ("Rundle Mall", "55 Rundle Mall", "Adelaide", "SA", "Australia", "Australia/Adelaide"),
)

_SERVICES: Final = (
    ("Account opening", 45),
    ("Mortgage advice", 60),
    ("Small-business loan, first talk", 60),
    ("Card replacement", 15),
    ('Retirement "check-up"', 90),
    ("Investissements & épargne", 45),
    ("住宅ローン相談", 60),
    ("Notary", 30),
)

_QUESTIONS: Final = (
    ("visit_reason", "What would you like to talk about?", "appointment"),
    ("documents", "Which documents will you bring?", "appointment"),
    ("language", "Which language do you prefer?", "client"),
)

SERVICE_OF_300_CHARACTERS: Final = FIRST_SERVICE + len(_SERVICES)
SERVICE_FOR_SUBJECT_OF_255: Final = SERVICE_OF_300_CHARACTERS + 1
SERVICE_WITHOUT_DURATION: Final = SERVICE_OF_300_CHARACTERS + 2

# "{service} with Bo Li [Appointment]" is 255 characters long with a service of 230.
_LONG_NAMES: Final = (
    (("Estate planning for families in several countries, " * 6)[:300], 60),
    (("Review of every account " * 10)[:229] + ".", 60),
    ("Drop-in desk", None),
)

STAFF_WITHOUT_USER: Final = FIRST_STAFF
STAFF_WITH_INACTIVE_USER: Final = FIRST_STAFF + 1
STAFF_WITH_TWO_USERS: Final = FIRST_STAFF + 2
STAFF_WITHOUT_EMAIL: Final = FIRST_STAFF + 3
STAFF_WHO_LEFT: Final = FIRST_STAFF + 4
STAFF_WITH_APOSTROPHE: Final = FIRST_STAFF + 5


def location_rows() -> list[Row]:
    """Rows of ``locations``."""
    names = ("name", "address", "city", "region", "country", "timezone")
    return [
        {"id": FIRST_LOCATION + number, **dict(zip(names, place, strict=True))}
        for number, place in enumerate(_PLACES)
    ]


def service_rows() -> list[Row]:
    """Rows of ``services``; those that bookings are drawn from come first (:func:`ordinary_services`)."""
    return [
        {"id": FIRST_SERVICE + number, "name": name, "duration_minutes": minutes}
        for number, (name, minutes) in enumerate((*_SERVICES, *_LONG_NAMES))
    ]


def ordinary_services() -> list[Row]:
    """The services that bookings are drawn from."""
    return service_rows()[: len(_SERVICES)]


def question_rows() -> list[Row]:
    """Rows of ``questions``."""
    return [
        {"id": FIRST_QUESTION + number, "name": name, "label": label, "scope": scope}
        for number, (name, label, scope) in enumerate(_QUESTIONS)
    ]


def staff_rows(plan: DemoPlan, texts: Texts) -> list[Row]:
    """Rows of ``staff``; the first few are the awkward ones that the constants of this module name."""
    pools = [pool for pool in texts.names if pool.is_latin]
    rows: list[Row] = []
    for number in range(plan.staff):
        pool = pools[number % len(pools)]
        staff_id = FIRST_STAFF + number
        rows.append(
            {
                "id": staff_id,
                "first_name": pool.first_names[number % len(pool.first_names)],
                "last_name": pool.last_names[-1 - number % len(pool.last_names)],
                "email": f"staff{staff_id}@bank.example.com",
                "active": staff_id != STAFF_WHO_LEFT,
                "updated_at": plan.now - timedelta(days=120 + number),
            }
        )
    by_id = {row["id"]: row for row in rows}
    by_id[STAFF_WITHOUT_EMAIL]["email"] = None
    by_id[STAFF_WITH_APOSTROPHE] |= {"last_name": "O'Malley", "email": "Siobhan.O'Malley@bank.example.com"}
    return rows
