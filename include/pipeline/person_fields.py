"""Which Salesforce fields tell of a person what matching wants to know, with and without Person Accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from include import frames
from include.frames import CANDIDATES
from include.mapping.fields import CLIENT_KEY

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

PEOPLE: Final = ("Lead", "Contact", "Account")

_EVERY_RECORD: Final = {
    "Id": "record_id",
    CLIENT_KEY: "client_key",
    "IsDeleted": "is_deleted",
    "MasterRecordId": "master_record_id",
    "CreatedDate": "created_at",
    "LastModifiedDate": "modified_at",
}
_NAMED_PERSON: Final = {"FirstName": "first_name", "LastName": "last_name", "Phone": "phone"}
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Lead": {
        **_NAMED_PERSON,
        "Email": "email",
        "MobilePhone": "mobile_phone",
        "Country": "country",
        "IsConverted": "is_converted",
        "ConvertedContactId": "converted_contact_id",
        "ConvertedAccountId": "converted_account_id",
    },
    "Contact": {
        **_NAMED_PERSON,
        "Email": "email",
        "MobilePhone": "mobile_phone",
        "MailingCountry": "country",
        "AccountId": "account_id",
    },
    "Account": {},
}
_FIELDS_WITH_PERSON_ACCOUNTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Lead": {},
    "Contact": {"IsPersonAccount": "is_person_account"},
    "Account": {
        **_NAMED_PERSON,
        "PersonEmail": "email",
        "PersonMobilePhone": "mobile_phone",
        "PersonMailingCountry": "country",
        "IsPersonAccount": "is_person_account",
        "PersonContactId": "person_contact_id",
    },
}


def has_person_accounts(salesforce: SalesforceGateway) -> bool:
    """Tell whether the org has Person Accounts: only then Account has the field ("Person Accounts", API guide)."""
    return "IsPersonAccount" in salesforce.describe("Account")


def person_columns(salesforce: SalesforceGateway, sobject: str) -> dict[str, str]:
    """Return an sObject's fields that are read, and the column of ``CANDIDATES`` each of them is."""
    person_accounts = _FIELDS_WITH_PERSON_ACCOUNTS[sobject] if has_person_accounts(salesforce) else {}
    return {**_EVERY_RECORD, **_FIELDS[sobject], **person_accounts}


def as_candidates(records: pd.DataFrame, sobject: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return records as ``CANDIDATES``; ``records`` are text columns named like the keys of ``columns``."""
    import pandas as pd

    named: dict[str, pd.Series[Any]] = {}
    for field, name in columns.items():
        match CANDIDATES.columns[name]:
            case frames.CLAIM:
                named[name] = records[field].eq("true")
            case frames.INSTANT:
                named[name] = pd.to_datetime(records[field], utc=True, format="ISO8601")
            case _:
                named[name] = records[field]
    absent = {name: False if dtype == frames.CLAIM else None for name, dtype in CANDIDATES.columns.items()}
    return CANDIDATES.conform(pd.DataFrame({**absent, **named, "sobject": sobject}, index=records.index))
