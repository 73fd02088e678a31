"""What a reconciliation may find, what it means, and who mends it: the closed list (rule Q7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from include.frames import TEXT, WHOLE, FrameContract


class Finding(StrEnum):
    """One kind of difference between the booking database, the ledger and the org."""

    MISSING = "missing"
    UNLINKED = "unlinked"
    EXTRA = "extra"
    DUPLICATE = "duplicate"
    DRIFTED = "drifted"
    STALE = "stale"
    ORPHANED = "orphaned"
    PERSON_GONE = "person_gone"
    OWNER_CHANGED = "owner_changed"
    PERSON_CHANGED = "person_changed"


class Remedy(StrEnum):
    """What becomes of a finding."""

    REPAIR = "repair"
    PERSON = "person"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FindingText:
    """What a finding means in a sentence, and what a repair does about it."""

    text: str
    repair: str


FINDINGS: Final[dict[Finding, FindingText]] = {
    Finding.MISSING: FindingText(
        "The booking should have an Event, and the org has none.",
        "The Event is written again.",
    ),
    Finding.UNLINKED: FindingText(
        "The org holds the booking's Event under our key, and the ledger does not know it.",
        "The ledger takes the Event up, and what differs is written.",
    ),
    Finding.EXTRA: FindingText(
        "An Event bears our key, and no booking asks for it: the booking or attendee is gone, or never was.",
        "The Event is deleted.",
    ),
    Finding.DUPLICATE: FindingText(
        "An Event bears a booking's number, and is not the Event of any attendee: a copy.",
        "A copy that our own user made is deleted; any other is left to a person.",
    ),
    Finding.DRIFTED: FindingText(
        "Fields of the Event hold something else than what was last written.",
        "These fields are written again.",
    ),
    Finding.STALE: FindingText(
        "What would be written now differs from what was last written: a service was renamed, say.",
        "The Event is written as it should be now.",
    ),
    Finding.ORPHANED: FindingText(
        "The Event's booking or attendee vanished from Coconut without a mark of deletion.",
        "The Event is deleted.",
    ),
    Finding.PERSON_GONE: FindingText(
        "The record that a client is linked to was converted, merged or deleted.",
        "The client is matched again, and their bookings follow.",
    ),
    Finding.OWNER_CHANGED: FindingText(
        "The Event has another owner than was last written; a Salesforce user's choice stays.", "Nothing."
    ),
    Finding.PERSON_CHANGED: FindingText(
        "The Event is on another person than was last written; a Salesforce user's choice stays.", "Nothing."
    ),
}
"""Every finding, in the order in which reports name them."""

UNTOUCHED: Final = frozenset({Finding.OWNER_CHANGED, Finding.PERSON_CHANGED})
"""What Salesforce users and Lead conversions changed stays (rule S12): reported, never repaired."""

FOUND: Final = FrameContract(
    "reconciliation_findings",
    {
        # one row per finding; names of fields, never values of people
        "finding": TEXT,  # Finding
        "remedy": TEXT,  # Remedy
        "booking_key": TEXT,  # missing for a copy, and for a person
        "appointment_id": TEXT,
        "client_id": TEXT,
        "kind": TEXT,  # of the booking; missing where nobody knows it
        "event_id": TEXT,  # the Event in the org; missing where there is none
        "record_id": TEXT,  # the linked person's, where that is what the finding is about
        "fields": TEXT,  # API names, joined by a space
        # what the ledger held when it was compared: a repair corrects nothing that moved since
        "known_event_id": TEXT,
        "known_version": WHOLE,
    },
)
