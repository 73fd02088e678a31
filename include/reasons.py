"""Why a pair of booking and attendee was not simply written: the closed list of reasons (rules Q2, Q3, T5).

Every reason belongs to one outcome and says what the pair waits for; when that moved, the pair is read again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one pair in one run; every pair has exactly one (rule Q3)."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    HELD = "held"
    QUARANTINED = "quarantined"
    DISABLED = "disabled"


KEPT_BACK = (Outcome.HELD, Outcome.QUARANTINED, Outcome.DISABLED)
"""The outcomes of pairs that wait."""


class Action(StrEnum):
    """What a planned or written pair does to its Event."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"


class WaitsFor(StrEnum):
    """What has to move before a pair is read again."""

    NOTHING = "nothing"
    ROW = "row"
    CLIENT = "client"
    STAFF_LINK = "staff_link"
    SETTING = "setting"
    SALESFORCE_USER = "salesforce_user"
    PERSON = "person"
    BACKFILL = "backfill"


class Reason(StrEnum):
    """Why a pair has the outcome it has."""

    # unchanged
    SAME_AS_LAST_WRITTEN = "same_as_last_written"
    SHARED_EVENT = "shared_event"
    OVERTAKEN = "overtaken"
    DELETED_WITHOUT_EVENT = "deleted_without_event"
    EVENT_DELETED_IN_SALESFORCE = "event_deleted_in_salesforce"
    LEGACY_EVENT_KEPT = "legacy_event_kept"
    # held
    WALK_IN_NOT_FINAL = "walk_in_not_final"
    CLIENT_DELETED = "client_deleted"
    BEFORE_SYNC_FROM = "before_sync_from"
    OUT_OF_SCOPE = "out_of_scope"
    EVENTS_OFF = "events_off"
    REGISTRATION_OFF = "registration_off"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"
    AMBIGUOUS_MATCH = "ambiguous_match"
    DUPLICATE_RULE = "duplicate_rule"
    AMBIGUOUS_ACCOUNT = "ambiguous_account"
    NOT_SYNCED_BY_LEGACY = "not_synced_by_legacy"
    BEFORE_CUT_OVER = "before_cut_over"
    NOBODY_REGISTERED_ON_LEGACY = "nobody_registered_on_legacy"
    # disabled
    CLIENT_DISABLED = "client_disabled"
    # quarantined
    NO_ATTENDEE = "no_attendee"
    CLIENT_MISSING = "client_missing"
    MISSING_START = "missing_start"
    ENDS_BEFORE_START = "ends_before_start"
    TOO_LONG = "too_long"
    NO_END = "no_end"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_TIME_ZONE = "unknown_time_zone"
    UNNAMED_CLIENT = "unnamed_client"
    INVALID_EMAIL = "invalid_email"
    VALUE_TOO_LONG = "value_too_long"
    VALUE_UNFIT = "value_unfit"
    NO_EVENTS_OWNER = "no_events_owner"
    EVENTS_OWNER_MALFORMED = "events_owner_malformed"
    EVENTS_OWNER_INACTIVE = "events_owner_inactive"
    DEFAULT_OWNER_MALFORMED = "default_owner_malformed"
    DEFAULT_OWNER_INACTIVE = "default_owner_inactive"
    BLOCKED_BY_DUPLICATE_RULE = "blocked_by_duplicate_rule"
    ACCOUNT_NOT_WRITTEN = "account_not_written"
    PERSON_NOT_WRITTEN = "person_not_written"
    PERSON_UNUSABLE = "person_unusable"
    REFUSED_BY_SALESFORCE = "refused_by_salesforce"
    TRANSIENT_EXHAUSTED = "transient_exhausted"
    UNPROCESSED = "unprocessed"


class FieldReport(StrEnum):
    """What happened to one field of a person or an Event, beyond being written or left alone (rules M5, F4)."""

    USER_VALUE_OVERWRITTEN = "user_value_overwritten"
    USER_VALUE_KEPT = "user_value_kept"
    VALUE_DROPPED = "value_dropped"


class CampaignNote(StrEnum):
    """Why a membership is not as the booking asks (rule M13); the Event is written all the same."""

    UNKNOWN_CAMPAIGN = "unknown_campaign"
    SEVERAL_CAMPAIGNS = "several_campaigns"
    INACTIVE_CAMPAIGN = "inactive_campaign"
    STATUS_NOT_IN_CAMPAIGN = "status_not_in_campaign"
    NOT_PERMITTED = "not_permitted"
    PERSON_MISSING = "person_missing"
    REFUSED_BY_SALESFORCE = "refused_by_salesforce"
    TRANSIENT_EXHAUSTED = "transient_exhausted"


