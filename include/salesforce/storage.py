"""How much of the org's data storage records take (Salesforce Help, "Salesforce Record Size Overview")."""

from __future__ import annotations

from typing import Final

_KILOBYTES: Final = {"CampaignMember": 1}
_MOST_RECORDS: Final = 2
_PERSON_ACCOUNT: Final = 4


def kilobytes(sobject: str, records: int, *, are_person_accounts: bool = False) -> int:
    """Return the storage of so many records: whatever they hold, a record counts by its kind alone."""
    if are_person_accounts:
        return _PERSON_ACCOUNT * records
    return _KILOBYTES.get(sobject, _MOST_RECORDS) * records
