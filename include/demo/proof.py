"""The proof: the org, queried afresh, against what the booking database says should be there."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Set
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from include.demo.expected import (
    Expectation,
    ExpectedEvent,
    clients_of,
    last_changes,
    read_expectation,
)
from include.demo.memberships import Counted, counted_pairs, wrong_memberships
from include.demo.org_reader import OrgEvent, OrgState
from include.demo.people import People

_SHOWN_EXAMPLES: Final = 5
_LONGEST_SUBJECT: Final = 255
# What only Salesforce can know: the proof takes these refusals from the ledger, and says how many there are.
_REFUSALS: Final = ("refused_by_salesforce", "person_not_written", "value_too_long")


@dataclass(frozen=True, slots=True)
class Before:
    """What was true before the runs that are to be proved."""

    org: OrgState
    staff_of: Mapping[str, int | None] = field(default_factory=dict)
    who_of: Mapping[int, str] = field(default_factory=dict)
    changed_at: Mapping[int, str] = field(default_factory=dict)
    counted: Mapping[str, Counted] = field(default_factory=dict)

    @classmethod
    def going_on(cls, proof: Proof, org: OrgState) -> Before:
        """Return what the next runs find, after those of a proof."""
        return cls(org, proof.staff_of, proof.who_of, proof.changed_at, proof.counted)


@dataclass(frozen=True, slots=True)
class SetAside:
    """What the ledger says of a pair that was not synced: held, quarantined or disabled, why, and what it waits for."""

    outcome: str
    reason: str
    waits_for: str

    def __str__(self) -> str:
        return f"{self.outcome}, {self.reason}, waits for {self.waits_for}"


@dataclass(slots=True)
class Proof:
    """What was found; it holds when nothing is in ``findings``."""

    expected: int
    found: int
    people: int
    members: int
    set_aside: Counter[str]
    findings: dict[str, list[str]]
    staff_of: dict[str, int | None]
    who_of: dict[int, str]
    changed_at: dict[int, str]
    counted: dict[str, Counted]

    @property
    def holds(self) -> bool:
        """Tell whether the org is exactly what it should be."""
        return not any(self.findings.values())

    def lines(self) -> list[str]:
        """Return the proof in words."""
        lines = [
            f"Proof: {self.expected:,} Events should be there, {self.found:,} are; {self.people:,} people, "
            f"{self.members:,} memberships of campaigns: "
            + ", ".join(f"{len(keys):,} {name}" for name, keys in self.findings.items())
        ]
        lines += [
            f"  {name}: {', '.join(keys[:_SHOWN_EXAMPLES])}" for name, keys in self.findings.items() if keys
        ]
        return [*lines, *(f"  {number:,} {why}" for why, number in self.set_aside.most_common())]


def prove(org: OrgState, before: Before, *, booking_database: Path, ledger: Path) -> Proof:
    """Compare the org with the booking database.

    Args:
        org: a fresh look at the org.
        before: the org just before the runs, which says what they had to leave alone.
        booking_database: the SQLite file that the product read.
        ledger: the product's SQLite ledger, for one setting and for what Salesforce refused.
    """
    expectation = read_expectation(booking_database)
    set_aside = _read_set_aside(ledger)
    refused = {key for key, row in set_aside.items() if row.reason in _REFUSALS}
    people = People(org, clients_of(booking_database), before.who_of)
    wanted = _one_per_person(expectation, people, refused)
    comparison = _Comparison(org, before, people, _events_owner(ledger))
    findings = comparison.compare(wanted, expectation, refused)
    findings["duplicate people"] = people.duplicates()
    unsynced = expectation.left_alone.keys() | refused
    changed_at = last_changes(booking_database)
    findings["written without a change"] = comparison.written_without_change(changed_at)
    counted = counted_pairs(expectation, refused, before.counted)
    findings |= wrong_memberships(counted, people, org, before.org)
    findings["without a reason"] = sorted(unsynced - set_aside.keys())
    findings["set aside without need"] = sorted(set_aside.keys() & wanted.keys())
    return Proof(
        expected=len(wanted),
        found=len(org.by_key()),
        people=len(org.people),
        members=len(org.members),
        set_aside=Counter(
            f"{expectation.left_alone.get(key, 'that only Salesforce can judge')}: {row}"
            for key, row in set_aside.items()
        ),
        findings=findings,
        staff_of={key: event.staff_id for key, event in wanted.items()},
        who_of={event.client.id: who for event in wanted.values() if (who := people.who(event.client))},
        changed_at=changed_at,
        counted=counted,
    )


def _one_per_person(expectation: Expectation, people: People, refused: Set[str]) -> dict[str, ExpectedEvent]:
    """Leave one Event per booking and person: the primary attendee's, else that of the lowest client id (S4)."""
    chosen: dict[tuple[int, str], ExpectedEvent] = {}
    for event in expectation.events.values():
        if event.key in refused:
            continue
        who = people.who(event.client) or f"nobody for {event.client.id}"
        best = chosen.get((event.appointment_id, who))
        if best is None or (not event.is_primary, event.client.id) < (not best.is_primary, best.client.id):
            chosen[event.appointment_id, who] = event
    return {event.key: event for event in chosen.values()}


