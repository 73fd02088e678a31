"""Rows that their user may not write: for want of rights on the object, or because the activity is somebody else's.

Under private activity sharing only the owner, someone above the owner in the role hierarchy, or a user with Modify All
Data may change or delete an Event or Task; anybody may create one for somebody else (salesforce-facts.md §14).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.access import ACTIVITIES, INSUFFICIENT_ACCESS, refusal_of_object
from include.salesforce_emulator.engine.org_setup import ObjectAccess, UserPermission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.salesforce_emulator.engine.drafts import Batch, Draft


def check_object(batch: Batch) -> None:
    """Refuse new rows of an object in which the user may not create, and changes where the user may not edit."""
    if batch.access.is_unrestricted:
        return
    name = batch.sobject.name
    for wanted, is_new in ((ObjectAccess.CREATE, True), (ObjectAccess.EDIT, False)):
        if not batch.access.may(wanted, name):
            refusal = refusal_of_object(wanted, batch.sobject)
            for draft in batch.accepted():
                if draft.is_new is is_new:
                    draft.error = refusal


def check_parents(batch: Batch) -> None:
    """Refuse rows that point at a record of an object which the user may not read."""
    if batch.access.is_unrestricted:
        return
    names = [field.name for field in batch.sobject.references]
    for draft in batch.accepted():
        for name in names:
            record_id = draft.values.get(name)
            if record_id is not None and batch.access.schema.of_id(str(record_id)) is None:
                message = f"insufficient access rights on cross-reference id: {str(record_id)[:15]}"
                draft.refuse("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)


def check_sharing(batch: Batch) -> None:
    """Refuse changes of activities that sharing does not open to the user."""
    if not _is_shared_narrowly(batch):
        return
    changed = [draft for draft in batch.accepted() if draft.before is not None]
    owners = {str(draft.id): str(draft.before["OwnerId"]) for draft in changed if draft.before is not None}
    _refuse_others(batch, changed, owners)


def check_deletion(batch: Batch) -> None:
    """Refuse deletions that the user's rights on the object, or the sharing of activities, do not allow."""
    if not batch.access.may(ObjectAccess.DELETE, batch.sobject.name):
        for draft in batch.accepted():
            draft.error = refusal_of_object(ObjectAccess.DELETE, batch.sobject)
    if not _is_shared_narrowly(batch):
        return
    named = [draft for draft in batch.accepted() if draft.id is not None]
    table = "Event" if batch.sobject.name == "Event" else "Task"
    rows = batch.store.fetch(
        f"SELECT Id, OwnerId FROM {table} WHERE Id IN (SELECT value FROM json_each(?))",  # noqa: S608 - one of two
        (json.dumps([draft.id for draft in named]),),
    )
    _refuse_others(batch, named, dict(rows))


def _is_shared_narrowly(batch: Batch) -> bool:
    return (
        batch.setup.activity_sharing == "private"
        and batch.sobject.name in ACTIVITIES
        and not batch.access.allows(UserPermission.MODIFY_ALL_DATA)
    )


def _refuse_others(batch: Batch, drafts: list[Draft], owners: Mapping[str, str]) -> None:
    """Refuse the drafts whose record has an owner who is neither the user nor below the user."""
    below = sorted(batch.access.setup.above)
    rows = batch.store.fetch(
        "SELECT Id FROM User WHERE Username IN (SELECT value FROM json_each(?))", (json.dumps(below),)
    )
    open_to_user = {batch.options.user_id, *(str(row[0]) for row in rows)}
    for draft in drafts:
        owner = owners.get(str(draft.id))
        if owner is not None and owner not in open_to_user:
            draft.error = INSUFFICIENT_ACCESS
