"""Which Coconut value fills which Salesforce field, unless an organisation maps it otherwise (rules F1, F4, M5)."""

from __future__ import annotations

from typing import Final

from include.settings.field_mapping import FieldMapping, NullPolicy, Sobject, WritePolicy

CLIENT_KEY: Final = "Coconut_Client_Key__c"
"""Unique field of Lead, Contact and Account: the key of the claim a person was created under (rule M8)."""

_ALWAYS, _BLANK, _NEVER = WritePolicy.ALWAYS, WritePolicy.ONLY_IF_BLANK, WritePolicy.NEVER

_PEOPLE: Final[tuple[tuple[str, WritePolicy, str, str, str], ...]] = (
    # source, write policy, and the field's name on Lead, Contact and (Person) Account (Object Reference)
    ("client.first_name", _ALWAYS, "FirstName", "FirstName", "FirstName"),
    ("client.last_name", _ALWAYS, "LastName", "LastName", "LastName"),
    ("client.email", _ALWAYS, "Email", "Email", "PersonEmail"),
    ("client.phone", _ALWAYS, "Phone", "Phone", "Phone"),
    ("client.company", _BLANK, "Company", "", ""),
    ("client.address", _ALWAYS, "Street", "MailingStreet", "PersonMailingStreet"),
    ("client.city", _ALWAYS, "City", "MailingCity", "PersonMailingCity"),
    ("client.region", _ALWAYS, "State", "MailingState", "PersonMailingState"),
    ("client.postal_code", _ALWAYS, "PostalCode", "MailingPostalCode", "PersonMailingPostalCode"),
    ("client.country", _ALWAYS, "Country", "MailingCountry", "PersonMailingCountry"),
    ("setting.lead_source", _NEVER, "LeadSource", "LeadSource", "AccountSource"),
    ("rule.owner", _NEVER, "OwnerId", "OwnerId", "OwnerId"),
    ("rule.client_key", _NEVER, CLIENT_KEY, CLIENT_KEY, CLIENT_KEY),
)

_EVENTS: Final[tuple[tuple[str, str], ...]] = (
    ("rule.booking_key", "Coconut_Booking_Key__c"),
    ("rule.subject", "Subject"),
    ("rule.starts_at", "StartDateTime"),
    ("rule.ends_at", "EndDateTime"),
    ("rule.location", "Location"),
    ("rule.description", "Description"),
    ("rule.show_as", "ShowAs"),
    ("booking.appointment_id", "Coconut_Booking_Id__c"),
    ("booking.is_primary", "Coconut_Is_Primary__c"),
    ("booking.kind", "Coconut_Kind__c"),
    ("booking.status", "Coconut_Status__c"),
    ("booking.service_name", "Coconut_Service__c"),
    ("booking.location_name", "Coconut_Location__c"),
    ("booking.booked_through", "Coconut_Booked_Through__c"),
    ("booking.meeting_method", "Coconut_Meeting_Method__c"),
    ("booking.booked_at", "Coconut_Booked_At__c"),
    ("rule.edit_url", "Coconut_Edit_Url__c"),
    ("rule.person", "WhoId"),
    ("rule.owner", "OwnerId"),
)


def default_mappings(sobject: str | None = None) -> tuple[FieldMapping, ...]:
    """Return the mappings that a new installation starts with, and that *restore defaults* restores (rule F1).

    Args:
        sobject: Lead, Contact, Account or Event; all of them when missing.
    """
    mappings = (*_people_mappings(), *_event_mappings())
    return tuple(mapping for mapping in mappings if sobject in {None, mapping.sobject})


def _people_mappings() -> tuple[FieldMapping, ...]:
    return tuple(
        FieldMapping(sobject=sobject, target=target, source=source, write_policy=policy)
        for index, sobject in enumerate((Sobject.LEAD, Sobject.CONTACT, Sobject.ACCOUNT))
        for source, policy, *targets in _PEOPLE
        if (target := targets[index])
    )


def _event_mappings() -> tuple[FieldMapping, ...]:
    """Return the Event's mappings: the Event follows the booking, so what became empty there is cleared here."""
    return tuple(
        FieldMapping(sobject=Sobject.EVENT, target=target, source=source, null_policy=NullPolicy.CLEAR)
        for source, target in _EVENTS
    )
