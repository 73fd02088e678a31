"""The demo's proof finds what is wrong: each test spoils one thing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert

from include.demo.org_reader import OrgEvent, OrgMember, OrgPerson, OrgState
from include.demo.proof import Before, Proof, prove
from include.source.tables import appointments, attendees, clients, create_all, locations, services, staff

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
START = datetime(2026, 3, 10, 14, 30, 0, 999_999, tzinfo=UTC)
END = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
LEAD, CONTACT, NEW_LEAD = "00QLo0000000001AAA", "003Lo0000000002AAA", "00QLo0000000003AAA"
AGENT, FALLBACK = "005Lo0000000004AAA", "005Lo0000000005AAA"


@pytest.fixture
def booking_database(tmp_path: Path) -> Path:
    """Three bookings: one of two attendees who are one Contact, a walk-in that is final, and one that is not."""
    path = tmp_path / "coconut.db"
    engine = create_engine(f"sqlite:///{path}")
    create_all(engine)
    rows = {
        locations: [{"id": 11, "name": "Branch", "timezone": "America/Halifax"}],
        services: [{"id": 31, "name": "Advice", "duration_minutes": 30}],
        staff: [{"id": 501, "email": "Agent@Example.com", "active": True, "updated_at": NOW}],
        clients: [
            {
                "id": 1,
                "first_name": "Ada",
                "last_name": "Byron",
                "email": "ada@example.com",
                "updated_at": NOW,
            },
            {
                "id": 2,
                "first_name": "ADA ",
                "last_name": "Byron",
                "email": "Ada@example.com",
                "updated_at": NOW,
            },
            {
                "id": 3,
                "first_name": "Grace",
                "last_name": "Hopper",
                "email": "g@example.com",
                "updated_at": NOW,
            },
        ],
        appointments: [
            booking(1, "appointment", "booked", ends_at=END, staff_id=501),
            booking(2, "walk_in", "complete", ends_at=None, staff_id=None),
            booking(3, "walk_in", "arrived", ends_at=END, staff_id=None),
        ],
        attendees: [
            {"appointment_id": 1, "client_id": 2, "is_primary": True, "updated_at": NOW},
            {"appointment_id": 1, "client_id": 1, "is_primary": False, "updated_at": NOW},
            {"appointment_id": 2, "client_id": 3, "is_primary": True, "updated_at": NOW},
            {"appointment_id": 3, "client_id": 3, "is_primary": True, "updated_at": NOW},
        ],
    }
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(insert(table), values)
    engine.dispose()
    return path


def booking(number: int, kind: str, status: str, **values: object) -> dict[str, object]:
    common = {"service_id": 31, "location_id": 11, "starts_at": START, "updated_at": NOW}
    return {"id": number, "kind": kind, "status": status, **common, **values}


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """The two tables that the proof reads of the ledger."""
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE quarantine (booking_key TEXT, outcome TEXT, reason TEXT, waits_for TEXT)"
        )
        connection.execute("CREATE TABLE settings_versions (version INTEGER, settings TEXT)")
        settings = json.dumps({"unassigned_events_owner": FALLBACK})
        connection.execute("INSERT INTO settings_versions VALUES (1, ?)", [settings])
        connection.commit()
    set_aside(path, "3-3", "held", "walk_in_not_final")
    return path


def set_aside(ledger: Path, key: str, outcome: str, reason: str) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("INSERT INTO quarantine VALUES (?, ?, ?, 'row')", [key, outcome, reason])
        connection.commit()


def person(record_id: str, first: str, last: str, email: str, key: str | None = None) -> OrgPerson:
    return OrgPerson(
        record_id, record_id.startswith("003"), first, last, email, "2026-01-01T00:00:00.000+0000", key
    )


SHARED = OrgEvent(
    id="00ULo1",
    key="1-2",
    booking_id="1",
    subject="Advice with Ada Byron [Appointment]",
    starts_at=START.replace(microsecond=0),
    ends_at=END,
    who_id=CONTACT,
    owner_id=AGENT,
    modified="2026-03-02T09:00:00.000+0000",
)
WALK_IN = replace(
    SHARED,
    id="00ULo2",
    key="2-3",
    booking_id="2",
    subject="Advice [Walk-In]",
    who_id=NEW_LEAD,
    owner_id=FALLBACK,
)


def right_org() -> OrgState:
    people = [
        person(LEAD, "Ada", "Byron", "ada@example.com"),
        person(CONTACT, "Ada", "Byron", "ada@example.com"),
        person(NEW_LEAD, "Grace", "Hopper", "g@example.com", key="3"),
    ]
    return OrgState([SHARED, WALK_IN], {one.id: one for one in people}, {"agent@example.com": [AGENT]})


Prove = Callable[[OrgState], Proof]


@pytest.fixture
def prove_it(booking_database: Path, ledger: Path) -> Prove:
    before = Before(replace(right_org(), events=[]))
    return lambda org: prove(org, before, booking_database=booking_database, ledger=ledger)


def test_the_proof_holds_for_what_the_booking_database_says(prove_it: Prove) -> None:
    proof = prove_it(right_org())

    assert proof.findings == {name: [] for name in proof.findings}
    assert (proof.holds, proof.expected, proof.found) == (True, 2, 2)
    assert proof.set_aside == {"walk-in that is not final: held, walk_in_not_final, waits for row": 1}


@pytest.mark.parametrize(
    ("spoiled", "finding", "keys"),
    [
        (None, "missing", ["2-3"]),
        (replace(WALK_IN, key="3-3"), "extra", ["3-3"]),
        (replace(WALK_IN, subject="Advice [Appointment]"), "wrong subject", ["2-3"]),
        (replace(WALK_IN, subject="x" * 250 + " [Walk-In]"), "wrong subject", ["2-3"]),
        (replace(WALK_IN, starts_at=START.replace(second=1)), "wrong times", ["2-3"]),
        (replace(WALK_IN, ends_at=END.replace(minute=1)), "wrong times", ["2-3"]),
        (replace(WALK_IN, who_id=LEAD), "wrong WhoId", ["2-3"]),
        (replace(WALK_IN, owner_id=AGENT), "wrong OwnerId", ["2-3"]),
    ],
)
def test_one_wrong_event_is_found(
    prove_it: Prove, spoiled: OrgEvent | None, finding: str, keys: list[str]
) -> None:
    org = replace(right_org(), events=[SHARED, *([spoiled] if spoiled else [])])

    proof = prove_it(org)

    assert not proof.holds
    assert proof.findings[finding] == keys


def test_a_second_event_for_one_booking_and_person_is_a_duplicate(prove_it: Prove) -> None:
    twin = replace(SHARED, id="00ULo9", key="1-1")

    proof = prove_it(replace(right_org(), events=[SHARED, WALK_IN, twin]))

    assert proof.findings["duplicate"] == ["booking 1"]


def test_a_record_created_for_somebody_who_was_there_is_a_duplicate_person(prove_it: Prove) -> None:
    org = right_org()
    twin = person("00QLo0000000009AAA", "ada", "byron", "ADA@example.com", key="1")
    org.people[twin.id] = twin

    assert prove_it(org).findings["duplicate people"] == [twin.id]


def test_what_salesforce_refused_is_not_missing_but_told(prove_it: Prove, ledger: Path) -> None:
    set_aside(ledger, "2-3", "quarantined", "refused_by_salesforce")

    proof = prove_it(replace(right_org(), events=[SHARED]))

    assert proof.holds
    assert any("that only Salesforce can judge" in line for line in proof.lines())


@pytest.mark.rule("Q2")
def test_a_pair_that_was_not_synced_needs_a_reason_and_one_that_was_needs_none(
    prove_it: Prove, ledger: Path
) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("DELETE FROM quarantine")
        connection.commit()
    assert prove_it(right_org()).findings["without a reason"] == ["3-3"]

    set_aside(ledger, "1-2", "held", "out_of_scope")
    assert prove_it(right_org()).findings["set aside without need"] == ["1-2"]


def test_an_event_that_had_to_be_left_alone_may_neither_go_nor_change(
    booking_database: Path, ledger: Path
) -> None:
    frozen = replace(WALK_IN, id="00ULo3", key="3-3", booking_id="3")
    before = Before(replace(right_org(), events=[SHARED, WALK_IN, frozen]), {"1-2": 501, "2-3": None})

    def proof_of(*events: OrgEvent) -> Proof:
        org = replace(right_org(), events=list(events))
        return prove(org, before, booking_database=booking_database, ledger=ledger)

    assert proof_of(SHARED, WALK_IN, frozen).holds
    assert proof_of(SHARED, WALK_IN).findings["missing"] == ["3-3"]
    changed = replace(frozen, subject="Other [Walk-In]")
    assert proof_of(SHARED, WALK_IN, changed).findings["changed though left alone"] == ["3-3"]


@pytest.mark.rule("S12")
def test_an_owner_changed_in_salesforce_stays_while_the_staff_member_does(
    booking_database: Path, ledger: Path
) -> None:
    changed_there = replace(SHARED, owner_id="005Lo0000000009AAA")
    before_org = replace(right_org(), events=[changed_there, WALK_IN])

    def owner_findings(staff_before: int) -> list[str]:
        before = Before(before_org, {"1-2": staff_before, "2-3": None})
        return prove(before_org, before, booking_database=booking_database, ledger=ledger).findings[
            "wrong OwnerId"
        ]

    assert owner_findings(501) == []
    assert owner_findings(502) == ["1-2"]


@pytest.mark.rule("S12")
def test_an_event_that_was_written_although_its_booking_did_not_change_is_found(
    booking_database: Path, ledger: Path
) -> None:
    first = prove(right_org(), Before(right_org()), booking_database=booking_database, ledger=ledger)
    rewritten = replace(
        right_org(), events=[SHARED, replace(WALK_IN, modified="2026-03-02T10:00:00.000+0000")]
    )
    before = Before.going_on(first, right_org())

    def findings() -> list[str]:
        proof = prove(rewritten, before, booking_database=booking_database, ledger=ledger)
        return proof.findings["written without a change"]

    assert findings() == [WALK_IN.id]
    with closing(sqlite3.connect(booking_database)) as connection:
        connection.execute("UPDATE attendees SET updated_at = '2026-03-02 09:30:00' WHERE appointment_id = 2")
        connection.commit()
    assert findings() == []


SPRING = OrgMember("Spring", CONTACT, "Sent")


@pytest.fixture
def campaign_bookings(booking_database: Path) -> Path:
    """Give the booking of two attendees who are one Contact, and the walk-in that is not final, a campaign."""
    with closing(sqlite3.connect(booking_database)) as connection:
        connection.execute("UPDATE appointments SET utm_campaign = 'Spring' WHERE id IN (1, 3)")
        connection.commit()
    return booking_database


@pytest.mark.rule("M13")
@pytest.mark.parametrize(
    ("members", "finding", "named"),
    [
        ([], "missing memberships", f"{CONTACT} of Spring"),
        ([replace(SPRING, who_id=LEAD)], "missing memberships", f"{CONTACT} of Spring"),
        ([SPRING, replace(SPRING, who_id=NEW_LEAD)], "extra memberships", f"{NEW_LEAD} of Spring"),
        ([SPRING, replace(SPRING, campaign="Autumn")], "extra memberships", f"{CONTACT} of Autumn"),
        ([replace(SPRING, status="Responded")], "wrong member status", f"{CONTACT} of Spring"),
    ],
)
def test_one_wrong_membership_is_found(
    campaign_bookings: Path, prove_it: Prove, members: list[OrgMember], finding: str, named: str
) -> None:
    assert prove_it(replace(right_org(), members=[SPRING])).holds

    assert prove_it(replace(right_org(), members=members)).findings[finding] == [named]


@pytest.mark.rule("M13")
def test_the_most_advanced_booking_decides_and_one_left_alone_counts_as_before(
    campaign_bookings: Path, ledger: Path
) -> None:
    org = replace(right_org(), members=[SPRING])
    first = prove(org, Before(right_org()), booking_database=campaign_bookings, ledger=ledger)
    with closing(sqlite3.connect(campaign_bookings)) as connection:
        connection.execute(
            "UPDATE appointments SET utm_campaign = 'Spring', status = 'complete' WHERE id = 2"
        )
        connection.execute("UPDATE attendees SET client_id = 2 WHERE appointment_id = 2")
        connection.execute("UPDATE clients SET sync_disabled = (id = 1)")
        connection.commit()

    def member_status(org: OrgState, before: Before) -> list[str]:
        proof = prove(org, before, booking_database=campaign_bookings, ledger=ledger)
        return proof.findings["wrong member status"]

    before = Before.going_on(first, org)
    assert member_status(org, before) == [f"{CONTACT} of Spring"]
    assert member_status(replace(org, members=[replace(SPRING, status="Responded")]), before) == []
    with closing(sqlite3.connect(campaign_bookings)) as connection:
        connection.execute("UPDATE clients SET sync_disabled = true")
        connection.commit()
    assert member_status(org, before) == []
    responded = replace(org, members=[replace(SPRING, status="Responded")])
    assert member_status(responded, before) == [f"{CONTACT} of Spring"]


@pytest.mark.rule("M13")
def test_a_membership_stays_when_no_booking_asks_for_it_any_more(
    campaign_bookings: Path, ledger: Path
) -> None:
    org = replace(right_org(), members=[SPRING])
    first = prove(org, Before(right_org()), booking_database=campaign_bookings, ledger=ledger)
    with closing(sqlite3.connect(campaign_bookings)) as connection:
        connection.execute("UPDATE appointments SET utm_campaign = NULL")
        connection.commit()
    going_on = Before.going_on(first, org)

    assert prove(org, going_on, booking_database=campaign_bookings, ledger=ledger).holds
    from_nowhere = prove(org, Before(right_org()), booking_database=campaign_bookings, ledger=ledger)
    assert from_nowhere.findings["extra memberships"] == [f"{CONTACT} of Spring"]
