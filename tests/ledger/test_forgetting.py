"""What the ledger forgets, on request and by age, on both engines (rule Q11)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from include.ledger import tables
from include.ledger.repository import Ledger
from include.ledger.retention import Expiring
from tests.ledger.builders import at, run

pytestmark = pytest.mark.rule("Q11")

LEAD, OTHER_LEAD, EVENT = "00Q000000000001AAA", "00Q000000000002AAA", "00U000000000001AAA"
STAMPS = {"created_at": at(1), "updated_at": at(1)}


def put(ledger: Ledger, table: sa.Table, *rows: dict[str, Any]) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(sa.insert(table), list(rows))


def rows(ledger: Ledger, table: sa.Table) -> list[dict[str, Any]]:
    with ledger.engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def link(client_id: str, record_id: str, **values: Any) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "sobject": "Lead",
        "record_id": record_id,
        "who_id": record_id,
        "created_by_us": True,
        "evidence": "created",
        "claim_key": client_id,
        "written_values": '{"LastName": "Lee"}',
        "settings_version": 0,
        "last_run_id": "run-1",
        **STAMPS,
        **values,
    }


def pair(key: str, **values: Any) -> dict[str, Any]:
    appointment_id, _, client_id = key.rpartition("-")
    return {
        "booking_key": key,
        "appointment_id": appointment_id,
        "client_id": client_id,
        "event_id": EVENT if client_id == "7" else None,
        "payload": "{}",
        "payload_hash": "hash",
        "settled_digest": "digest",
        **STAMPS,
        **values,
    }


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Client 7 has a record of their own and a booking with client 8; everything about them is in the ledger."""
    put(ledger, tables.person_links, link("7", LEAD), link("8", OTHER_LEAD))
    put(ledger, tables.event_links, pair("12-7"), pair("12-8"), pair("13-8"))
    put(
        ledger,
        tables.phone_index,
        *({"record_id": one, "phone": "1416", "sobject": "Lead"} for one in (LEAD, OTHER_LEAD)),
    )
    put(ledger, tables.claim_keys, {"claim_key": "7", "base": "7", "ordinal": 1, "handed_out_at": at(1)})
    claim = {
        "claim_key": "7",
        "sobject": "Lead",
        "record_id": LEAD,
        "claimed_by_run": "run-1",
        "claimed_at": at(1),
    }
    put(ledger, tables.person_claims, *({"identity": one, **claim} for one in ("digest", "client:7")))
    for client_id in ("7", "8"):
        about = {"client_id": client_id, "run_id": "run-1"}
        put(
            ledger,
            tables.match_decisions,
            {**about, "decided_at": at(1), "settings_version": 0, "action": "create"},
        )
        put(
            ledger,
            tables.field_reports,
            {**about, "at": at(1), "sobject": "Lead", "field": "City", "report": "kept"},
        )
        outcome = {"booking_key": f"12-{client_id}", "run_id": "run-1", "at": at(1), "outcome": "quarantined"}
        put(ledger, tables.outcomes, {**outcome, "detail": "INVALID_EMAIL_ADDRESS on Email"})
    return ledger


def test_of_one_client_everything_goes_but_keys_and_ids_and_of_others_nothing(filled: Ledger) -> None:
    expected = {
        "match_decisions": 1,
        "field_reports": 1,
        "phone_index": 1,
        "person_claims": 1,
        "outcomes": 1,
        "event_links": 3,
        "person_links": 1,
    }
    assert filled.count_erasable("7") == expected
    filled.begin_erasure(["7"], who="Pat", now=at(5))

    assert filled.erase_client("7", staged_rows={"staged_rows": 4}, now=at(6)) == {
        **expected,
        "staged_rows": 4,
    }

    assert filled.count_erasable("7") == {}
    links = {row["booking_key"]: row for row in rows(filled, tables.event_links)}
    assert [links[key]["payload"] for key in ("12-7", "12-8", "13-8")] == [None, None, "{}"]
    assert (links["12-7"]["event_id"], links["12-8"]["settled_digest"]) == (EVENT, "digest")
    kept = {row["client_id"]: row["written_values"] for row in rows(filled, tables.person_links)}
    assert (kept["7"], json.loads(kept["8"])) == (None, {"LastName": "Lee"})
    assert [row["identity"] for row in rows(filled, tables.person_claims)] == ["client:7"]
    assert [row["record_id"] for row in rows(filled, tables.phone_index)] == [OTHER_LEAD]
    (noted,) = rows(filled, tables.erasures)
    assert noted["salesforce_ids"] == {"Lead": [LEAD], "Event": [EVENT]}
    assert (noted["erased_at"], noted["finished_at"]) == (at(5), at(6))


def test_a_client_is_erased_from_the_beginning_until_somebody_enables_them(filled: Ledger) -> None:
    assert filled.erased_clients(["7", "8"]) == frozenset()
    filled.disable_clients(["8"], who="Pat", now=at(4))
    filled.begin_erasure(["7"], who="Pat", now=at(5))
    filled.begin_erasure(["7"], who="Pat", now=at(5))

    assert filled.erased_clients(["7", "8"]) == {"7"}
    assert len(rows(filled, tables.erasures)) == 1
    filled.enable_clients(["7"], who="Pat", now=at(7))
    assert filled.erased_clients(["7", "8"]) == frozenset()


def test_runs_that_are_at_work_are_told_of_unless_they_began_long_ago(ledger: Ledger) -> None:
    for run_id, minutes in (("old", 10), ("young", 30)):
        ledger.open_run(run(run_id, now=at(minutes)), settings_version=0, seen_at=at(minutes))

    assert ledger.runs_at_work_or_unsettled(since=at(20)) == {"young"}
    known = ledger.known_runs(["old", "young", "unknown"], over_before=at(25), abandoned_before=at(20))
    assert (known.known, known.needed) == ({"old", "young"}, {"young"})


@pytest.mark.parametrize("kind", list(Expiring))
def test_every_kind_can_be_counted_and_removed(filled: Ledger, kind: Expiring) -> None:
    assert Expiring(kind.value).value in tables.metadata.tables
    found = filled.count_expired(kind, before=at(50))

    assert found == (2 if kind is Expiring.FIELD_REPORTS else 0)
    assert filled.remove_expired(kind, before=at(50), limit=10) == found
