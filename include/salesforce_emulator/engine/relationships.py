"""The names of relationships seen from the parent: `Contacts` of an Account, `Events` of a Lead.

Facts: Object Reference, the describes of the objects named. Relationships to owners, to users and to records merged
or converted have no name there, and no subquery can read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.schema import Field, Schema, SObject

_STANDARD: Mapping[str, str] = {
    "Account.ParentId": "ChildAccounts",
    "Campaign.ParentId": "ChildCampaigns",
    "CampaignMember.CampaignId": "CampaignMembers",
    "CampaignMember.ContactId": "CampaignMembers",
    "CampaignMember.LeadId": "CampaignMembers",
    "CampaignMemberStatus.CampaignId": "CampaignMemberStatuses",
    "Contact.AccountId": "Contacts",
    "Event.RecurrenceActivityId": "RecurringEvents",
    "Event.WhatId": "Events",
    "Event.WhoId": "Events",
    "Task.RecurrenceActivityId": "RecurringTasks",
    "Task.WhatId": "Tasks",
    "Task.WhoId": "Tasks",
    "User.ManagerId": "ManagedUsers",
    "User.ProfileId": "Users",
}


def child_relationship_name(child: SObject, reference: Field) -> str | None:
    """Return what a parent calls the records that point at it by this field, or None if nothing."""
    if reference.custom and reference.child_relationship_name:
        return f"{reference.child_relationship_name}__r"
    return _STANDARD.get(f"{child.name}.{reference.name}")


def find_children(schema: Schema, parent: SObject, relationship: str) -> tuple[str, SObject, Field] | None:
    """Return a parent's name for its children as describe spells it, their object, and the field that points up."""
    for child, reference in schema.child_references[parent.name]:
        name = child_relationship_name(child, reference)
        if name is not None and name.lower() == relationship.lower():
            return name, child, reference
    return None
