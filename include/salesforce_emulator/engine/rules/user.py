"""What Salesforce asks of Users. A real org also asks for profile, locale and e-mail encoding; here they default."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.rules.person import compose_names

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch, Draft

STANDARD_PROFILE = "Standard User"


def check_user(batch: Batch) -> None:
    """Fill what a User has by default, take the user type from the profile, and refuse a username in use."""
    profiles = {
        row[0]: (row[1], row[2]) for row in batch.store.fetch("SELECT Id, Name, UserType FROM Profile")
    }
    standard = next((key for key, (name, _) in profiles.items() if name == STANDARD_PROFILE), None)
    for draft in batch.accepted():
        if draft.is_new:
            draft.values.setdefault("IsActive", 1)
            _fill(draft, "ProfileId", standard)
            _fill(draft, "Alias", _alias(draft))
            _fill(draft, "CommunityNickname", str(draft.values.get("Username")).partition("@")[0][:40])
        profile_id = draft.values.get("ProfileId")
        if profile_id in profiles:
            draft.values["UserType"] = profiles[profile_id][1]
    compose_names(batch)
    _refuse_used_names(batch)


def _fill(draft: Draft, name: str, value: str | None) -> None:
    if draft.values.get(name) is None:
        draft.values[name] = value


def _alias(draft: Draft) -> str:
    return (str(draft.values.get("FirstName") or "")[:1] + str(draft.values.get("LastName")))[:8].lower()


def _refuse_used_names(batch: Batch) -> None:
    names = [str(draft.values["Username"]) for draft in batch.accepted() if draft.changes("Username")]
    rows = batch.store.fetch(
        "SELECT Username, Id FROM User WHERE Username IN (SELECT value FROM json_each(?))",
        (json.dumps(names),),
    )
    holders = {str(name).lower(): record_id for name, record_id in rows}
    for draft in batch.accepted():
        if not draft.changes("Username"):
            continue
        name = str(draft.values["Username"]).lower()
        if holders.setdefault(name, draft.id or name) not in (draft.id, name):
            message = (
                "Duplicate Username. The username already exists in this or another org; choose another."
            )
            draft.refuse("DUPLICATE_USERNAME", message, "Username")
