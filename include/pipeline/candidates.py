"""Fetch the Salesforce records that may be one of the clients, with as few API calls as their number allows.

Values are asked for in ``IN`` lists as long as a URL may be; where these would take more calls than reading all of an
object, one Bulk API 2.0 query reads it instead, for every kind of value at once, and the records wanted are picked out
of its pages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError, RequestRefusedError
from include.frames import CANDIDATES
from include.mapping.fields import CLIENT_KEY
from include.matching.lookups import Lookups
from include.pipeline.person_fields import PEOPLE, as_candidates, has_person_accounts, person_columns
from include.salesforce import soql

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

ASSUMED_RECORDS: Final = 1_000_000
"""Size of an object in an org that does not tell our user how many records it has."""

Values = Mapping[str, Collection[str]]
"""Values to find, by field."""


def find_candidates(
    salesforce: SalesforceGateway,
    next_lookups: Callable[[pd.DataFrame, Lookups], Lookups],
    *,
    find_phones: Callable[[Collection[str]], pd.DataFrame],
) -> pd.DataFrame:
    """Return the candidates (contract ``CANDIDATES``), asking in turns until nothing more is wanted.

    Converted and deleted records are read too, and what they became: rule M7 follows them.

    Args:
        salesforce: the signed-in gateway.
        next_lookups: given the candidates so far and what was asked so far, says what to ask next.
        find_phones: given normalised phones, returns the records that have one (``ledger.contracts.PHONE_ENTRIES``).

    Raises:
        ConfigurationError: our user may not read an object or field.
    """
    import pandas as pd

    reader = CandidateReader(salesforce)
    candidates, done = CANDIDATES.empty(), Lookups()
    while wanted := next_lookups(candidates, done):
        found = reader.read(_with_phones(wanted, find_phones))
        candidates = CANDIDATES.conform(pd.concat([candidates, *found]).drop_duplicates("record_id"))
        done |= wanted
    return candidates


def _with_phones(wanted: Lookups, find_phones: Callable[[Collection[str]], pd.DataFrame]) -> Lookups:
    """Turn phones, which Salesforce keeps as typed and cannot find, into the Ids of the records that have them."""
    if not wanted.phones:
        return wanted
    entries = find_phones(wanted.phones)
    by_sobject = entries.groupby("sobject")["record_id"].agg(frozenset)
    return wanted | Lookups(record_ids={str(sobject): ids for sobject, ids in by_sobject.items()})


class CandidateReader:
    """Reads people of one org, each object by whichever API takes fewer calls."""

    def __init__(self, salesforce: SalesforceGateway) -> None:
        self._salesforce = salesforce
        self._sizes: dict[str, int] | None = None

    def read(self, wanted: Lookups) -> list[pd.DataFrame]:
        """Return what the org has of ``wanted``, phones apart, as ``CANDIDATES``; a record may come twice."""
        return [
            found for sobject in PEOPLE for found in self._read(sobject, self._values_of(sobject, wanted))
        ]

    def read_keys(self, sobject: str, keys: Collection[str]) -> list[pd.DataFrame]:
        """Return the records of one sObject whose ``Coconut_Client_Key__c`` is one of ``keys``, as ``CANDIDATES``."""
        return self._read(sobject, {CLIENT_KEY: keys} if keys else {})

    def _values_of(self, sobject: str, wanted: Lookups) -> Values:
        values = {"Id": wanted.record_ids.get(sobject, frozenset())}
        if sobject != "Account":
            # a Person Account's e-mail is found on its Contact
            values |= {CLIENT_KEY: wanted.client_keys, "Email": wanted.emails}
        elif wanted.client_keys and has_person_accounts(self._salesforce):
            values |= {CLIENT_KEY: wanted.client_keys}
        return {field: asked for field, asked in values.items() if asked}

    def _read(self, sobject: str, values: Values) -> list[pd.DataFrame]:
        if not values:
            return []
        columns = person_columns(self._salesforce, sobject)
        if self._is_scan_cheaper(sobject, values, tuple(columns)):
            return self._scan(sobject, values, columns)
        found = [
            self._salesforce.query_in(
                select=tuple(columns), sobject=sobject, field=field, values=asked, include_deleted=True
            )
            for field, asked in values.items()
        ]
        return [as_candidates(records, sobject, columns) for records in found]

    def _is_scan_cheaper(self, sobject: str, values: Values, columns: tuple[str, ...]) -> bool:
        calls = sum(
            self._salesforce.lookup_cost(field, asked, select=columns, sobject=sobject)
            for field, asked in values.items()
        )
        cost = self._salesforce.bulk_query_cost
        return calls > cost(0) and calls > cost(self._size_of(sobject))

    def _size_of(self, sobject: str) -> int:
        if self._sizes is None:
            try:
                self._sizes = self._salesforce.record_counts(PEOPLE)
            except (ConfigurationError, RequestRefusedError):
                self._sizes = {}  # a permission the sync does not need otherwise
        return self._sizes.get(sobject, ASSUMED_RECORDS)

    def _scan(self, sobject: str, values: Values, columns: Mapping[str, str]) -> list[pd.DataFrame]:
        """Read every record that has one of the fields and keep the wanted ones, page by page."""
        where = "" if "Id" in values else soql.any_holds([soql.is_not_null(field) for field in values])
        query = soql.select(tuple(columns), sobject, where=where)
        # SOQL compares text without regard to case; Ids come in one spelling
        folded = {field: {value.casefold() for value in asked} for field, asked in values.items()}
        found = []
        for page in self._salesforce.bulk_query_frame(query, include_deleted=True):
            is_wanted = page["Id"].isin(values.get("Id", ()))
            for field in folded.keys() - {"Id"}:
                is_wanted |= page[field].str.casefold().isin(folded[field])
            found.append(as_candidates(page[is_wanted], sobject, columns))
        return found
