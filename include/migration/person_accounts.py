"""The extra step that an administrator takes before Person Accounts can be chosen (rule G7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError, RequestRefusedError
from include.migration.request import MigrationRequest
from include.migration.shortcomings import find_shortcomings
from include.pipeline.accounting import counted_calls
from include.salesforce.trial import Attempt
from include.settings.field_mapping import Sobject
from include.settings.model import EntityType, Settings

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring
    from include.salesforce.gateway import SalesforceGateway

_NAME: Final = "Permission check of the appointment sync"


def complete_person_accounts(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Check that the org takes Person Accounts of the record type, by one trial creation that is undone at once.

    Only then does the review offer them; nothing else changes. A dry run notes nothing.

    Returns:
        ``record_type``, empty for the integration user's default.

    Raises:
        ConfigurationError: with everything that is missing.
    """
    request = MigrationRequest.from_conf(run.conf)
    with counted_calls(run, wiring, "complete_person_accounts"):
        settings = wiring.ledger.current_settings().settings
        record_type = request.record_type or settings.person_account_record_type.strip()
        problems = person_account_problems(wiring, settings, record_type)
        if problems:
            msg = (
                "Person Accounts cannot be chosen yet, and nothing was changed; mend all of these, then trigger the "
                "run again:"
            )
            raise ConfigurationError(msg, problems)
        if not run.dry_run:
            wiring.ledger.bind_org(wiring.salesforce.organization_id)
            wiring.ledger.note_person_accounts(wiring.salesforce.organization_id, record_type, now=run.now)
        return {"record_type": record_type}


def person_account_problems(wiring: Wiring, settings: Settings, record_type: str) -> tuple[str, ...]:
    """Return what keeps the sync from creating Person Accounts, as sentences without full stop."""
    chosen = settings.model_copy(
        update={"entity_type": EntityType.PERSON_ACCOUNT, "person_account_record_type": record_type}
    )
    found = find_shortcomings(wiring, chosen).all
    return found if found else _tried(wiring.salesforce, record_type)


def _tried(salesforce: SalesforceGateway, record_type: str) -> tuple[str, ...]:
    person = {"LastName": _NAME, **({"RecordTypeId": record_type} if record_type else {})}
    try:
        refused = salesforce.try_and_undo(
            Sobject.ACCOUNT, [Attempt("made", "POST", "sobjects/Account", person)]
        )
    except RequestRefusedError as error:
        return (f"no Person Account could be tried ({error.code or error})",)
    return tuple(f"Salesforce refuses to create a Person Account ({code})" for code in refused.values())
