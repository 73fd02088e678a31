"""Who owns the people we create (rule M11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT
from include.settings.model import NewRecordOwner, Settings

if TYPE_CHECKING:
    from include.mapping.owner import OwnerCheck

STAFF_ID: Final = "booking.staff_id"

ASSIGNED_SOBJECT: Final = "Lead"
"""The only person's sObject that has assignment rules (Salesforce Help, "Assignment Rules")."""


def person_owners(
    people: pd.DataFrame, staff_links: pd.DataFrame, *, settings: Settings, owners: OwnerCheck
) -> pd.DataFrame:
    """Return the owner of each person to be created.

    Args:
        people: ``sobject``, and ``STAFF_ID``: the staff member of the person's newest booking of the run.
        staff_links: contract ``STAFF_LINKS``, with each User's activity as the org has it now.
        settings: says which owner new records get.
        owners: the owners named in the settings, checked.

    Returns:
        ``owner_id`` (missing where Salesforce decides: by an assignment rule, or the integration user) and
        ``owner_reason`` (why the default owner, where one is needed, is of no use), with the index of ``people``.
    """
    default = owners.default_owner
    owner = pd.Series(default.user_id, index=people.index, dtype=TEXT)
    reason = pd.Series(default.reason, index=people.index, dtype=TEXT)
    if settings.new_record_owner is NewRecordOwner.BOOKING_STAFF:
        user = _active_users(people[STAFF_ID], staff_links)
        owner, reason = user.fillna(owner), reason.mask(user.notna())
    elif settings.new_record_owner is NewRecordOwner.ASSIGNMENT_RULE:
        is_assigned = people["sobject"].eq(ASSIGNED_SOBJECT)
        owner, reason = owner.mask(is_assigned), reason.mask(is_assigned)
    return pd.DataFrame({"owner_id": owner, "owner_reason": reason}).astype(TEXT)


def _active_users(staff_ids: pd.Series[str], staff_links: pd.DataFrame) -> pd.Series[str]:
    usable = staff_links[staff_links["user_is_active"]].drop_duplicates("staff_id")
    return staff_ids.map(usable.set_index("staff_id")["salesforce_user_id"]).astype(TEXT)
