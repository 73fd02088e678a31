"""SOQL text: the one place where values and names become part of a query.

Escapes are those of the SOQL reference ("Quoted String Escape Sequences").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote_plus

_IDENTIFIER: Final = re.compile(r"\A[A-Za-z][A-Za-z0-9_.]*\Z")
_AGGREGATE: Final = re.compile(r"\A(?!FIELDS\()[A-Za-z_]+\([A-Za-z0-9_.]*\)\Z", re.IGNORECASE)
_SELECT_LIST: Final = re.compile(r"\A\s*SELECT\s+(?P<list>.*?)\s+FROM\s", re.IGNORECASE | re.DOTALL)
_ESCAPES: Final = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)

LONGEST_TEXT: Final = 255
"""Characters a filterable text field can hold, and so the longest value that a lookup can find."""


def identifier(name: str) -> str:
    """Return ``name`` if it is a field or object name, relationships in dotted form included.

    Raises:
        ValueError: it is not.
    """
    if not _IDENTIFIER.match(name):
        msg = f"{name!r} is not the API name of a Salesforce object or field."
        raise ValueError(msg)
    return name


def text(value: str) -> str:
    """Return ``value`` as a quoted literal."""
    return f"'{value.translate(_ESCAPES)}'"


def instant(value: datetime) -> str:
    """Return an aware instant as a dateTime literal in UTC, to the second.

    Raises:
        ValueError: the instant is naive.
    """
    if value.tzinfo is None:
        msg = "A SOQL dateTime needs an aware instant."
        raise ValueError(msg)
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def equals(field: str, value: str | bool | None) -> str:  # noqa: FBT001 - a value, not a switch
    """Return the condition that ``field`` equals a text, a boolean or null."""
    if value is None:
        return f"{identifier(field)} = null"
    literal = str(value).lower() if isinstance(value, bool) else text(value)
    return f"{identifier(field)} = {literal}"


def is_not_null(field: str) -> str:
    """Return the condition that ``field`` holds a value."""
    return f"{identifier(field)} != null"


def at_least(field: str, value: datetime) -> str:
    """Return the condition that the dateTime ``field`` is ``value`` or later."""
    return f"{identifier(field)} >= {instant(value)}"


def any_of(field: str, values: Collection[str]) -> str:
    """Return the condition that ``field`` is one of the texts.

    Raises:
        ValueError: there are no values, for which SOQL has no spelling.
    """
    if not values:
        msg = "An IN list needs at least one value."
        raise ValueError(msg)
    return f"{identifier(field)} IN ({','.join(map(text, values))})"


def any_holds(conditions: Sequence[str]) -> str:
    """Return the condition that at least one of the conditions built by this module holds."""
    return f"({' OR '.join(conditions)})"


def select(
    fields: Sequence[str],
    sobject: str,
    *,
    where: str | Sequence[str] = (),
    order_by: Sequence[str] = (),
    limit: int | None = None,
) -> str:
    """Return a query; ``where`` is one condition built by this module, or several that must all hold."""
    clauses = [f"SELECT {','.join(map(identifier, fields))} FROM {identifier(sobject)}"]  # noqa: S608 - checked names
    clauses += _where(where)
    if order_by:
        clauses.append("ORDER BY " + ",".join(map(identifier, order_by)))
    if limit is not None:
        clauses.append(f"LIMIT {int(limit)}")
    return " ".join(clauses)


def count(sobject: str, *, where: str | Sequence[str] = ()) -> str:
    """Return a query that tells how many records there are; ``where`` is as for ``select``."""
    return " ".join([f"SELECT COUNT() FROM {identifier(sobject)}", *_where(where)])  # noqa: S608 - a checked name


def _where(where: str | Sequence[str]) -> list[str]:
    conditions = [condition for condition in ([where] if isinstance(where, str) else where) if condition]
    return ["WHERE " + " AND ".join(conditions)] if conditions else []


def selected_columns(query: str) -> list[str] | None:
    """Return the column names of a query's SELECT list, or nothing where its shape does not tell them."""
    found = _SELECT_LIST.match(query)
    if found is None:
        return None
    items = [item.split() for item in found["list"].split(",")]
    unnamed = 0
    columns: list[str] = []
    for words in items:
        if len(words) == 2 and _is_column(words[0]) and _IDENTIFIER.match(words[1]):
            columns.append(words[1])
        elif len(words) == 1 and _IDENTIFIER.match(words[0]):
            columns.append(words[0])
        elif len(words) == 1 and _AGGREGATE.match(words[0]):
            columns.append(f"expr{unnamed}")  # the name Salesforce gives to an aggregate without alias
            unnamed += 1
        else:
            return None
    return columns


def _is_column(text_of_item: str) -> bool:
    return bool(_IDENTIFIER.match(text_of_item) or _AGGREGATE.match(text_of_item))


def encoded_bytes(query: str) -> int:
    """Return how many bytes of a URL a query takes up."""
    return len(quote_plus(query))


def searchable(values: Collection[object]) -> list[str]:
    """Return the distinct texts that a text field can hold, sorted; empty and missing ones agree with nothing."""
    return sorted({value for value in values if isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT})


def pack(values: Sequence[str], *, budget_bytes: int) -> Iterator[list[str]]:
    """Split values into lists whose URL-encoded literals, commas included, stay within ``budget_bytes``.

    A URL and its headers may hold 16,384 bytes (Salesforce Developer Limits), so lists are packed by length, not by
    count. A single value longer than the budget is given a list of its own.
    """
    chunk: list[str] = []
    used = 0
    for value in values:
        cost = encoded_bytes(text(value) + ",")
        if chunk and used + cost > budget_bytes:
            yield chunk
            chunk, used = [], 0
        chunk.append(value)
        used += cost
    if chunk:
        yield chunk
