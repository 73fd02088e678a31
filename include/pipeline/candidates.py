"""Fetch the Salesforce records that may be one of the clients, with as few API calls as the number of clients allows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from include.frames import CANDIDATES

if TYPE_CHECKING:
    import pandas as pd

    from include.matching.lookups import Lookups
    from include.salesforce.gateway import SalesforceGateway

BULK_QUERY_CALLS: Final = 8
"""About what a Bulk API 2.0 query job costs: create, a few polls, result pages."""

MAX_HOPS: Final = 5
"""Conversions and merges followed one after the other before a chain is given up."""

COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "Lead": {
        "Id": "record_id",
        "FirstName": "first_name",
        "LastName": "last_name",
        "Email": "email",
        "Phone": "phone",
        "Coconut_Client_Key__c": "client_key",
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
        "Coconut_Client_Key__c": "client_key",
        "IsDeleted": "is_deleted",
        "MasterRecordId": "master_record_id",
        "CreatedDate": "created_at",
        "LastModifiedDate": "modified_at",
    },
}
SOBJECTS: Final = tuple(COLUMNS)


def find_candidates(salesforce: SalesforceGateway, lookups: Lookups) -> pd.DataFrame:
    """Return the candidates (contract ``CANDIDATES``) for ``lookups``, with everything they were converted or merged into.

    Converted and deleted records are read too: rule M7 follows them.
    """
    found: list[pd.DataFrame] = []
    for sobject in SOBJECTS:
        found += _by_value(salesforce, sobject, "Email", lookups.emails)
        found += _by_value(salesforce, sobject, "Phone", lookups.phones)
        found += _by_value(salesforce, sobject, "Coconut_Client_Key__c", lookups.client_keys)
        found += _by_value(salesforce, sobject, "Id", lookups.record_ids.get(sobject, frozenset()))
    candidates = _joined(found)
    for _ in range(MAX_HOPS):
        wanted = _unread_targets(candidates)
        hops = [frame for sobject in SOBJECTS for frame in _by_value(salesforce, sobject, "Id", wanted[sobject])]
        if not any(len(hop) for hop in hops):
            break
        candidates = _joined([candidates, *hops])
    return candidates


def _by_value(
    salesforce: SalesforceGateway, sobject: str, field: str, values: Collection[str]
) -> list[pd.DataFrame]:
    if not values:
        return []
    columns = tuple(COLUMNS[sobject])
    if field != "Id" and salesforce.lookup_cost(field, values) > BULK_QUERY_CALLS:
        return _by_scan(salesforce, sobject, field, values)
    records = salesforce.query_in(
        select=columns, sobject=sobject, field=field, values=values, include_deleted=True
    )
    return [_named(records, sobject)]


def _by_scan(
    salesforce: SalesforceGateway, sobject: str, field: str, values: Collection[str]
) -> list[pd.DataFrame]:
    """Read every record that has the field through Bulk API 2.0 and keep the wanted ones, page by page."""
    wanted = {value.casefold() for value in values}
    pages = salesforce.bulk_query_frames(
        select=tuple(COLUMNS[sobject]), sobject=sobject, not_null=field, include_deleted=True
    )
    return [_named(page[page[field].str.casefold().isin(wanted)], sobject) for page in pages]


def _named(records: pd.DataFrame, sobject: str) -> pd.DataFrame:
    import pandas as pd

    frame = CANDIDATES.empty().reindex(records.index)
    for field, name in COLUMNS[sobject].items():
        values = records[field]
        if name.startswith("is_"):
            frame[name] = values.eq("true")
        elif name.endswith("_at"):
            frame[name] = pd.to_datetime(values, utc=True, format="ISO8601").astype("datetime64[us, UTC]")
        else:
            frame[name] = values
    frame["sobject"] = sobject
    for name in ("is_deleted", "is_converted", "is_person_account"):
        frame[name] = frame[name].eq(True)
    return CANDIDATES.conform(frame)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    if not frames:
        return CANDIDATES.empty()
    return CANDIDATES.conform(pd.concat(frames, ignore_index=True).drop_duplicates("record_id"))


def _unread_targets(candidates: pd.DataFrame) -> dict[str, set[str]]:
    known = set(candidates["record_id"])
    masters = {
        sobject: set(candidates.loc[candidates["sobject"] == sobject, "master_record_id"].dropna()) - known
        for sobject in SOBJECTS
    }
    masters["Contact"] |= set(candidates["converted_contact_id"].dropna()) - known
    return masters
