"""Text as Salesforce takes it: without control characters, and no longer than its field."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.frames import CLEAR, TEXT
from include.matching.normalise import INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Callable

ELLIPSIS: Final = "…"

_BLANKS: Final = r"[\s\p{Z}\p{Cc}]+"
_CONTROLS: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+"
_NOT_SEEN: Final = INVISIBLE + "\t\n\x0b\x0c\r \x85\xa0\u2028\u2029\u3000"
_ASTRAL: Final = r"[\x{10000}-\x{10FFFF}]"

_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_REGIONAL_INDICATORS: Final = range(0x1F1E6, 0x1F200)


def single_line(values: pd.Series[str]) -> pd.Series[str]:
    """Return each text on one line: every run of blanks, newlines and control characters is one space."""
    return _without_empty(
        _through(values, lambda texts: pc.replace_substring_regex(texts, pattern=_BLANKS, replacement=" "))
    )


def text_block(values: pd.Series[str]) -> pd.Series[str]:
    """Return each text with line feeds for every kind of line end, and without other control characters."""

    def clean(texts: pa.LargeStringArray) -> pa.LargeStringArray:
        lines = pc.replace_substring_regex(texts, pattern="\r\n?", replacement="\n")
        return pc.replace_substring_regex(lines, pattern=_CONTROLS, replacement="")

    return _without_empty(_through(values, clean))


def cut(values: pd.Series[str], length: int, *, mark: str = ELLIPSIS) -> pd.Series[str]:
    """Return each text no longer than ``length``; one that had to be cut ends in ``mark``.

    Length is counted in UTF-16 code units, as Apex and Salesforce's Java do ("String.length()", Apex Reference); that
    is never less than the number of characters, so a text that fits by this count fits by either.
    A character is never parted from its combining marks, and no emoji sequence is torn.
    """
    too_long = utf16_length(values) > length
    if not too_long.any():
        return values
    distinct = values[too_long].unique()
    # Only texts that do not fit come here, each distinct one once: cutting between characters has no columnar form.
    cut_texts = {text: _cut_one(text, length - len(mark)) + mark for text in distinct}
    return values.mask(too_long, values.map(cut_texts)).astype(TEXT)


def utf16_length(values: pd.Series[str]) -> pd.Series[int]:
    """Return how many UTF-16 code units each text has; a missing one has none."""
    texts = _arrow(values)
    units = pc.add(pc.utf8_length(texts), pc.count_substring_regex(texts, pattern=_ASTRAL))
    return pd.Series(units.fill_null(0).to_numpy(), index=values.index, dtype="int64")


def instant_text(values: pd.Series[Any]) -> pd.Series[str]:
    """Return instants as Salesforce's ``dateTime``, UTC with whole seconds: ``2026-03-29T01:00:00.000Z``."""
    return format_instants(values, "UTC", "%Y-%m-%dT%H:%M:%S.000Z")


def format_instants(values: pd.Series[Any], zone: str, pattern: str) -> pd.Series[str]:
    """Return instants as text by a ``strftime`` pattern, in the local time of an IANA zone, fractions cut off."""
    instants: Any = pa.array(values, type=pa.timestamp("us", "UTC"), from_pandas=True)
    local = instants.cast(pa.timestamp("s", zone), safe=False)
    return _series(pc.strftime(local, format=pattern), values.index)


def _cut_one(text: str, units: int) -> str:
    kept, used = 0, 0
    for character in text:
        used += 2 if ord(character) > 0xFFFF else 1
        if used > units:
            break
        kept += 1
    while kept and _belongs_together(text, kept):
        kept -= 1
    return text[:kept].rstrip()


def _belongs_together(text: str, at: int) -> bool:
    """Tell whether a cut before ``text[at]`` would part what is one character to a reader."""
    if at >= len(text):
        return False
    following = text[at]
    if unicodedata.category(following).startswith("M") or following in _JOINERS or text[at - 1] == "\u200d":
        return True
    if ord(following) in _SKIN_TONES:
        return True
    if ord(following) in _REGIONAL_INDICATORS:
        before = text[:at]
        flags = len(before) - len(before.rstrip("".join(map(chr, _REGIONAL_INDICATORS))))
        return flags % 2 == 1
    return False


def _without_empty(values: pd.Series[str]) -> pd.Series[str]:
    """Return trimmed texts; one in which nothing is seen is missing, one that reads like the wire's null is defused."""
    trimmed = _through(values, pc.utf8_trim_whitespace)
    seen = _through(trimmed, lambda texts: pc.utf8_trim(texts, characters=_NOT_SEEN))
    return trimmed.mask(seen == "").mask(trimmed == CLEAR, "N/A")


def _through(
    values: pd.Series[str], change: Callable[[pa.LargeStringArray], pa.LargeStringArray]
) -> pd.Series[str]:
    return _series(change(_arrow(values)), values.index)


def _arrow(values: pd.Series[str]) -> pa.LargeStringArray:
    return pa.array(values.array, type=pa.large_string(), from_pandas=True)


def _series(texts: Any, index: pd.Index[Any]) -> pd.Series[str]:
    return pd.Series(pd.Series(texts, dtype=TEXT).array, index=index)
