"""The proof of a migration finds what is wrong: each test spoils one thing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.demo.legacy_proof import MigrationProof, prove_migration
from include.demo.org_reader import OrgEvent, OrgState

pytestmark = pytest.mark.rule("G9")

START, END = datetime(2026, 3, 10, 14, 30, tzinfo=UTC), datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
FIRST, SECOND, USER = "00ULo0000000001AAA", "00ULo0000000002AAA", "005Lo0000000004AAA"

_COCONUT = f"""
    CREATE TABLE appointments (id, starts_at, ends_at);
    CREATE TABLE attendees (appointment_id, client_id);
    CREATE TABLE legacy_field_mappings (id, target_field);
    CREATE TABLE legacy_staff_links (staff_id, salesforce_user_id);
    CREATE TABLE legacy_event_links (appointment_id, client_id, salesforce_event_id);
    INSERT INTO appointments VALUES
        (1, '2026-03-10 14:30:00.999999', '2026-03-10 15:00:00'), (2, '2026-03-10 14:30:00', '2026-03-10 15:00:00');
    INSERT INTO attendees VALUES (1, 7), (2, 7);
    INSERT INTO legacy_field_mappings VALUES (1, 'Title');
    INSERT INTO legacy_staff_links VALUES (5, '{USER}');
    INSERT INTO legacy_event_links VALUES (1, 7, '{FIRST}'), (2, 7, '00ULo0000000009AAA');
"""
_LEDGER = f"""
    CREATE TABLE legacy_migrations (id);
    CREATE TABLE migration_items (migration_id, kind, item_key, outcome, reason);
    CREATE TABLE migration_answers (migration_id, step, answered_by);
    CREATE TABLE event_links (booking_key, event_id);
    CREATE TABLE staff_links (staff_id, salesforce_user_id);
    CREATE TABLE quarantine (booking_key);
    CREATE TABLE outcomes (booking_key);
    INSERT INTO legacy_migrations VALUES (1);
    INSERT INTO migration_items VALUES
        (1, 'field_mapping', '1', 'carried', NULL), (1, 'staff_link', '5', 'carried', NULL),
        (1, 'event_link', '1-7', 'carried', NULL), (1, 'event_link', '2-7', 'needs_attention', 'event_deleted');
    INSERT INTO migration_answers VALUES (1, 'review', 'admin');
    INSERT INTO event_links VALUES ('1-7', '{FIRST}');
    INSERT INTO staff_links VALUES ('5', '{USER}');
    INSERT INTO quarantine VALUES ('2-7');
"""


def event(event_id: str = FIRST, **changes: object) -> OrgEvent:
    """A legacy Event as the legacy integration left it."""
    made = OrgEvent(event_id, None, None, "Coconut: Advice", START, END, "00QLo0000000003AAA", USER, "then")
    return replace(made, **changes)  # type: ignore[arg-type]


@dataclass
class Migrated:
    """A small organisation after its migration; ``events`` are those of the org now."""

    folder: Path
    before: list[OrgEvent]
    events: list[OrgEvent]

    def prove(self) -> MigrationProof:
        return prove_migration(
            OrgState(self.before, {}),
            OrgState(self.events, {}),
            booking_database=self.folder / "coconut.db",
            ledger=self.folder / "ledger.db",
        )

    def found(self) -> dict[str, list[str]]:
        return {name: keys for name, keys in self.prove().findings.items() if keys}

    @contextmanager
    def spoiling(self, database: str) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.folder / database)) as connection, connection:
            yield connection


@pytest.fixture
def migrated(tmp_path: Path) -> Migrated:
    made = Migrated(tmp_path, [event()], [event()])
    for name, script in (("coconut.db", _COCONUT), ("ledger.db", _LEDGER)):
        with made.spoiling(name) as connection:
            connection.executescript(script)
    return made


def test_it_holds_where_everything_is_in_its_place_and_says_so_in_figures(migrated: Migrated) -> None:
    proof = migrated.prove()

    assert proof.holds
    assert "event_link: 2 = 1 carried + 1 needs attention (1 event_deleted)" in proof.counted
    assert (
        "Events: 1 before, 1 now; 1 taken over, 0 of them changed since; 1 still without a label"
        in proof.counted
    )


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM migration_items WHERE item_key = '2-7'", "items without an outcome"),
        ("UPDATE migration_items SET reason = NULL", "items without an outcome"),
        ("UPDATE event_links SET event_id = '00ULo0000000008AAA'", "links to another Event"),
        ("UPDATE event_links SET event_id = '00ULo0000000008AAA'", "checksums that differ"),
        ("UPDATE staff_links SET salesforce_user_id = NULL", "staff linked otherwise"),
        ("DELETE FROM quarantine", "attendees neither with an Event nor with a reason"),
        ("UPDATE migration_answers SET answered_by = NULL", "human steps nobody answered"),
    ],
)
def test_it_notices_what_the_ledger_lost(migrated: Migrated, statement: str, finding: str) -> None:
    with migrated.spoiling("ledger.db") as ledger:
        ledger.execute(statement)

    assert finding in migrated.found()


@pytest.mark.parametrize(
    ("events", "finding"),
    [
        ([], "Events that vanished"),
        ([event(), event(SECOND, key="1-7", booking_id="1")], "Events twice"),
        ([event(key="1-7", booking_id="1"), event(SECOND, key="9-7", booking_id="1")], "Events twice"),
        ([event(), event(SECOND)], "Events of nobody"),
        ([event(starts_at=END)], "Events at another time than their booking"),
    ],
)
def test_it_notices_what_is_amiss_in_the_org(
    migrated: Migrated, events: list[OrgEvent], finding: str
) -> None:
    migrated.events = events

    assert finding in migrated.found()
