"""Which Salesforce person each client should be, for the proof: entity type ``lead``, matching by name and e-mail."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from include.demo.expected import Client
from include.demo.org_reader import OrgPerson, OrgState

_SPACES: Final = re.compile(r"\s+")
_KEY: Final = re.compile(r"(\d+)(?:\.\d+)?")

Triple = tuple[str, str, str]


def triple(first_name: str | None, last_name: str | None, email: str | None) -> Triple | None:
    """Return what two records of one person agree in; nothing where a part is empty, which agrees with nothing."""
    parts = tuple(
        _SPACES.sub(" ", unicodedata.normalize("NFKC", value or "")).strip().casefold()
        for value in (first_name, last_name, email)
    )
    return (parts[0], parts[1], parts[2]) if all(parts) else None


@dataclass(slots=True)
class People:
    """Answers whose record a client is, from a fresh look at the org."""

    org: OrgState
    clients: Iterable[Client]
    kept: Mapping[int, str] = field(default_factory=dict)
    """Who each client was before: a link outlives later edits of a name, and follows a conversion."""

    _theirs: dict[Triple, list[OrgPerson]] = field(init=False, default_factory=dict)
    _ours: dict[int, OrgPerson] = field(init=False, default_factory=dict)
    _groups: dict[Triple, list[int]] = field(init=False, default_factory=dict)
    _by_short_id: dict[str, OrgPerson] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for person in self.org.people.values():
            self._by_short_id[person.id[:15]] = person
            if person.key and (found := _KEY.fullmatch(person.key)):
                self._ours[int(found[1])] = person
            elif agrees := triple(person.first_name, person.last_name, person.email):
                self._theirs.setdefault(agrees, []).append(person)
        for client in self.clients:
            if agrees := triple(client.first_name, client.last_name, client.email):
                self._groups.setdefault(agrees, []).append(client.id)

    def who(self, client: Client) -> str | None:
        """Return the Id of the Lead or Contact that the client's Events belong to."""
        if client.id in self.kept:
            return self._follow(self.org.people.get(self.kept[client.id]))
        held = self._by_short_id.get((client.salesforce_id or "").strip()[:15])
        if held is not None and len((client.salesforce_id or "").strip()) in {15, 18}:
            return self._follow(held)
        agrees = triple(client.first_name, client.last_name, client.email)
        candidates = self._theirs.get(agrees, []) if agrees else []
        if candidates:
            reached = {self._follow(person) for person in candidates}
            found = sorted(
                (self.org.people[record_id] for record_id in reached if record_id in self.org.people),
                key=lambda person: (not person.is_contact, person.created, person.id),
            )
            return found[0].id if found else None
        members = self._groups.get(agrees, [client.id]) if agrees else [client.id]
        ours = [self._ours[member] for member in members if member in self._ours]
        return self._follow(ours[0]) if ours else None

    def _follow(self, person: OrgPerson | None) -> str | None:
        if person is None:
            return None
        return person.contact_id if person.is_converted else person.id

    def duplicates(self) -> list[str]:
        """Return records we created for somebody who was there already, or whom we created twice."""
        created: dict[Triple, list[OrgPerson]] = {}
        for person in self._ours.values():
            if person.is_converted:  # its Contact is nobody's duplicate
                continue
            if agrees := triple(person.first_name, person.last_name, person.email):
                created.setdefault(agrees, []).append(person)
        return [
            person.id
            for agrees, people in created.items()
            for number, person in enumerate(sorted(people, key=lambda one: one.id))
            if number > 0 or agrees in self._theirs
        ]
