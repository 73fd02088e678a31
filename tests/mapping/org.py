"""A small org for rules that are handed what it says of its fields: the standard fields, ours, and some to map to."""

from __future__ import annotations

from include.mapping.org_fields import FieldFacts, OrgFields

_KEY = FieldFacts("string", length=64)
_OWNER = FieldFacts("reference", length=18, has_default=True, nillable=False, reference_to=("User",))
_CUSTOM = {
    "Text__c": FieldFacts("string", length=20, is_custom=True),
    "Long__c": FieldFacts("textarea", length=100, is_custom=True),
    "Colour__c": FieldFacts(
        "picklist", length=255, is_custom=True, is_restricted=True, picklist_values=("Red", "Dark Blue")
    ),
    "Topics__c": FieldFacts(
        "multipicklist", length=4099, is_custom=True, is_restricted=True, picklist_values=("Loans", "Cards")
    ),
    "Free__c": FieldFacts("picklist", length=255, is_custom=True, picklist_values=("Red",)),
    "Flag__c": FieldFacts("boolean", is_custom=True, nillable=False, has_default=True),
    "Number__c": FieldFacts("double", digits=4, is_custom=True),
    "Whole__c": FieldFacts("int", digits=8, is_custom=True),
    "Day__c": FieldFacts("date", is_custom=True),
    "Instant__c": FieldFacts("datetime", is_custom=True),
    "Email__c": FieldFacts("email", length=80, is_custom=True),
    "Formula__c": FieldFacts(
        "string", length=100, createable=False, updateable=False, is_custom=True, is_calculated=True
    ),
}


def _address(prefix: str) -> dict[str, FieldFacts]:
    return {
        f"{prefix}Street": FieldFacts("textarea", length=255),
        f"{prefix}City": FieldFacts("string", length=40),
        f"{prefix}State": FieldFacts("string", length=80),
        f"{prefix}PostalCode": FieldFacts("string", length=20),
        f"{prefix}Country": FieldFacts("string", length=80),
    }


def _person(email: str, address: str, source: str) -> dict[str, FieldFacts]:
    return {
        "FirstName": FieldFacts("string", length=40),
        "LastName": FieldFacts("string", length=80, nillable=False),
        email: FieldFacts("email", length=80),
        "Phone": FieldFacts("phone", length=40),
        source: FieldFacts("picklist", length=255, picklist_values=("Web", "Other")),
        "OwnerId": _OWNER,
        "Coconut_Client_Key__c": _KEY,
        **_address(address),
        **_CUSTOM,
    }


ORG = OrgFields(
    {
        "Lead": {
            **_person("Email", "", "LeadSource"),
            "Company": FieldFacts("string", length=255, nillable=False),
        },
        "Contact": {
            **_person("Email", "Mailing", "LeadSource"),
            "AccountId": FieldFacts("reference", length=18, reference_to=("Account",)),
        },
        "Account": {
            **_person("PersonEmail", "PersonMailing", "AccountSource"),
            "Name": FieldFacts("string", length=255, nillable=False),
            "IsPersonAccount": FieldFacts("boolean", createable=False, updateable=False),
        },
        "Event": {
            "Subject": FieldFacts("combobox", length=255),
            "StartDateTime": FieldFacts("datetime"),
            "EndDateTime": FieldFacts("datetime"),
            "Location": FieldFacts("string", length=255),
            "Description": FieldFacts("textarea", length=32_000),
            "ShowAs": FieldFacts("picklist", length=40, picklist_values=("Busy", "OutOfOffice", "Free")),
            "WhoId": FieldFacts("reference", length=18, reference_to=("Contact", "Lead")),
            "WhatId": FieldFacts("reference", length=18, reference_to=("Account",)),
            "OwnerId": _OWNER,
            "Coconut_Booking_Key__c": FieldFacts("string", length=255),
            "Coconut_Booking_Id__c": FieldFacts("string", length=40),
            "Coconut_Is_Primary__c": FieldFacts("boolean", nillable=False, has_default=True),
            "Coconut_Kind__c": FieldFacts("string", length=40),
            "Coconut_Status__c": FieldFacts("string", length=40),
            "Coconut_Service__c": FieldFacts("string", length=255),
            "Coconut_Location__c": FieldFacts("string", length=255),
            "Coconut_Booked_Through__c": FieldFacts("string", length=40),
            "Coconut_Meeting_Method__c": FieldFacts("string", length=40),
            "Coconut_Booked_At__c": FieldFacts("datetime"),
            "Coconut_Edit_Url__c": FieldFacts("url", length=255),
            **_CUSTOM,
        },
    }
)
