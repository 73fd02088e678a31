"""Salesforce Ids: 15 characters that tell case apart, or 18 whose last three say where the capitals are."""

from __future__ import annotations

from typing import Final

_SUFFIX: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def to_18(record_id: str) -> str:
    """Return the 18-character form of an Id; a text that is no Id of 15 characters comes back as it is.

    Each of the three last characters encodes which of five characters are capitals ("ID Field Type", SOAP API guide).
    """
    if len(record_id) != 15 or not record_id.isascii() or not record_id.isalnum():
        return record_id
    groups = (record_id[0:5], record_id[5:10], record_id[10:15])
    return record_id + "".join(
        _SUFFIX[sum(1 << place for place, character in enumerate(group) if character.isupper())]
        for group in groups
    )
