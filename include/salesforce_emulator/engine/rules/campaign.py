"""What Salesforce asks of campaigns, their statuses and their members [salesforce-facts.md §6.5, §14]."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.ids import make_ids

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch, Draft
    from include.salesforce_emulator.engine.store import Store

_FIRST_STATUSES = (("Sent", 1, 0), ("Responded", 0, 1))


def add_first_statuses(batch: Batch) -> None:
    """Give each new Campaign the statuses every Campaign starts with: Sent, the default, and Responded."""
    sobject = batch.schema.get("CampaignMemberStatus")
    campaigns = [draft.id for draft in batch.accepted() if draft.is_new]
    if not campaigns:
        return
    count = len(campaigns) * len(_FIRST_STATUSES)
    ids = iter(make_ids(sobject.key_prefix, batch.store.reserve_numbers(sobject.name, count), count))
    user = batch.options.user_id
    rows = [
        (
            next(ids),
            campaign,
            label,
            order,
            is_default,
            responded,
            batch.stamp,
            user,
            batch.stamp,
            user,
            batch.stamp,
        )
        for campaign in campaigns
        for order, (label, is_default, responded) in enumerate(_FIRST_STATUSES, start=1)
    ]
    with batch.store.transaction() as connection:
        connection.executemany(
            "INSERT INTO CampaignMemberStatus (Id, CampaignId, Label, SortOrder, IsDefault, HasResponded, CreatedDate, "
            "CreatedById, LastModifiedDate, LastModifiedById, SystemModstamp) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            rows,
        )


def check_member(batch: Batch) -> None:
    """Settle who the member is and what its status says; refuse a second membership of one person."""
    for draft in batch.accepted():
        if draft.is_new:
            _settle_person(draft, batch)
    _refuse_second_memberships(batch)
    _settle_statuses(batch)


def _settle_person(draft: Draft, batch: Batch) -> None:
    lead_id, contact_id = draft.values.get("LeadId"), draft.values.get("ContactId")
    if not lead_id and not contact_id:
        message = "Required fields are missing: [LeadId, ContactId]; a member is a lead or a contact"
        draft.refuse("REQUIRED_FIELD_MISSING", message, "LeadId", "ContactId")
        return
    lead = batch.referenced.get(str(lead_id))
    if lead is not None and lead.is_converted and not contact_id:
        draft.refuse("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        return
    draft.values["LeadOrContactId"] = contact_id or lead_id
    draft.values["Type"] = "Contact" if contact_id else "Lead"


def _refuse_second_memberships(batch: Batch) -> None:
    new = [draft for draft in batch.accepted() if draft.is_new]
    people = [draft.values["LeadOrContactId"] for draft in new]
    rows = batch.store.fetch(
        "SELECT CampaignId, LeadId, ContactId FROM CampaignMember WHERE IsDeleted = 0 AND (LeadId IN "
        "(SELECT value FROM json_each(?1)) OR ContactId IN (SELECT value FROM json_each(?1)))",
        (json.dumps(people),),
    )
    taken = {(row[0], person) for row in rows for person in row[1:] if person}
    for draft in new:
        campaign = draft.values.get("CampaignId")
        pairs = {(campaign, draft.values[name]) for name in ("LeadId", "ContactId") if draft.values.get(name)}
        if taken & pairs:
            draft.refuse("DUPLICATE_VALUE", "Already a campaign member.")
        taken |= pairs


def _settle_statuses(batch: Batch) -> None:
    """Apply each Campaign's own statuses: one it lacks is silently replaced by its default."""
    drafts = [draft for draft in batch.accepted() if draft.is_new or "Status" in draft.values]
    campaigns = {draft.after("CampaignId") for draft in drafts}
    known: dict[tuple[Any, str], tuple[str, int]] = {}
    defaults: dict[Any, tuple[str, int]] = {}
    rows = batch.store.fetch(
        "SELECT CampaignId, Label, IsDefault, HasResponded FROM CampaignMemberStatus WHERE IsDeleted = 0 "
        "AND CampaignId IN (SELECT value FROM json_each(?)) ORDER BY SortOrder",
        (json.dumps(sorted(filter(None, campaigns))),),
    )
    for campaign, label, is_default, responded in rows:
        known[campaign, label.lower()] = (label, responded)
        if is_default:
            defaults[campaign] = (label, responded)
    for draft in drafts:
        campaign = draft.after("CampaignId")
        asked = str(draft.values.get("Status") or "").lower()
        label, responded = known.get((campaign, asked)) or defaults.get(campaign) or ("Sent", 0)
        draft.values["Status"] = label
        draft.values["HasResponded"] = responded
        if responded and not draft.after("FirstRespondedDate"):
            draft.values["FirstRespondedDate"] = batch.stamp[:10]


def drop_second_memberships(store: Store, person_id: str, stamp: str) -> None:
    """Keep a person's oldest membership in each campaign, since a person is a member once."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE CampaignMember SET IsDeleted = 1, SystemModstamp = ?2 WHERE IsDeleted = 0 "
            "AND (LeadId = ?1 OR ContactId = ?1) AND _row NOT IN (SELECT MIN(_row) FROM CampaignMember "
            "WHERE IsDeleted = 0 AND (LeadId = ?1 OR ContactId = ?1) GROUP BY CampaignId)",
            (person_id, stamp),
        )


def check_status(batch: Batch) -> None:
    """Refuse a second status of one label in a Campaign, and keep one default a Campaign."""
    for draft in batch.accepted():
        campaign, label = draft.after("CampaignId"), draft.after("Label")
        rows = batch.store.fetch(
            "SELECT Id FROM CampaignMemberStatus WHERE CampaignId = ? AND Label = ? AND IsDeleted = 0",
            (campaign, label),
        )
        if any(row[0] != draft.id for row in rows):
            draft.refuse(
                "DUPLICATE_VALUE", "A member status with this label already exists in the campaign.", "Label"
            )
        elif draft.values.get("IsDefault"):
            with batch.store.transaction() as connection:
                connection.execute(
                    "UPDATE CampaignMemberStatus SET IsDefault = 0 WHERE CampaignId = ?", (campaign,)
                )
