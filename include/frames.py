"""The column contract of every frame that crosses a stage.

Text columns use pandas' ``str`` dtype (pyarrow-backed, missing = ``NaN``); ids and phones are text, always.
Instants are ``datetime64[us, UTC]``. Whole numbers that may be missing are ``Int64``; claims (``is_active``,
``booking_deleted``) are ``bool``.

A *wire frame* holds Salesforce fields under their API names as the text that travels: a missing value is ``UNSET``
(leave the field alone) and the text ``#N/A`` is ``CLEAR`` (set it to null), as in Bulk API 2.0 CSV files
("Prepare CSV Files", Bulk API 2.0 Developer Guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from include.errors import FrameContractError

if TYPE_CHECKING:
    import pandas as pd

TEXT: Final = "str"
WHOLE: Final = "Int64"
CLAIM: Final = "bool"
INSTANT: Final = "datetime64[us, UTC]"

CLEAR: Final = "#N/A"
"""Wire value that sets a field to null."""


@lru_cache
def _dtype(name: str) -> Any:
    """Return pandas' own dtype, whose name takes longer to read than a small frame to build."""
    import pandas as pd

    return pd.api.types.pandas_dtype(name)


@dataclass(frozen=True, slots=True)
class FrameContract:
    """Names and dtypes of a frame's columns, in order.

    ``wire_fields`` says that any number of Salesforce fields (text) may follow the declared columns. ``personal`` are
    the columns with values of people, or digests of them, which only staged frames and the ledger may hold (rule Q11);
    wire fields are such, too.
    """

    name: str
    columns: Mapping[str, str]
    wire_fields: bool = False
    personal: frozenset[str] = frozenset()

    def empty(self) -> pd.DataFrame:
        """Return a frame of no rows with the declared columns."""
        import pandas as pd

        return pd.DataFrame({name: pd.array([], dtype=_dtype(dtype)) for name, dtype in self.columns.items()})

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return ``frame`` with the declared columns in order and dtype; other columns are kept only as wire fields.

        Raises:
            FrameContractError: a column is missing, or its values do not fit the dtype.
        """
        missing = [name for name in self.columns if name not in frame.columns]
        if missing:
            msg = f"The {self.name} frame lacks the columns {', '.join(missing)}."
            raise FrameContractError(msg)
        extra = [name for name in frame.columns if name not in self.columns] if self.wire_fields else []
        wanted = {**self.columns, **dict.fromkeys(extra, TEXT)}
        selected = frame[list(wanted)]
        held = zip(wanted.items(), selected.dtypes, strict=True)
        others = {name: dtype for (name, dtype), now in held if now != _dtype(dtype)}
        try:
            fitting = selected.astype(others) if others else selected
        except (ValueError, TypeError):
            msg = f"The {self.name} frame holds values that do not fit its column types."
            raise FrameContractError(msg) from None  # pandas quotes the value
        return fitting.reset_index(drop=True)

    def without_values_of(self, frame: pd.DataFrame, rows: pd.Series[bool]) -> pd.DataFrame:
        """Return ``frame`` with its personal columns emptied in these rows."""
        emptied = {name: frame[name].mask(rows) for name in frame.columns if name in self.personal}
        return frame.assign(**emptied)


BOOKINGS = FrameContract(
    "bookings",
    {
        # one row per pair of booking and attendee, soft-deleted ones included; a booking that never had
        # an attendee is one row without client_id
        "appointment_id": TEXT,
        "client_id": TEXT,
        "is_primary": CLAIM,
        "kind": TEXT,
        "status": TEXT,
        "service_id": TEXT,
        "service_name": TEXT,
        "service_minutes": WHOLE,
        "location_id": TEXT,
        "location_name": TEXT,
        "location_address": TEXT,
        "location_city": TEXT,
        "location_timezone": TEXT,
        "staff_id": TEXT,
        "starts_at": INSTANT,
        "ends_at": INSTANT,
        "timezone": TEXT,
        "meeting_method": TEXT,
        "booked_through": TEXT,
        "notes": TEXT,
        "utm_campaign": TEXT,
        "cancellation_reason": TEXT,
        "booked_at": INSTANT,
        "booking_deleted": CLAIM,
        "attendee_deleted": CLAIM,
        "client_exists": CLAIM,
        "client_deleted": CLAIM,
        "client_disabled": CLAIM,
        "client_first_name": TEXT,
        "client_last_name": TEXT,
        # newest change of the booking row, any of its attendees or any of their answers
        "changed_at": INSTANT,
    },
    personal=frozenset({"cancellation_reason", "client_first_name", "client_last_name", "notes"}),
)

CLIENTS = FrameContract(
    "clients",
    {
        "client_id": TEXT,
        "salesforce_id": TEXT,
        "first_name": TEXT,
        "last_name": TEXT,
        "email": TEXT,
        "phone": TEXT,
        "company": TEXT,
        "address": TEXT,
        "city": TEXT,
        "region": TEXT,
        "postal_code": TEXT,
        "country": TEXT,
        "locale": TEXT,
        "sync_disabled": CLAIM,
        "is_deleted": CLAIM,
        "created_at": INSTANT,
        "updated_at": INSTANT,
    },
    personal=frozenset(
        {
            "address",
            "city",
            "company",
            "country",
            "email",
            "first_name",
            "last_name",
            "locale",
            "phone",
            "postal_code",
            "region",
        }
    ),
)

ANSWERS = FrameContract(
    "answers",
    {
        "appointment_id": TEXT,
        "client_id": TEXT,
        "question_id": TEXT,
        "name": TEXT,
        "label": TEXT,
        "scope": TEXT,
        "value": TEXT,
        "answered_at": INSTANT,  # last change of the answer
    },
    personal=frozenset({"value"}),
)

STAFF = FrameContract(
    "staff",
    {
        "staff_id": TEXT,
        "first_name": TEXT,
        "last_name": TEXT,
        "email": TEXT,
        "is_active": CLAIM,
        "updated_at": INSTANT,
    },
    personal=frozenset({"email", "first_name", "last_name"}),
)

STAFF_LINKS = FrameContract(
    "staff_links",
    {
        # salesforce_user_id is missing where no usable link exists; user_is_active as last seen in the org
        "staff_id": TEXT,
        "salesforce_user_id": TEXT,
        "user_is_active": CLAIM,
        "set_by": TEXT,  # "administrator", "legacy" (carried over, rule G8) or "email"
        "reason": TEXT,  # why there is no link: no_user, several_users, inactive_user, no_email
    },
)

CANDIDATES = FrameContract(
    "candidates",
    {
        # Salesforce records that may be one of the clients, as read from the org (queryAll: deleted ones included)
        "sobject": TEXT,  # Lead, Contact or Account
        "record_id": TEXT,  # 18 characters
        "first_name": TEXT,
        "last_name": TEXT,
        "email": TEXT,
        "phone": TEXT,
        "mobile_phone": TEXT,
        "country": TEXT,  # says how a phone without country code is meant
        "account_id": TEXT,
        "client_key": TEXT,  # Coconut_Client_Key__c
        "is_deleted": CLAIM,
        "master_record_id": TEXT,
        "is_converted": CLAIM,
        "converted_contact_id": TEXT,
        "converted_account_id": TEXT,
        "is_person_account": CLAIM,
        "person_contact_id": TEXT,
        "created_at": INSTANT,
        "modified_at": INSTANT,
    },
    personal=frozenset({"country", "email", "first_name", "last_name", "mobile_phone", "phone"}),
)

PERSON_LINKS = FrameContract(
    "person_links",
    {
        # the link kept from an earlier run: client row -> Salesforce record
        "client_id": TEXT,
        "sobject": TEXT,
        "record_id": TEXT,
        "who_id": TEXT,  # what an Event's WhoId takes: the record, or a Person Account's PersonContactId
        "created_by_us": CLAIM,
        "evidence": TEXT,  # evidence that made the link; "admin_choice" outranks every other
        "claim_key": TEXT,
        "values": TEXT,  # JSON of the person fields we last wrote, missing where we never wrote
    },
    personal=frozenset({"values"}),
)

CLAIMS = FrameContract(
    "person_claims",
    {
        # identity = digest of normalised evidence, or "client:<id>"; several identities may lead to one key
        "identity": TEXT,
        "claim_key": TEXT,  # value of Coconut_Client_Key__c
        "sobject": TEXT,
        "record_id": TEXT,  # missing until the insert settled
        "is_retired": CLAIM,
    },
    personal=frozenset({"identity"}),
)

DECISIONS = FrameContract(
    "decisions",
    {
        # one row per client
        "client_id": TEXT,
        "person_ref": TEXT,  # record id when known, else "new:<smallest client id of the group>"
        "action": TEXT,  # link, create, hold, or none for a deleted or disabled client without a usable link
        "sobject": TEXT,
        "record_id": TEXT,
        "who_id": TEXT,
        "evidence": TEXT,  # see include.matching.evidence.Evidence
        "reason": TEXT,  # an include.reasons.Reason where action is hold
        "identity": TEXT,  # smallest identity of the group, to claim before creation
        "identities": TEXT,  # all identities of the group, joined by a space
        "claim_key": TEXT,  # where an unretired claim exists already
        "followed_from": TEXT,  # record id that was converted or merged into record_id
        "explanation": TEXT,  # compact JSON: candidates, winning and losing evidence, settings version
    },
    personal=frozenset({"explanation", "identities", "identity"}),
)

PEOPLE = FrameContract(
    "people",
    {
        # one row per person to insert or update; a wire frame
        "person_ref": TEXT,
        "operation": TEXT,  # insert or update
        "sobject": TEXT,
        "record_id": TEXT,
        "client_id": TEXT,  # the client row whose values are written (smallest id of the group)
        "account_ref": TEXT,  # a new Contact's Account: its Id, or the reference of one to be created; missing = none
        "outcome": TEXT,  # missing while loadable, else quarantined or held
        "reason": TEXT,
        "detail": TEXT,
    },
    wire_fields=True,
    personal=frozenset({"account_ref"}),
)

COMPANY_ACCOUNTS = FrameContract(
    "company_accounts",
    {
        # live business Accounts that bear the name of a client's company (rule M10)
        "account_id": TEXT,
        "name": TEXT,
        "created_at": INSTANT,
        "modified_at": INSTANT,
    },
    personal=frozenset({"name"}),
)

NEW_ACCOUNTS = FrameContract(
    "new_accounts",
    {
        # one row per Account to insert before the Contacts that belong to it; a wire frame
        "account_ref": TEXT,  # "account:<identity>"
        "identity": TEXT,  # what is claimed in the ledger before creation (rules M8, M10)
        "client_id": TEXT,  # the client row whose company it is (smallest id)
        "outcome": TEXT,
        "reason": TEXT,
        "detail": TEXT,
    },
    wire_fields=True,
    personal=frozenset({"account_ref", "identity"}),
)

STORED_PEOPLE = FrameContract(
    "stored_people",
    {
        # what the org holds now of people who may be overwritten (rule M5); a wire frame
        "record_id": TEXT,
        "sobject": TEXT,
    },
    wire_fields=True,
)

WRITTEN_VALUES = FrameContract(
    "written_values",
    {
        # what we last wrote into records of people, one row per client that is the record
        "record_id": TEXT,
        "values": TEXT,  # JSON of Salesforce fields
    },
    personal=frozenset({"values"}),
)

FIELD_REPORTS = FrameContract(
    "field_reports",
    {
        # what a person has to know about single fields; names only, never values (rules M5, F4)
        "client_id": TEXT,
        "sobject": TEXT,
        "record_id": TEXT,
        "field": TEXT,
        "report": TEXT,  # include.reasons.FieldReport
    },
)

CAMPAIGN_PAIRS = FrameContract(
    "campaign_pairs",
    {
        # pairs of booking and attendee that ask for a campaign, or did before (rule M13)
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "campaign": TEXT,  # as the booking or a rule names it; missing = none
        "status": TEXT,  # the booking's
        "source_version": WHOLE,
        "is_gone": CLAIM,  # the booking is deleted, or the attendee removed
    },
)

RESOLVED_PAIRS = FrameContract(
    "resolved_campaign_pairs",
    {
        # pairs that settle with this run, with what their campaign leads to and who their client is
        **CAMPAIGN_PAIRS.columns,
        "campaign_id": TEXT,  # missing where the pair counts towards none
        "note": TEXT,  # include.reasons.CampaignNote
        "person_ref": TEXT,
        "who_id": TEXT,
        "was_counted": CLAIM,  # by an earlier run, towards this campaign or another
    },
)

TOUCHED_CAMPAIGNS = FrameContract(
    "touched_campaigns",
    {
        # whose memberships a run's pairs may change
        "client_id": TEXT,
        "person_ref": TEXT,  # missing while the client is nobody in Salesforce
        "campaign_id": TEXT,
    },
)

CAMPAIGNS = FrameContract("campaigns", {"campaign_id": TEXT, "name": TEXT, "is_active": CLAIM})

CAMPAIGN_CHOICES = FrameContract(
    "campaign_choices",
    {
        # what each name of a campaign leads to: an Id, or a note
        "campaign": TEXT,
        "campaign_id": TEXT,
        "note": TEXT,  # include.reasons.CampaignNote
    },
)

CAMPAIGN_STATUSES = FrameContract(
    "campaign_statuses",
    {"campaign_id": TEXT, "label": TEXT, "is_default": CLAIM, "has_responded": CLAIM},
)

MEMBERSHIPS = FrameContract(
    "memberships",
    {
        # what the org holds
        "campaign_id": TEXT,
        "who_id": TEXT,
        "member_id": TEXT,
        "member_status": TEXT,
    },
)

CAMPAIGN_BOOKINGS = FrameContract(
    "campaign_bookings",
    {
        # bookings that count towards memberships, with who the attendee is
        "booking_key": TEXT,
        "campaign_id": TEXT,
        "client_id": TEXT,
        "person_ref": TEXT,  # missing while the client is nobody in Salesforce
        "who_id": TEXT,
        "status": TEXT,
    },
)

ASKED_MEMBERS = FrameContract(
    "asked_members",
    {
        # the member status that Coconut last asked for, whether it was written or a Salesforce user's own stayed
        "campaign_id": TEXT,
        "who_id": TEXT,
        "asked_status": TEXT,
    },
)

MEMBERS = FrameContract(
    "members",
    {
        # one row per person and campaign (rule M13)
        "campaign": TEXT,  # its Id, or what the booking calls it where there is none
        "campaign_id": TEXT,  # missing where there is no such Campaign
        "person_ref": TEXT,
        "who_id": TEXT,  # missing while the person has no Id
        "client_id": TEXT,
        "booking_key": TEXT,  # the most advanced booking, which decides
        "asked_status": TEXT,  # what that booking asks for; missing where it says nothing
        "member_status": TEXT,  # what is sent
        "member_id": TEXT,  # missing while nobody knows of a membership
        "action": TEXT,  # include.reasons.Action: create, update or none
        "note": TEXT,  # include.reasons.CampaignNote, missing where all is well
    },
)

PERSON_REFUSALS = FrameContract(
    "person_refusals",
    {
        # people whom Salesforce did not take in this run
        "person_ref": TEXT,
        "reason": TEXT,  # an include.reasons.Reason
        "detail": TEXT,  # error code and fields, no values
    },
)

EVENT_LINKS = FrameContract(
    "event_links",
    {
        # what the ledger knows of a pair before this run
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "event_id": TEXT,
        "who_id": TEXT,  # WhoId as last written or followed
        "owner_id": TEXT,  # OwnerId as last written
        "staff_id": TEXT,  # the booking's staff when we last wrote
        # JSON of the wire fields as last written, without WhoId and OwnerId, with marks of what was refused
        "payload": TEXT,
        "claimed_version": WHOLE,
        "written_version": WHOLE,
        "settled_version": WHOLE,
        "settled_digest": TEXT,
        "adopted_digest": TEXT,  # of the booking as it was when its legacy Event was taken over (G8)
        "is_backfilled": CLAIM,  # a backfill asked for it: the day from which bookings sync does not count (rule S14)
        "is_adopted": CLAIM,  # a legacy Event that we never wrote: payload is what it held when it was taken over (G8)
    },
    personal=frozenset({"payload", "settled_digest", "adopted_digest"}),
)

FACTS: Final[Mapping[str, str]] = {
    "kind": TEXT,
    "status": TEXT,
    "is_primary": CLAIM,
    "service_id": TEXT,
    "service_name": TEXT,
    "location_id": TEXT,
    "location_name": TEXT,
    "staff_id": TEXT,
    "starts_at": INSTANT,
    "ends_at": INSTANT,
    "local_day": TEXT,  # ISO date in the booking's zone
    "booked_at": INSTANT,
}
"""What reports need to know of a booking."""

EVENTS = FrameContract(
    "events",
    {
        # one row per pair; a wire frame: for creates every field, for updates only the changed ones
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "source_version": WHOLE,  # changed_at in microseconds since the epoch
        "source_digest": TEXT,
        "action": TEXT,  # include.reasons.Action
        "outcome": TEXT,  # missing while the row is to be loaded, else an include.reasons.Outcome
        "reason": TEXT,
        "waits_for": TEXT,
        "waits_for_key": TEXT,
        "detail": TEXT,  # plain words for people; never personal data
        "left_out": TEXT,  # fields whose value is refused and so left out, joined by a space
        "event_id": TEXT,
        "person_ref": TEXT,
        "desired_who_id": TEXT,  # missing while the person has no Id yet
        "desired_owner_id": TEXT,
        "needs_person": CLAIM,  # the pair makes its person needed even if no Event is written (S11)
        # JSON of all wire fields as they will stand, without WhoId and OwnerId; missing where that is left open
        "payload": TEXT,
        **FACTS,
    },
    wire_fields=True,
    personal=frozenset({"payload", "source_digest"}),
)

PLANNED_FIELDS = FrameContract(
    "planned_fields",
    {
        # one row per record and field that a dry run would change (rule T6); holds values of people
        "sobject": TEXT,
        "operation": TEXT,  # include.reasons.Action: create, update or delete
        "key": TEXT,  # booking key of an Event, client of a person, reference of an Account, campaign and person
        "record_id": TEXT,  # missing for what is to be created
        "field": TEXT,  # missing where nothing is known of a record that is to be deleted
        "old": TEXT,  # missing where nobody knows, and where the field is empty
        "new": TEXT,  # missing where the field is emptied, and where the record is deleted
    },
    personal=frozenset({"new", "old"}),
)

RESULTS = FrameContract(
    "results",
    {
        # one row per row sent to Salesforce, joined by our key
        "key": TEXT,
        "record_id": TEXT,
        "is_success": CLAIM,
        "is_created": CLAIM,
        "is_unprocessed": CLAIM,
        "error_code": TEXT,
        "error_message": TEXT,  # may quote values: kept in quarantine detail only after redaction
        "error_fields": TEXT,
        "job_id": TEXT,  # missing for Collections
        # what a duplicate rule found (DUPLICATES_DETECTED); Bulk results and some answers do not say
        "duplicate_rule": TEXT,  # its API name
        "duplicate_ids": TEXT,  # the records it reports, joined by a space; empty where it names none
        "is_blocked": CLAIM,  # the rule lets nobody save
    },
    personal=frozenset({"error_message"}),
)
