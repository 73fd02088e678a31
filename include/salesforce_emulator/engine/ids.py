"""Record Ids: three characters of key prefix, nine of a counter, and the three that make them safe in any case.

A 15-character Id tells records apart by letter case; the 18-character form appends, for each five characters, one
that says which of them are capitals (Salesforce's published algorithm).
"""

from __future__ import annotations

import re
from itertools import product

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "Lo0"
_TRIPLES = tuple("".join(triple) for triple in product(_DIGITS, repeat=3))
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
ID_LENGTH = 18


def _capitals_of(text: str) -> int:
    """Return a number whose bits say which letters of a text are capitals, the first letter's the lowest."""
    return sum(1 << place for place, letter in enumerate(text) if "A" <= letter <= "Z")


_CAPITALS_OF_TRIPLES = bytes(
    first | second << 1 | third << 2
    for first, second, third in product(tuple(map(_capitals_of, _DIGITS)), repeat=3)
)


def _suffix_of(five: str) -> str:
    return _SUFFIX[_capitals_of(five)]


def checksum(short_id: str) -> str:
    """Return the three characters that make an 18-character Id of a 15-character one."""
    return _suffix_of(short_id[:5]) + _suffix_of(short_id[5:10]) + _suffix_of(short_id[10:15])


def make_id(key_prefix: str, number: int) -> str:
    """Return the 18-character Id of the `number`-th record of an object."""
    high, low = divmod(number, len(_TRIPLES))
    higher, middle = divmod(high, len(_TRIPLES))
    short = key_prefix + _POD + _TRIPLES[higher] + _TRIPLES[middle] + _TRIPLES[low]
    return short + checksum(short)


def custom_key_prefix(number: int) -> str:
    """Return the key prefix of the `number`-th custom object, counted from 0: a00, a01 and so on."""
    return "a" + _TRIPLES[number][1:]


def make_ids(key_prefix: str, first: int, count: int) -> list[str]:
    """Return so many consecutive Ids; many times faster than one by one."""
    made: list[str] = []
    number, end = first, first + count
    while number < end:
        # Within one run of 62³ numbers only the last three characters change, and with them the last checksum.
        block = number // len(_TRIPLES)
        base = make_id(key_prefix, block * len(_TRIPLES))[:12]
        ahead = _suffix_of(base[:5]) + _suffix_of(base[5:10])
        capitals = _capitals_of(base[10:])
        stop = min(end, (block + 1) * len(_TRIPLES))
        for low in range(number - block * len(_TRIPLES), stop - block * len(_TRIPLES)):
            last = _SUFFIX[capitals | _CAPITALS_OF_TRIPLES[low] << 2]
            made.append(f"{base}{_TRIPLES[low]}{ahead}{last}")
        number = stop
    return made


def normalise_id(text: str) -> str | None:
    """Return the 18-character form of a 15- or 18-character Id, or None if the text is not shaped like one.

    An 18-character Id whose letter case was lost gets it back from its checksum.
    """
    if not _SHAPE.fullmatch(text):
        return None
    if len(text) < ID_LENGTH:
        return text + checksum(text)
    if checksum(text[:15]) == text[15:]:
        return text
    return _restore_case(text)


def _restore_case(text: str) -> str | None:
    letters = list(text[:15].lower())
    suffix = text[15:].upper()
    for group, mark in enumerate(suffix):
        bits = _SUFFIX.find(mark)
        if bits < 0:
            return None
        for place in range(5):
            if bits >> place & 1:
                letters[group * 5 + place] = letters[group * 5 + place].upper()
    restored = "".join(letters)
    return restored + suffix if checksum(restored) == suffix else None
