"""What goes into a write and what comes out of it, for all of REST, Collections and Bulk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from include.salesforce_emulator.engine.errors import RowError


class Operation(StrEnum):
    """What a write does; the values are Bulk API 2.0's."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    HARD_DELETE = "hardDelete"
    UNDELETE = "undelete"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Who writes, and how the rows are to be read.

    Attributes:
        user_id: the User in whose name the write happens.
        source: `rest` or `bulk`.
        auto_assign: whether assignment rules may choose the owner (`Sforce-Auto-Assign`).
        assignment_rule_id: Id of the assignment rule asked for; None leaves it to the active one.
        allow_duplicates: whether an alerting duplicate rule is overridden (`Sforce-Duplicate-Rule-Header`).
        run_rules: whether validation and duplicate rules run; they do not when a Lead is converted or records merge.
        from_csv: values are text; an empty one leaves the field alone and `#N/A` clears it.
        update_only: an upsert that finds no record is an error (`updateOnly=true`).
        as_system: the org's own doing, whom the user's permissions, field-level security and sharing do not bind.
        all_or_none: one refused row undoes the whole write (`allOrNone`).
    """

    user_id: str
    source: str = "rest"
    auto_assign: bool = True
    assignment_rule_id: str | None = None
    allow_duplicates: bool = False
    run_rules: bool = True
    from_csv: bool = False
    update_only: bool = False
    as_system: bool = False
    all_or_none: bool = False


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: its Id where it has one, and the errors that refused it."""

    id: str | None
    created: bool
    errors: tuple[RowError, ...] = ()

    @property
    def success(self) -> bool:
        """Whether the row was written."""
        return not self.errors
