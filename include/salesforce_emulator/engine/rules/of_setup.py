"""What the administrator of an org made it do with every write: assign, validate, look for duplicates, mind storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.rules.assignment import AssignmentRules
from include.salesforce_emulator.engine.rules.duplicates import DuplicateRules
from include.salesforce_emulator.engine.rules.validation import ValidationRules
from include.salesforce_emulator.engine.storage import check_storage

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch
    from include.salesforce_emulator.engine.org_setup import OrgSetup
    from include.salesforce_emulator.engine.schema import Schema


class OrgRules:
    """The rules of one setup document, read once; an empty document costs nothing."""

    def __init__(self, setup: OrgSetup, schema: Schema) -> None:
        """Read the rules.

        Raises:
            SalesforceFault: INVALID_SETUP, naming the rule that does not fit the org and why.
        """
        self._schema = schema
        self._assignment = AssignmentRules(setup, schema)
        self._validation = ValidationRules(setup, schema)
        self.duplicates = DuplicateRules(setup, schema)

    def assign(self, batch: Batch) -> None:
        """Give new and changed records their owners; comes before the checks of the object."""
        self._assignment.assign(batch)

    def check(self, batch: Batch) -> None:
        """Refuse what the rules refuse; comes after every check of the org's own.

        A conversion runs none of them, as without "Require Validation for Converted Leads" (Salesforce Help 000204497).
        """
        if batch.options.run_rules:
            self._validation.check(batch)
            self.duplicates.check(batch)
        check_storage(batch, self._schema)
