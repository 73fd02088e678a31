"""The words of a migration from the legacy integration: its phases, what is carried over, and why something is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

UPGRADE_FLAG: Final = "Opt-In Salesforce Upgrade"
"""The name of Coconut's feature flag; we only read it (rule G2)."""


GOING_BACK: Final = "going_back"
"""Why nothing syncs while a rollback takes the organisation back to the legacy integration (rule G9)."""


class Phase(StrEnum):
    """What is behind a migration, in the order in which it goes on."""

    STARTED = "started"
    INVENTORIED = "inventoried"
    AUTHORISED = "authorised"
    ACTIVATED = "activated"
    CARRIED_OVER = "carried_over"
    VERIFIED = "verified"
    REVIEWED = "reviewed"
    LEGACY_OFF = "legacy_off"
    INVENTORIED_AGAIN = "inventoried_again"
    CUT_OVER = "cut_over"
    SYNCED = "synced"
    PARITY_PROVED = "parity_proved"
    FINALISED = "finalised"
    ROLLED_BACK = "rolled_back"

    @property
    def order(self) -> int:
        """Return the place in the order."""
        return list(Phase).index(self)

    def is_behind(self, phase: Phase) -> bool:
        """Tell whether a migration that is here has that phase behind it already."""
        return phase.order <= self.order

    @property
    def is_cut_over(self) -> bool:
        """Tell whether the organisation is on the modern integration (rule G8)."""
        return Phase.CUT_OVER.order <= self.order and self is not Phase.ROLLED_BACK


ENDED: Final = (Phase.FINALISED, Phase.ROLLED_BACK)


class ItemKind(StrEnum):
    """What the legacy integration holds, each of which is carried over or needs attention (rule G5)."""

    FIELD_MAPPING = "field_mapping"
    STAFF_LINK = "staff_link"
    EVENT_LINK = "event_link"


class ItemOutcome(StrEnum):
    """What became of one item."""

    CARRIED = "carried"
    NEEDS_ATTENTION = "needs_attention"


class Attention(StrEnum):
    """Why an item was not carried over."""

    # field mappings
    FIELD_MISSING = "field_missing"
    FIELD_READ_ONLY = "field_read_only"
    FIELD_OF_ANOTHER_TYPE = "field_of_another_type"
    FIELD_FILLED_ALREADY = "field_filled_already"
    OBJECT_NOT_WRITTEN = "object_not_written"
    SOURCE_UNKNOWN = "source_unknown"
    # staff links
    STAFF_GONE = "staff_gone"
    USER_MISSING = "user_missing"
    USER_INACTIVE = "user_inactive"
    # event links
    BOOKING_GONE = "booking_gone"
    ATTENDEE_GONE = "attendee_gone"
    EVENT_ID_MALFORMED = "event_id_malformed"
    EVENT_GONE = "event_gone"
    EVENT_DELETED = "event_deleted"
    EVENT_SERVES_SEVERAL = "event_serves_several"
    SECOND_EVENT = "second_event"
    EVENT_KEYED_OTHERWISE = "event_keyed_otherwise"
    LINKED_OTHERWISE = "linked_otherwise"


@dataclass(frozen=True, slots=True)
class AttentionText:
    """What a reason means, and what an administrator can do."""

    kind: ItemKind
    text: str
    advice: str


_MAPPING, _STAFF, _EVENT = ItemKind.FIELD_MAPPING, ItemKind.STAFF_LINK, ItemKind.EVENT_LINK

ATTENTION: Final[Mapping[Attention, AttentionText]] = {
    Attention.FIELD_MISSING: AttentionText(
        _MAPPING,
        "The org has no such field, or hides it from the integration user.",
        "Grant the field to the integration user, or map another one.",
    ),
    Attention.FIELD_READ_ONLY: AttentionText(
        _MAPPING,
        "The field cannot be written.",
        "Make the field editable for the integration user, or map another.",
    ),
    Attention.FIELD_OF_ANOTHER_TYPE: AttentionText(
        _MAPPING,
        "The value does not fit the field's type or length.",
        "Map the source with a transform, or to another field.",
    ),
    Attention.FIELD_FILLED_ALREADY: AttentionText(
        _MAPPING,
        "Another mapping or a rule of the sync fills the field.",
        "Nothing, where the rule's value will do; else replace that mapping.",
    ),
    Attention.OBJECT_NOT_WRITTEN: AttentionText(
        _MAPPING,
        "The sync does not write records of this object.",
        "Fill the field by an automation in Salesforce.",
    ),
    Attention.SOURCE_UNKNOWN: AttentionText(
        _MAPPING,
        "Coconut has no such source any more.",
        "Map one of the sources that docs/field-mapping.md lists.",
    ),
    Attention.STAFF_GONE: AttentionText(_STAFF, "Coconut has no such staff member any more.", "Nothing."),
    Attention.USER_MISSING: AttentionText(
        _STAFF, "The org has no such User.", "Link the staff member to the User they are now."
    ),
    Attention.USER_INACTIVE: AttentionText(
        _STAFF,
        "The User is not active and cannot own new Events.",
        "Activate the User, or link the staff member to another one.",
    ),
    Attention.BOOKING_GONE: AttentionText(
        _EVENT, "Coconut has no such booking any more.", "Delete the Event in Salesforce if nobody needs it."
    ),
    Attention.ATTENDEE_GONE: AttentionText(
        _EVENT,
        "The client is no attendee of the booking any more.",
        "Delete the Event in Salesforce if nobody needs it.",
    ),
    Attention.EVENT_ID_MALFORMED: AttentionText(
        _EVENT,
        "The link holds no Id of an Event.",
        "Nothing: the catch-up backfill gives the booking an Event.",
    ),
    Attention.EVENT_GONE: AttentionText(
        _EVENT,
        "The org has no such Event, or hides it from the integration user.",
        "Look for it as another user; else the catch-up backfill gives the booking an Event.",
    ),
    Attention.EVENT_DELETED: AttentionText(
        _EVENT,
        "Somebody deleted the Event in Salesforce.",
        "Restore it from the recycle bin before cut-over, or leave it; the catch-up backfill makes a new one.",
    ),
    Attention.EVENT_SERVES_SEVERAL: AttentionText(
        _EVENT,
        "One Event serves several attendees; the first of them keeps it.",
        "The catch-up backfill gives the others Events of their own.",
    ),
    Attention.SECOND_EVENT: AttentionText(
        _EVENT,
        "The booking has another Event on the same Salesforce record, which is carried over.",
        "Delete the second one in Salesforce.",
    ),
    Attention.EVENT_KEYED_OTHERWISE: AttentionText(
        _EVENT,
        "The Event carries the key of another booking.",
        "See in Salesforce whose it is; reconcile reports bookings without one.",
    ),
    Attention.LINKED_OTHERWISE: AttentionText(
        _EVENT,
        "The modern integration has an Event of its own for this attendee.",
        "Delete the one of the two that nobody needs.",
    ),
}
