"""What the setup adds to the objects and fields of the org: Person Accounts, and where record types are.

Clients detect Person Accounts by the field `Account.IsPersonAccount`, so without the feature there is no such field.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.record_types import asked_for, check_record_types
from include.salesforce_emulator.engine.schema import Field, FieldType, Schema, SObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.salesforce_emulator.engine.org_setup import OrgSetup
    from include.salesforce_emulator.engine.store import Store

_SAME_NAME = ("LastName", "FirstName", "Salutation")
_PERSON_PREFIXED = (
    "OtherStreet",
    "OtherCity",
    "OtherState",
    "OtherPostalCode",
    "OtherCountry",
    "OtherLatitude",
    "OtherLongitude",
    "MailingStreet",
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
    "MailingLatitude",
    "MailingLongitude",
    "MobilePhone",
    "HomePhone",
    "OtherPhone",
    "AssistantPhone",
    "AssistantName",
    "Email",
    "Title",
    "Department",
    "LeadSource",
    "Birthdate",
    "HasOptedOutOfEmail",
    "DoNotCall",
)
SHARED = ("Phone", "Fax", "OwnerId")
"""Fields that Account and Contact have in common anyway, and that are one for a Person Account."""

_PERSON_TITLE_LENGTH = 80
"""PersonTitle is shorter than Contact.Title (Object Reference, Account)."""


def schema_for(setup: OrgSetup, deployed: Schema) -> Schema:
    """Return the schema of an org with this setup.

    Args:
        setup: how the org is set up.
        deployed: the standard objects and what packages add.

    Raises:
        SalesforceFault: a record type of the setup does not fit the org.
    """
    check_record_types(setup, deployed)
    schema = _with_person_accounts(deployed) if setup.person_accounts else _without_person_types(deployed)
    owners = {deployed.get(item.sobject).name for item in asked_for(setup)}
    return schema.with_fields({name: [_record_type_field()] for name in owners})


def person_fields(schema: Schema) -> Mapping[str, str]:
    """Return, by name of the Account's field, the Contact's field that a Person Account keeps equal to it."""
    named = {name: name for name in (*_SAME_NAME, *SHARED)}
    named |= {f"Person{name}": name for name in _PERSON_PREFIXED}
    contact = schema.get("Contact")
    named |= {_person_name(item.name): item.name for item in contact.fields if item.custom}
    account = schema.get("Account")
    return {mine: theirs for mine, theirs in named.items() if account.field(mine) is not None}


def check_no_person_accounts(store: Store, setup: OrgSetup) -> None:
    """Refuse to switch Person Accounts off in an org that holds some, deleted ones among them.

    Raises:
        SalesforceFault: it does; enabling Person Accounts cannot be undone in Salesforce either.
    """
    has_column = any(row[1] == "IsPersonAccount" for row in store.fetch("PRAGMA table_info(Account)"))
    if setup.person_accounts or not has_column:
        return
    if store.fetch("SELECT 1 FROM Account WHERE IsPersonAccount = 1 LIMIT 1"):
        message = (
            "The org holds Person Accounts, so that person_accounts stays on; reset the org to start afresh."
        )
        raise SalesforceFault(400, "INVALID_SETUP", message)


def _with_person_accounts(deployed: Schema) -> Schema:
    contact, lead = deployed.get("Contact"), deployed.get("Lead")
    company = lead.field("Company")
    optional = [] if company is None else [replace(company, nillable=True)]
    flag, link = _person_flag(), _person_link()
    return deployed.with_fields(
        {"Account": [flag, link, *_account_fields(contact)], "Contact": [flag], "Lead": optional}
    )


def _account_fields(contact: SObject) -> list[Field]:
    made = []
    for item in contact.fields:
        if item.name in _SAME_NAME:
            made.append(replace(item, nillable=True))
        elif item.name in _PERSON_PREFIXED:
            length = _PERSON_TITLE_LENGTH if item.name == "Title" else item.length
            made.append(replace(item, name=f"Person{item.name}", length=length))
        elif item.custom:
            made.append(_custom_person_field(item))
    return made


def _custom_person_field(item: Field) -> Field:
    """Return the Account's view of a custom field of Contact; only the Contact's own is a key."""
    relationship = None if item.relationship_name is None else f"{item.relationship_name[:-1]}pr"
    return replace(
        item,
        name=_person_name(item.name),
        nillable=item.nillable or item.type is not FieldType.BOOLEAN,
        unique=False,
        external_id=False,
        id_lookup=False,
        relationship_name=relationship,
        child_relationship_name=None,
    )


def _person_name(custom: str) -> str:
    return f"{custom[: -len('__c')]}__pc"


def _without_person_types(deployed: Schema) -> Schema:
    return Schema(
        tuple(
            replace(item, fields=tuple(field for field in item.fields if field.name != "IsPersonType"))
            if item.name == "RecordType"
            else item
            for item in deployed.objects
        )
    )


def _record_type_field() -> Field:
    return Field(
        name="RecordTypeId",
        type=FieldType.REFERENCE,
        label="Record Type ID",
        length=18,
        reference_to=("RecordType",),
        relationship_name="RecordType",
        defaulted_on_create=True,
    )


def _person_flag() -> Field:
    return Field(
        name="IsPersonAccount",
        type=FieldType.BOOLEAN,
        label="Is Person Account",
        nillable=False,
        createable=False,
        updateable=False,
        default=0,
    )


def _person_link() -> Field:
    return Field(
        name="PersonContactId",
        type=FieldType.REFERENCE,
        label="Contact ID",
        length=18,
        createable=False,
        updateable=False,
        reference_to=("Contact",),
        relationship_name="PersonContact",
    )
