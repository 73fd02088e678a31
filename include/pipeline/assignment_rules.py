"""The assignment rule that gives new Leads their owner (rule M11).

Only Leads have one: Contacts and Accounts go to the default owner, else to the integration user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError
from include.salesforce import soql
from include.settings.model import EntityType, NewRecordOwner, Settings

if TYPE_CHECKING:
    from include.salesforce.gateway import SalesforceGateway

ASSIGNED: Final = "Lead"


def wants_assignment_rule(settings: Settings) -> bool:
    """Tell whether new people run through an assignment rule."""
    is_wanted = settings.new_record_owner is NewRecordOwner.ASSIGNMENT_RULE
    return is_wanted and settings.entity_type is EntityType.LEAD


def assignment_rule(salesforce: SalesforceGateway, settings: Settings) -> str | None:
    """Return the Id of the rule that new Leads run through, or nothing where the settings want none.

    The rule travels by its Id with REST and Bulk alike: "the active one" may be another one a moment later.

    Raises:
        ConfigurationError: the settings want one, and the org has no active one.
    """
    if not wants_assignment_rule(settings):
        return None
    conditions = [soql.equals("SobjectType", ASSIGNED), soql.equals("Active", True)]
    rules = salesforce.query_frame(soql.select(("Id",), "AssignmentRule", where=conditions))
    if rules.empty:
        msg = (
            "The setting new_record_owner is assignment_rule, but Salesforce has no active assignment rule for Leads: "
            "activate one, or set new_record_owner to default_owner or booking_staff."
        )
        raise ConfigurationError(msg)
    return str(rules["Id"].iloc[0])
