"""What a field mapping may read, and the rules that fill fields of their own (rules F1, F2)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class SourceKind(StrEnum):
    """What kind of value a source holds; it decides which Salesforce fields it fits."""

    TEXT = "text"
    NAME = "name"
    """The name of a service or location, a text of Coconut's own making: cut where a field is too short for it."""
    INSTANT = "instant"
    DAY = "day"
    NUMBER = "number"
    CLAIM = "claim"


_TEXT, _NAME, _INSTANT = SourceKind.TEXT, SourceKind.NAME, SourceKind.INSTANT

CLIENT_SOURCES: Final[Mapping[str, SourceKind]] = {
    "client_id": _TEXT,
    "first_name": _TEXT,
    "last_name": _TEXT,
    "email": _TEXT,
    "phone": _TEXT,
    "company": _TEXT,
    "address": _TEXT,
    "city": _TEXT,
    "region": _TEXT,
    "postal_code": _TEXT,
    "country": _TEXT,
    "locale": _TEXT,
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
}
"""Columns of ``frames.CLIENTS`` that may be mapped."""

BOOKING_SOURCES: Final[Mapping[str, SourceKind]] = {
    "appointment_id": _TEXT,
    "is_primary": SourceKind.CLAIM,
    "kind": _TEXT,
    "status": _TEXT,
    "service_id": _TEXT,
    "service_name": _NAME,
    "service_minutes": SourceKind.NUMBER,
    "location_id": _TEXT,
    "location_name": _NAME,
    "location_address": _NAME,
    "location_city": _NAME,
    "staff_id": _TEXT,
    "starts_at": _INSTANT,
    "ends_at": _INSTANT,
    "local_day": SourceKind.DAY,
    "time_zone": _TEXT,
    "meeting_method": _TEXT,
    "booked_through": _TEXT,
    "notes": _TEXT,
    "utm_campaign": _TEXT,
    "cancellation_reason": _TEXT,
    "booked_at": _INSTANT,
}
"""Columns of ``frames.BOOKINGS`` that may be mapped, and the booking's zone and day as the sync understands them."""

SETTING_SOURCES: Final = ("company_placeholder", "lead_source", "key_namespace")
"""Settings that may be written into a field."""

RULES: Final[Mapping[str, Mapping[str, str]]] = {
    "Lead": {"owner": "OwnerId", "client_key": "Coconut_Client_Key__c"},
    "Contact": {"owner": "OwnerId", "client_key": "Coconut_Client_Key__c"},
    "Account": {"owner": "OwnerId", "client_key": "Coconut_Client_Key__c"},
    "Event": {
        "booking_key": "Coconut_Booking_Key__c",
        "subject": "Subject",
        "starts_at": "StartDateTime",
        "ends_at": "EndDateTime",
        "location": "Location",
        "description": "Description",
        "show_as": "ShowAs",
        "edit_url": "Coconut_Edit_Url__c",
        "person": "WhoId",
        "owner": "OwnerId",
    },
}
"""Per sObject, the values that a rule of its own makes, and the only field that takes each."""

REPLACEABLE_RULES: Final = frozenset({"location", "description"})
"""Rules whose field may be filled otherwise, or not at all; without the others the sync does not work."""

FORBIDDEN_TARGETS: Final[Mapping[str, Mapping[str, str]]] = {
    "Lead": {},
    "Contact": {"AccountId": "the Account follows from the client's company"},
    "Account": {
        "Name": "a Person Account is named by its first and last name",
        "RecordTypeId": "the setting person_account_record_type decides it",
    },
    "Event": dict.fromkeys(
        ("ActivityDate", "ActivityDateTime", "DurationInMinutes", "EndDate", "IsAllDayEvent"),
        "start and end decide when an Event is",
    )
    | {
        "WhatId": "it belongs to Salesforce users, and is never sent",
        "IsPrivate": "an Event that reports cannot see is not wanted",
    },
}
"""Per sObject, fields that no mapping may fill, and why."""


def source_kind(source: str) -> SourceKind | None:
    """Return what a source holds, or nothing where there is no such source."""
    group, _, name = source.partition(".")
    if group == "client":
        return CLIENT_SOURCES.get(name)
    if group == "booking":
        return BOOKING_SOURCES.get(name)
    if group == "setting":
        return SourceKind.TEXT if name in SETTING_SOURCES else None
    return SourceKind.TEXT if group == "answer" and name else None
