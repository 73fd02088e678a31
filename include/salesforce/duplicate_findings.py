"""What a duplicate rule says with its refusal: its name, the records it found, and whether anybody may save."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_NAMES: Final = ("duplicateResult", "duplicateResut")
"""Answers of API versions up to 56 carry the name misspelt (seen in answers of real orgs)."""


@dataclass(frozen=True, slots=True)
class DuplicateFinding:
    """One refusal; ``record_ids`` are those that our user may see, without repetition, in the order of the answer."""

    rule: str
    record_ids: tuple[str, ...]
    is_blocked: bool


def read_duplicates(error: Mapping[str, Any]) -> DuplicateFinding | None:
    """Return what an error of one record tells of duplicates, or nothing where it tells nothing.

    An answer to a single write always tells; an item of Collections only where ``includeRecordDetails`` was asked for,
    if at all ("Duplicate Rule Header", REST API guide).
    """
    result = next((error[name] for name in _NAMES if isinstance(error.get(name), Mapping)), None)
    if result is None:
        return None
    return DuplicateFinding(
        rule=str(result.get("duplicateRule") or ""),
        record_ids=tuple(dict.fromkeys(_record_ids(result))),
        is_blocked=not result.get("allowSave", False),
    )


def _record_ids(result: Mapping[str, Any]) -> Iterator[str]:
    for match in result.get("matchResults") or ():
        for found in match.get("matchRecords") or ():
            record = found.get("record") or {}
            url = str((record.get("attributes") or {}).get("url") or "")
            if record_id := record.get("Id") or url.rpartition("/")[2]:
                yield str(record_id)
