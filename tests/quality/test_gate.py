"""The gate before the first write."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from include.frames import BOOKINGS, EVENTS, PEOPLE
from include.mapping.events import booking_keys
from include.quality.checks import Suite
from include.quality.gate import QualityGate
from include.reasons import Reason
from tests.mapping.builders import booking, frame, link_of, mapped, only

LENGTHS = {Suite.NEW_PEOPLE: {"LastName": 80}, Suite.NEW_EVENTS: {"Location": 255}}


@pytest.fixture(scope="module")
def open_gate() -> QualityGate:
    """A gate that no share of failing rows closes: its context is built once for all tests that ask about rows."""
    return QualityGate(at_least_rows=10**9, lengths=LENGTHS)


def source(*rows: dict[str, Any]) -> pd.DataFrame:
    bookings = frame(BOOKINGS, list(rows))
    return bookings.assign(booking_key=booking_keys(bookings))


def person(person_ref: str = "new:10", **changes: Any) -> dict[str, Any]:
    return {
        "person_ref": person_ref,
        "operation": "insert",
        "sobject": "Lead",
        "client_id": person_ref.removeprefix("new:"),
        "LastName": "Silva",
        "Company": "[not provided]",
        "Email": "ana@example.com",
    } | changes


def people(*rows: dict[str, Any]) -> pd.DataFrame:
    columns = dict.fromkeys([*PEOPLE.columns, *(name for row in rows for name in row)])
    return PEOPLE.conform(pd.DataFrame(list(rows)).reindex(columns=list(columns)))


def reasons(failing: pd.DataFrame) -> dict[str, str]:
    return failing.drop_duplicates("key").set_index("key")["reason"].to_dict()


@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_exists": False}, Reason.CLIENT_MISSING),
        ({"kind": "party"}, Reason.UNKNOWN_KIND),
        ({"kind": None}, Reason.UNKNOWN_KIND),
        ({"status": "lost"}, Reason.UNKNOWN_STATUS),
        ({"starts_at": None}, Reason.MISSING_START),
        ({"ends_at": None, "service_minutes": None}, Reason.NO_END),
        ({"ends_at": "2026-06-08T13:59:59Z"}, Reason.ENDS_BEFORE_START),
        ({"ends_at": "2026-06-22T14:00:01Z"}, Reason.TOO_LONG),
        ({"timezone": "Mars/Olympus"}, Reason.UNKNOWN_TIME_ZONE),
    ],
)
def test_a_bad_source_row_fails_with_the_reason_that_mapping_gives_it(
    open_gate: QualityGate, changes: dict[str, Any], reason: Reason
) -> None:
    verdict = open_gate.check_source(source(booking(1, 10, **changes), booking(2, 11)))
    assert verdict.broken == ()
    assert reasons(verdict.failing) == {"1-10": reason}
    mapped_row = mapped([booking(1, 10, **changes)]).iloc[0]
    assert mapped_row["reason"] == reason


@pytest.mark.rule("Q1")
def test_a_booking_without_attendee_fails_for_that_and_not_for_a_missing_client(
    open_gate: QualityGate,
) -> None:
    verdict = open_gate.check_source(source(booking(1, None, client_exists=False), booking(2, 11)))
    assert reasons(verdict.failing) == {"1-": Reason.NO_ATTENDEE}


@pytest.mark.rule("Q1")
def test_deleted_pairs_and_disabled_clients_are_not_checked(open_gate: QualityGate) -> None:
    rows = (
        booking(1, 10, status="lost", booking_deleted=True),
        booking(2, 11, kind="party", attendee_deleted=True),
        booking(3, 12, starts_at=None, client_disabled=True),
        booking(4, 13),
    )
    verdict = open_gate.check_source(source(*rows))
    assert verdict.failing.empty
    assert verdict.broken == ()


@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"LastName": None}, Reason.UNNAMED_CLIENT),
        ({"LastName": "x" * 81}, Reason.VALUE_TOO_LONG),
        ({"Email": "ana@"}, Reason.INVALID_EMAIL),
        ({"OwnerId": "somebody"}, Reason.DEFAULT_OWNER_MALFORMED),
    ],
)
def test_a_bad_person_fails_with_its_reason(
    open_gate: QualityGate, changes: dict[str, Any], reason: Reason
) -> None:
    verdict = open_gate.check_people(people(person(**changes), person("new:11")))
    assert verdict.broken == ()
    assert reasons(verdict.failing) == {"new:10": reason}


@pytest.mark.rule("Q1")
def test_a_person_who_is_quarantined_already_is_not_checked_again(open_gate: QualityGate) -> None:
    bad = person(LastName=None, outcome="quarantined", reason=str(Reason.UNNAMED_CLIENT))
    assert open_gate.check_people(people(bad, person("new:11"))).failing.empty


@pytest.mark.rule("Q1")
def test_events_as_the_mapping_builds_them_pass(open_gate: QualityGate) -> None:
    written = only(mapped([booking(1, 10)]))
    events = mapped([booking(1, 10, status="confirmed"), booking(2, 11)], links=[link_of(written)])
    assert list(events["action"]) == ["update", "create"]
    verdict = open_gate.check_events(events)
    assert verdict.failing.empty
    assert verdict.broken == ()


@pytest.mark.rule("Q1")
def test_an_event_field_longer_than_salesforce_takes_fails_its_row(open_gate: QualityGate) -> None:
    events = mapped([booking(1, 10), booking(2, 11)])
    events.loc[0, "Location"] = "x" * 256
    assert reasons(open_gate.check_events(events).failing) == {"1-10": Reason.VALUE_TOO_LONG}


@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Subject", "Mortgage"),
        ("StartDateTime", "2026-06-08 14:00"),
        ("OwnerId", None),
        ("WhoId", "001000000000001AAA"),
        ("EndDateTime", "2026-06-08T13:00:00.000Z"),
    ],
)
def test_an_event_that_breaks_our_own_contract_closes_the_gate(column: str, value: str | None) -> None:
    gate = QualityGate()
    events = mapped([booking(1, 10), booking(2, 11)])
    events.loc[0, column] = value
    gate.check_events(events)
    assert not gate.is_open
    assert column in gate.sentence()


@pytest.mark.rule("Q1")
def test_a_missing_column_closes_the_gate_with_a_sentence() -> None:
    gate = QualityGate()
    gate.check_source(source(booking(1, 10)).drop(columns=["kind", "timezone"]))
    assert not gate.is_open
    assert "ExpectTableColumnsToMatchSet" in gate.sentence()


@pytest.mark.rule("Q1")
def test_a_pair_that_comes_twice_closes_the_gate() -> None:
    gate = QualityGate()
    gate.check_source(source(booking(1, 10), booking(1, 10)))
    assert not gate.is_open


@pytest.mark.rule("Q1")
def test_the_share_of_bad_rows_is_counted_over_all_chunks() -> None:
    gate = QualityGate(most_failing_percent=50, at_least_rows=4)
    bad = [booking(number, 10, status="lost") for number in range(1, 4)]
    gate.check_source(source(*bad))
    assert gate.is_open, "three bad rows are too few to judge by"
    gate.check_source(source(*(booking(number, 10, status="lost") for number in range(4, 6))))
    assert not gate.is_open
    assert "5 of 5 rows" in gate.sentence()
    gate.check_source(source(*(booking(number, 10) for number in range(6, 11))))
    assert gate.is_open, "five of ten are not more than half"


@pytest.mark.rule("Q1")
def test_bad_rows_in_small_number_only_quarantine_themselves() -> None:
    gate = QualityGate()
    verdict = gate.check_source(source(booking(1, 10, status="lost")))
    assert gate.is_open
    assert len(verdict.failing) == 1


@pytest.mark.rule("Q1")
def test_the_validation_result_is_json_with_counts_and_keys_but_no_personal_values() -> None:
    gate = QualityGate(lengths=LENGTHS)
    gate.check_people(people(person(Email="ana.silva@"), person("new:11", LastName="Q" * 99)))
    report = json.loads(json.dumps(gate.report()))
    expectations = report["frames"]["new_people"]["expectations"]
    failed = {(entry["column"], entry["reason"]): entry for entry in expectations if entry["failed"]}
    assert failed["Email", "invalid_email"]["keys"] == ["new:10"]
    assert failed["LastName", "value_too_long"]["failed"] == 1
    assert "ana.silva" not in json.dumps(report)
    assert "QQQ" not in json.dumps(report)


@pytest.mark.rule("Q1")
def test_frames_without_rows_pass() -> None:
    gate = QualityGate()
    gate.check_source(source(booking()).head(0))
    gate.check_people(PEOPLE.empty())
    gate.check_events(EVENTS.empty())
    assert gate.is_open
    json.dumps(gate.report())
