"""Lead conversion: an Account and a Contact come of the Lead, its activities move to them, and it is read-only.

The unique keys the Lead holds stay with it, converted or not [salesforce-facts.md §6.3]. With Person Accounts on, a
Lead without a Company becomes one [Object Reference, Lead.Company]. In an Account or Contact that is given only empty
fields are filled, and a person account is given without a Contact [SOAP API guide, convertLead]. The real call also
asks for the Account of a Contact that is given; here the Contact's own is taken. Custom fields are not mapped, as in
an org whose administrator mapped none. Where no public wording of a refusal was found the sentence is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.lifecycle import ACTIVITIES
from include.salesforce_emulator.engine.reading import read_records
from include.salesforce_emulator.engine.rules.campaign import drop_second_memberships
from include.salesforce_emulator.engine.rules.opportunity import FIRST_STAGE
from include.salesforce_emulator.engine.rules.person_account import PERSON_CONTACT
from include.salesforce_emulator.engine.schema import FieldType
from include.salesforce_emulator.engine.values import date_time_text
from include.salesforce_emulator.engine.writes import Operation, WriteOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.salesforce_emulator.engine.clock import Clock
    from include.salesforce_emulator.engine.records import RecordWriter
    from include.salesforce_emulator.engine.schema import Schema, SObject
    from include.salesforce_emulator.engine.store import Store

    Record = dict[str, Any]

CONVERTED_STATUS = "Closed - Converted"
_MONTHS_OF_QUARTER = 3
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
_TO_ACCOUNT = {
    **{name: name for name in ("Phone", "Fax", "Website", "Industry", "OwnerId")},
    **{name: f"Billing{name}" for name in _ADDRESS},
}
_PERSONAL = ("Title", "Email", "MobilePhone", "LeadSource", "HasOptedOutOfEmail", "DoNotCall")
_NAMES = ("FirstName", "LastName", "Salutation")
_TO_CONTACT = {
    **{name: name for name in (*_NAMES, *_PERSONAL, "Phone", "Fax", "Description", "OwnerId")},
    **{name: f"Mailing{name}" for name in _ADDRESS},
}
_TO_PERSON = {
    **{name: name for name in (*_NAMES, "Phone", "Fax", "Website", "Industry", "Description", "OwnerId")},
    **{name: f"Person{name}" for name in _PERSONAL},
}
_NEVER_FILLED = frozenset({*_NAMES, "Company", "OwnerId"})


class ConversionWishes(TypedDict, total=False):
    """The attributes of `LeadConvert` beside the Lead, for whoever passes them by name."""

    account_id: str | None
    contact_id: str | None
    owner_id: str | None
    converted_status: str
    overwrite_lead_source: bool
    do_not_create_opportunity: bool
    opportunity_name: str | None


@dataclass(frozen=True, slots=True)
class LeadConvert:
    """What convertLead is asked for, by its own names.

    Attributes:
        account_id, contact_id: records to convert into; a Contact belongs to the Account, if both are given.
        owner_id: the User who shall own new records; None leaves them to the Lead's owner.
        converted_status: the Lead's status afterwards.
        overwrite_lead_source: whether the lead source of the Contact given becomes the Lead's.
        do_not_create_opportunity: Salesforce makes one unless told not to; here it is the other way about.
        opportunity_name: None takes the company's name, or the person's.
    """

    lead_id: str
    account_id: str | None = None
    contact_id: str | None = None
    owner_id: str | None = None
    converted_status: str = CONVERTED_STATUS
    overwrite_lead_source: bool = False
    do_not_create_opportunity: bool = True
    opportunity_name: str | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    account_id: str
    contact_id: str
    opportunity_id: str | None = None


class LeadConversion:
    """Converts Leads of one org."""

    def __init__(self, schema: Schema, store: Store, clock: Clock, writer: RecordWriter) -> None:
        self._schema = schema
        self._store = store
        self._clock = clock
        self._writer = writer

    def convert(self, wanted: LeadConvert, *, user_id: str) -> dict[str, Any]:
        """Convert a Lead into new records, or into the ones given.

        Returns:
            leadId, accountId, contactId (a person account's PersonContactId), opportunityId and success, as
            convertLead answers.

        Raises:
            SalesforceFault: a record is missing or deleted, the Lead is converted already, or the records given do
                not belong together.
        """
        with self._store.transaction():
            lead = self._present("Lead", wanted.lead_id)
            if lead["IsConverted"]:
                raise SalesforceFault(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
            if wanted.converted_status != CONVERTED_STATUS:
                message = f"invalid convertedStatus: {wanted.converted_status}"
                raise SalesforceFault(400, "INVALID_STATUS", message, ("Status",))
            source = lead | ({"OwnerId": wanted.owner_id} if wanted.owner_id else {})
            outcome = self._people(wanted, source, user_id)
            if not wanted.do_not_create_opportunity:
                made = self._opportunity(wanted, source, outcome, user_id)
                outcome = _Outcome(outcome.account_id, outcome.contact_id, made)
            self._settle(lead["Id"], outcome, wanted.converted_status, user_id)
        return {
            "leadId": lead["Id"],
            "accountId": outcome.account_id,
            "contactId": outcome.contact_id,
            "opportunityId": outcome.opportunity_id,
            "success": True,
        }

    def _people(self, wanted: LeadConvert, lead: Record, user_id: str) -> _Outcome:
        """Find or make the Account and the Contact, and fill what is empty in the ones given."""
        contact = self._present("Contact", wanted.contact_id) if wanted.contact_id else None
        account_id = wanted.account_id or (contact or {}).get("AccountId")
        account = self._present("Account", account_id) if account_id else None
        _check_pair(account, contact)
        if (
            wanted.overwrite_lead_source
            and contact is None
            and not (account and account.get("IsPersonAccount"))
        ):
            message = "overwriteLeadSource needs the contact whose lead source is meant"
            raise SalesforceFault(400, "MISSING_ARGUMENT", message)
        has_people = self._schema.get("Account").field("IsPersonAccount") is not None
        if account.get("IsPersonAccount") if account else has_people and not contact and not lead["Company"]:
            return self._person(wanted, lead, account, user_id)
        if account is None:
            owner = self._create("Account", lead, {"Company": "Name"} | _TO_ACCOUNT, user_id)
        else:
            owner = self._fill("Account", account, lead, _TO_ACCOUNT, user_id)
        if contact is None:
            return _Outcome(owner, self._create("Contact", lead, _TO_CONTACT, user_id, AccountId=owner))
        more = {"LeadSource": lead["LeadSource"]} if wanted.overwrite_lead_source else {}
        if contact["AccountId"] is None:
            more["AccountId"] = owner
        return _Outcome(owner, self._fill("Contact", contact, lead, _TO_CONTACT, user_id, **more))

    def _person(self, wanted: LeadConvert, lead: Record, account: Record | None, user_id: str) -> _Outcome:
        mapping = dict(_TO_PERSON)
        addresses = {
            f"{kind}{name}": lead[name] for kind in ("Billing", "PersonMailing") for name in _ADDRESS
        }
        if account is None:
            given = {name: value for name, value in addresses.items() if value is not None}
            account_id = self._create("Account", lead, mapping, user_id, **given)
        else:
            empty = {name: value for name, value in addresses.items() if account[name] is None and value}
            if wanted.overwrite_lead_source:
                empty["PersonLeadSource"] = lead["LeadSource"]
            account_id = self._fill("Account", account, lead, mapping, user_id, **empty)
        return _Outcome(account_id, self._present("Account", account_id)["PersonContactId"])

    def _opportunity(self, wanted: LeadConvert, lead: Record, outcome: _Outcome, user_id: str) -> str:
        row = {
            "Name": wanted.opportunity_name or lead["Company"] or lead["Name"],
            "AccountId": outcome.account_id,
            "StageName": FIRST_STAGE,
            "CloseDate": _end_of_quarter(self._clock.now().date()).isoformat(),
        }
        row["Name"] = row["Name"][:120]
        return self._create(
            "Opportunity", lead, {"LeadSource": "LeadSource", "OwnerId": "OwnerId"}, user_id, **row
        )

    def _present(self, sobject: str, record_id: str) -> Record:
        known = normalise_id(record_id)
        record = read_records(self._store, self._schema.get(sobject), [known]).get(known) if known else None
        if record is None:
            raise SalesforceFault(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if record["IsDeleted"]:
            raise SalesforceFault(400, "ENTITY_IS_DELETED", "entity is deleted")
        return record

    def _create(
        self, sobject: str, lead: Record, mapping: Mapping[str, str], user_id: str, **more: Any
    ) -> str:
        row = {target: lead[source] for source, target in mapping.items() if lead[source] is not None} | more
        return self._write(Operation.INSERT, sobject, row, user_id)

    def _fill(
        self,
        sobject: str,
        record: Record,
        lead: Record,
        mapping: Mapping[str, str],
        user_id: str,
        **more: Any,
    ) -> str:
        row = {
            target: lead[source]
            for source, target in mapping.items()
            if source not in _NEVER_FILLED and record[target] is None and lead[source] is not None
        } | more
        if row:
            self._write(Operation.UPDATE, sobject, row | {"Id": record["Id"]}, user_id)
        return str(record["Id"])

    def _write(self, operation: Operation, sobject: str, row: Record, user_id: str) -> str:
        options = WriteOptions(user_id=user_id, run_rules=False, auto_assign=False)
        target = self._schema.get(sobject)
        result = self._writer.write(
            operation, target, [_wire(row, target)], external_id=None, options=options
        )[0]
        if result.id is None or result.errors:
            error = result.errors[0]
            raise SalesforceFault(400, error.code, error.message, error.fields)
        return result.id

    def _settle(self, lead_id: str, outcome: _Outcome, status: str, user_id: str) -> None:
        stamp = date_time_text(self._clock.now())
        account, contact, opportunity = outcome.account_id, outcome.contact_id, outcome.opportunity_id
        with self._store.transaction() as connection:
            for activity in ACTIVITIES:
                connection.execute(
                    f"UPDATE {activity} SET WhoId = ?, WhatId = ?, AccountId = ?, SystemModstamp = ? "  # noqa: S608
                    "WHERE WhoId = ?",
                    (contact, opportunity or account, account, stamp, lead_id),
                )
            connection.execute(
                "UPDATE CampaignMember SET ContactId = ?, LeadOrContactId = ?, Type = 'Contact', SystemModstamp = ? "
                "WHERE LeadId = ?",
                (contact, contact, stamp, lead_id),
            )
            connection.execute(
                "UPDATE Lead SET IsConverted = 1, ConvertedDate = ?, ConvertedAccountId = ?, ConvertedContactId = ?, "
                "ConvertedOpportunityId = ?, Status = ?, LastModifiedDate = ?, LastModifiedById = ?, "
                "SystemModstamp = ? WHERE Id = ?",
                (stamp[:10], account, contact, opportunity, status, stamp, user_id, stamp, lead_id),
            )
        drop_second_memberships(self._store, contact, stamp)


def _check_pair(account: Record | None, contact: Record | None) -> None:
    if contact is None:
        return
    if contact.get("IsPersonAccount"):
        raise SalesforceFault(400, *PERSON_CONTACT)
    if account is not None and account.get("IsPersonAccount"):
        message = "a lead converts into a person account without a contact; leave the contact out"
        raise SalesforceFault(400, PERSON_CONTACT[0], message)
    if account is not None and contact["AccountId"] not in (None, account["Id"]):
        message = "the contact belongs to another account than the one given"
        raise SalesforceFault(400, "INVALID_CROSS_REFERENCE_KEY", message, ("ContactId",))


def _wire(row: Record, target: SObject) -> Record:
    """Return stored values as JSON has them: check boxes are stored as 0 and 1."""
    return {
        name: bool(value)
        if (field := target.field(name)) is not None and field.type is FieldType.BOOLEAN
        else value
        for name, value in row.items()
    }


def _end_of_quarter(day: date) -> date:
    months = day.year * 12 + (day.month - 1) // _MONTHS_OF_QUARTER * _MONTHS_OF_QUARTER + _MONTHS_OF_QUARTER
    return date(months // 12, months % 12 + 1, 1) - timedelta(days=1)
