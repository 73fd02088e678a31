"""Whether the org can have the people, and the Accounts, that the settings ask for (rules M4, M10, F3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError
from include.pipeline.person_fields import has_person_accounts
from include.settings.model import ContactWithoutCompany, EntityType, Settings

if TYPE_CHECKING:
    from include.salesforce.gateway import SalesforceGateway

_OF_PEOPLE: Final = "IsPersonType"
"""Field of RecordType that an org without Person Accounts does not have (Object Reference, RecordType)."""


def check_people_settings(salesforce: SalesforceGateway, settings: Settings) -> None:
    """Check what only the org can say about entity type and record type; no call unless Person Accounts are asked for.

    Raises:
        ConfigurationError: the org has no Person Accounts, no such active record type of theirs, or Contacts without
            company are to share an Account that has no name.
    """
    if settings.entity_type is EntityType.PERSON_ACCOUNT:
        _check_person_accounts(salesforce, settings.person_account_record_type.strip())
    shares_placeholder = settings.contact_without_company is ContactWithoutCompany.PLACEHOLDER_ACCOUNT
    if settings.entity_type is EntityType.CONTACT and shares_placeholder:
        _check_placeholder(settings)


def _check_person_accounts(salesforce: SalesforceGateway, record_type_id: str) -> None:
    if not has_person_accounts(salesforce):
        msg = (
            "The setting entity_type is person_account, but this org has no Person Accounts: have them switched on in "
            "Salesforce, or set entity_type to lead or contact."
        )
        raise ConfigurationError(msg)
    if not record_type_id:
        return
    found = salesforce.query_in(
        select=("Id", "IsActive", "SobjectType", _OF_PEOPLE),
        sobject="RecordType",
        field="Id",
        values=[record_type_id],
    )
    is_usable = (
        found["IsActive"].eq("true") & found["SobjectType"].eq("Account") & found[_OF_PEOPLE].eq("true")
    )
    if not is_usable.any():
        msg = (
            "The setting person_account_record_type is not the Id of an active record type for Person Accounts: set it "
            "to one, or leave it empty for the integration user's default."
        )
        raise ConfigurationError(msg)


def _check_placeholder(settings: Settings) -> None:
    if not settings.company_placeholder.strip():
        msg = (
            "The setting contact_without_company is placeholder_account, but company_placeholder, the name of that "
            "Account, is empty: fill it, or set contact_without_company to own_account or no_account."
        )
        raise ConfigurationError(msg)
