"""Values brought to the one form in which they are compared; never the form that is written (rule M3).

Text, e-mail and id columns come and go as ``str``; a value that is empty after normalising is missing, and so never
agrees with anything.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import phonenumbers
from phonenumbers.geodata.locale import LOCALE_DATA

SOBJECT_BY_PREFIX: Final = {"00Q": "Lead", "003": "Contact", "001": "Account"}
"""Key prefix of a Salesforce Id to the sObjects that can be a person (Object Reference: standard prefixes)."""

INVISIBLE: Final = (
    "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\ufeff"
)
"""Soft hyphen, zero-width space, marks of direction, word joiner, byte order mark: they come along when text is copied.

The zero-width joiner and non-joiner are not among them: they spell words, in Persian and in Indic scripts for two.
"""

_ID_PATTERN: Final = r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?"
_INTERNATIONAL: Final = "00"
"""The way out of most countries (ITU-T E.123)."""

_CASE_BIT: Final = 32
"""What tells a small ASCII letter from its capital."""


def normalise_text(values: pd.Series[str]) -> pd.Series[str]:
    """Return ``values`` in NFKC, trimmed, inner spaces collapsed, case folded; missing where nothing is left.

    Characters that nobody sees and that spell nothing are left out. Letters of different scripts that look alike stay
    different, and so do letters with and without accents.
    """
    codes, found = pd.factorize(values)
    distinct = pd.Series(found, dtype="str")
    # folding can undo composition (U+0390 for one), hence the second pass
    seen = distinct.str.normalize("NFKC").str.replace(f"[{INVISIBLE}]", "", regex=True)
    folded = seen.str.casefold().str.normalize("NFKC")
    words = folded.str.replace(r"\s+", " ", regex=True).str.strip()
    return words.mask(words.eq("")).reindex(codes).set_axis(values.index)


def normalise_email(values: pd.Series[str]) -> pd.Series[str]:
    """Return e-mail addresses as they are compared: as any text."""
    return normalise_text(values)


def normalise_phone(
    values: pd.Series[str], country: pd.Series[str] | None = None, *, default_region: str
) -> pd.Series[str]:
    """Return phones as digits with country code, an extension after ``x``; missing where no phone can be read.

    Letters stand for the digits they share a key with; one digit over and over is no phone. A number that begins with
    ``00`` is read as international also from where ``00`` is not the way out of the country.

    Args:
        values: phones as typed, in digits of any script.
        country: ISO code or name in any language, aligned with ``values``: how a number without country code is meant.
        default_region: ISO code of the country meant where ``country`` does not tell.
    """
    region = pd.Series(default_region, index=values.index, dtype="str")
    if country is not None:
        region = _regions(country).fillna(default_region)
    pairs = pd.DataFrame({"phone": values, "region": region}).reset_index(drop=True)
    distinct = pairs.dropna(subset=["phone"]).drop_duplicates()
    # phonenumbers has no columnar form: one call per distinct phone, none per row
    found = [_digits(phone, of) for phone, of in zip(distinct["phone"], distinct["region"], strict=True)]
    known = distinct.assign(digits=pd.Series(found, index=distinct.index, dtype="str"))
    return pairs.merge(known, how="left", on=["phone", "region"])["digits"].set_axis(values.index)


def salesforce_id_18(values: pd.Series[str]) -> pd.Series[str]:
    """Return Salesforce Ids with 18 characters; missing where a value is not an Id of 15 or 18.

    The last three characters say which of the first fifteen are capitals (five each, lowest bit first), which makes
    the long form safe to compare without case; an Id whose case was lost on the way is given it back.
    """
    text = values.reset_index(drop=True).str.strip()
    text = text[text.str.fullmatch(_ID_PATTERN).eq(True)]
    letters = np.array(text.tolist(), dtype="U18").view(np.uint32).reshape(-1, 18).astype(np.int64)
    body, suffix = letters[:, :15], letters[:, 15:]
    is_long = (suffix[:, 0] != 0)[:, None]
    is_letter = body >= ord("A")
    claimed = _capitals_claimed(np.where(is_long, suffix, ord("A")))
    restored = np.where(claimed, body & ~_CASE_BIT, body | _CASE_BIT)
    body = np.where(is_long & is_letter, restored, body)
    is_sound = ~(is_long & claimed & ~is_letter).any(axis=1)
    ids = np.concatenate([body, _suffix(body)], axis=1).astype(np.uint32).view("U18").reshape(-1)
    sound = pd.Series(ids[is_sound].tolist(), index=text.index[is_sound], dtype="str")
    return sound.reindex(range(len(values))).set_axis(values.index)


def sobject_of(record_ids: pd.Series[str]) -> pd.Series[str]:
    """Return the sObject of each Id, by its prefix; missing where it cannot be a person."""
    return record_ids.str.slice(stop=3).map(SOBJECT_BY_PREFIX).astype("str")


def _capitals_claimed(suffix: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return for each of fifteen letters whether the three characters of ``suffix`` claim it a capital."""
    capital = np.where(suffix >= ord("a"), suffix & ~_CASE_BIT, suffix)
    bits = np.where(capital >= ord("A"), capital - ord("A"), capital - ord("0") + 26)
    return ((bits[:, :, None] >> np.arange(5)) & 1).astype(bool).reshape(-1, 15)


def _suffix(body: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    is_capital = ((body >= ord("A")) & (body <= ord("Z"))).reshape(-1, 3, 5)
    places = (is_capital << np.arange(5)).sum(axis=2)
    characters: npt.NDArray[np.int64] = np.where(places < 26, places + ord("A"), places - 26 + ord("0"))
    return characters


def _digits(phone: str, region: str) -> str | None:
    found = _possible_digits(phone, region)
    if found is None and phone.lstrip().startswith(_INTERNATIONAL):
        return _possible_digits(phone.lstrip().replace(_INTERNATIONAL, "+", 1), region)
    return found


def _possible_digits(phone: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or _is_placeholder(number):
        return None
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    return f"{digits}x{number.extension}" if number.extension else digits


def _is_placeholder(number: phonenumbers.PhoneNumber) -> bool:
    """Tell whether a number is one digit over and over: what people type where a phone is asked for and none given."""
    return len(set(phonenumbers.national_significant_number(number))) == 1


def _regions(country: pd.Series[str]) -> pd.Series[str]:
    return normalise_text(country).map(_region_by_name()).astype("str")


@cache
def _region_by_name() -> dict[str, str]:
    """Return ISO codes and, in every language the phone library speaks, names of countries to their ISO code."""
    names: dict[str, str] = {}
    for region, by_language in LOCALE_DATA.items():
        # an entry that begins with * points at another language's
        names.update({name.casefold(): region for name in by_language.values() if not name.startswith("*")})
    names.update({region.casefold(): region for region in phonenumbers.SUPPORTED_REGIONS})
    return names
