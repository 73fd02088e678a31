"""The checks themselves, as data: which expectation, on which column, and what a failing row is told (rule Q1).

A check with a reason speaks about rows: a row that fails is quarantined with it. A check without one speaks about the
batch: it cannot fail unless the batch is broken, so one failing row closes the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from include.frames import BOOKINGS, CLEAR, EVENTS, PEOPLE
from include.mapping.hurdles import KINDS, STATUSES
from include.mapping.plan import BOOKING_KEY
from include.reasons import Reason


class Suite(StrEnum):
    """The frames that are checked; new and changed records are told apart because only a new one must be whole."""

    SOURCE = "source"
    NEW_PEOPLE = "new_people"
    CHANGED_PEOPLE = "changed_people"
    NEW_EVENTS = "new_events"
    CHANGED_EVENTS = "changed_events"


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation of Great Expectations by the name of its class, with its arguments."""

    expectation: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    reason: Reason | None = None


INSTANT_PATTERN: Final = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.000Z$"
USER_ID_PATTERN: Final = r"^005[A-Za-z0-9]{15}$"
PERSON_ID_PATTERN: Final = r"^(?:00Q|003)[A-Za-z0-9]{15}$"
SUBJECT_PATTERN: Final = r"^\S.* \[(?:Appointment|Walk-In)\]$"
EMAIL_PATTERN: Final = rf"^(?:[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+|{CLEAR})$"

MOST_MINUTES: Final = 14 * 24 * 60
"""Length of the longest Event that Salesforce takes (Object Reference, Event)."""


def _columns(*names: str) -> Check:
    return Check("ExpectTableColumnsToMatchSet", {"column_set": list(names), "exact_match": False})


def _present(column: str, reason: Reason | None = None) -> Check:
    return Check("ExpectColumnValuesToNotBeNull", {"column": column}, reason)


def _unique(column: str) -> Check:
    return Check("ExpectColumnValuesToBeUnique", {"column": column})


def _one_of(column: str, *values: object, reason: Reason | None = None) -> Check:
    return Check("ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(values)}, reason)


def _shaped(column: str, pattern: str, reason: Reason | None = None) -> Check:
    return Check("ExpectColumnValuesToMatchRegex", {"column": column, "regex": pattern}, reason)


def length_checks(lengths: Mapping[str, int]) -> tuple[Check, ...]:
    """Return one check per text field on the characters that the org lets it have."""
    return tuple(
        Check(
            "ExpectColumnValueLengthsToBeBetween",
            {"column": name, "max_value": length},
            Reason.VALUE_TOO_LONG,
        )
        for name, length in lengths.items()
    )


SOURCE_CHECKS: Final = (
    _columns(*BOOKINGS.columns),
    _present("appointment_id"),
    _unique("booking_key"),
    _present("changed_at"),
    _present("client_id", Reason.NO_ATTENDEE),
    _one_of("client_exists", True, reason=Reason.CLIENT_MISSING),
    _present("kind", Reason.UNKNOWN_KIND),
    _one_of("kind", *KINDS, reason=Reason.UNKNOWN_KIND),
    _present("status", Reason.UNKNOWN_STATUS),
    _one_of("status", *STATUSES, reason=Reason.UNKNOWN_STATUS),
    _present("starts_at", Reason.MISSING_START),
    _present("ends_at", Reason.NO_END),
    Check("ExpectColumnValuesToBeBetween", {"column": "minutes", "min_value": 0}, Reason.ENDS_BEFORE_START),
    Check("ExpectColumnValuesToBeBetween", {"column": "minutes", "max_value": MOST_MINUTES}, Reason.TOO_LONG),
    _one_of("has_known_zone", True, reason=Reason.UNKNOWN_TIME_ZONE),
)
"""On the pairs as they were read, with the derived columns of ``include.quality.gate``."""

_PEOPLE_SHAPES: Final = (
    _present("person_ref"),
    _unique("person_ref"),
    _one_of("sobject", "Lead", "Contact", "Account"),
    _shaped("Email", EMAIL_PATTERN, Reason.INVALID_EMAIL),
    _shaped("PersonEmail", EMAIL_PATTERN, Reason.INVALID_EMAIL),
)
"""On the people who are to be written; checks on fields that a frame does not have are left out."""

NEW_PEOPLE_CHECKS: Final = (
    _columns(*PEOPLE.columns, "LastName"),
    *_PEOPLE_SHAPES,
    _one_of("operation", "insert"),
    _present("LastName", Reason.UNNAMED_CLIENT),
    _shaped("OwnerId", USER_ID_PATTERN, Reason.DEFAULT_OWNER_MALFORMED),
)

CHANGED_PEOPLE_CHECKS: Final = (
    _columns(*PEOPLE.columns),
    *_PEOPLE_SHAPES,
    _one_of("operation", "update"),
    _present("record_id"),
)

_EVENT_SHAPES: Final = (
    _columns(*EVENTS.columns, BOOKING_KEY, "Subject", "StartDateTime", "EndDateTime", "OwnerId", "WhoId"),
    _present("booking_key"),
    _unique("booking_key"),
    _present("source_version"),
    _shaped("Subject", SUBJECT_PATTERN),
    _shaped("StartDateTime", INSTANT_PATTERN),
    _shaped("EndDateTime", INSTANT_PATTERN),
    _one_of("ShowAs", "Busy", "Free"),
    _shaped("OwnerId", USER_ID_PATTERN),
    _shaped("WhoId", PERSON_ID_PATTERN),
    Check(
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {
            "column_A": "EndDateTime",
            "column_B": "StartDateTime",
            "or_equal": True,
            "ignore_row_if": "either_value_is_missing",
        },
    ),
)

NEW_EVENT_CHECKS: Final = (
    *_EVENT_SHAPES,
    _present(BOOKING_KEY),
    _present("Subject"),
    _present("StartDateTime"),
    _present("EndDateTime"),
    _present("OwnerId"),
    _present("person_ref"),
)

CHANGED_EVENT_CHECKS: Final = (*_EVENT_SHAPES, _present("event_id"))

SUITES: Final[Mapping[Suite, tuple[Check, ...]]] = {
    Suite.SOURCE: SOURCE_CHECKS,
    Suite.NEW_PEOPLE: NEW_PEOPLE_CHECKS,
    Suite.CHANGED_PEOPLE: CHANGED_PEOPLE_CHECKS,
    Suite.NEW_EVENTS: NEW_EVENT_CHECKS,
    Suite.CHANGED_EVENTS: CHANGED_EVENT_CHECKS,
}
