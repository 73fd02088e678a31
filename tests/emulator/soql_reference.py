"""SOQL's conditions evaluated slowly and plainly, to compare the local org's answers with.

A condition is a tree of small dataclasses that can be written down as SOQL (`text`) and be asked of one record
(`holds`). SOQL knows two truth values: what is missing equals null only, is unequal to every value, and is neither
less nor more than any; NOT turns "no" into "yes". Texts are equal in any letter case, and sorted by code
point once ASCII is lowered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

Value = str | float | bool | date | datetime | None
Row = Mapping[str, Value]

_ESCAPED = {"\\": "\\\\", "'": "\\'", "\n": "\\n"}


def literal(value: Value) -> str:
    """Write a value as SOQL does; instants with an offset of two hours, to see that offsets count."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(timezone(timedelta(hours=2))).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return f"'{''.join(_ESCAPED.get(letter, letter) for letter in value)}'"
    return repr(value)


def folded(value: Value) -> Value:
    return value.lower() if isinstance(value, str) else value


def sorting_key(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    return "".join(letter.lower() if letter.isascii() else letter for letter in value)


def matches(text: str, pattern: Sequence[str]) -> bool:
    """Whether a text matches a pattern: `%` for any letters, `_` for one, and letters marked by an equals sign."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(matches(text[skipped:], pattern[1:]) for skipped in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", f"={text[0]}") and matches(text[1:], pattern[1:])


@dataclass(frozen=True)
class Compare:
    field: str
    operator: str
    value: Value

    def text(self) -> str:
        return f"{self.field} {self.operator} {literal(self.value)}"

    def holds(self, row: Row) -> bool:
        mine = row[self.field]
        if self.operator in ("=", "!="):
            wanted = None if self.value == "" else self.value
            return (folded(mine) == folded(wanted)) is (self.operator == "=")
        if mine is None:
            return False
        left, right = sorting_key(mine), sorting_key(self.value)
        assert left is not None
        if self.operator in ("<", "<="):
            return left < right or (self.operator == "<=" and left == right)  # type: ignore[operator]
        return left > right or (self.operator == ">=" and left == right)  # type: ignore[operator]


@dataclass(frozen=True)
class In:
    field: str
    values: tuple[Value, ...]
    is_negated: bool

    def text(self) -> str:
        return f"{self.field} {'NOT ' * self.is_negated}IN ({','.join(map(literal, self.values))})"

    def holds(self, row: Row) -> bool:
        wanted = [folded(None if value == "" else value) for value in self.values]
        return (folded(row[self.field]) in wanted) is not self.is_negated


@dataclass(frozen=True)
class Like:
    """Letters `%` and `_` of the pattern are wildcards; the two-letter parts are escaped ones."""

    field: str
    parts: tuple[str, ...]

    def text(self) -> str:
        return f"{self.field} LIKE '{''.join(self.parts)}'"

    def holds(self, row: Row) -> bool:
        mine = row[self.field]
        pattern = [part[-1] if part in ("%", "_") else f"={part[-1].lower()}" for part in self.parts]
        return isinstance(mine, str) and matches(mine.lower(), pattern)


@dataclass(frozen=True)
class Includes:
    field: str
    combinations: tuple[tuple[str, ...], ...]
    is_negated: bool

    def text(self) -> str:
        shown = ",".join(literal(";".join(values)) for values in self.combinations)
        return f"{self.field} {'EXCLUDES' if self.is_negated else 'INCLUDES'} ({shown})"

    def holds(self, row: Row) -> bool:
        held = str(row[self.field] or "").split(";")
        found = any(all(value in held for value in values) for values in self.combinations)
        return found is not self.is_negated


@dataclass(frozen=True)
class Combine:
    operator: str
    parts: tuple[Tree, ...]

    def text(self) -> str:
        return f" {self.operator} ".join(f"({part.text()})" for part in self.parts)

    def holds(self, row: Row) -> bool:
        found = [part.holds(row) for part in self.parts]
        return all(found) if self.operator == "AND" else any(found)


@dataclass(frozen=True)
class Not:
    part: Tree

    def text(self) -> str:
        return f"NOT ({self.part.text()})"

    def holds(self, row: Row) -> bool:
        return not self.part.holds(row)


Tree = Compare | In | Like | Includes | Combine | Not
