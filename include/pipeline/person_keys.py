"""Read people by the unique key we gave them, following what Salesforce users did since (rules M7, M8)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from include.mapping.fields import CLIENT_KEY
from include.pipeline.candidates import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway


def find_by_key(salesforce: SalesforceGateway, sobject: str, keys: Collection[str]) -> pd.DataFrame:
    """Return the records that hold ``keys``: columns ``key``, ``sobject``, ``record_id`` and ``who_id``.

    A converted Lead stands for its Contact. A key that only a deleted record holds has no row.
    """
    records = salesforce.query_in(
        select=tuple(COLUMNS[sobject]), sobject=sobject, field=CLIENT_KEY, values=keys, include_deleted=True
    )
    live = records[records["IsDeleted"] != "true"]
    record_id, owner = live["Id"], live["Id"].map(lambda _: sobject)
    if sobject == "Lead":
        is_converted = live["IsConverted"] == "true"
        record_id = record_id.mask(is_converted, live["ConvertedContactId"])
        owner = owner.mask(is_converted, "Contact")
    found = live.assign(key=live[CLIENT_KEY], sobject=owner, record_id=record_id, who_id=record_id)
    return found[["key", "sobject", "record_id", "who_id"]].reset_index(drop=True)
