"""What a mapping's transform makes of the source's texts (rule F2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from include.frames import TEXT
from include.mapping.wire_text import instant_text, single_line
from include.settings.field_mapping import Concatenation, Constant, DateFormat, Otherwise, Picklist, Writes


@dataclass(frozen=True, slots=True)
class Transformed:
    """Texts after a transform, and which of them it could make nothing of (those are missing)."""

    texts: pd.Series[str]
    is_unfit: pd.Series[bool]

    @classmethod
    def fit(cls, texts: pd.Series[str]) -> Transformed:
        """Return texts that are all as they should be."""
        return cls(texts.astype(TEXT), pd.Series(data=False, index=texts.index))


def constant(transform: Constant, index: pd.Index[Any]) -> Transformed:
    """Return the same text for every row."""
    return Transformed.fit(pd.Series(transform.value, index=index, dtype=TEXT))


def concatenate(transform: Concatenation, columns: list[pd.Series[str]]) -> Transformed:
    """Join the values that are there; a row without any has none."""
    joined = columns[0]
    for column in columns[1:]:
        joined = (joined + transform.separator + column).fillna(joined).fillna(column)
    return Transformed.fit(joined)


def translate(transform: Picklist, texts: pd.Series[str]) -> Transformed:
    """Put Salesforce's value for Coconut's, whatever its letter case and the blanks around it."""
    known = {_compared(value): wanted for value, wanted in transform.values.items()}
    distinct = texts.dropna().unique()
    # A case-folding that knows every script has no columnar form; there are few distinct values.
    found = {text: known.get(_compared(text)) for text in distinct}
    translated = texts.map(found).astype(TEXT)
    is_strange = texts.notna() & ~texts.isin([text for text, wanted in found.items() if wanted is not None])
    if transform.otherwise is Otherwise.KEEP:
        return Transformed.fit(translated.mask(is_strange, texts))
    if transform.otherwise is Otherwise.EMPTY:
        return Transformed.fit(translated)
    return Transformed(translated, is_strange)


def read_dates(transform: DateFormat, texts: pd.Series[str]) -> Transformed:
    """Read texts by the transform's pattern and write them as Salesforce's ``date`` or ``dateTime`` (UTC).

    A time that the zone's clocks skip is moved forward; of one that they show twice the first is taken.
    """
    names_zone = "%z" in transform.reads
    trimmed = single_line(texts)
    instants = pd.to_datetime(trimmed, format=transform.reads, errors="coerce", utc=names_zone)
    if transform.writes is Writes.DATE:
        written = _days(trimmed, instants, transform, names_zone=names_zone)
    elif names_zone:
        written = instant_text(instants)
    else:
        first = pd.Series(data=True, index=texts.index).to_numpy()
        local = instants.dt.tz_localize(transform.time_zone, ambiguous=first, nonexistent="shift_forward")
        written = instant_text(local.dt.tz_convert("UTC"))
    return Transformed(written.astype(TEXT), trimmed.notna() & instants.isna())


def _days(
    texts: pd.Series[str], instants: pd.Series[Any], transform: DateFormat, *, names_zone: bool
) -> pd.Series[str]:
    """Return the day as it is written in the text, whatever zone it names."""
    if names_zone:
        pattern = transform.reads.replace("%z", "")
        without = texts.str.replace(r"\s*(?:Z|[+-]\d{2}:?\d{2})$", "", regex=True)
        instants = pd.to_datetime(without, format=pattern.strip(), errors="coerce")
    days: pd.Series[str] = instants.dt.strftime("%Y-%m-%d")
    return days


def _compared(text: str) -> str:
    return " ".join(text.split()).casefold()
