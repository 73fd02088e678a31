"""Assignment rules of Leads: who owns a Lead that is created, or changed, with automatic assignment on.

Facts [RESTG, *Assignment Rule Header*]: `Sforce-Auto-Assign` is TRUE unless the request says otherwise and then holds
for created and updated records; an Id of a rule, active or not, holds for created ones. Bulk assigns only where the
job names a rule [BULK66]. The rule overrides an owner the row names (seen by integrations whose owners were replaced
until they sent FALSE). No entry fits: the default lead owner [Salesforce Help 000176863]; without one, the owner
stays as it was or is the writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.references import load_referenced
from include.salesforce_emulator.engine.rules.conditions import (
    Test,
    all_hold,
    invalid_setup,
    known_object,
    named,
)
from include.salesforce_emulator.engine.setup_records import rule_id
from include.salesforce_emulator.engine.setup_users import user_ids

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch, Draft
    from include.salesforce_emulator.engine.org_setup import OrgSetup
    from include.salesforce_emulator.engine.schema import Schema


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    active: bool
    entries: tuple[tuple[Test, str], ...]


class AssignmentRules:
    """The assignment rules of one org."""

    def __init__(self, setup: OrgSetup, schema: Schema) -> None:
        """Read the rules.

        Raises:
            SalesforceFault: INVALID_SETUP, a condition does not fit, or two rules are active or have one name.
        """
        self._default_owner = setup.default_lead_owner
        self._rules: list[_Rule] = []
        for rule in setup.assignment_rules:
            with named(f"The assignment rule {rule.name}"):
                sobject = known_object(schema, rule.sobject)
                entries = tuple(
                    (all_hold(entry.conditions, sobject, schema), entry.owner) for entry in rule.entries
                )
                if any(other.name.lower() == rule.name.lower() for other in self._rules):
                    raise invalid_setup("Two rules have this name.")
                if rule.active and any(other.active for other in self._rules):
                    raise invalid_setup("Only one assignment rule of an object can be active.")
            self._rules.append(_Rule(rule.name, rule.active, entries))

    def assign(self, batch: Batch) -> None:
        """Give the drafts the owners that the rule in force says."""
        if not self._rules or batch.sobject.name != "Lead" or not batch.options.auto_assign:
            return
        drafts = [draft for draft in batch.accepted() if draft.is_new or not _only_new(batch)]
        if batch.options.assignment_rule_id is None:
            rule = next((item for item in self._rules if item.active), None)
        else:
            rule = self._named(batch)
            if rule is None:
                for draft in drafts:
                    draft.refuse("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if rule is not None:
            self._apply(rule, drafts, batch)

    def _named(self, batch: Batch) -> _Rule | None:
        wanted = normalise_id(batch.options.assignment_rule_id or "")
        return next(
            (rule for rule in self._rules if rule_id(batch.store, "AssignmentRule", rule.name) == wanted),
            None,
        )

    def _apply(self, rule: _Rule, drafts: list[Draft], batch: Batch) -> None:
        chosen = [(draft, self._owner(rule, draft)) for draft in drafts if not _is_converted(draft)]
        owners = user_ids(batch.store, {owner for _, owner in chosen if owner is not None})
        for draft, owner in chosen:
            if owner is None:
                continue
            if owner in owners:
                draft.values["OwnerId"] = owners[owner]
            else:
                message = f"The assignment rule {rule.name} names an owner who is no User: {owner}"
                draft.refuse("INVALID_CROSS_REFERENCE_KEY", message, "OwnerId")
        load_referenced(batch)

    def _owner(self, rule: _Rule, draft: Draft) -> str | None:
        return next((owner for fits, owner in rule.entries if fits(draft)), self._default_owner)


def _only_new(batch: Batch) -> bool:
    return batch.options.source == "rest" and batch.options.assignment_rule_id is not None


def _is_converted(draft: Draft) -> bool:
    return draft.before is not None and bool(draft.before["IsConverted"])