@dataclass(slots=True)
class _Comparison:
    org: OrgState
    before: Before
    people: People
    events_owner: str

    def compare(
        self, wanted: Mapping[str, ExpectedEvent], expectation: Expectation, refused: Set[str]
    ) -> dict[str, list[str]]:
        """Return the keys or Ids that are wrong, by what is wrong with them."""
        found, earlier = self.org.by_key(), self.before.org.by_key()
        kept = {key for key in (*expectation.left_alone, *refused) if key in earlier}
        both = [(wanted[key], found[key]) for key in wanted.keys() & found.keys()]
        return {
            "missing": sorted((wanted.keys() | kept) - found.keys()),
            "extra": sorted(found.keys() - wanted.keys() - kept),
            "duplicate": self._duplicates(),
            "wrong subject": [want.key for want, have in both if not _right_subject(want, have)],
            "wrong times": [want.key for want, have in both if not _right_times(want, have)],
            "wrong WhoId": [want.key for want, have in both if have.who_id != self.people.who(want.client)],
            "wrong OwnerId": [want.key for want, have in both if have.owner_id != self._owner(want)],
            "changed though left alone": [key for key in kept & found.keys() if found[key] != earlier[key]],
            "touched Events of others": sorted(
                self.before.org.foreign_event_ids() ^ self.org.foreign_event_ids()
            ),
        }

    def written_without_change(self, changed_at: Mapping[int, str]) -> list[str]:
        """Return the Events that were written although nothing of their booking changed in Coconut (S12)."""
        earlier = self.before.org.by_key()
        touched = [
            event
            for key, event in self.org.by_key().items()
            if key in earlier and earlier[key].modified != event.modified
        ]
        return [
            event.id
            for event in touched
            if self.before.changed_at.get(booking := int(event.booking_id or 0)) == changed_at.get(booking)
        ]

    def _duplicates(self) -> list[str]:
        keys = Counter(event.key for event in self.org.events if event.key)
        pairs = Counter(
            (event.booking_id, event.who_id) for event in self.org.events if event.key and event.who_id
        )
        twice = [key for key, number in keys.items() if number > 1]
        return twice + [f"booking {booking_id}" for (booking_id, _who), number in pairs.items() if number > 1]

    def _owner(self, want: ExpectedEvent) -> str:
        """Return who should own the Event: the one linked User with the staff member's e-mail, else the fallback.

        What a Salesforce user changed stays, as long as the booking's staff member is the same (S12).
        """
        users = self.org.users_by_email.get((want.staff_email or "").strip().casefold(), [])
        linked = users[0] if len(users) == 1 and want.staff_email else None
        earlier = self.before.org.by_key().get(want.key)
        is_same_staff = want.key in self.before.staff_of and self.before.staff_of[want.key] == want.staff_id
        if earlier is not None and is_same_staff and not (linked and earlier.owner_id == self.events_owner):
            return earlier.owner_id
        return linked or self.events_owner


def _right_subject(want: ExpectedEvent, have: OrgEvent) -> bool:
    return have.subject.endswith(want.suffix) and len(have.subject) <= _LONGEST_SUBJECT


def _right_times(want: ExpectedEvent, have: OrgEvent) -> bool:
    return (have.starts_at, have.ends_at) == (want.starts_at, want.ends_at)


def _read_set_aside(ledger: Path) -> dict[str, SetAside]:
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT booking_key, outcome, reason, waits_for FROM quarantine")
        return {key: SetAside(*row) for key, *row in rows}


def _events_owner(ledger: Path) -> str:
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        row = connection.execute(
            "SELECT settings FROM settings_versions ORDER BY version DESC LIMIT 1"
        ).fetchone()
    return str(json.loads(row[0]).get("unassigned_events_owner", "")) if row else ""
