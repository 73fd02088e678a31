"""Fetch the Salesforce records that may be one of the clients, with as few API calls as their number allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from include import frames
from include.frames import CANDIDATES
from include.mapping.fields import CLIENT_KEY
from include.matching.lookups import Lookups
from include.matching.normalise import normalise_phone
from include.salesforce import soql

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

BULK_QUERY_CALLS: Final = 8
"""About what a Bulk API 2.0 query job costs: create, a few polls, result pages."""

COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "Lead": {
        "Id": "record_id",
        "FirstName": "first_name",
        "LastName": "last_name",
        "Email": "email",
        "Phone": "phone",
        CLIENT_KEY: "client_key",
        "IsDeleted": "is_deleted",
        "MasterRecordId": "master_record_id",
        "IsConverted": "is_converted",
        "ConvertedContactId": "converted_contact_id",
        "ConvertedAccountId": "converted_account_id",
        "CreatedDate": "created_at",
        "LastModifiedDate": "modified_at",
    },
    "Contact": {
        "Id": "record_id",
        "FirstName": "first_name",
        "LastName": "last_name",
        "Email": "email",
        "Phone": "phone",
        "AccountId": "account_id",
        CLIENT_KEY: "client_key",
        "IsDeleted": "is_deleted",
        "MasterRecordId": "master_record_id",
        "CreatedDate": "created_at",
        "LastModifiedDate": "modified_at",
    },
}
SOBJECTS: Final = tuple(COLUMNS)


def find_candidates(
    salesforce: SalesforceGateway, next_lookups: Callable[[pd.DataFrame, Lookups], Lookups]
) -> pd.DataFrame:
    """Return the candidates (contract ``CANDIDATES``), asking in turns until nothing more is wanted.

    Converted and deleted records are read too, and what they became: rule M7 follows them.

    Args:
        salesforce: the signed-in gateway.
        next_lookups: given the candidates so far and what was asked so far, says what to ask next.
    """
    candidates, done = CANDIDATES.empty(), Lookups()
    while wanted := next_lookups(candidates, done):
        candidates = _joined([candidates, *_read(salesforce, wanted)])
        done |= wanted
    return candidates


def _read(salesforce: SalesforceGateway, wanted: Lookups) -> list[pd.DataFrame]:
    found: list[pd.DataFrame] = []
    for sobject in SOBJECTS:
        found += _by_value(salesforce, sobject, "Id", wanted.record_ids.get(sobject, frozenset()))
        found += _by_value(salesforce, sobject, CLIENT_KEY, wanted.client_keys)
        found += _by_value(salesforce, sobject, "Email", wanted.emails)
        found += _by_phone(salesforce, sobject, wanted.phones)
    return found


def _by_value(
    salesforce: SalesforceGateway, sobject: str, field: str, values: Collection[str]
) -> list[pd.DataFrame]:
    if not values:
        return []
    if field != "Id" and salesforce.lookup_cost(field, values) > BULK_QUERY_CALLS:
        wanted = {value.casefold() for value in values}
        return _by_scan(salesforce, sobject, field, lambda page: page[field].str.casefold().isin(wanted))
    records = salesforce.query_in(
        select=tuple(COLUMNS[sobject]), sobject=sobject, field=field, values=values, include_deleted=True
    )
    return [_named(records, sobject)]


def _by_phone(salesforce: SalesforceGateway, sobject: str, phones: Collection[str]) -> list[pd.DataFrame]:
    """Find phones among all records that have one: Salesforce keeps them as typed, so no filter of its own would do."""
    if not phones:
        return []
    return _by_scan(salesforce, sobject, "Phone", lambda page: normalise_phone(page["Phone"]).isin(phones))


def _by_scan(
    salesforce: SalesforceGateway, sobject: str, field: str, is_wanted: Callable[[pd.DataFrame], pd.Series]
) -> list[pd.DataFrame]:
    """Read every record that has the field through Bulk API 2.0 and keep the wanted ones, page by page."""
    query = soql.select(tuple(COLUMNS[sobject]), sobject, where=soql.is_not_null(field))
    pages = salesforce.bulk_query_frame(query, include_deleted=True)
    return [_named(page[is_wanted(page)], sobject) for page in pages]


def _named(records: pd.DataFrame, sobject: str) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, pd.Series[Any]] = {}
    for field, name in COLUMNS[sobject].items():
        match CANDIDATES.columns[name]:
            case frames.CLAIM:
                columns[name] = records[field].eq("true")
            case frames.INSTANT:
                columns[name] = pd.to_datetime(records[field], utc=True, format="ISO8601")
            case _:
                columns[name] = records[field]
    absent = {name: False if dtype == frames.CLAIM else None for name, dtype in CANDIDATES.columns.items()}
    return CANDIDATES.conform(pd.DataFrame({**absent, **columns, "sobject": sobject}, index=records.index))


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return CANDIDATES.conform(pd.concat(frames, ignore_index=True).drop_duplicates("record_id"))
