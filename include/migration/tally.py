"""Counts and checksums that prove that nothing was lost on the way (rules G5, G9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pandas as pd

from include.frames import TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODULUS: Final = 1 << 64
_BETWEEN: Final = "\x1f"
"""Stands between key and value, where neither can hold it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many pairs of key and value there are, and what they add up to, in whatever order they come.

    Of two tallies with different pairs the checksums differ but for a chance of one in 2^64; the tallies of parts add
    up to the tally of the whole.
    """

    count: int = 0
    checksum: int = 0

    @classmethod
    def of(cls, keys: pd.Series[str], values: pd.Series[str]) -> Self:
        """Tally aligned columns of keys and values; a missing value counts as an empty one."""
        if keys.empty:
            return cls()
        texts = (keys.astype(TEXT) + _BETWEEN + values.astype(TEXT).fillna("")).to_numpy(dtype=object)
        hashes = pd.util.hash_array(texts, categorize=False)
        return cls(len(keys), int(np.sum(hashes, dtype=np.uint64)))

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.count + other.count, (self.checksum + other.checksum) % _MODULUS)

    def to_json(self) -> dict[str, object]:
        """Return the tally as JSON values; the checksum as 16 hex digits, because numbers of JSON are too short."""
        return {"count": self.count, "checksum": f"{self.checksum:016x}"}

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Self:
        """Return the tally that ``to_json`` wrote."""
        return cls(int(str(values["count"])), int(str(values["checksum"]), 16))
