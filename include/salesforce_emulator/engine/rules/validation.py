"""Validation rules of the setup document: a record that meets all conditions of a rule is refused with its message.

They are the administrator's own checks, so they come after the org's [Apex Developer Guide, *Triggers and Order of
Execution*]. Every rule that a record breaks is told.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.errors import RowError
from include.salesforce_emulator.engine.rules.conditions import (
    Test,
    all_hold,
    known_field,
    known_object,
    named,
)
from include.salesforce_emulator.engine.setup_users import Bypass

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch
    from include.salesforce_emulator.engine.org_setup import OrgSetup
    from include.salesforce_emulator.engine.schema import Schema


@dataclass(frozen=True, slots=True)
class _Rule:
    is_broken: Test
    error: RowError
    bypass: Bypass


class ValidationRules:
    """The active validation rules of one org, by object."""

    def __init__(self, setup: OrgSetup, schema: Schema) -> None:
        """Read the rules.

        Raises:
            SalesforceFault: INVALID_SETUP, a rule names an object or a field the org does not have.
        """
        self._rules: dict[str, list[_Rule]] = defaultdict(list)
        for rule in setup.validation_rules:
            with named(f"The validation rule {rule.name}"):
                sobject = known_object(schema, rule.sobject)
                fields = () if rule.field is None else (known_field(sobject, rule.field).name,)
                broken = all_hold(rule.conditions, sobject, schema)
            if rule.active:
                error = RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields)
                self._rules[sobject.name].append(_Rule(broken, error, Bypass(rule.bypassed_by)))

    def check(self, batch: Batch) -> None:
        """Refuse the drafts that break a rule."""
        rules = [rule for rule in self._rules.get(batch.sobject.name, ()) if not rule.bypass.covers(batch)]
        if not rules:
            return
        for draft in batch.accepted():
            errors = [rule.error for rule in rules if rule.is_broken(draft)]
            if errors:
                draft.error, *further = errors
                draft.further_errors = tuple(further)
