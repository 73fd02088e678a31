"""What an administrator has set up in the org that meets our writes: duplicate rules, automation on Event (rule G3).

Facts: *DuplicateRule*, *ApexTrigger* and *FlowDefinitionView* in the Object Reference, *ValidationRule* in the Tooling
API guide. Reading the last three takes the permission *View Setup and Configuration*, which an integration user rarely
has: what the org does not tell is named as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError, RequestRefusedError
from include.mapping.mapping_checks import PERSON_SOBJECT
from include.salesforce import soql
from include.settings.field_mapping import Sobject

if TYPE_CHECKING:
    from include.salesforce.gateway import SalesforceGateway
    from include.salesforce.query import Scalar

_MOST_NAMED: Final = 50
DUPLICATE_RULES: Final = "duplicate rules"

_Records = Iterable[Mapping[str, "Scalar"]]


@dataclass(frozen=True, slots=True)
class OrgSetup:
    """Names of what is active, by kind; ``untold`` are the kinds that the org does not let our user see."""

    active: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    untold: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the set-up as JSON values."""
        return {
            "active": {kind: list(names) for kind, names in self.active.items()},
            "untold": list(self.untold),
        }


def read_setup(salesforce: SalesforceGateway) -> OrgSetup:
    """Return the active duplicate rules for people, and the active automation on Event."""
    active: dict[str, tuple[str, ...]] = {}
    untold: list[str] = []
    for kind, read in _KINDS.items():
        try:
            active[kind] = read(salesforce)
        except (ConfigurationError, RequestRefusedError):
            untold.append(kind)
    return OrgSetup(active, tuple(untold))


def _duplicate_rules(salesforce: SalesforceGateway) -> tuple[str, ...]:
    conditions = [
        soql.equals("IsActive", True),
        soql.any_of("SobjectType", [sobject.value for sobject in PERSON_SOBJECT.values()]),
    ]
    query = soql.select(("DeveloperName", "SobjectType"), "DuplicateRule", where=conditions)
    return _names(
        {"name": f"{rule['SobjectType']}.{rule['DeveloperName']}"} for rule in salesforce.query(query)
    )


def _triggers(salesforce: SalesforceGateway) -> tuple[str, ...]:
    conditions = [soql.equals("TableEnumOrId", Sobject.EVENT), soql.equals("Status", "Active")]
    return _names(salesforce.query(soql.select(("Name",), "ApexTrigger", where=conditions)))


def _flows(salesforce: SalesforceGateway) -> tuple[str, ...]:
    conditions = [soql.equals("IsActive", True), soql.equals("TriggerObjectOrEventId", Sobject.EVENT)]
    return _names(salesforce.query(soql.select(("ApiName",), "FlowDefinitionView", where=conditions)))


def _validation_rules(salesforce: SalesforceGateway) -> tuple[str, ...]:
    conditions = [
        soql.equals("Active", True),
        soql.equals("EntityDefinition.QualifiedApiName", Sobject.EVENT),
    ]
    return _names(
        salesforce.query_tooling(soql.select(("ValidationName",), "ValidationRule", where=conditions))
    )


def _names(records: _Records) -> tuple[str, ...]:
    """Return the one value of each record, sorted; the first of them where there are many."""
    names = sorted(str(value) for record in records for value in record.values())
    more = len(names) - _MOST_NAMED
    return (*names[:_MOST_NAMED], f"and {more} more") if more > 0 else tuple(names)


_KINDS: Final[Mapping[str, Callable[[SalesforceGateway], tuple[str, ...]]]] = {
    DUPLICATE_RULES: _duplicate_rules,
    "Apex triggers on Event": _triggers,
    "flows on Event": _flows,
    "validation rules on Event": _validation_rules,
}
