"""Which Coconut value fills which Salesforce field, unless an organisation maps it otherwise (rules F1, F4, M5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CLIENT_KEY: Final = "Coconut_Client_Key__c"
"""Unique field of Lead, Contact and Account: the key of the claim a person was created under (rule M8)."""


class WritePolicy(StrEnum):
    """When a field of a record that exists is written; a new record gets every field (rule M5)."""

    ALWAYS = "always"
    ONLY_IF_BLANK = "only_if_blank"
    NEVER = "never"


class NullPolicy(StrEnum):
    """What an empty value does to the Salesforce field (rule F4)."""

    LEAVE_ALONE = "leave_alone"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One Salesforce field and where its value comes from.

    ``source`` is ``client.<column>`` or ``booking.<column>`` of those frames, ``setting.<name>``, or
    ``rule.<name>`` where a rule of its own makes the value. ``max_length`` is in characters; None where the field is
    not text or its length is the rule's own business.
    """

    source: str
    sobject: str
    target: str
    write_policy: WritePolicy = WritePolicy.ALWAYS
    null_policy: NullPolicy = NullPolicy.LEAVE_ALONE
    max_length: int | None = None


_ALWAYS, _BLANK, _NEVER = WritePolicy.ALWAYS, WritePolicy.ONLY_IF_BLANK, WritePolicy.NEVER

# Lengths and names of the standard fields are those of the Object Reference (Lead, Contact, Account); what the org
# itself says in its describe is checked before the first write (rule F3).
_PEOPLE: Final[tuple[tuple[str, WritePolicy, int | None, str, str, str], ...]] = (
    # source, write policy, length, and the field's name on Lead, Contact and (Person) Account
    ("client.first_name", _ALWAYS, 40, "FirstName", "FirstName", "FirstName"),
    ("client.last_name", _ALWAYS, 80, "LastName", "LastName", "LastName"),
    ("client.email", _ALWAYS, 80, "Email", "Email", "PersonEmail"),
    ("client.phone", _ALWAYS, 40, "Phone", "Phone", "Phone"),
    ("client.company", _BLANK, 255, "Company", "", ""),
    ("client.address", _ALWAYS, 255, "Street", "MailingStreet", "PersonMailingStreet"),
    ("client.city", _ALWAYS, 40, "City", "MailingCity", "PersonMailingCity"),
    ("client.region", _ALWAYS, 80, "State", "MailingState", "PersonMailingState"),
    ("client.postal_code", _ALWAYS, 20, "PostalCode", "MailingPostalCode", "PersonMailingPostalCode"),
    ("client.country", _ALWAYS, 80, "Country", "MailingCountry", "PersonMailingCountry"),
    ("setting.lead_source", _NEVER, 255, "LeadSource", "LeadSource", "AccountSource"),
    ("rule.default_owner", _NEVER, None, "OwnerId", "OwnerId", "OwnerId"),
    (
        "rule.client_key",
        _NEVER,
        None,
        CLIENT_KEY,
        CLIENT_KEY,
        CLIENT_KEY,
    ),
)

_EVENTS: Final[tuple[tuple[str, str, int | None], ...]] = (
    ("rule.subject", "Subject", 255),
    ("rule.starts_at", "StartDateTime", None),
    ("rule.ends_at", "EndDateTime", None),
    ("rule.location", "Location", 255),
    ("rule.description", "Description", 32_000),
    ("rule.show_as", "ShowAs", None),
    ("rule.person", "WhoId", None),
    ("rule.owner", "OwnerId", None),
    ("rule.booking_key", "Coconut_Booking_Key__c", None),
    ("booking.appointment_id", "Coconut_Booking_Id__c", None),
    ("booking.is_primary", "Coconut_Is_Primary__c", None),
    ("booking.kind", "Coconut_Kind__c", None),
    ("booking.status", "Coconut_Status__c", None),
    ("booking.service_name", "Coconut_Service__c", None),
    ("booking.location_name", "Coconut_Location__c", None),
    ("booking.booked_through", "Coconut_Booked_Through__c", None),
    ("booking.meeting_method", "Coconut_Meeting_Method__c", None),
    ("booking.booked_at", "Coconut_Booked_At__c", None),
    ("setting.edit_url_template", "Coconut_Edit_Url__c", None),
)

REQUIRED: Final = frozenset({"LastName", "Company"})
"""Fields of people that Salesforce refuses to go without on create (Object Reference, Lead)."""


def default_mappings(sobject: str | None = None) -> tuple[FieldMapping, ...]:
    """Return the mappings that a new installation starts with, and that *restore defaults* restores (rule F1).

    Args:
        sobject: Lead, Contact, Account or Event; all of them when missing.
    """
    mappings = (*_people_mappings(), *_event_mappings())
    return tuple(mapping for mapping in mappings if sobject in {None, mapping.sobject})


def _people_mappings() -> tuple[FieldMapping, ...]:
    return tuple(
        FieldMapping(source, sobject, target, write_policy=policy, max_length=length)
        for index, sobject in enumerate(("Lead", "Contact", "Account"))
        for source, policy, length, *targets in _PEOPLE
        if (target := targets[index])
    )


def _event_mappings() -> tuple[FieldMapping, ...]:
    """Return the Event's mappings: the Event follows the booking, so what became empty there is cleared here."""
    return tuple(
        FieldMapping(source, "Event", target, null_policy=NullPolicy.CLEAR, max_length=length)
        for source, target, length in _EVENTS
    )
