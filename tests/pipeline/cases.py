"""Many cases of one rule in one run: a client and a booking each, told by what its Event points at in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.pipeline.world import World

FIRST_BOOKING = 1000
"""Booking of client *n* is ``FIRST_BOOKING + n``."""

MAKERS = {
    "lead": World.lead,
    "contact": World.contact,
    "person account": World.person_account,
}


@dataclass
class Cases:
    """Clients by the name of their case, and the records seeded for them by the name they are expected under."""

    world: World
    clients: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def person(self, name: str) -> dict[str, str]:
        """Return the Salesforce values that agree with the client of a case, and with no other."""
        number = self._number(name)
        return {"FirstName": "Ann", "LastName": f"Case {number}", "Email": f"case{number}@example.com"}

    def seed(self, name: str, kind: str, *, label: str = "", **values: Any) -> str:
        """Make a record that agrees with the client of a case but for ``values``, and return its Id."""
        record_id = MAKERS[kind](self.world, **{**self.person(name), **values})
        self.labels[record_id] = label or kind
        return record_id

    def client(self, name: str, **values: Any) -> int:
        """Add the client of a case, with a booking."""
        number, person = self._number(name), self.person(name)
        own = {
            "first_name": person["FirstName"],
            "last_name": person["LastName"],
            "email": person["Email"],
        }
        self.world.client(number, **{**own, **values})
        self.book(name)
        return number

    def book(self, name: str, *, offset: int = 0) -> None:
        """Add a booking of the client; the case is told by its newest."""
        number = self._number(name)
        self.world.booking(FIRST_BOOKING + offset + number, number)
        self.keys[name] = f"{FIRST_BOOKING + offset + number}-{number}"

    def outcomes(self) -> dict[str, str]:
        """Return by case the label of the record that the Event points at, or why there is no Event.

        Records without label are ``new Lead``, ``new Contact`` or ``new Person Account``.
        """
        names = self._names_of_people()
        found = {row["Coconut_Booking_Key__c"]: names[row["WhoId"]] for row in self.world.events()}
        waiting = self.world.ledger.quarantine_rows()
        kept_back = {row["booking_key"]: row["reason"] for row in waiting.to_dict("records")}
        return {name: found.get(key) or kept_back[key] for name, key in self.keys.items()}

    def created(self) -> dict[str, int]:
        """Return how many people there are that nobody seeded, by what they are."""
        names = list(self._names_of_people().values())
        return {name: names.count(name) for name in sorted(set(names)) if name.startswith("new ")}

    def _names_of_people(self) -> dict[str | None, str]:
        names: dict[str | None, str] = {None: "nobody"}
        for row in self.world.org.records("Lead"):
            names[row["Id"]] = self.labels.get(row["Id"], "new Lead")
        for row in self.world.org.records("Contact"):
            is_person = bool(row.get("IsPersonAccount"))
            person = row["AccountId"] if is_person else row["Id"]
            names[row["Id"]] = self.labels.get(person, "new Person Account" if is_person else "new Contact")
        return names

    def _number(self, name: str) -> int:
        return self.clients.setdefault(name, len(self.clients) + 1)


def expected_creations(outcomes: dict[str, str]) -> dict[str, int]:
    """Return what ``Cases.created`` says where every new person is that of one case."""
    new = [outcome for outcome in outcomes.values() if outcome.startswith("new ")]
    return {name: new.count(name) for name in sorted(set(new))}
