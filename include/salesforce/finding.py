"""Find records by many values of their fields, by whichever API takes fewer calls.

Values are asked for in ``IN`` lists as long as a URL may be; where these would take more calls than reading all of an
object, one Bulk API 2.0 query reads it instead, for every kind of value at once, and the records wanted are picked out
of its pages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.salesforce import soql

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

_VALUES_A_FRAME: Final = 10_000
"""How many values are looked up before their records are handed on, so that many wide ones are never held at once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Records of one object that hold one of the values; ``values`` are what a field may hold, by field."""

    select: Sequence[str]
    sobject: str
    values: Mapping[str, Collection[str]]
    extra_where: str = ""
    include_deleted: bool = False


def find_records(salesforce: SalesforceGateway, wanted: Wanted) -> Iterator[pd.DataFrame]:
    """Yield the wanted records as frames of text columns; one that holds two of the values may come twice."""
    if _is_scan_cheaper(salesforce, wanted):
        yield from _scan(salesforce, wanted)
        return
    for field, values in wanted.values.items():
        ordered = sorted(values)
        for start in range(0, max(len(ordered), 1), _VALUES_A_FRAME):
            yield salesforce.query_in(
                select=wanted.select,
                sobject=wanted.sobject,
                field=field,
                values=ordered[start : start + _VALUES_A_FRAME],
                include_deleted=wanted.include_deleted,
                extra_where=wanted.extra_where,
            )


def _is_scan_cheaper(salesforce: SalesforceGateway, wanted: Wanted) -> bool:
    calls = sum(
        salesforce.lookup_cost(
            field, values, select=wanted.select, sobject=wanted.sobject, extra_where=wanted.extra_where
        )
        for field, values in wanted.values.items()
    )
    cost = salesforce.bulk_query_cost
    # the size is asked for only where it can matter
    return calls > cost(0) and calls > cost(salesforce.record_count(wanted.sobject))


def _scan(salesforce: SalesforceGateway, wanted: Wanted) -> Iterator[pd.DataFrame]:
    """Read every record that has one of the fields, and keep the wanted ones of each page."""
    fields = list(wanted.values)
    has_value = "" if "Id" in fields else soql.any_holds([soql.is_not_null(field) for field in fields])
    query = soql.select(wanted.select, wanted.sobject, where=[has_value, wanted.extra_where])
    folded = {field: {value.casefold() for value in values} for field, values in wanted.values.items()}
    for page in salesforce.bulk_query_frame(query, include_deleted=wanted.include_deleted):
        is_wanted = page["Id"].isin(wanted.values.get("Id", ()))  # Ids come in one spelling
        for field in folded.keys() - {"Id"}:
            is_wanted |= page[field].str.casefold().isin(folded[field])
        yield page[is_wanted]
