"""Worlds whose runs do everything at once, and what a plan says of them held against what the org then holds (T6)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd

from include.ledger.reports import ReportKind
from include.mapping.fields import default_mappings
from include.pipeline.plan_report import read_planned_fields
from tests.pipeline.world import NOW, World

KEY: Final = "Coconut_Client_Key__c"
OBJECTS: Final = ("Account", "Lead", "Contact", "Event", "CampaignMember")
WATCHED: Final = {
    **{name: {KEY} for name in OBJECTS},
    "Account": {KEY, "Name"},
    "Contact": {KEY, "AccountId"},
    "Event": {"WhoId", "OwnerId"},
    "CampaignMember": {"CampaignId", "LeadId", "ContactId", "Status"},
}
GROUPS: Final = ("login", "describe", "query", "collections", "bulk_ingest", "bulk_query")

Records = dict[str, dict[str, dict[str, Any]]]


def watched_fields(sobject: str, row: dict[str, Any]) -> set[str]:
    """Return the fields of a record that the product writes; Salesforce itself names a Person Account."""
    mapped = {mapping.target for mapping in default_mappings() if mapping.sobject == sobject}
    derived = {"Name"} if row.get("IsPersonAccount") else set()
    return (mapped | WATCHED[sobject]) - derived


# -- worlds


@dataclass
class Growing:
    """A world that changes by chance; equal seeds make equal worlds."""

    world: World
    seed: int
    chance: random.Random = field(init=False)
    clients: int = 0
    bookings: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.campaign = self.world.org.seed("Campaign", {"Name": "Spring", "IsActive": True})[0]
        self.world.user("sam@example.com")
        self.world.staff(1, "sam@example.com")
        self.world.insert("locations", id=2, name="Harbour", city="Halifax", timezone="America/Halifax")

    def client(self) -> int:
        """Add a client: like one before, with a record in Salesforce, or new."""
        self.clients += 1
        number = self.clients
        like = self.chance.choice([number, number, number, max(1, number - 1)])
        person = {"first_name": "Ann", "last_name": f"Lee {like}", "email": f"ann{like}@example.com"}
        company = self.chance.choice([None, "Mill", "mill ", f"Firm {number}"])
        self.world.client(number, **person, company=company, phone=f"+1 416 555 01{number:02d}")
        if self.chance.random() < 0.4:
            make = self.chance.choice([self.world.lead, self.world.contact])
            make(FirstName="Ann", LastName=person["last_name"], Email=person["email"])
        return number

    def book(self) -> None:
        self.bookings += 1
        known = [self.chance.randint(1, self.clients)] if self.clients else []
        who = {self.client(), *self.chance.sample(known, k=self.chance.randint(0, len(known)))}
        self.world.booking(
            self.bookings,
            *sorted(who),
            location_id=self.chance.choice([1, 2]),
            staff_id=self.chance.choice([None, 1]),
            starts_at=NOW + timedelta(days=self.chance.randint(-3, 9), minutes=self.chance.randint(0, 600)),
            ends_at=None,
            notes=self.chance.choice([None, "Bring the deed."]),
            utm_campaign=self.chance.choice([None, "Spring"]),
        )

    def edit(self, booking_id: int) -> None:
        """Reschedule, cancel, complete, delete or leave a booking, or change who takes part and who serves."""
        match self.chance.randint(0, 6):
            case 0:
                start = NOW + timedelta(days=self.chance.randint(1, 9))
                self.world.edit(booking_id, starts_at=start, ends_at=start + timedelta(hours=1))
            case 1:
                self.world.edit(booking_id, status="cancelled", cancellation_reason="Ill")
            case 2:
                self.world.edit(booking_id, status="complete", notes=None)
            case 3:
                self.world.edit(booking_id, deleted_at=NOW)
            case 4:
                self.world.edit(booking_id, staff_id=1, location_id=2)
            case 5:
                gone = self.attendees(booking_id)[-1]
                where = {"appointment_id": booking_id, "client_id": gone}
                self.world.change("attendees", where, deleted_at=NOW)
                newcomer = self.client()
                self.world.insert(
                    "attendees", appointment_id=booking_id, client_id=newcomer, is_primary=False
                )

    def attendees(self, booking_id: int) -> list[int]:
        with self.world.source.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT client_id FROM attendees WHERE appointment_id = ? ORDER BY client_id", (booking_id,)
            )
            return [row[0] for row in found]

    def move_on(self) -> None:
        """Change clients and bookings, and add some."""
        for client_id in self.chance.sample(range(1, self.clients + 1), k=self.clients // 2):
            self.world.change("clients", {"id": client_id}, phone=f"+1 647 555 01{client_id:02d}")
        for booking_id in range(1, self.bookings + 1):
            self.edit(booking_id)
        for _ in range(4):
            self.book()


# -- what the org holds, and what the plan says


def held(world: World) -> Records:
    """Return the live records by object and Id; the Contact of a Person Account is part of its Account."""
    return {
        name: {row["Id"]: row for row in world.org.records(name) if not _is_half(name, row)}
        for name in OBJECTS
    }


def _is_half(sobject: str, row: dict[str, Any]) -> bool:
    return sobject == "Contact" and bool(row.get("IsPersonAccount"))


def text(value: Any) -> str:
    """Return a value as it compares, whoever spelled it."""
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    told = str(value)
    if len(told) >= len("2026-06-04T12:00:00Z") and told[4:5] == "-" and told[10:11] == "T":
        return datetime.fromisoformat(told.replace("+0000", "+00:00")).isoformat()
    return told


@dataclass(frozen=True, slots=True)
class Foretold:
    """A plan read against the org after the run: references in it name the records that they became."""

    world: World
    cells: pd.DataFrame
    after: Records

    def of(self, operation: str) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """Yield object, Id and cells of every record that the plan names for an operation."""
        planned = self.cells[self.cells["operation"] == operation]
        for (sobject, key), cells in planned.groupby(["sobject", "key"]):
            record_id = cells["record_id"].iloc[0]
            known = record_id if isinstance(record_id, str) else self.created(sobject, key, cells)
            yield sobject, known, cells

    def created(self, sobject: str, key: str, cells: pd.DataFrame) -> str:
        """Return the Id of what was created as planned."""
        if sobject == "CampaignMember":
            new = cells.set_index("field")["new"].map(self.resolved)
            who = new.get("ContactId") or new["LeadId"]
            return self._the_one(sobject, lambda row: who in (row["ContactId"], row["LeadId"]))
        name = "Coconut_Booking_Key__c" if sobject == "Event" else KEY
        wanted = key if sobject == "Event" else cells.set_index("field")["new"][KEY]
        return self._the_one(sobject, lambda row: row[name] == wanted)

    def resolved(self, value: Any) -> str:
        """Return a planned value with references replaced by Ids."""
        told = text(value)
        if told.startswith("new:"):
            return str(self.world.ledger.person_links([told.removeprefix("new:")])["who_id"].iloc[0])
        if told.startswith("account:"):
            of_account = self.cells[(self.cells["key"] == told) & (self.cells["field"] == KEY)]
            return self._the_one("Account", lambda row: row[KEY] == of_account["new"].iloc[0])
        return told

    def _the_one(self, sobject: str, is_it: Any) -> str:
        (found,) = [record_id for record_id, row in self.after[sobject].items() if is_it(row)]
        return found


def planned_cells(world: World, run_id: str) -> pd.DataFrame:
    return pd.concat(read_planned_fields(world.staging, run_id), ignore_index=True)


def estimated_calls(world: World, run_id: str) -> Counter[str]:
    """Return the calls that a plan foretells, reading and writing together."""
    report = world.ledger.report(run_id, ReportKind.PLAN)
    assert report is not None
    calls: Counter[str] = Counter()
    for part in report.summary["api_calls"].values():
        calls.update(part)
    return calls


def made_calls(world: World) -> Counter[str]:
    """Return the requests that the org counted, by the product's kinds."""
    grouped: Counter[str] = Counter()
    for kind, number in world.org.calls().items():
        grouped[next((group for group in GROUPS if kind.startswith(group)), "rest")] += number
    return grouped
