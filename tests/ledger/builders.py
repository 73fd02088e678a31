"""Small frames and runs with defaults, so that a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from include.frames import CLAIM, DECISIONS, INSTANT, STAFF_LINKS, FrameContract
from include.ledger import contracts
from include.pipeline.context import Selection, SyncRun, Trigger

INSTALLED = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Return an instant so many minutes after the installation."""
    return INSTALLED + timedelta(minutes=minutes)


def run(
    run_id: str = "run-1", *, now: datetime | None = None, selection: Selection = Selection.APPOINTMENTS
) -> SyncRun:
    return SyncRun(
        run_id=run_id,
        dag_id="sync_appointments",
        selection=selection,
        trigger=Trigger.SCHEDULED,
        dry_run=False,
        now=now or at(10),
    )


def frame(contract: FrameContract, rows: list[dict[str, Any]], defaults: dict[str, Any]) -> pd.DataFrame:
    """Return rows as a frame of the contract; what neither a row nor the defaults name is missing."""
    full = [defaults | row for row in rows]
    unknown = {name for row in full for name in row} - set(contract.columns)
    assert not unknown, f"{contract.name} has no {unknown}"
    return contract.conform(
        pd.DataFrame(
            {
                name: _column([row.get(name) for row in full], dtype)
                for name, dtype in contract.columns.items()
            }
        )
    )


def _column(values: list[Any], dtype: str) -> pd.Series:
    if dtype == INSTANT:
        return pd.to_datetime(pd.Series(values, dtype=object), utc=True).astype(INSTANT)
    if dtype == CLAIM:
        return pd.Series([bool(value) for value in values], dtype=CLAIM)
    return pd.Series(values, dtype=dtype)


def _keyed(row: dict[str, Any]) -> dict[str, Any]:
    appointment_id, _, client_id = row.get("booking_key", "1-7").rpartition("-")
    return {"booking_key": "1-7", "appointment_id": appointment_id, "client_id": client_id or None} | row


FACTS = {
    "kind": "appointment",
    "status": "booked",
    "is_primary": True,
    "staff_id": "5",
    "starts_at": at(1440),
}


def pairs(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame(
        contracts.PAIRS_TO_CLAIM,
        [_keyed(row) for row in rows],
        {"kind": "appointment", "source_version": 100},
    )


def results(*rows: dict[str, Any]) -> pd.DataFrame:
    defaults = FACTS | {
        "source_version": 100,
        "action": "create",
        "event_id": "00U000000000001AAA",
        "who_id": "00Q000000000001AAA",
        "owner_id": "005000000000001AAA",
        "payload": '{"Subject":"Cut [Appointment]"}',
        "payload_hash": "hash",
    }
    return frame(contracts.EVENT_RESULTS, [_keyed(row) for row in rows], defaults)


def outcomes(*rows: dict[str, Any]) -> pd.DataFrame:
    defaults = FACTS | {
        "source_version": 100,
        "source_digest": "digest",
        "outcome": "written",
        "action": "create",
    }
    return frame(contracts.OUTCOMES, [_keyed(row) for row in rows], defaults)


def held(**row: Any) -> dict[str, Any]:
    return {"outcome": "held", "reason": "walk_in_not_final", "waits_for": "row", "action": "none"} | row


def groups(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame(contracts.PERSON_GROUPS, list(rows), {"sobject": "Lead"})


def people(*rows: dict[str, Any]) -> pd.DataFrame:
    defaults = {
        "client_id": "7",
        "sobject": "Lead",
        "record_id": "00Q000000000001AAA",
        "who_id": "00Q000000000001AAA",
        "evidence": "name_and_email",
    }
    return frame(contracts.PEOPLE_RESULTS, list(rows), defaults)


def decisions(*rows: dict[str, Any]) -> pd.DataFrame:
    defaults = {
        "client_id": "7",
        "person_ref": "new:7",
        "action": "create",
        "sobject": "Lead",
        "evidence": "new",
    }
    return frame(DECISIONS, list(rows), defaults)


def staff_links(*rows: dict[str, Any]) -> pd.DataFrame:
    defaults = {
        "staff_id": "5",
        "salesforce_user_id": "005000000000002AAA",
        "user_is_active": True,
        "set_by": "email",
    }
    return frame(STAFF_LINKS, list(rows), defaults)


def forwards(old_id: str, new_id: str, new_record_id: str | None = None) -> pd.DataFrame:
    moved = {"old_id": old_id, "new_id": new_id, "new_record_id": new_record_id or new_id}
    return frame(contracts.FORWARDS, [moved], {})
