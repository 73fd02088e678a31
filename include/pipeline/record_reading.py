"""Read the records that hold one of many values, by whichever API takes fewer calls.

Values are asked for in ``IN`` lists as long as a URL may be; where these would take more calls than reading all of an
object, one Bulk API 2.0 query reads it instead, for every kind of value at once, and the records wanted are picked out
of its pages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from include.salesforce import soql

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

Values = Mapping[str, Collection[str]]
"""Values to find, by field."""


def read_records(
    salesforce: SalesforceGateway,
    *,
    select: Sequence[str],
    sobject: str,
    values: Values,
    include_deleted: bool = False,
) -> list[pd.DataFrame]:
    """Return the records of which one of the fields holds one of its values; a record may come twice.

    Texts are compared in any letter case.

    Args:
        salesforce: the signed-in gateway.
        select: the columns of the answer, ``Id`` and every field asked for among them.
        sobject: the object's API name.
        values: what to find, by field.
        include_deleted: whether deleted records count.

    Returns:
        Frames of text columns named by ``select``, none where no values were given.
    """
    asked = {field: found for field, found in values.items() if found}
    if not asked:
        return []
    if _is_scan_cheaper(salesforce, sobject, asked, select):
        return _scan(salesforce, sobject, asked, select, include_deleted=include_deleted)
    return [
        salesforce.query_in(
            select=select, sobject=sobject, field=field, values=found, include_deleted=include_deleted
        )
        for field, found in asked.items()
    ]


def _is_scan_cheaper(
    salesforce: SalesforceGateway, sobject: str, values: Values, select: Sequence[str]
) -> bool:
    calls = sum(
        salesforce.lookup_cost(field, asked, select=select, sobject=sobject)
        for field, asked in values.items()
    )
    cost = salesforce.bulk_query_cost
    return calls > cost(0) and calls > cost(salesforce.record_count(sobject))


def _scan(
    salesforce: SalesforceGateway,
    sobject: str,
    values: Values,
    select: Sequence[str],
    *,
    include_deleted: bool,
) -> list[pd.DataFrame]:
    """Read every record that has one of the fields and keep the wanted ones, page by page."""
    where = "" if "Id" in values else soql.any_holds([soql.is_not_null(field) for field in values])
    query = soql.select(select, sobject, where=where)
    # SOQL compares text without regard to case; Ids come in one spelling
    folded = {
        field: {value.casefold() for value in asked} for field, asked in values.items() if field != "Id"
    }
    found = []
    for page in salesforce.bulk_query_frame(query, include_deleted=include_deleted):
        is_wanted = page["Id"].isin(values.get("Id", ()))
        for field, texts in folded.items():
            is_wanted |= page[field].str.casefold().isin(texts)
        found.append(page[is_wanted])
    return found
