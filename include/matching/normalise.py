"""Values brought to the one form in which they are compared; never the form that is written (rule M3).

Text, e-mail and id columns come and go as ``str``; a value that is empty after normalising is missing, and so never
agrees with anything.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pandas as pd
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers.geodata.locale import LOCALE_DATA

SOBJECT_BY_PREFIX: Final = {"00Q": "Lead", "003": "Contact", "001": "Account"}
"""Key prefix of a Salesforce Id to the sObjects that can be a person (Object Reference: standard prefixes)."""

DEFAULT_REGION: Final = "US"
"""Region in whose way a phone without country code is read; it also covers Canada, which shares code 1."""

_SPACES: Final = r"[\t-\r\x1c-\x1f\x{85}\p{Z}]+"
"""White space as Unicode knows it: RE2's own class knows ASCII only."""

_ID_PATTERN: Final = r"^[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?$"
_ID_ALPHABET: Final = np.array(
    [ord(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"], dtype=np.uint32
)


def normalise_text(values: pd.Series[str]) -> pd.Series[str]:
    """Return ``values`` in NFKC, trimmed, inner spaces collapsed, case folded; missing where nothing is left."""
    codes, distinct = pd.factorize(values)
    # folding can undo composition (U+0390 for one), hence the second pass
    folded = _compatible(pd.Series(distinct, dtype="str")).str.casefold()
    words = pc.replace_substring_regex(_arrow(_compatible(folded)), pattern=_SPACES, replacement=" ")
    trimmed = pc.utf8_trim(words, characters=" ")
    kept = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    return _series(kept).reindex(codes).set_axis(values.index)


def normalise_email(values: pd.Series[str]) -> pd.Series[str]:
    """Return e-mail addresses as they are compared: as any text."""
    return normalise_text(values)


def normalise_phone(values: pd.Series[str], country: pd.Series[str] | None = None) -> pd.Series[str]:
    """Return phones as digits with country code, an extension after ``x``; missing where no phone can be read.

    ``country`` (ISO code or name, aligned with ``values``) says how a number without country code is meant; without it
    such a number is read as ``DEFAULT_REGION``'s.
    """
    region = (
        _regions(country)
        if country is not None
        else pd.Series(DEFAULT_REGION, index=values.index, dtype="str")
    )
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
    text = pc.utf8_trim_whitespace(_arrow(values))
    is_id = pc.fill_null(pc.match_substring_regex(text, pattern=_ID_PATTERN), False)
    rows = np.flatnonzero(is_id.to_numpy(zero_copy_only=False))
    letters = _letters(text.take(pa.array(rows)))
    body, suffix = letters[:, :15], letters[:, 15:]
    is_long = suffix[:, 0] != 0
    claimed = _capitals_claimed(np.where(is_long[:, None], suffix, _ID_ALPHABET[0]))
    is_letter = body >= ord("A")
    body = np.where(is_long[:, None] & is_letter, np.where(claimed, body & ~np.uint32(32), body | 32), body)
    is_sound = ~(is_long & (claimed & ~is_letter).any(axis=1))
    full = np.concatenate([body, _suffix(body)], axis=1)
    ids = np.ascontiguousarray(full.astype(np.uint32)).view("U18").reshape(-1)
    result = np.full(len(values), None, dtype=object)
    result[rows[is_sound]] = ids[is_sound]
    return pd.Series(result, index=values.index, dtype="str")


def is_salesforce_id(values: pd.Series[str]) -> pd.Series[bool]:
    """Tell which values are Salesforce Ids of 15 or 18 characters."""
    return salesforce_id_18(values).notna()


def sobject_of(record_ids: pd.Series[str]) -> pd.Series[str]:
    """Return the sObject of each Id, by its prefix; missing where it cannot be a person."""
    return record_ids.str.slice(stop=3).map(SOBJECT_BY_PREFIX).astype("str")


def _arrow(values: pd.Series[str]) -> pa.Array:
    return pa.array(values.array, type=pa.string(), from_pandas=True)


def _series(values: pa.Array) -> pd.Series[str]:
    return pd.Series(values.to_pandas(), dtype="str")


def _compatible(values: pd.Series[str]) -> pd.Series[str]:
    return _series(pc.utf8_normalize(_arrow(values), form="NFKC"))


def _letters(ids: pa.Array) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    """Return the code points of ASCII texts, 18 columns, zero where a text is shorter."""
    return np.array(ids.to_pylist(), dtype="U18").view(np.uint32).reshape(-1, 18).copy()


def _capitals_claimed(
    suffix: np.ndarray[tuple[int, int], np.dtype[np.uint32]],
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    capital = np.where(suffix >= ord("a"), suffix & ~np.uint32(32), suffix)
    bits = np.where(capital >= ord("A"), capital - ord("A"), capital - ord("0") + 26)
    return ((bits[:, :, None] >> np.arange(5, dtype=np.uint32)) & 1).astype(bool).reshape(-1, 15)


def _suffix(
    body: np.ndarray[tuple[int, int], np.dtype[np.uint32]],
) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    is_capital = ((body >= ord("A")) & (body <= ord("Z"))).reshape(-1, 3, 5)
    return _ID_ALPHABET[(is_capital << np.arange(5)).sum(axis=2)]


def _digits(phone: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    return f"{digits}x{number.extension}" if number.extension else digits


def _regions(country: pd.Series[str]) -> pd.Series[str]:
    return normalise_text(country).map(_region_by_name()).astype("str").fillna(DEFAULT_REGION)


@cache
def _region_by_name() -> dict[str, str]:
    """Return ISO codes and, in every language the phone library speaks, names of countries to their ISO code."""
    names: dict[str, str] = {}
    for region, by_language in LOCALE_DATA.items():
        # an entry that begins with * points at another language's
        names.update({name.casefold(): region for name in by_language.values() if not name.startswith("*")})
    names.update({region.casefold(): region for region in phonenumbers.SUPPORTED_REGIONS})
    return names
