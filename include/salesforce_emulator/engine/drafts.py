"""A write in the making: one draft a row, and what all drafts of a batch share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from include.salesforce_emulator.engine.errors import RowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from include.salesforce_emulator.engine.access import Access
    from include.salesforce_emulator.engine.org_setup import OrgSetup
    from include.salesforce_emulator.engine.schema import Schema, SObject
    from include.salesforce_emulator.engine.store import Store
    from include.salesforce_emulator.engine.values import Stored
    from include.salesforce_emulator.engine.writes import WriteOptions


@dataclass(slots=True)
class Draft:
    """One row on its way in; rules add derived values to it or refuse it.

    Attributes:
        values: stored values by field name, only of the fields given or derived.
        before: the stored record, or None for a new one.
        error: why the row is refused; `further_errors` are told with it.
        lookups: values of relationship columns that still have to be found, by position in the plan.
    """

    values: dict[str, Stored]
    id: str | None = None
    before: Mapping[str, Any] | None = None
    error: RowError | None = None
    further_errors: tuple[RowError, ...] = ()
    lookups: tuple[tuple[int, str], ...] = ()
    plan: Any = None

    @property
    def is_new(self) -> bool:
        """Whether the row creates a record."""
        return self.before is None

    def after(self, name: str) -> Any:
        """Return the value a field will have once the row is written."""
        if name in self.values:
            return self.values[name]
        return self.before[name] if self.before is not None else None

    def changes(self, name: str) -> bool:
        """Whether the row gives a field a value it does not have yet."""
        return name in self.values and (self.before is None or self.before[name] != self.values[name])

    def refuse(self, code: str, message: str, *fields: str) -> None:
        """Refuse the row; the first reason stands."""
        if self.error is None:
            self.error = RowError(code, message, fields)


class Referenced(NamedTuple):
    """What rules ask about a record that a batch points at."""

    sobject: str
    is_deleted: bool
    is_active: bool
    is_converted: bool
    account_id: str | None


@dataclass(slots=True)
class Batch:
    """What the drafts of one write share."""

    sobject: SObject
    schema: Schema
    store: Store
    setup: OrgSetup
    access: Access
    options: WriteOptions
    now: datetime
    stamp: str
    drafts: list[Draft]
    referenced: dict[str, Referenced] = field(default_factory=dict)

    def accepted(self) -> Iterator[Draft]:
        """Yield the drafts that nothing has refused yet."""
        return (draft for draft in self.drafts if draft.error is None)


def chosen(drafts: Iterable[Draft], names: Sequence[str]) -> Iterator[Draft]:
    """Yield the drafts that are new or touch one of the fields."""
    for draft in drafts:
        if draft.before is None or any(name in draft.values for name in names):
            yield draft
