"""Who owns a record: the user who writes it unless the row says otherwise, and never somebody inactive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.org_setup import UserPermission

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch


def check_owner(batch: Batch) -> None:
    """Give new records an owner, and refuse a new owner who is inactive.

    A record keeps an owner who was deactivated since; only naming one anew is refused, and not to users with "Update
    Records with Inactive Owners".
    """
    if batch.sobject.field("OwnerId") is None:
        return
    takes_inactive = batch.access.allows(UserPermission.UPDATE_WITH_INACTIVE_OWNER)
    for draft in batch.accepted():
        values = draft.values
        if draft.before is None and values.get("OwnerId") is None:
            values["OwnerId"] = batch.options.user_id
        elif not takes_inactive and "OwnerId" in values and draft.changes("OwnerId"):
            owner_id = values["OwnerId"]
            owner = batch.referenced.get(str(owner_id))
            if owner is not None and not owner.is_active:
                kind = batch.sobject.label.lower()
                message = f"operation performed with inactive user [{owner_id}] as owner of {kind}"
                draft.refuse("INACTIVE_OWNER_OR_USER", message, "OwnerId")
