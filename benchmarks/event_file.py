"""A file of Events as the product uploads them: 19 columns, references, and descriptions that need quoting."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEY = "Coconut_Booking_Key__c"
COLUMNS = (
    KEY,
    "Subject",
    "StartDateTime",
    "EndDateTime",
    "Location",
    "Description",
    "ShowAs",
    "Coconut_Booking_Id__c",
    "Coconut_Is_Primary__c",
    "Coconut_Kind__c",
    "Coconut_Status__c",
    "Coconut_Service__c",
    "Coconut_Location__c",
    "Coconut_Booked_Through__c",
    "Coconut_Meeting_Method__c",
    "Coconut_Booked_At__c",
    "Coconut_Edit_Url__c",
    "WhoId",
    "OwnerId",
)
_FIRST_DAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
_SERVICES = ("Mortgage advice", "Open an account", 'Personal loan, "express"', "Retirement planning")
_BRANCHES = tuple(f"Branch {number}, {number} Main Street, Springfield" for number in range(1, 41))
_NOTES = (
    'Client said: "please call before", then hung up.\nSecond line, with a comma.',
    "Wants to compare rates, terms and fees.",
    "Brings two forms of identification;\nneeds a parking space,\nand a translator.",
    "",
)


def write_events(path: Path, rows: int, *, people: Sequence[str], owners: Sequence[str]) -> None:
    """Write so many Events, the same ones each time, as UTF-8 with LF."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_events(rows, people, owners))


def _events(rows: int, people: Sequence[str], owners: Sequence[str]) -> Iterator[tuple[str, ...]]:
    chance = random.Random(7)  # noqa: S311 - not a secret, and must repeat
    for number in range(rows):
        booking = str(1_000_000 + number)
        start = _FIRST_DAY + timedelta(minutes=15 * chance.randrange(20_000))
        service, branch = chance.choice(_SERVICES), chance.choice(_BRANCHES)
        is_cancelled = chance.random() < 0.1
        yield (
            f"{booking}-{500_000 + number * 7 % 99_991}",
            f"{service} with client {number % 9_973}",
            _instant(start),
            _instant(start + timedelta(minutes=chance.choice((30, 45, 60)))),
            branch,
            f"Booking {booking}\n{chance.choice(_NOTES)}".strip(),
            "Free" if is_cancelled else "Busy",
            booking,
            "true" if chance.random() < 0.9 else "false",
            "appointment",
            "cancelled" if is_cancelled else "confirmed",
            service,
            branch.partition(",")[0],
            chance.choice(("website", "phone", "branch")),
            chance.choice(("in_person", "phone", "video")),
            _instant(_FIRST_DAY - timedelta(seconds=chance.randrange(5_000_000))),
            f"https://bank.example/appointments/{booking}/edit",
            chance.choice(people),
            chance.choice(owners),
        )


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
