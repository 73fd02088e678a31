"""What a query becomes: statements for SQLite, and what their columns mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from include.salesforce_emulator.engine.schema import Field, SObject
from include.salesforce_emulator.engine.soql.scope import Column


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, enough to translate it again after a restart.

    Attributes:
        today: the org's day then, which date literals count from.
        user_id: who asked, for `USING SCOPE mine`; None if nobody in particular.
    """

    soql: str
    today: date
    include_deleted: bool
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class TypeofArm:
    """What is shown of a polymorphic parent of one object.

    Attributes:
        entity: the type shown in its attributes.
        id_sql: the parent's Id, null where the parent is of another object.
    """

    entity: str
    id_sql: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class TypeofColumn:
    """A polymorphic parent; the first arm whose Id is not null is shown."""

    path: tuple[str, ...]
    arms: tuple[TypeofArm, ...]


@dataclass(frozen=True, slots=True)
class ChildRows:
    """The children of each record.

    Attributes:
        name: the relationship, spelled as describe has it.
        rows_sql: finds parent Id and row number of the children, in order; its last parameter is a JSON list of
            parent Ids.
        limit, offset: how many of each parent's children are shown, and from which on.
        query: how a child is shown.
    """

    name: str
    rows_sql: str
    parameters: tuple[Any, ...]
    limit: int | None
    offset: int
    query: RecordQuery


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """A query for records.

    Attributes:
        asked: the query itself.
        rows_sql: finds row numbers of the base table, in order.
        page_sql: reads records by row number; its parameter is a JSON list of numbers. Columns: row number, record
            Id, one Id per relationship, the columns, then Id and columns of every arm of every TYPEOF.
        shown: what was selected, in order.
        relationships: the paths of the relationships that selected columns go through, parents first.
    """

    asked: Asked
    base: SObject
    rows_sql: str
    page_sql: str
    parameters: tuple[Any, ...]
    shown: tuple[Column | TypeofColumn | ChildRows, ...]
    relationships: tuple[tuple[str, ...], ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The plain columns, in order."""
        return tuple(item for item in self.shown if isinstance(item, Column))


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """A query with GROUP BY or aggregates; each row of `sql` is one result."""

    sql: str
    parameters: tuple[Any, ...]
    names: tuple[str, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class CountQuery:
    """`SELECT COUNT() FROM …`: only the number of records."""

    sql: str
    parameters: tuple[Any, ...]


Compiled = RecordQuery | AggregateQuery | CountQuery
