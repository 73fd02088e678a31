"""The proof of a migration: Coconut's legacy tables and the org, before and after, against what the ledger says.

Plain SQL and Python on purpose: had it shared code with the product, it would share the product's mistakes.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from include.demo.org_reader import OrgEvent, OrgState

_SHOWN_EXAMPLES: Final = 5
_SUFFIXES: Final = (" [Appointment]", " [Walk-In]")
_LEGACY_ITEMS: Final = {
    "field_mapping": "SELECT CAST(id AS TEXT), target_field FROM legacy_field_mappings",
    "staff_link": "SELECT CAST(staff_id AS TEXT), salesforce_user_id FROM legacy_staff_links",
    "event_link": "SELECT appointment_id || '-' || client_id, salesforce_event_id FROM legacy_event_links",
}
_NEWEST: Final = "(SELECT MAX(id) FROM legacy_migrations)"
_ITEMS: Final = f"SELECT kind, item_key, outcome, reason FROM migration_items WHERE migration_id = {_NEWEST}"  # noqa: S608 - constants
_ANSWERS: Final = f"SELECT step, answered_by FROM migration_answers WHERE migration_id = {_NEWEST}"  # noqa: S608 - constants
_ACCOUNTED: Final = (
    "SELECT booking_key FROM event_links WHERE event_id IS NOT NULL "
    "UNION SELECT booking_key FROM quarantine UNION SELECT booking_key FROM outcomes"
)
_STARTS: Final = (
    "SELECT a.id || '-' || t.client_id, a.starts_at, a.ends_at FROM appointments a "
    "JOIN attendees t ON t.appointment_id = a.id"
)


@dataclass(frozen=True, slots=True)
class Item:
    """What the ledger says became of one thing that the legacy integration held."""

    outcome: str | None
    reason: str | None

    @property
    def is_carried(self) -> bool:
        """Tell whether it was carried over."""
        return self.outcome == "carried"


@dataclass(frozen=True, slots=True)
class MigrationProof:
    """What was found; it holds when nothing is in ``findings``."""

    counted: tuple[str, ...]
    findings: dict[str, list[str]]

    @property
    def holds(self) -> bool:
        """Tell whether everything is where it should be."""
        return not any(self.findings.values())

    def lines(self) -> list[str]:
        """Return the proof in words."""
        found = ", ".join(f"{len(keys):,} {name}" for name, keys in self.findings.items())
        examples = [
            f"  {name}: {', '.join(keys[:_SHOWN_EXAMPLES])}" for name, keys in self.findings.items() if keys
        ]
        return [*self.counted, f"Found amiss: {found}", *examples]


def prove_migration(
    before: OrgState, org: OrgState, *, booking_database: Path, ledger: Path
) -> MigrationProof:
    """Compare what was carried over with what is there.

    Args:
        before: the org as the legacy integration left it.
        org: a fresh look at the org.
        booking_database: the SQLite file of Coconut.
        ledger: the product's SQLite ledger, after the migration.
    """
    held = {
        kind: {key: str(value)[:18] for key, value in _rows(booking_database, query)}
        for kind, query in _LEGACY_ITEMS.items()
    }
    items = {(kind, key): Item(outcome, reason) for kind, key, outcome, reason in _rows(ledger, _ITEMS)}
    carried = _carried(held, items)
    linked = dict(_rows(ledger, "SELECT booking_key, event_id FROM event_links WHERE event_id IS NOT NULL"))
    adopted = {key: linked.get(key, "") for key in carried["event_link"]}
    findings = {
        "items without an outcome": _without_outcome(held, items),
        "links to another Event": sorted(
            key for key, event in carried["event_link"].items() if adopted[key][:15] != event[:15]
        ),
        "staff linked otherwise": _staff_linked_otherwise(carried["staff_link"], ledger),
        **_event_findings(before, org, carried["event_link"]),
        "Events at another time than their booking": _at_another_time(booking_database, org, adopted),
        "attendees neither with an Event nor with a reason": _unaccounted(booking_database, ledger),
        "human steps nobody answered": [step for step, who in _rows(ledger, _ANSWERS) if not who],
    }
    legacy, modern = _checksum(carried["event_link"]), _checksum(adopted)
    findings["checksums that differ"] = [] if legacy == modern else [f"{legacy} and {modern}"]
    counted = [
        *_counted(held, items),
        f"Checksum of the carried event links: {legacy} in Coconut, {modern} now",
    ]
    return MigrationProof((*counted, _events_counted(before, org, adopted)), findings)


def _counted(held: dict[str, dict[str, str]], items: dict[tuple[str, str], Item]) -> list[str]:
    """Say of each kind that inventory = carried + needs attention, in figures."""
    lines = []
    for kind, keys in held.items():
        of_kind = [items[kind, key] for key in keys if (kind, key) in items]
        carried = sum(item.is_carried for item in of_kind)
        reasons = Counter(str(item.reason) for item in of_kind if not item.is_carried)
        why = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
        lines.append(
            f"{kind}: {len(keys):,} = {carried:,} carried + {reasons.total():,} needs attention ({why})"
        )
    return lines


def _carried(
    held: dict[str, dict[str, str]], items: dict[tuple[str, str], Item]
) -> dict[str, dict[str, str]]:
    nothing = Item(None, None)
    return {
        kind: {key: value for key, value in keys.items() if items.get((kind, key), nothing).is_carried}
        for kind, keys in held.items()
    }


def _without_outcome(held: dict[str, dict[str, str]], items: dict[tuple[str, str], Item]) -> list[str]:
    """Name what was dropped, what needs attention without a reason, and what nobody held."""
    wanted = {(kind, key) for kind, keys in held.items() for key in keys}
    silent = {key for key, item in items.items() if not item.outcome or not (item.is_carried or item.reason)}
    return sorted(f"{kind} {key}" for kind, key in (wanted ^ items.keys()) | silent)


def _staff_linked_otherwise(carried: dict[str, str], ledger: Path) -> list[str]:
    now = dict(_rows(ledger, "SELECT staff_id, salesforce_user_id FROM staff_links"))
    return sorted(staff for staff, user in carried.items() if (now.get(staff) or "")[:15] != user[:15])


def _event_findings(before: OrgState, org: OrgState, carried: dict[str, str]) -> dict[str, list[str]]:
    """Look for Events that vanished, and for second ones: by key, and by booking and person."""
    now = {event.id: event for event in org.events}
    carried_ids = {event[:15] for event in carried.values()}
    new = [event for event in org.events if event.id not in {one.id for one in before.events}]
    pairs = Counter((event.booking_id, event.who_id) for event in org.events if event.booking_id)
    keys = Counter(event.key for event in org.events if event.key)
    return {
        "Events that vanished": sorted(event.id for event in before.events if event.id not in now),
        "Events twice": sorted(
            {str(key) for key, number in keys.items() if number > 1}
            | {str(pair) for pair, number in pairs.items() if number > 1}
            | {event.id for event in new if event.key in carried and event.id[:15] not in carried_ids}
        ),
        "Events of nobody": sorted(event.id for event in new if not event.key),
    }


def _at_another_time(booking_database: Path, org: OrgState, adopted: dict[str, str]) -> list[str]:
    now = {event.id[:15]: event for event in org.events}
    times = {key: (_instant(start), _instant(end)) for key, start, end in _rows(booking_database, _STARTS)}
    return sorted(
        key
        for key, event_id in adopted.items()
        if (event := now.get(event_id[:15])) and (event.starts_at, event.ends_at) != times.get(key)
    )


def _unaccounted(booking_database: Path, ledger: Path) -> list[str]:
    pairs = {key for key, _, _ in _rows(booking_database, _STARTS)}
    return sorted(pairs - {key for (key,) in _rows(ledger, _ACCOUNTED)})


def _events_counted(before: OrgState, org: OrgState, adopted: dict[str, str]) -> str:
    ours = {event_id[:15] for event_id in adopted.values()}
    taken_over = [event for event in org.events if event.id[:15] in ours]
    was = {event.id: event for event in before.events}
    changed = [event for event in taken_over if event != was.get(event.id)]
    return (
        f"Events: {len(before.events):,} before, {len(org.events):,} now; {len(taken_over):,} taken over, "
        f"{len(changed):,} of them changed since; {_unlabelled(taken_over):,} still without a label"
    )


def _unlabelled(events: Iterable[OrgEvent]) -> int:
    return sum(not event.subject.endswith(_SUFFIXES) for event in events)


def _checksum(links: dict[str, str]) -> str:
    lines = sorted(f"{key}={event[:15]}" for key, event in links.items())
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:12]


def _instant(text: str | None) -> datetime | None:
    """Return an instant as Salesforce keeps it: in UTC, whole seconds."""
    return datetime.fromisoformat(text).replace(microsecond=0, tzinfo=UTC) if text else None


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()
