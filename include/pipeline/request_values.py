"""The values of a run's configuration, read from what a form, JSON or a command line gives; problems are collected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from include.pipeline.context import JsonValue

_ID: Final = re.compile(r"[0-9]{1,18}")
"""An id of Coconut: decimal, and within what its database counts to."""

_AGE: Final = re.compile(r"([0-9]{1,5})\s*([dh])")
_HOURS: Final = {"d": 24, "h": 1}
_BETWEEN: Final = re.compile(r"[\s,;]+")
_SHOWN: Final = 20


@dataclass
class RequestValues:
    """Reads one value after the other and remembers what is wrong, so that all problems are reported together.

    Problems name parameters and count values; they never quote a value, which may be anything somebody pasted.
    """

    conf: Mapping[str, JsonValue]
    problems: list[str] = field(default_factory=list)

    def ids(self, name: str) -> tuple[int, ...]:
        """Return ids of Coconut, ascending and distinct."""
        return tuple(sorted(map(int, set(self.matching(name, _ID, "no ids of Coconut")))))

    def matching(self, name: str, pattern: re.Pattern[str], otherwise: str) -> tuple[str, ...]:
        """Return the texts that are of a pattern, ascending and distinct; ``otherwise`` says what the others are."""
        texts = self.texts(name)
        wrong = {text for text in texts if pattern.fullmatch(text) is None}
        self._count_wrong(name, texts, wrong, otherwise)
        return tuple(sorted(set(texts) - wrong))

    def choices(self, name: str, allowed: Iterable[str]) -> tuple[str, ...]:
        """Return values out of a closed list, in the order of the list."""
        texts, known = self.texts(name), list(allowed)
        self._count_wrong(name, texts, set(texts).difference(known), f"none of {', '.join(known)}")
        return tuple(one for one in known if one in texts)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the parts of a list, or of text with commas, semicolons or white space between them."""
        given = self.conf.get(name)
        if given is None:
            return ()
        values: Sequence[object] = [given] if isinstance(given, (str, int, float)) else given
        return tuple(text for value in values for text in _BETWEEN.split(str(value)) if text)

    def day(self, name: str) -> date | None:
        """Return a day, or nothing where none is given."""
        text = str(self.conf.get(name) or "").strip()
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.problems.append(f"{name}: write a day as in 2026-03-29")
            return None

    def age(self, name: str) -> timedelta | None:
        """Return an age of days (``3d``) or hours (``12h``), or nothing where none is given."""
        text = str(self.conf.get(name) or "").strip().casefold()
        if not text:
            return None
        found = _AGE.fullmatch(text)
        if found is None:
            self.problems.append(f"{name}: write days or hours as in 3d or 12h")
            return None
        return timedelta(hours=int(found[1]) * _HOURS[found[2]])

    def number(self, name: str, *, default: int) -> int:
        """Return a whole number from 1 on."""
        text = str(self.conf.get(name) or default).strip()
        if not text.isdecimal() or int(text) < 1 or len(text) > 6:
            self.problems.append(f"{name}: write a whole number from 1 on")
            return default
        return int(text)

    def is_on(self, name: str) -> bool:
        """Return a switch, off where it is not given."""
        return bool(self.conf.get(name, False))

    def _count_wrong(self, name: str, texts: Sequence[str], wrong: set[str], what: str) -> None:
        count = sum(text in wrong for text in texts)
        if count:
            self.problems.append(f"{name}: {count} of {len(texts)} are {what}")


def shown_ids(ids: Sequence[int | str]) -> str:
    """Return ids for a message, the first of them where there are many."""
    listed = ", ".join(str(one) for one in ids[:_SHOWN])
    return listed if len(ids) <= _SHOWN else f"{listed} and {len(ids) - _SHOWN} more"
