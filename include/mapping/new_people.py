"""The records of people who are to be created, and the Accounts they belong to (rules F1, M4, M10, M11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import CLEAR, TEXT
from include.mapping.accounts import choose_accounts, company_names, new_accounts
from include.mapping.field_values import Fault, field_values
from include.mapping.person_drafts import INSERT, Drafts, PersonInputs, PersonTerms, person_facts
from include.mapping.person_owner import STAFF_ID, person_owners
from include.mapping.person_sources import source_rows
from include.mapping.wire_text import utf16_length
from include.matching.choose import NEW_SOBJECT
from include.matching.normalise import salesforce_id_18
from include.reasons import Reason
from include.settings.field_mapping import Sobject, of_sobject
from include.settings.model import OnInvalidField

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.mapping.org_fields import OrgFields

LAST_NAME: Final = "LastName"
COMPANY: Final = "Company"
OWNER: Final = "OwnerId"
RECORD_TYPE: Final = "RecordTypeId"

_ACCOUNT_NAME: Final = "Account.Name"
_LONGEST_ACCOUNT_NAME: Final = 255
"""Characters of Account.Name (Object Reference, Account)."""


def draft_new_people(
    people: pd.DataFrame, inputs: PersonInputs, terms: PersonTerms
) -> tuple[Drafts, pd.DataFrame]:
    """Return the people to insert, and the Accounts to insert before them (``frames.NEW_ACCOUNTS``).

    A field without value is left out: on a record that does not exist yet there is nothing to clear.

    Args:
        people: ``people_to_create``.
        inputs: what else they are made of.
        terms: the rules in force.
    """
    sobject = NEW_SOBJECT[terms.settings.entity_type]
    mappings = of_sobject(terms.mappings, sobject)
    values = field_values(
        mappings,
        source_rows(people, inputs.newest, mappings),
        inputs.answers,
        org_fields=terms.org_fields,
        settings=terms.settings,
    )
    faults = [*values.faults, *_company_faults(people, sobject)]
    dropped = [fault for fault in faults if _is_left_out(fault, sobject, terms)]
    refused = [fault for fault in faults if not _is_left_out(fault, sobject, terms)]
    wire = values.without([fault for fault in dropped if fault.target in values.wire])
    wire = _completed(wire.mask(wire == CLEAR), sobject, terms)
    owners = _owners(people, inputs, terms)
    wire[OWNER] = owners["owner_id"]
    refused = [*_unnamed(wire, refused), *refused, *_owner_faults(owners)]
    accounts = _accounts(people, inputs, terms, dropped)
    facts = person_facts(
        people.assign(account_ref=accounts["account_ref"]), operation=INSERT, sobject=sobject
    )
    drafts = Drafts(facts, wire, refused, dropped)
    needing = pd.concat([facts["client_id"], wire[OWNER], accounts], axis="columns")
    return drafts, new_accounts(needing[~drafts.is_refused])


def _is_left_out(fault: Fault, sobject: str, terms: PersonTerms) -> bool:
    """Tell whether a value that a field refuses is left out; a field that the record cannot do without is not."""
    drops = terms.settings.on_invalid_field is OnInvalidField.DROP_AND_REPORT
    return drops and can_be_left_out(sobject, fault.target, terms.org_fields)


def can_be_left_out(sobject: str, target: str, org_fields: OrgFields) -> bool:
    """Tell whether a new record can do without a mapped value; a Lead's company has a placeholder."""
    facts = org_fields.fact(sobject, target)
    is_optional = facts is None or facts.nillable or facts.has_default
    return target != LAST_NAME and (is_optional or target == COMPANY)


def needs_company(org_fields: OrgFields) -> bool:
    """Tell whether a Lead cannot do without a company: where Person Accounts are on, it can."""
    company = org_fields.fact(Sobject.LEAD, COMPANY)
    return company is None or not company.nillable


def _company_faults(people: pd.DataFrame, sobject: str) -> list[Fault]:
    """Return whose company is too long for the name of an Account."""
    is_too_long = utf16_length(company_names(people["company"])) > _LONGEST_ACCOUNT_NAME
    if sobject != Sobject.CONTACT or not is_too_long.any():
        return []
    words = f"{_ACCOUNT_NAME} is longer than {_LONGEST_ACCOUNT_NAME} characters"
    return [Fault(Reason.VALUE_TOO_LONG, _ACCOUNT_NAME, is_too_long, words)]


def _completed(wire: pd.DataFrame, sobject: str, terms: PersonTerms) -> pd.DataFrame:
    """Add what a record cannot do without: a Lead its company, a Person Account its record type.

    Where Person Accounts are on, a Lead can do without a company: with one it would convert to a business Account
    (Object Reference, Lead.Company).
    """
    if sobject == Sobject.ACCOUNT:
        record_type = salesforce_id_18(pd.Series([terms.settings.person_account_record_type], dtype=TEXT))
        return wire.assign(**{RECORD_TYPE: pd.Series(record_type.iloc[0], index=wire.index, dtype=TEXT)})
    if sobject == Sobject.LEAD and needs_company(terms.org_fields):
        named = wire.get(COMPANY, pd.Series(None, index=wire.index, dtype=TEXT))
        return wire.assign(**{COMPANY: named.fillna(terms.settings.company_placeholder or None)})
    return wire


def _unnamed(wire: pd.DataFrame, refused: Sequence[Fault]) -> list[Fault]:
    """Return who has no last name, unless the reason is that the field refuses it."""
    is_unnamed = wire.reindex(columns=[LAST_NAME])[LAST_NAME].isna()
    for fault in refused:
        if fault.target == LAST_NAME:
            is_unnamed &= ~fault.rows
    return [Fault(Reason.UNNAMED_CLIENT, LAST_NAME, is_unnamed, "the client has no name")]


def _owners(people: pd.DataFrame, inputs: PersonInputs, terms: PersonTerms) -> pd.DataFrame:
    staff = inputs.newest.set_index("person_ref")["staff_id"]
    booked = people.assign(**{STAFF_ID: people["person_ref"].map(staff)})
    return person_owners(booked, inputs.staff_links, settings=terms.settings, owners=terms.owners)


def _owner_faults(owners: pd.DataFrame) -> list[Fault]:
    words = "the setting default_owner names no usable User"
    return [
        Fault(Reason(str(reason)), OWNER, owners["owner_reason"].eq(reason), words)
        for reason in owners["owner_reason"].dropna().unique()
    ]


def _accounts(
    people: pd.DataFrame, inputs: PersonInputs, terms: PersonTerms, dropped: Sequence[Fault]
) -> pd.DataFrame:
    """Return what ``choose_accounts`` says of Contacts; a company that was left out counts as none."""
    company = people["company"]
    for fault in dropped:
        if fault.target == _ACCOUNT_NAME:
            company = company.mask(fault.rows)
    return choose_accounts(people.assign(company=company), inputs.company_accounts, settings=terms.settings)
