"""Read people by the unique key we gave them, following what Salesforce users did since (rules M7, M8)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from include.frames import CANDIDATES
from include.mapping.fields import CLIENT_KEY
from include.matching.follow import Fate, follow_records
from include.pipeline.candidates import joined, read_people, read_with_successors

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway


def find_by_key(salesforce: SalesforceGateway, sobject: str, keys: Collection[str]) -> pd.DataFrame:
    """Return the live records that ``keys`` lead to: columns ``key``, ``sobject``, ``record_id`` and ``who_id``.

    A converted Lead stands for its Contact or Person Account, a merged record for its survivor. A key that leads to a
    deleted record only has no row. A business Account has no ``who_id``; it is found where ``sobject`` is Account.
    """
    found = joined([CANDIDATES.empty(), *read_people(salesforce, sobject, {CLIENT_KEY: keys})])
    holders = found[["client_key", "record_id"]].rename(columns={"client_key": "key", "record_id": "held_by"})
    found = read_with_successors(salesforce, found)
    ends = follow_records(found)
    if sobject == "Account":
        is_business = ends["fate"].eq(Fate.NOT_A_PERSON.value)
        ends["target_id"] = ends["target_id"].mask(is_business, ends["end_id"])
        ends["sobject"] = ends["sobject"].mask(is_business, sobject)
    ends = ends.rename(columns={"target_id": "record_id"}).rename_axis("held_by").reset_index()
    leading = holders.merge(ends, on="held_by").dropna(subset=["record_id"])
    # the record that holds the key itself comes first, where a conversion copied the key
    leading = leading.assign(is_detour=leading["held_by"] != leading["end_id"]).sort_values(
        ["key", "is_detour"]
    )
    return leading.drop_duplicates("key")[["key", "sobject", "record_id", "who_id"]].reset_index(drop=True)
