"""Texts as a Salesforce field of a given type takes them, and which it would refuse (rules F3, F4).

What each type takes on the wire is in "Valid Date Formats" and "Primitive Data Types" of the Object Reference and the
Bulk API 2.0 Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from include.frames import TEXT
from include.mapping.org_fields import FieldFacts
from include.mapping.wire_text import single_line, text_block, utf16_length
from include.reasons import Reason

TEXT_TYPES: Final = frozenset({"string", "textarea", "encryptedstring", "combobox", "email", "phone", "url"})
PICKLIST_TYPES: Final = frozenset({"picklist", "multipicklist"})
NUMBER_TYPES: Final = frozenset({"int", "long", "double", "currency", "percent"})

_WHOLE_TYPES: Final = frozenset({"int", "long"})
_NUMBER: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_WHOLE: Final = r"[+-]?[0-9]+"
_ID: Final = r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,3})?)?Z?"
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
)
_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})
_FIRST_YEAR, _LAST_YEAR = 1700, 4000

_LOCAL: Final = r"[^\s@.,;:<>()\[\]\"\\]+"
_LABEL: Final = r"\w(?:[\w-]*\w)?"
PLAUSIBLE_EMAIL: Final = rf"{_LOCAL}(?:\.{_LOCAL})*@{_LABEL}(?:\.{_LABEL})+"
"""What no mail system takes is refused here; what only Salesforce refuses comes back as its refusal."""


@dataclass(frozen=True, slots=True)
class Conformed:
    """Texts as they travel, with the rows that the field would refuse, by reason and in words without values."""

    texts: pd.Series[str]
    refused: tuple[tuple[Reason, pd.Series[bool], str], ...] = ()


def conform(texts: pd.Series[str], facts: FieldFacts | None) -> Conformed:
    """Return texts as a field takes them; of a field that nobody described only blanks are tidied.

    A refused text stays as it is: whoever asked decides whether the row or the value goes.
    """
    if facts is None:
        return Conformed(single_line(texts))
    if facts.type == "textarea":
        return _measured(text_block(texts), facts)
    tidy = single_line(texts)
    if facts.type in PICKLIST_TYPES:
        return _choices(tidy, facts)
    if facts.type == "boolean":
        return _booleans(tidy)
    if facts.type in NUMBER_TYPES:
        return _numbers(tidy, facts)
    if facts.type in {"date", "datetime"}:
        return _dates(tidy, facts)
    if facts.type == "email":
        return _emails(tidy, facts)
    shape = {"reference": (_ID, "a Salesforce Id"), "time": (_TIME, "a time like 14:30")}.get(facts.type)
    return _measured(tidy, facts) if shape is None else _shaped(tidy, *shape)


def _measured(texts: pd.Series[str], facts: FieldFacts) -> Conformed:
    if not facts.length:
        return Conformed(texts)
    is_too_long = utf16_length(texts) > facts.length
    words = f"is longer than {facts.length} characters"
    return Conformed(texts, ((Reason.VALUE_TOO_LONG, is_too_long, words),))


def _emails(texts: pd.Series[str], facts: FieldFacts) -> Conformed:
    is_implausible = texts.notna() & ~_matches(texts, PLAUSIBLE_EMAIL)
    fault = (Reason.INVALID_EMAIL, is_implausible, "is not an e-mail address")
    return Conformed(texts, (fault, *_measured(texts, facts).refused))


def _shaped(texts: pd.Series[str], pattern: str, words: str) -> Conformed:
    return Conformed(texts, (_unfit(texts.notna() & ~_matches(texts, pattern), f"is not {words}"),))


def _choices(texts: pd.Series[str], facts: FieldFacts) -> Conformed:
    """Spell picklist values as the org does; a restricted picklist refuses what is not an active value."""
    active = {value.casefold(): value for value in reversed(facts.picklist_values)}
    active |= {value: value for value in facts.picklist_values}
    is_multiple = facts.type == "multipicklist"
    # Values are compared in every script, which has no columnar form; there are few distinct ones.
    spelled = {text: _spelled(text, active, is_multiple=is_multiple) for text in texts.dropna().unique()}
    written = texts.map(spelled).astype(TEXT)
    written = written.mask(written.eq(""))  # nothing but separators says nothing
    if not facts.is_restricted:
        return _measured(written, facts)
    known = set(facts.picklist_values)
    strange = {
        text
        for text, choice in spelled.items()
        if not known.issuperset(_parts(choice, is_multiple=is_multiple))
    }
    return Conformed(written, (_unfit(texts.isin(strange), "is not an active value of the picklist"),))


def _spelled(text: str, active: dict[str, str], *, is_multiple: bool) -> str:
    parts = _parts(text, is_multiple=is_multiple)
    return ";".join(active.get(part, active.get(part.casefold(), part)) for part in parts)


def _parts(text: str, *, is_multiple: bool) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()] if is_multiple else [text]


def _booleans(texts: pd.Series[str]) -> Conformed:
    lowered = texts.str.lower()
    is_true, is_false = lowered.isin(_TRUE), lowered.isin(_FALSE)
    written = texts.mask(is_true, "true").mask(is_false, "false")
    return Conformed(written, (_unfit(texts.notna() & ~is_true & ~is_false, "is neither true nor false"),))


def _numbers(texts: pd.Series[str], facts: FieldFacts) -> Conformed:
    is_whole = facts.type in _WHOLE_TYPES
    is_number = _matches(texts, _WHOLE if is_whole else _NUMBER)
    faults = [_unfit(texts.notna() & ~is_number, "is not a whole number" if is_whole else "is not a number")]
    if facts.digits:
        digits = texts.str.extract(r"^[+-]?0*([0-9]*)", expand=False).str.len().fillna(0)
        too_big = is_number & (digits > facts.digits)
        faults.append(_unfit(too_big, f"has more than {facts.digits} digits before the decimal point"))
    return Conformed(texts.str.removeprefix("+"), tuple(faults))


def _dates(texts: pd.Series[str], facts: FieldFacts) -> Conformed:
    """Take ISO dates and instants; Salesforce knows the years 1700 to 4000."""
    is_date = facts.type == "date"
    shaped = texts.where(_matches(texts, _DATE if is_date else _INSTANT))
    if is_date:
        parsed: Any = pd.to_datetime(shaped, format="%Y-%m-%d", errors="coerce")
    else:
        parsed = pd.to_datetime(shaped, format="ISO8601", errors="coerce", utc=True)
    is_fit = parsed.notna() & parsed.dt.year.between(_FIRST_YEAR, _LAST_YEAR)
    words = "is not a date like 2026-01-31" if is_date else "is not an instant like 2026-01-31T09:00:00Z"
    return Conformed(texts, (_unfit(texts.notna() & ~is_fit, words),))


def _unfit(rows: pd.Series[Any], words: str) -> tuple[Reason, pd.Series[bool], str]:
    return Reason.VALUE_UNFIT, rows.astype(bool), words


def _matches(texts: pd.Series[str], pattern: str) -> pd.Series[bool]:
    return texts.str.fullmatch(pattern).eq(True)
