"""A legacy organisation as a world: bookings, the Events of the legacy writer, and what happens meanwhile.

``LegacyWorld.build`` makes one from a seed and sizes; nobody ever saved settings, so that it is on the legacy
integration (rule G1). Verbs below tell what users, administrators and the legacy writer do while a migration goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import sqlalchemy as sa

from include.legacy import UPGRADE_FLAG, Attention, ItemKind
from include.source import tables
from include.source.tables import feature_flags
from tests.local_org import SEEDED_AT_ONCE, LocalOrg
from tests.migration.legacy_mappings import FAULTY, QUESTIONS, mapping_rows
from tests.migration.legacy_plan import Fate, Kept, LegacyEvent, LegacyPlan, Row, Sizes, legacy_plan
from tests.pipeline.world import World

LEGACY_USER: Final = "legacy@example.org"
NOBODY: Final = "005000000000999AAA"
NO_EVENT: Final = "00U000000000999EAA"


@dataclass
class LegacyWorld(World):
    """A world whose organisation is on the legacy integration.

    ``event_ids`` are the Events by the key of their link, ``people`` the records of clients, ``users`` those of staff.
    """

    plan: LegacyPlan = field(default_factory=lambda: LegacyPlan(Sizes(), Random(0)))
    legacy_user_id: str = ""
    event_ids: dict[str, str] = field(default_factory=dict)
    people: dict[int, str] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)

    @classmethod
    def build(
        cls, org: LocalOrg, folder: Path, ledger_template: Path, *, seed: int = 1, sizes: Sizes | None = None
    ) -> LegacyWorld:
        """Make the organisation of a seed in an empty org, with databases of its own."""
        source = sa.create_engine(f"sqlite:///{folder / 'coconut.db'}")
        tables.create_all(source)
        world = cls.unsettled(org, source, folder, ledger_template)
        world.plan = legacy_plan(seed, sizes or Sizes())
        world._seed_users()
        world._seed_people()
        world._fill_bookings()
        world._seed_events()
        world._fill_legacy_tables()
        world.offer_upgrade()
        org.forget_calls()
        return world

    # -- building

    def _seed_users(self) -> None:
        numbers = [int(row["id"]) for row in self.plan.staff]
        users = [_user(f"staff{number}@example.com") for number in numbers]
        *ids, self.legacy_user_id = self.org.seed("User", *users, _user(LEGACY_USER))
        self.users = dict(zip(numbers, ids, strict=True))

    def _seed_people(self) -> None:
        """Make what Salesforce has for each client; every fourth has an e-mail that Coconut does not know."""
        for sobject, kinds in (("Contact", {Kept.CONTACT}), ("Lead", {Kept.LEAD, Kept.CONVERTED})):
            rows = [row for row in self.plan.clients if self.plan.people[row["id"]] in kinds]
            company = {"Company": "Acme"} if sobject == "Lead" else {}
            ids = self.org.seed(sobject, *({**_person(row), **company} for row in rows)) if rows else []
            self.people |= {row["id"]: record for row, record in zip(rows, ids, strict=True)}

    def _fill_bookings(self) -> None:
        questions = [
            {
                "id": number,
                "name": f"question_{number}",
                "label": f"Question {number}",
                "scope": "appointment",
            }
            for number in range(1, QUESTIONS + 1)
        ]
        gone = {
            key for key, why in self.plan.expected(ItemKind.STAFF_LINK).items() if why is Attention.STAFF_GONE
        }
        rows: dict[str, Sequence[Row]] = {
            "clients": self.plan.clients,
            "staff": [row for row in self.plan.staff if str(row["id"]) not in gone],
            "appointments": self.plan.bookings,
            "attendees": self.plan.attendees,
            "questions": questions,
        }
        with self.source.begin() as connection:
            for table, values in rows.items():
                _insert(connection, table, values)

    def _seed_events(self) -> None:
        """Make the Events as the legacy writer's user, then let happen what became of them and of the people."""
        events = [event for event in self.plan.events if event.fate is not Fate.NEVER_WAS]
        ids = self._write_as_legacy([self._event(event) for event in events])
        made = {event.number: event_id for event, event_id in zip(events, ids, strict=True)}
        for link in self.plan.links:
            if link.event is not None:
                self.event_ids[link.key] = made.get(link.event, NO_EVENT)
        for event in events:
            if event.fate is Fate.IN_RECYCLE_BIN:
                self._delete_as_user(made[event.number])
        for client_id, kept in self.plan.people.items():
            if kept is Kept.CONVERTED:
                self.people[client_id] = self.convert(self.people[client_id])
        for staff_id, why in self.plan.expected(ItemKind.STAFF_LINK).items():
            if why is Attention.USER_INACTIVE:
                self.org.change("User", Id=self.users[int(staff_id)], IsActive=False)

    def _event(self, event: LegacyEvent) -> Row:
        values = {name: _wire(value) for name, value in event.values.items()}
        return {
            **self._mapped_values(),
            **values,
            "WhoId": self.people[event.client_id],
            "OwnerId": self.users[event.staff_id],
        }

    def _delete_as_user(self, event_id: str) -> None:
        """Delete an Event as somebody who is not our integration user."""
        body = {"sobject": "Event", "ids": [event_id], "as_user": self.legacy_user_id}
        (result,) = self.org.control("POST", "delete", body)
        assert result["success"], result

    def _mapped_values(self) -> Row:
        """Return what the legacy writer's field mappings put into every Event: all bookings were made alike."""
        alike = {"appointment.meeting_method": "in_person", "appointment.booked_through": "client_view"}
        return {
            str(row["target_field"]): alike[str(row["source_field"])]
            for row in mapping_rows(self.plan.sizes.mappings)
            if row["sobject"] == "Event" and row["source_field"] in alike
        }

    def _write_as_legacy(self, rows: Sequence[Row], operation: str = "insert") -> list[str]:
        results = []
        for start in range(0, len(rows), SEEDED_AT_ONCE):
            part = list(rows[start : start + SEEDED_AT_ONCE])
            body = {"rows": part, "operation": operation, "as_user": self.legacy_user_id}
            results += self.org.control("POST", "records/Event", body)
        assert all(row["success"] for row in results), results
        return [row["id"] for row in results]

    def _fill_legacy_tables(self) -> None:
        staff = self.plan.expected(ItemKind.STAFF_LINK)
        users = {
            number: NOBODY if staff.get(str(number)) is Attention.USER_MISSING else user
            for number, user in self.users.items()
        }
        mappings = mapping_rows(self.plan.sizes.mappings)
        for row, (why, *_) in zip(mappings, FAULTY, strict=False):
            self.plan.attention[(ItemKind.FIELD_MAPPING, str(row["id"]))] = why
        rows: dict[str, Sequence[Row]] = {
            "legacy_settings": [
                {"name": "use_person_accounts", "value": "false"},
                {"name": "entity_type", "value": "lead"},
                {"name": "salesforce_user_id", "value": self.legacy_user_id},
            ],
            "legacy_field_mappings": mappings,
            "legacy_staff_links": [
                {"staff_id": number, "salesforce_user_id": user} for number, user in users.items()
            ],
            "legacy_event_links": [
                _link(link.appointment_id, link.client_id, self.event_ids.get(link.key, link.text))
                for link in self.plan.links
            ],
        }
        with self.source.begin() as connection:
            for table, values in rows.items():
                _insert(connection, table, values)

    # -- what there is

    @property
    def carried_keys(self) -> list[str]:
        """Return the keys of the pairs whose Event can be taken over."""
        return sorted(link.key for link in self.plan.carried)

    def event_of(self, key: str) -> dict[str, Any]:
        """Return the Event of a legacy link as it is now, archived or deleted too."""
        return self.all_events()[self.event_ids[key]]

    def all_events(self) -> dict[str, dict[str, Any]]:
        """Return every Event by Id: archived ones, and those in the recycle bin."""
        rows = self.org.control("GET", "records/Event?include_deleted=true")
        return {row["Id"]: row for row in rows}

    def client_of(self, key: str) -> int:
        return int(key.rpartition("-")[2])

    def booking_of(self, key: str) -> int:
        return int(key.partition("-")[0])

    def upcoming(self, keys: Iterable[str] | None = None) -> list[str]:
        """Return the keys of linked pairs whose booking has not begun, in order."""
        starts = {row["id"]: row["starts_at"] for row in self.plan.bookings}
        wanted = self.carried_keys if keys is None else keys
        return [key for key in wanted if starts[self.booking_of(key)] > self.now]

    # -- Coconut and the legacy writer

    def offer_upgrade(self, *, is_on: bool = True) -> None:
        """Switch Coconut's flag *Opt-In Salesforce Upgrade* (rules G2, G10)."""
        with self.source.begin() as connection:
            connection.execute(feature_flags.delete().where(feature_flags.c.name == UPGRADE_FLAG))
            row = {"name": UPGRADE_FLAG, "enabled": is_on, "updated_at": self.tick()}
            connection.execute(feature_flags.insert().values(row))

    def legacy_books(self, booking_id: int, client_id: int, *, staff_id: int) -> str:
        """Let a client book, and the legacy writer make the Event and its link; returns the pair's key."""
        starts_at = self.now + timedelta(days=5)
        times = {"starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=30)}
        self.booking(booking_id, client_id, staff_id=staff_id, **times)
        event = {
            **self._mapped_values(),
            "Subject": f"Coconut: Advice for Ann Lee {client_id}",
            "StartDateTime": _wire(times["starts_at"]),
            "EndDateTime": _wire(times["ends_at"]),
            "ShowAs": "Busy",
            "WhoId": self.people[client_id],
            "OwnerId": self.users[staff_id],
        }
        key = f"{booking_id}-{client_id}"
        (self.event_ids[key],) = self._write_as_legacy([event])
        self.insert("legacy_event_links", **_link(booking_id, client_id, self.event_ids[key]))
        return key

    def legacy_edits(self, key: str, **values: Any) -> None:
        """Let the legacy writer change an Event of its own."""
        self._write_as_legacy([{"Id": self.event_ids[key], **values}], "update")

    # -- Salesforce users

    def user_edits(self, key: str, **values: Any) -> None:
        """Let a Salesforce user change the Event of a legacy link."""
        self.org.change("Event", Id=self.event_ids[key], **values)

    def user_deletes(self, key: str) -> None:
        self._delete_as_user(self.event_ids[key])

    def user_converts(self, client_id: int) -> str:
        """Let a Salesforce user convert the Lead of a client; returns the Contact it became."""
        self.people[client_id] = self.convert(self.people[client_id])
        return self.people[client_id]


def _insert(connection: sa.Connection, table: str, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(tables.metadata.tables[table].insert(), list(rows))


def _user(email: str) -> Row:
    name = email.partition("@")[0]
    return {
        "Username": f"{name}@example.org",
        "LastName": name,
        "Alias": name[:8],
        "Email": email,
        "IsActive": True,
    }


def _person(client: Mapping[str, Any]) -> Row:
    """Return what a Salesforce user typed for a client."""
    number = int(client["id"])
    email = f"private{number}@example.com" if number % 4 == 0 else client["email"]
    return {"FirstName": client["first_name"], "LastName": client["last_name"], "Email": email}


def _link(appointment_id: int, client_id: int, event_id: str | None) -> Row:
    return {"appointment_id": appointment_id, "client_id": client_id, "salesforce_event_id": event_id}


def _wire(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%S.000Z") if isinstance(value, datetime) else value
