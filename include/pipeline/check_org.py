"""Check that the org has the fields the sync writes, before the first write of a run (rule F3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.mapping.fields import default_mappings
from include.settings.model import EntityType, Settings

if TYPE_CHECKING:
    from include.salesforce.gateway import SalesforceGateway

PERSON_SOBJECT = {
    EntityType.LEAD: "Lead",
    EntityType.CONTACT: "Contact",
    EntityType.PERSON_ACCOUNT: "Account",
}


def written_fields(sobject: str) -> tuple[str, ...]:
    """Return the API names of the fields that the sync writes on an sObject."""
    return tuple(mapping.target for mapping in default_mappings(sobject))


def check_org(salesforce: SalesforceGateway, settings: Settings) -> None:
    """Check every written field of Event and of the person's sObject against the org's describe.

    Raises:
        ConfigurationError: fields are missing, hidden from our user or not writable; all of them are named.
    """
    problems: list[str] = []
    for sobject in ("Event", PERSON_SOBJECT[settings.entity_type]):
        fields = salesforce.describe(sobject).fields
        for name in written_fields(sobject):
            field = fields.get(name)
            if field is None:
                problems.append(f"{sobject}.{name} does not exist or is hidden from the integration user")
            elif not field.createable:
                problems.append(f"{sobject}.{name} cannot be written by the integration user")
    if problems:
        msg = (
            "Salesforce lacks fields that the sync writes; deploy include/salesforce_package and assign its "
            "permission set to the integration user:"
        )
        raise ConfigurationError(msg, problems)
