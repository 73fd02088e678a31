"""Lead conversion: an Account and a Contact come of the Lead, its activities move to them, and it is read-only.

The unique keys the Lead holds stay with it, converted or not [salesforce-facts.md §6.3].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.errors import SalesforceFault
from include.salesforce_emulator.ids import normalise_id
from include.salesforce_emulator.lifecycle import ACTIVITIES
from include.salesforce_emulator.reading import read_records
from include.salesforce_emulator.values import date_time_text
from include.salesforce_emulator.writes import Operation, WriteOptions

if TYPE_CHECKING:
    from include.salesforce_emulator.clock import Clock
    from include.salesforce_emulator.records import RecordWriter
    from include.salesforce_emulator.schema import Schema
    from include.salesforce_emulator.store import Store

CONVERTED_STATUS = "Closed - Converted"
_TO_ACCOUNT = {
    "Phone": "Phone",
    "Fax": "Fax",
    "Website": "Website",
    "Industry": "Industry",
    "OwnerId": "OwnerId",
    "Street": "BillingStreet",
    "City": "BillingCity",
    "State": "BillingState",
    "PostalCode": "BillingPostalCode",
    "Country": "BillingCountry",
}
_TO_CONTACT = {
    "FirstName": "FirstName",
    "LastName": "LastName",
    "Salutation": "Salutation",
    "Title": "Title",
    "Email": "Email",
    "Phone": "Phone",
    "Fax": "Fax",
    "MobilePhone": "MobilePhone",
    "LeadSource": "LeadSource",
    "Description": "Description",
    "OwnerId": "OwnerId",
    "Street": "MailingStreet",
    "City": "MailingCity",
    "State": "MailingState",
    "PostalCode": "MailingPostalCode",
    "Country": "MailingCountry",
}


class LeadConversion:
    """Converts Leads of one org."""

    def __init__(self, schema: Schema, store: Store, clock: Clock, writer: RecordWriter) -> None:
        self._schema = schema
        self._store = store
        self._clock = clock
        self._writer = writer

    def convert(
        self, lead_id: str, *, account_id: str | None, contact_id: str | None, user_id: str
    ) -> dict[str, Any]:
        """Convert a Lead into new records, or into the Account and Contact given, which are not overwritten.

        Returns:
            leadId, accountId, contactId, opportunityId (always None) and success, as convertLead answers.

        Raises:
            SalesforceFault: the Lead, Account or Contact is missing or deleted, or the Lead is converted already.
        """
        with self._store.transaction():
            lead = self._present("Lead", lead_id)
            if lead["IsConverted"]:
                message = "cannot convert a lead that is converted already"
                raise SalesforceFault(400, "CANNOT_UPDATE_CONVERTED_LEAD", message)
            contact = self._present("Contact", contact_id) if contact_id else None
            account = (
                self._present("Account", account_id)["Id"] if account_id else (contact or {}).get("AccountId")
            )
            if account is None:
                account = self._create("Account", lead, {"Company": "Name"} | _TO_ACCOUNT, user_id)
            person = contact["Id"] if contact else None
            if person is None:
                person = self._create("Contact", lead, _TO_CONTACT, user_id, AccountId=account)
            self._settle(lead["Id"], account, person, user_id)
        return {
            "leadId": lead["Id"],
            "accountId": account,
            "contactId": person,
            "opportunityId": None,
            "success": True,
        }

    def _present(self, sobject: str, record_id: str) -> dict[str, Any]:
        known = normalise_id(record_id)
        record = read_records(self._store, self._schema.get(sobject), [known]).get(known) if known else None
        if record is None:
            raise SalesforceFault(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if record["IsDeleted"]:
            raise SalesforceFault(400, "ENTITY_IS_DELETED", "entity is deleted")
        return record

    def _create(
        self, sobject: str, lead: dict[str, Any], mapping: dict[str, str], user_id: str, **more: str
    ) -> str:
        row = {target: lead[source] for source, target in mapping.items() if lead[source] is not None} | more
        options = WriteOptions(user_id=user_id, allow_duplicates=True, auto_assign=False)
        target = self._schema.get(sobject)
        result = self._writer.write(Operation.INSERT, target, [row], external_id=None, options=options)[0]
        if result.id is None or result.errors:
            error = result.errors[0]
            raise SalesforceFault(400, error.code, error.message, error.fields)
        return result.id

    def _settle(self, lead_id: str, account_id: str, contact_id: str, user_id: str) -> None:
        stamp = date_time_text(self._clock.now())
        with self._store.transaction() as connection:
            for activity in ACTIVITIES:
                connection.execute(
                    f"UPDATE {activity} SET WhoId = ?, WhatId = ?, AccountId = ?, SystemModstamp = ? "  # noqa: S608
                    "WHERE WhoId = ?",
                    (contact_id, account_id, account_id, stamp, lead_id),
                )
            connection.execute(
                "UPDATE CampaignMember SET ContactId = ?, LeadOrContactId = ?, Type = 'Contact', SystemModstamp = ? "
                "WHERE LeadId = ?",
                (contact_id, contact_id, stamp, lead_id),
            )
            connection.execute(
                "UPDATE Lead SET IsConverted = 1, ConvertedDate = ?, ConvertedAccountId = ?, ConvertedContactId = ?, "
                "Status = ?, LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? WHERE Id = ?",
                (stamp[:10], account_id, contact_id, CONVERTED_STATUS, stamp, user_id, stamp, lead_id),
            )
