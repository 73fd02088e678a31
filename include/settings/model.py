"""The typed settings of one organisation (spec, table *Settings*)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Switch(StrEnum):
    """A setting that is on or off; YAML 1.1 readers turn bare on/off into booleans, which are accepted too."""

    ON = "on"
    OFF = "off"


class SyncMode(StrEnum):
    """Whether edits made in Salesforce come back (rules W1, W2)."""

    ONE_WAY = "one_way"
    TWO_WAY = "two_way"


class Integration(StrEnum):
    """Which integration the organisation is on (rule G1)."""

    MODERN = "modern"
    LEGACY = "legacy"


class EntityType(StrEnum):
    """What a new person becomes (rule M4)."""

    LEAD = "lead"
    CONTACT = "contact"
    PERSON_ACCOUNT = "person_account"


class MatchingAlgorithm(StrEnum):
    """Which evidence makes a client and a Salesforce record one person (rule M2)."""

    NAME_AND_EMAIL = "name_and_email"
    EMAIL = "email"
    PHONE_THEN_NAME_AND_EMAIL = "phone_then_name_and_email"
    NAME_AND_EMAIL_THEN_PHONE = "name_and_email_then_phone"


class AmbiguousMatch(StrEnum):
    """What happens when several candidates remain (rule M6)."""

    OLDEST = "oldest"
    MOST_RECENTLY_MODIFIED = "most_recently_modified"
    HOLD = "hold"


class InsufficientEvidence(StrEnum):
    """What happens to a client without the compared values (rule M2)."""

    CREATE = "create"
    HOLD = "hold"


class DuplicateRules(StrEnum):
    """How Salesforce's own duplicate rules are met (rule M14)."""

    ALLOW = "allow"
    LINK = "link"
    HOLD = "hold"


class ClientScope(StrEnum):
    """Which clients are registered (rule S13)."""

    BOOKED = "booked"
    ALL = "all"


class OnCancel(StrEnum):
    """What a cancelled booking does to its Event (rule S8)."""

    MARK = "mark"
    DELETE = "delete"


class OnEventDeleted(StrEnum):
    """What happens when Salesforce users deleted an Event (rule S12)."""

    RECREATE = "recreate"
    LEAVE = "leave"


class OnInvalidField(StrEnum):
    """What happens to a value that a field refuses (rule F4)."""

    QUARANTINE = "quarantine"
    DROP_AND_REPORT = "drop_and_report"


class NewRecordOwner(StrEnum):
    """Who owns the people we create (rule M11)."""

    DEFAULT_OWNER = "default_owner"
    BOOKING_STAFF = "booking_staff"
    ASSIGNMENT_RULE = "assignment_rule"


class AccountDeduplication(StrEnum):
    """Whether a Contact's Account is reused (rule M10)."""

    AUTOMATIC = "automatic"
    LEAVE_DUPLICATES = "leave_duplicates"


class ContactWithoutCompany(StrEnum):
    """Which Account a Contact without a company gets (rule M10)."""

    OWN_ACCOUNT = "own_account"
    PLACEHOLDER_ACCOUNT = "placeholder_account"
    NO_ACCOUNT = "no_account"


class ConflictWinner(StrEnum):
    """Which side wins when both changed a field (rule W3)."""

    COCONUT = "coconut"
    SALESFORCE = "salesforce"
    LATEST = "latest"


class LoadApi(StrEnum):
    """Which API loads rows; ``auto`` decides per object and run on the total of rows."""

    AUTO = "auto"
    BULK = "bulk"
    REST = "rest"


Names = Annotated[tuple[str, ...], Field(default=())]


class CampaignRule(BaseModel):
    """Bookings of this service or at this location (ids or names, in any letter case) join this campaign (rule M13).

    ``campaign`` is an Id, or the exact name of an active Campaign. A booking's own ``utm_campaign`` goes first, then
    the rules in their order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign: str = Field(min_length=1)
    service: str = ""
    location: str = ""


MEMBER_STATUSES: Mapping[str, str] = {
    "booked": "Sent",
    "confirmed": "Sent",
    "arrived": "Responded",
    "in_service": "Responded",
    "complete": "Responded",
    "no_show": "Sent",
    "cancelled": "Sent",
}
"""Booking status to campaign member status, with the two statuses that every new Campaign has."""


class Settings(BaseModel):
    """Every setting with its default; immutable, and refused when a name is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    automatic_sync: Switch = Switch.ON
    sync_mode: SyncMode = SyncMode.ONE_WAY
    integration: Integration = Integration.MODERN
    sync_from: date | None = Field(
        default=None, description="First local day whose bookings sync; empty means the day of installation."
    )
    scope_services: Names = ()
    scope_locations: Names = ()
    scope_statuses: Names = ()
    include_notes: Switch = Switch.ON
    entity_type: EntityType = EntityType.LEAD
    person_account_record_type: str = ""
    matching_algorithm: MatchingAlgorithm = MatchingAlgorithm.NAME_AND_EMAIL
    ambiguous_match: AmbiguousMatch = AmbiguousMatch.OLDEST
    insufficient_evidence: InsufficientEvidence = InsufficientEvidence.CREATE
    duplicate_rules: DuplicateRules = DuplicateRules.ALLOW
    overwrite_existing: Switch = Switch.OFF
    sync_events: Switch = Switch.ON
    register_people: Switch = Switch.ON
    client_scope: ClientScope = ClientScope.BOOKED
    on_cancel: OnCancel = OnCancel.MARK
    on_event_deleted_in_salesforce: OnEventDeleted = OnEventDeleted.RECREATE
    on_invalid_field: OnInvalidField = OnInvalidField.QUARANTINE
    unassigned_events_owner: str = ""
    default_owner: str = ""
    new_record_owner: NewRecordOwner = NewRecordOwner.DEFAULT_OWNER
    account_deduplication: AccountDeduplication = AccountDeduplication.AUTOMATIC
    contact_without_company: ContactWithoutCompany = ContactWithoutCompany.OWN_ACCOUNT
    auto_merge: Switch = Switch.OFF
    conflict_winner: ConflictWinner = ConflictWinner.COCONUT
    default_phone_region: str = Field(
        default="US",
        pattern="^[A-Z]{2}$",
        description="ISO code of the country in whose way a phone without country code is read.",
    )
    campaign_rules: tuple[CampaignRule, ...] = ()
    campaign_member_statuses: Mapping[str, str] = Field(default=MEMBER_STATUSES)
    load_api: LoadApi = LoadApi.AUTO
    subject_template: str = "{service} with {client}"
    edit_url_template: str = "https://app.coconutcalendar.com/appointments/{appointment_id}"
    company_placeholder: str = "[not provided]"
    lead_source: str = "Coconut"
    key_namespace: str = ""
    daily_api_budget: Annotated[int, Field(ge=0, description="API calls a day; 0 means no budget.")] = 0
    delete_guard_percent: Annotated[float, Field(ge=0, le=100)] = 5.0
    create_guard_rows: Annotated[int, Field(ge=0, description="0 means no guard.")] = 0
    retention_days: Annotated[int, Field(ge=1)] = 90
    source_overlap: timedelta = Field(default=timedelta(minutes=15))