@dataclass(frozen=True, slots=True)
class ReasonText:
    """What a reason means, in a sentence an administrator understands, and what it waits for.

    A change of ``setting`` releases the pair too, whatever else it waits for; several are joined by commas, and
    ``field_mappings`` stands for a new version of those.
    """

    outcome: Outcome
    waits_for: WaitsFor
    text: str
    setting: str = ""


_U, _H, _Q = Outcome.UNCHANGED, Outcome.HELD, Outcome.QUARANTINED
_ROW, _CLIENT, _SETTING, _PERSON = WaitsFor.ROW, WaitsFor.CLIENT, WaitsFor.SETTING, WaitsFor.PERSON
_BACKFILL = WaitsFor.BACKFILL

REASONS: dict[Reason, ReasonText] = {
    Reason.SAME_AS_LAST_WRITTEN: ReasonText(
        _U, WaitsFor.NOTHING, "Nothing that travels to Salesforce changed."
    ),
    Reason.SHARED_EVENT: ReasonText(
        _U,
        WaitsFor.NOTHING,
        "Another attendee of this booking is the same Salesforce record and carries its Event.",
    ),
    Reason.OVERTAKEN: ReasonText(
        _U, WaitsFor.NOTHING, "A newer version of this booking was already taken up by another run."
    ),
    Reason.DELETED_WITHOUT_EVENT: ReasonText(
        _U, WaitsFor.NOTHING, "The booking or attendee was deleted and has no Event in Salesforce."
    ),
    Reason.EVENT_DELETED_IN_SALESFORCE: ReasonText(
        _U,
        WaitsFor.NOTHING,
        "A Salesforce user deleted the Event, and the settings say to leave it deleted.",
        "on_event_deleted_in_salesforce",
    ),
    Reason.LEGACY_EVENT_KEPT: ReasonText(
        _U,
        WaitsFor.NOTHING,
        "The Event of the legacy integration says the same, and stays as it is until the booking changes.",
    ),
    Reason.WALK_IN_NOT_FINAL: ReasonText(
        _H, _ROW, "A walk-in syncs once its status is complete, no_show or cancelled."
    ),
    Reason.CLIENT_DELETED: ReasonText(
        _H, _CLIENT, "The client was deleted in Coconut; their bookings stay as they are."
    ),
    Reason.BEFORE_SYNC_FROM: ReasonText(
        _H, _SETTING, "The booking starts before the date from which bookings sync.", "sync_from"
    ),
    Reason.OUT_OF_SCOPE: ReasonText(
        _H, _SETTING, "The booking's service, location or status is outside the scope settings.", "scope"
    ),
    Reason.EVENTS_OFF: ReasonText(_H, _SETTING, "Writing Events is switched off.", "sync_events"),
    Reason.REGISTRATION_OFF: ReasonText(
        _H,
        _SETTING,
        "Nobody was found in Salesforce, and registering people is switched off.",
        "register_people",
    ),
    Reason.INSUFFICIENT_EVIDENCE: ReasonText(
        _H,
        _CLIENT,
        "The client lacks what the matching algorithm compares (an e-mail, for instance).",
        "insufficient_evidence",
    ),
    Reason.AMBIGUOUS_MATCH: ReasonText(
        _H,
        _PERSON,
        "Several Salesforce records match this client; a person has to choose.",
        "ambiguous_match",
    ),
    Reason.DUPLICATE_RULE: ReasonText(
        _H,
        _PERSON,
        "A Salesforce duplicate rule reported an existing record; a person has to choose.",
        "duplicate_rules",
    ),
    Reason.AMBIGUOUS_ACCOUNT: ReasonText(
        _H,
        _PERSON,
        "Several Accounts bear the name of this client's company; a person has to choose.",
        "ambiguous_match",
    ),
    Reason.NOT_SYNCED_BY_LEGACY: ReasonText(
        _H,
        _BACKFILL,
        "On the legacy integration an appointment with staff syncs to its Event there, and nothing else does.",
    ),
    Reason.BEFORE_CUT_OVER: ReasonText(
        _H,
        _BACKFILL,
        "The legacy integration never synced it, and it has not changed since; a catch-up backfill makes its Event.",
    ),
    Reason.NOBODY_REGISTERED_ON_LEGACY: ReasonText(
        _H, _SETTING, "On the legacy integration nobody is registered.", "integration"
    ),
    Reason.CLIENT_DISABLED: ReasonText(Outcome.DISABLED, _CLIENT, "Sync is disabled for this client."),
    Reason.NO_ATTENDEE: ReasonText(_Q, _ROW, "The booking never had an attendee."),
    Reason.CLIENT_MISSING: ReasonText(_Q, _ROW, "The attendee's client row does not exist."),
    Reason.MISSING_START: ReasonText(_Q, _ROW, "The booking has no start."),
    Reason.ENDS_BEFORE_START: ReasonText(_Q, _ROW, "The booking ends before it starts."),
    Reason.TOO_LONG: ReasonText(_Q, _ROW, "The booking ends more than 14 days after its start."),
    Reason.NO_END: ReasonText(_Q, _ROW, "The booking has no end, and its service has no default duration."),
    Reason.UNKNOWN_KIND: ReasonText(_Q, _ROW, "The booking's kind is neither appointment nor walk_in."),
    Reason.UNKNOWN_STATUS: ReasonText(_Q, _ROW, "The booking's status is not one of Coconut's."),
    Reason.UNKNOWN_TIME_ZONE: ReasonText(_Q, _ROW, "The time zone is not an IANA zone."),
    Reason.UNNAMED_CLIENT: ReasonText(_Q, _CLIENT, "The client has neither a first nor a last name."),
    Reason.INVALID_EMAIL: ReasonText(
        _Q,
        _CLIENT,
        "The client's e-mail is not one that Salesforce accepts.",
        "on_invalid_field, field_mappings",
    ),
    Reason.VALUE_TOO_LONG: ReasonText(
        _Q,
        _CLIENT,
        "A value is longer than the Salesforce field that takes it.",
        "on_invalid_field, field_mappings",
    ),
    Reason.VALUE_UNFIT: ReasonText(
        _Q,
        _CLIENT,
        "A value is not one that its Salesforce field takes (a picklist, a date, a number).",
        "on_invalid_field, field_mappings",
    ),
    Reason.NO_EVENTS_OWNER: ReasonText(
        _Q,
        _SETTING,
        "No linked staff member, and the unassigned events owner is not set.",
        "unassigned_events_owner",
    ),
    Reason.EVENTS_OWNER_MALFORMED: ReasonText(
        _Q,
        _SETTING,
        "The unassigned events owner is not a Salesforce User Id of 15 or 18 characters.",
        "unassigned_events_owner",
    ),
    Reason.EVENTS_OWNER_INACTIVE: ReasonText(
        _Q,
        WaitsFor.SALESFORCE_USER,
        "The unassigned events owner is not an active Salesforce User.",
        "unassigned_events_owner",
    ),
    Reason.DEFAULT_OWNER_MALFORMED: ReasonText(
        _Q, _SETTING, "The default owner is not a Salesforce User Id of 15 or 18 characters.", "default_owner"
    ),
    Reason.DEFAULT_OWNER_INACTIVE: ReasonText(
        _Q, WaitsFor.SALESFORCE_USER, "The default owner is not an active Salesforce User.", "default_owner"
    ),
    Reason.BLOCKED_BY_DUPLICATE_RULE: ReasonText(
        _Q,
        _PERSON,
        "A Salesforce duplicate rule blocks this person; link an existing record, or change the rule.",
        "duplicate_rules",
    ),
    Reason.ACCOUNT_NOT_WRITTEN: ReasonText(
        _Q, _CLIENT, "Salesforce refused the Account that this client's Contact would belong to."
    ),
    Reason.PERSON_NOT_WRITTEN: ReasonText(
        _Q,
        _CLIENT,
        "Salesforce refused the Lead, Contact or Account of this client.",
        "on_invalid_field, field_mappings",
    ),
    Reason.PERSON_UNUSABLE: ReasonText(
        _Q,
        _PERSON,
        "The Salesforce record was converted, merged or deleted during the run; it is matched afresh.",
    ),
    Reason.REFUSED_BY_SALESFORCE: ReasonText(_Q, _ROW, "Salesforce refused the Event."),
    Reason.TRANSIENT_EXHAUSTED: ReasonText(
        _Q, _ROW, "Row locks or server errors outlasted the retries; the next run tries again."
    ),
    Reason.UNPROCESSED: ReasonText(
        _Q, _ROW, "Salesforce left the row unprocessed; the next run tries again."
    ),
}

RETRIED_NEXT_RUN = frozenset({Reason.TRANSIENT_EXHAUSTED, Reason.UNPROCESSED, Reason.PERSON_UNUSABLE})
"""Quarantined pairs whose key is also marked dirty, so that the next run reads them without anything moving."""
