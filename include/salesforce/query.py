"""REST queries: pages followed, records flattened, long IN lists split by the length of their URL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from include.frames import TEXT
from include.salesforce import soql
from include.salesforce.session import SalesforceSession

Scalar = str | bool | int | float | None

LONGEST_REQUEST_BYTES: Final = 16_000
"""Salesforce takes 16,384 bytes of URL and headers together (Salesforce Developer Limits)."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A query that asks for records by many values of one field."""

    select: Sequence[str]
    sobject: str
    field: str
    extra_where: str = ""

    def chunks(self, values: Collection[object], *, overhead_bytes: int) -> Iterator[str]:
        """Yield the queries that together ask for all searchable values, each short enough for one URL."""
        bare = soql.encoded_bytes(self._query(["x"]))
        budget = max(LONGEST_REQUEST_BYTES - overhead_bytes - bare, 0)
        for chunk in soql.pack(soql.searchable(values), budget_bytes=budget):
            yield self._query(chunk)

    def _query(self, values: Sequence[str]) -> str:
        return soql.select(
            self.select, self.sobject, where=[soql.any_of(self.field, values), self.extra_where]
        )


def read_records(
    session: SalesforceSession, query: str, *, include_deleted: bool = False
) -> Iterator[dict[str, Scalar]]:
    """Yield a query's records; ``attributes`` are dropped, related records flattened to dotted names."""
    yield from _records_from(session, _first_page(session, query, include_deleted=include_deleted))


def read_if_few(
    session: SalesforceSession, query: str, *, most: int, include_deleted: bool = False
) -> Iterator[dict[str, Scalar]] | None:
    """Return a query's records as ``read_records`` does, or nothing, after one call, if they are more than ``most``."""
    page = _first_page(session, query, include_deleted=include_deleted)
    return None if page["totalSize"] > most else _records_from(session, page)


def read_tooling(session: SalesforceSession, query: str) -> list[dict[str, Scalar]]:
    """Return the first page of a query ("Query", Tooling API), related records flattened to dotted names."""
    page = session.run(
        lambda client: client.restful("tooling/query", params={"q": query}),
        what="answer a query of its set-up",
    )
    return [dict(_flatten(record, "")) for record in page["records"]]


def count_records(session: SalesforceSession, query: str) -> int:
    """Return the size of a query's result, for ``SELECT COUNT() FROM …``."""
    page = session.run(lambda client: client.query(query), what="count records")
    return int(page["totalSize"])


def count_roughly(session: SalesforceSession) -> dict[str, int]:
    """Return about how many records each sObject has, deleted ones apart ("Record Count", REST API guide)."""
    answer = session.run(lambda client: client.restful("limits/recordCount"), what="count records")
    return {counted["name"]: int(counted["count"]) for counted in answer["sObjects"]}


def text_frame(records: Iterable[Mapping[str, Scalar]], columns: Sequence[str] | None) -> pd.DataFrame:
    """Return records as a frame of text columns; booleans read ``true`` and ``false``, null is ``NaN``.

    Args:
        records: flattened records.
        columns: the columns in order, so that an empty answer has them too; nothing takes them from the records.
    """
    rows = list(records)
    names = (
        list(columns) if columns is not None else list(dict.fromkeys(name for row in rows for name in row))
    )
    spelled = [{name.lower(): value for name, value in row.items()} for row in rows]
    return pd.DataFrame(
        {name: pd.Series([_as_text(row.get(name.lower())) for row in spelled], dtype=TEXT) for name in names}
    )


def read_by_values(
    session: SalesforceSession, lookup: Lookup, values: Collection[object], *, include_deleted: bool = False
) -> pd.DataFrame:
    """Return the records whose field holds one of the values, each record once, as text."""
    queries = lookup.chunks(values, overhead_bytes=session.url_overhead_bytes())
    records = (
        record
        for query in queries
        for record in read_records(session, query, include_deleted=include_deleted)
    )
    frame = text_frame(records, lookup.select)
    # SOQL compares text without regard to case, so spellings of one value in two queries find one record twice.
    return frame.drop_duplicates(subset=["Id"] if "Id" in frame else None, ignore_index=True)


def _first_page(session: SalesforceSession, query: str, *, include_deleted: bool) -> Any:
    return session.run(
        lambda client: client.query(query, include_deleted=include_deleted), what="answer a query"
    )


def _records_from(session: SalesforceSession, page: Any) -> Iterator[dict[str, Scalar]]:
    while True:
        for record in page["records"]:
            yield dict(_flatten(record, ""))
        if page["done"]:
            return
        page = _next_page(session, page["nextRecordsUrl"])


def _next_page(session: SalesforceSession, locator: str) -> Any:
    return session.run(
        lambda client: client.query_more(locator, identifier_is_url=True),
        what="answer the next page of a query",
    )


def _flatten(record: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Scalar]]:
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _as_text(value: Scalar) -> str | float:
    if value is None:
        return float("nan")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
