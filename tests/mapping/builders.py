"""Frames of a few rows with sensible defaults: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from include.frames import (
    ANSWERS,
    BOOKINGS,
    CLIENTS,
    DECISIONS,
    EVENT_LINKS,
    EVENTS,
    STAFF_LINKS,
    FrameContract,
)
from include.mapping.events import REKEYED_FROM, map_events
from include.mapping.fields import default_mappings
from include.mapping.owner import OwnerCheck, check_owners
from include.settings.field_mapping import FieldMapping
from include.settings.model import Settings
from tests.mapping.org import ORG

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
UNASSIGNED = "005000000000001AAA"
BANKER = "005000000000002AAA"
LEAD = "00Q000000000001AAA"
OTHER_LEAD = "00Q000000000002AAA"
CONTACT = "003000000000001AAA"
EVENT = "00U000000000001AAA"
OTHER_EVENT = "00U000000000002AAA"

SETTINGS = Settings(unassigned_events_owner=UNASSIGNED)
FROM_THE_START = date(2000, 1, 1)


def frame(contract: FrameContract, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Build a frame under its contract; columns that no row names are missing."""
    if not rows:
        return contract.empty()
    built = pd.DataFrame(rows).reindex(columns=list(contract.columns))
    for name, dtype in contract.columns.items():
        if dtype == "datetime64[us, UTC]":
            built[name] = pd.to_datetime(built[name], utc=True, format="ISO8601")
    return contract.conform(built)


def booking(appointment_id: int = 1, client_id: int | None = 10, **changes: Any) -> dict[str, Any]:
    """One pair: an appointment next week with one attendee, no staff."""
    return {
        "appointment_id": str(appointment_id),
        "client_id": None if client_id is None else str(client_id),
        "is_primary": True,
        "kind": "appointment",
        "status": "booked",
        "service_id": "5",
        "service_name": "Mortgage",
        "service_minutes": 30,
        "location_id": "7",
        "location_name": "Main branch",
        "location_address": "1 King St",
        "location_city": "Toronto",
        "location_timezone": "America/Toronto",
        "starts_at": "2026-06-08T14:00:00Z",
        "ends_at": "2026-06-08T15:00:00Z",
        "meeting_method": "in_person",
        "booked_through": "client_view",
        "booked_at": "2026-05-01T09:00:00Z",
        "booking_deleted": False,
        "attendee_deleted": False,
        "client_exists": True,
        "client_deleted": False,
        "client_disabled": False,
        "client_first_name": "Ana",
        "client_last_name": "Silva",
        "changed_at": "2026-05-20T10:00:00Z",
    } | changes


def decision(client_id: int = 10, who_id: str | None = LEAD, **changes: Any) -> dict[str, Any]:
    """A client who was found in Salesforce; ``who_id=None`` is one to be created."""
    return {
        "client_id": str(client_id),
        "person_ref": who_id or f"new:{client_id}",
        "action": "link" if who_id else "create",
        "sobject": "Lead",
        "record_id": who_id,
        "who_id": who_id,
    } | changes


def answer(appointment_id: int, client_id: int | None, question_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "appointment_id": str(appointment_id),
        "client_id": None if client_id is None else str(client_id),
        "question_id": str(question_id),
        "name": f"question_{question_id}",
        "label": f"Question {question_id}",
        "scope": "appointment",
        "value": "yes",
    } | changes


def staff_link(staff_id: int, user_id: str | None = BANKER, *, is_active: bool = True) -> dict[str, Any]:
    return {
        "staff_id": str(staff_id),
        "salesforce_user_id": user_id,
        "user_is_active": is_active,
        "set_by": "email",
        "reason": None if user_id else "no_user",
    }


def link_of(written: pd.Series, **changes: Any) -> dict[str, Any]:
    """The ledger's link as it stands after ``written`` (a row of the events frame) was loaded."""
    version = written["source_version"]
    return {
        "booking_key": written["booking_key"],
        "appointment_id": written["appointment_id"],
        "client_id": written["client_id"],
        "event_id": EVENT,
        "who_id": written["desired_who_id"],
        "owner_id": written["desired_owner_id"],
        "staff_id": written["staff_id"],
        "payload": written["payload"],
        "claimed_version": version,
        "written_version": version,
        "settled_version": version,
        "is_backfilled": False,
        "is_adopted": False,
    } | changes


def mapped(
    bookings: list[dict[str, Any]],
    *,
    decisions: list[dict[str, Any]] | None = None,
    answers: list[dict[str, Any]] | None = None,
    staff_links: list[dict[str, Any]] | None = None,
    links: list[dict[str, Any]] | None = None,
    clients: list[dict[str, Any]] | None = None,
    mappings: Sequence[FieldMapping] | None = None,
    settings: Settings = SETTINGS,
    sync_from: date = FROM_THE_START,
    owners: OwnerCheck | None = None,
    now: datetime = NOW,
    legacy_until: datetime | None = None,
) -> pd.DataFrame:
    """Map bookings; by default every client named was found as the same Lead."""
    if decisions is None:
        ids = {int(row["client_id"]) for row in bookings if row["client_id"] is not None}
        decisions = [decision(client_id) for client_id in sorted(ids)]
    return map_events(
        frame(BOOKINGS, bookings),
        frame(ANSWERS, answers or []),
        frame(CLIENTS, clients or []),
        frame(DECISIONS, decisions),
        frame(STAFF_LINKS, staff_links or []),
        frame(EVENT_LINKS, links or []),
        mappings=default_mappings() if mappings is None else mappings,
        org_fields=ORG,
        settings=settings,
        sync_from=sync_from,
        owners=owners or check_owners(settings, {UNASSIGNED, BANKER}),
        now=now,
        legacy_until=legacy_until,
    )


def only(events: pd.DataFrame) -> pd.Series:
    """Return the single row of a frame."""
    assert len(events) == 1
    return events.iloc[0]


def sent(row: pd.Series) -> dict[str, str]:
    """Return the Salesforce fields that a row sends."""
    fields = [name for name in row.index if name not in EVENTS.columns and name != REKEYED_FROM]
    return {name: row[name] for name in fields if pd.notna(row[name])}


def verdict(row: pd.Series) -> tuple[Any, Any, Any]:
    """Return action, outcome (None where something is written) and reason of a row."""
    return tuple(None if pd.isna(row[name]) else row[name] for name in ("action", "outcome", "reason"))
