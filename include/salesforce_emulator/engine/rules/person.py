"""What Salesforce asks of Leads, Contacts and Accounts, and derives for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.drafts import chosen
from include.salesforce_emulator.engine.org_setup import UserPermission

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch

_NAME_PARTS = ("FirstName", "LastName")


def compose_names(batch: Batch) -> None:
    """Keep Name, which nobody may write, in step with first and last name."""
    for draft in chosen(batch.accepted(), _NAME_PARTS):
        parts = [str(draft.after(part)) for part in _NAME_PARTS if draft.after(part)]
        draft.values["Name"] = " ".join(parts)


def check_lead(batch: Batch) -> None:
    """Refuse any change of a converted Lead but by users with "View and Edit Converted Leads"; compose names."""
    may_edit_converted = batch.access.allows(UserPermission.VIEW_AND_EDIT_CONVERTED_LEADS)
    for draft in batch.accepted():
        if draft.before is not None and draft.before["IsConverted"] and not may_edit_converted:
            draft.refuse("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        elif draft.before is None:
            draft.values.setdefault("IsUnreadByOwner", 1)
    compose_names(batch)


def check_not_own_parent(batch: Batch) -> None:
    """Refuse an Account that would be its own parent."""
    for draft in batch.accepted():
        if draft.id is not None and draft.values.get("ParentId") == draft.id:
            draft.refuse("CIRCULAR_DEPENDENCY", "attempt to set parent that would create a loop", "ParentId")
