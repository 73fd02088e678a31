"""Which behaviours each object's writes have: checks before, effects after."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from include.salesforce_emulator.engine.drafts import Batch
from include.salesforce_emulator.engine.record_types import settle_record_types
from include.salesforce_emulator.engine.rules.campaign import add_first_statuses, check_member, check_status
from include.salesforce_emulator.engine.rules.custom import name_the_nameless, number_records
from include.salesforce_emulator.engine.rules.event import check_event
from include.salesforce_emulator.engine.rules.opportunity import check_opportunity
from include.salesforce_emulator.engine.rules.owner import check_owner
from include.salesforce_emulator.engine.rules.person import check_lead, check_not_own_parent, compose_names
from include.salesforce_emulator.engine.rules.person_account import (
    check_person_contacts,
    keep_person_contacts,
    settle_person_accounts,
)
from include.salesforce_emulator.engine.rules.task import check_task
from include.salesforce_emulator.engine.rules.user import check_user

Rule = Callable[[Batch], None]

BEFORE: Mapping[str, tuple[Rule, ...]] = {
    "Lead": (check_lead, check_owner),
    "Contact": (check_person_contacts, compose_names, check_owner),
    "Account": (check_not_own_parent, check_owner, settle_person_accounts),
    "Event": (check_event, check_owner),
    "Task": (check_task, check_owner),
    "Opportunity": (check_opportunity, check_owner),
    "User": (check_user,),
    "CampaignMember": (check_member,),
    "CampaignMemberStatus": (check_status,),
}
AFTER: Mapping[str, tuple[Rule, ...]] = {
    "Account": (keep_person_contacts,),
    "Campaign": (add_first_statuses,),
}


def apply_before(batch: Batch) -> None:
    """Run the checks of the batch's object; they refuse drafts or add derived values."""
    settle_record_types(batch)
    number_records(batch)
    for rule in BEFORE.get(batch.sobject.name, (check_owner,)):
        rule(batch)


def apply_after(batch: Batch) -> None:
    """Run the effects of the batch's object, once its records are stored."""
    for rule in AFTER.get(batch.sobject.name, (name_the_nameless,)):
        rule(batch)
