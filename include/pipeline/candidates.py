"""Fetch the Salesforce records that may be one of the clients (rules M1, M2, M7)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from include.frames import CANDIDATES, TEXT
from include.mapping.fields import CLIENT_KEY
from include.matching.follow import ids_to_follow
from include.matching.lookups import Lookups, ids_by_sobject
from include.pipeline.person_fields import PEOPLE, as_candidates, has_person_accounts, person_columns

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway


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
    candidates, done = CANDIDATES.empty(), Lookups()
    while wanted := next_lookups(candidates, done):
        candidates = joined([candidates, *read_candidates(salesforce, _with_phones(wanted, find_phones))])
        done |= wanted
    return candidates


def read_candidates(salesforce: SalesforceGateway, wanted: Lookups) -> list[pd.DataFrame]:
    """Return what the org has of ``wanted``, phones apart, as ``CANDIDATES``; a record may come twice."""
    return [
        found
        for sobject in PEOPLE
        for found in read_people(salesforce, sobject, _values_of(salesforce, sobject, wanted))
    ]


def read_people(
    salesforce: SalesforceGateway, sobject: str, values: Mapping[str, Collection[str]]
) -> list[pd.DataFrame]:
    """Return the records of one sObject that hold one of the values, by field, as ``CANDIDATES``."""
    if not any(values.values()):
        return []
    columns = person_columns(salesforce, sobject)
    pages = salesforce.find_records(
        select=tuple(columns), sobject=sobject, values=values, include_deleted=True
    )
    return [as_candidates(page, sobject, columns) for page in pages]


def read_with_successors(salesforce: SalesforceGateway, found: pd.DataFrame) -> pd.DataFrame:
    """Return ``found`` (``CANDIDATES``) and, hop by hop, what its records were converted or merged into (rule M7)."""
    import pandas as pd

    asked: frozenset[str] = frozenset()
    while led_to := ids_to_follow(found) - asked:
        wanted = Lookups(record_ids=ids_by_sobject(pd.Series(sorted(led_to), dtype=TEXT)))
        found = joined([found, *read_candidates(salesforce, wanted)])
        asked |= led_to
    return found


def joined(candidates: list[pd.DataFrame]) -> pd.DataFrame:
    """Return several frames of ``CANDIDATES`` as one, each record once."""
    import pandas as pd

    return CANDIDATES.conform(pd.concat(candidates, ignore_index=True).drop_duplicates("record_id"))


def _with_phones(wanted: Lookups, find_phones: Callable[[Collection[str]], pd.DataFrame]) -> Lookups:
    """Turn phones, which Salesforce keeps as typed and cannot find, into the Ids of the records that have them."""
    if not wanted.phones:
        return wanted
    entries = find_phones(wanted.phones)
    by_sobject = entries.groupby("sobject")["record_id"].agg(frozenset)
    return wanted | Lookups(record_ids={str(sobject): ids for sobject, ids in by_sobject.items()})


def _values_of(salesforce: SalesforceGateway, sobject: str, wanted: Lookups) -> Mapping[str, Collection[str]]:
    """Return what to find, by field; the e-mail of a Person Account is found on its Contact."""
    ids = {"Id": wanted.record_ids.get(sobject, frozenset())}
    if sobject != "Account":
        return {**ids, CLIENT_KEY: wanted.client_keys, "Email": wanted.emails}
    if wanted.client_keys and has_person_accounts(salesforce):
        return {**ids, CLIENT_KEY: wanted.client_keys}
    return ids
