"""Field values as they can be compared: Salesforce returns some in another form than it was sent (rules Q7, G8).

How each type is answered is in "Primitive Data Types" of the Object Reference and in "Prepare CSV Files" of the Bulk
API 2.0 guide: REST spells an instant's zone ``+0000`` and Bulk ``Z``, numbers come back re-rendered, text is trimmed,
line ends of long text are returned as CR LF, and an address without a scheme gets one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import pandas as pd

from include.frames import TEXT
from include.mapping.field_types import NUMBER_TYPES, TEXT_TYPES
from include.mapping.org_fields import FieldFacts

_DEFAULT_SCHEME: Final = "http://"


def differing_fields(
    written: pd.DataFrame,
    found: pd.DataFrame,
    facts: Mapping[str, FieldFacts],
    *,
    left_alone: Collection[str] = (),
) -> pd.DataFrame:
    """Tell which fields hold something else in the org than what was written (bool, shape and names of ``written``).

    A field into which nothing was written may hold a value where an empty one leaves the field alone, and where the
    org fills it by itself.

    Args:
        written: payload fields as last written, text.
        found: the same fields as the org returned them, same index.
        facts: what the org says of the fields.
        left_alone: fields that an empty value never clears (rule F4).
    """
    differs: dict[str, pd.Series[bool]] = {}
    for name in map(str, written):
        fact = facts.get(name)
        ours, theirs = comparable(written[name], fact), comparable(found[name], fact)
        is_other = (ours != theirs) & ~(ours.isna() & theirs.isna())
        if name in left_alone or (fact is not None and fact.has_default):
            is_other &= ours.notna()
        differs[name] = is_other
    return pd.DataFrame(differs, index=written.index, dtype=bool)


def comparable(values: pd.Series[str], fact: FieldFacts | None) -> pd.Series[Any]:
    """Return texts in the one form that equal values of a field have; a field that nobody described is text."""
    kind = "string" if fact is None else fact.type
    tidy = values.str.replace("\r\n", "\n", regex=False).str.replace("\r", "\n", regex=False).str.strip()
    tidy = tidy.mask(tidy == "")
    if kind == "datetime":
        return _instants(tidy)
    if kind == "boolean":
        return tidy.str.lower().fillna("false")  # a checkbox is never empty
    if kind in NUMBER_TYPES:
        return _otherwise(pd.to_numeric(tidy, errors="coerce").map(repr, na_action="ignore"), tidy)
    if kind == "multipicklist":
        return _sorted_choices(tidy)
    if kind == "url":
        return tidy.mask(
            tidy.notna() & ~tidy.str.contains("://", regex=False).eq(True), _DEFAULT_SCHEME + tidy
        )
    if fact is not None and fact.length and kind in TEXT_TYPES:
        return tidy.str.slice(stop=fact.length).str.strip()
    return tidy


def _instants(texts: pd.Series[str]) -> pd.Series[Any]:
    parsed = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce").dt.floor("s")
    return _otherwise(parsed.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), texts)


def _sorted_choices(texts: pd.Series[str]) -> pd.Series[str]:
    # Salesforce returns the values in the picklist's own order; there are few distinct combinations.
    in_order = {text: ";".join(sorted(text.split(";"))) for text in texts.dropna().unique()}
    return texts.map(in_order).astype(TEXT)


def _otherwise(read: pd.Series[Any], texts: pd.Series[str]) -> pd.Series[str]:
    """Return what was read of texts; one that cannot be read stands for itself."""
    return read.astype(TEXT).fillna(texts)
