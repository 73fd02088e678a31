"""What becomes of clients by themselves, in three-row frames."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.frames import CLIENTS, DECISIONS, PEOPLE, PERSON_REFUSALS
from include.mapping.client_outcomes import client_outcomes, digest_clients
from include.mapping.owner import check_owners
from include.settings.model import Settings
from tests.ledger.builders import at, frame

OWNER = "005000000000002AAA"


def clients(*rows: dict[str, Any]) -> pd.DataFrame:
    numbered = [{"client_id": str(number)} | row for number, row in enumerate(rows, start=1)]
    return frame(CLIENTS, numbered, {"updated_at": at(1)})


def decisions(*rows: dict[str, Any]) -> pd.DataFrame:
    numbered = [{"client_id": str(number)} | row for number, row in enumerate(rows, start=1)]
    return frame(DECISIONS, numbered, {"action": "link", "person_ref": "00Q1"})


def outcomes(
    asked: pd.DataFrame,
    decided: pd.DataFrame,
    *people: dict[str, Any],
    refused: tuple[dict[str, Any], ...] = (),
) -> list[tuple[Any, ...]]:
    found = client_outcomes(
        asked,
        decided,
        frame(PEOPLE, list(people), {"operation": "insert"}),
        frame(PERSON_REFUSALS, list(refused), {}),
        owners=check_owners(Settings(default_owner=OWNER), []),
    )
    columns = ["client_id", "outcome", "reason", "waits_for", "waits_for_key"]
    return [
        tuple(row) for row in found[columns].astype(object).where(found[columns].notna(), None).to_numpy()
    ]


@pytest.mark.rule("S13")
@pytest.mark.rule("M8")
def test_one_client_of_each_person_is_written_and_whose_record_needs_nothing_is_unchanged() -> None:
    new, kept = {"action": "create", "person_ref": "new:1"}, {"person_ref": "00Q9"}
    found = outcomes(
        clients({}, {}, {}), decisions(new, new, kept), {"person_ref": "new:1", "client_id": "1"}
    )
    assert [row[1] for row in found] == ["written", "unchanged", "unchanged"]


@pytest.mark.rule("Q2")
def test_who_is_held_quarantined_or_refused_says_why_and_waits_for_what_the_reason_names() -> None:
    found = outcomes(
        clients({}, {}, {}),
        decisions(
            {"action": "hold", "reason": "registration_off", "person_ref": None},
            {"action": "create", "person_ref": "new:2"},
            {"action": "create", "person_ref": "new:3"},
        ),
        {"person_ref": "new:2", "outcome": "quarantined", "reason": "default_owner_inactive"},
        {"person_ref": "new:3"},
        refused=({"person_ref": "new:3", "reason": "duplicate_rule", "detail": "a rule"},),
    )
    assert found == [
        ("1", "held", "registration_off", "setting", "register_people"),
        ("2", "quarantined", "default_owner_inactive", "salesforce_user", OWNER),
        ("3", "held", "duplicate_rule", "person", "3"),
    ]


@pytest.mark.rule("T4")
@pytest.mark.rule("S9")
def test_disabled_and_deleted_clients_are_not_touched_whoever_shares_their_record() -> None:
    found = outcomes(
        clients({"sync_disabled": True}, {"is_deleted": True}, {}),
        decisions({}, {}, {}),
        {"person_ref": "00Q1", "operation": "update"},
    )
    assert [row[1:3] for row in found] == [
        ("disabled", "client_disabled"),
        ("held", "client_deleted"),
        ("written", None),
    ]


@pytest.mark.rule("S13")
def test_a_digest_tells_everything_but_the_time_of_the_change() -> None:
    one, touched, moved, disabled = digest_clients(
        clients(
            {"client_id": "1"},
            {"client_id": "1", "updated_at": at(9)},
            {"client_id": "1", "city": "Ottawa"},
            {"client_id": "1", "sync_disabled": True},
        )
    )
    assert one == touched
    assert len({one, moved, disabled}) == 3
