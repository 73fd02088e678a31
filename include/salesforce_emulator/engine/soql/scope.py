"""What a path in a query means: a column of the queried table, or of a table joined for a relationship on the way.

A polymorphic relationship joins every object it may point at; what is read through it are the fields of Salesforce's
`Name` object, not those of the objects themselves, so `Who.Ext__c` is an invalid field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.schema import Field, FieldType, Schema, SObject
from include.salesforce_emulator.engine.soql.parser import fault_at
from include.salesforce_emulator.engine.store import quote

if TYPE_CHECKING:
    from datetime import date

    from include.salesforce_emulator.engine.errors import SalesforceFault
    from include.salesforce_emulator.engine.soql.syntax import Path

DEEPEST_PATH = 5
"""Relationships a path may go through [SOQL65]."""

NAME_OBJECT_FIELDS = frozenset(
    {"alias", "email", "firstname", "id", "isactive", "lastname", "name", "phone", "profileid", "title", "type",
     "username", "userroleid"}
)  # fmt: skip
_TYPE_FIELD = Field(name="Type", type=FieldType.STRING, label="Type", createable=False, updateable=False)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the query: the queried one or a joined one."""

    alias: str
    sobject: SObject


@dataclass(frozen=True, slots=True)
class Behind:
    """Where a path of relationships leads: several tables if its last one is polymorphic."""

    path: tuple[str, ...]
    tables: tuple[Table, ...]
    is_polymorphic: bool


@dataclass(frozen=True, slots=True)
class Column:
    """What a path stands for in SQL.

    Attributes:
        path: the API names, spelled as in the schema.
        sql: the expression.
        is_joined: whether it comes through a relationship, and so may be null for want of a parent.
    """

    path: tuple[str, ...]
    sql: str
    field: Field
    is_joined: bool


@dataclass(slots=True)
class Scope:
    """The tables of one query; joins are added as paths ask for them.

    Attributes:
        archive_day: Events that ended before it are archived.
        prefix: what table aliases begin with, so that subqueries have their own.
    """

    soql: str
    schema: Schema
    base: SObject
    base_alias: str | None
    archive_day: date
    prefix: str = "t"
    include_deleted: bool = False
    joins: list[str] = field(default_factory=list)
    _targets: dict[tuple[str, ...], tuple[Table, ...]] = field(default_factory=dict)

    @property
    def root(self) -> Table:
        """The queried table."""
        return Table(self.prefix, self.base)

    def from_sql(self) -> str:
        """Return the FROM clause with every join asked for so far."""
        return " ".join([f"{quote(self.base.name)} AS {self.prefix}", *self.joins])

    def column(self, path: Path) -> Column:
        """Return what a path stands for.

        Raises:
            SalesforceFault: INVALID_FIELD with the position, if any part of it does not exist.
        """
        names = self._without_alias(path)
        behind = self._walk(path, names[:-1])
        return self._leaf(path, behind, names[-1])

    def behind(self, path: Path) -> Behind:
        """Return the tables a path of relationships leads to, for TYPEOF.

        Raises:
            SalesforceFault: INVALID_FIELD with the position, if any part of it does not exist.
        """
        return self._walk(path, self._without_alias(path))

    def field_behind(self, path: Path, behind: Behind, name: str) -> Column:
        """Return the field of that name behind a relationship.

        Raises:
            SalesforceFault: INVALID_FIELD with the position, if it does not exist.
        """
        return self._leaf(path, behind, name)

    def _walk(self, path: Path, names: tuple[str, ...]) -> Behind:
        if len(names) > DEEPEST_PATH:
            raise self._fault(path, f"A path may go through at most {DEEPEST_PATH} relationships.")
        behind = Behind((), (self.root,), is_polymorphic=False)
        for name in names:
            behind = self._step(path, behind, name)
        return behind

    def id_of(self, relationship: tuple[str, ...]) -> str:
        """Return the SQL of the Id of the record behind a relationship already joined."""
        ids = [f"{table.alias}.Id" for table in self._targets[relationship]]
        return ids[0] if len(ids) == 1 else f"COALESCE({', '.join(ids)})"

    def _without_alias(self, path: Path) -> tuple[str, ...]:
        names = path.names
        if len(names) > 1 and names[0].lower() in ((self.base_alias or "").lower(), self.base.name.lower()):
            return names[1:]
        return names

    def _step(self, path: Path, behind: Behind, name: str) -> Behind:
        own = behind.tables[0].sobject
        reference = None if behind.is_polymorphic else own.relationship(name)
        if reference is None:
            message = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
                "relationship, be sure to append the '__r' after the custom relationship name. Please reference your "
                "WSDL or the describe call for the appropriate names."
            )
            raise self._fault(path, message)
        key = (*behind.path, reference.relationship_name or name)
        if key not in self._targets:
            self._targets[key] = tuple(self._join(behind.tables[0], reference))
        if not self._targets[key]:
            raise self._fault(path, f"The local org has no object that '{name}' could lead to.")
        return Behind(key, self._targets[key], is_polymorphic=reference.is_polymorphic)

    def _join(self, table: Table, reference: Field) -> list[Table]:
        joined: list[Table] = []
        for target_name in reference.reference_to:
            target = self.schema.find(target_name)
            if target is None:
                continue
            alias = f"{self.prefix}{len(self.joins) + 1}"
            living = "" if self.include_deleted else f" AND {alias}.IsDeleted = 0"
            self.joins.append(
                f"LEFT JOIN {quote(target.name)} AS {alias} "
                f"ON {alias}.Id = {table.alias}.{quote(reference.name)}{living}"
            )
            joined.append(Table(alias, target))
        return joined

    def _leaf(self, path: Path, behind: Behind, name: str) -> Column:
        if behind.is_polymorphic:
            return self._name_object_leaf(path, behind, name)
        table = behind.tables[0]
        found = table.sobject.field(name)
        if found is None:
            raise self._no_such_column(path, name, table.sobject.name)
        return Column((*behind.path, found.name), self._sql(table, found), found, is_joined=bool(behind.path))

    def _name_object_leaf(self, path: Path, behind: Behind, name: str) -> Column:
        tables, before = behind.tables, behind.path
        if name.lower() == "type":
            cases = " ".join(
                f"WHEN {table.alias}.Id IS NOT NULL THEN '{table.sobject.name}'" for table in tables
            )
            return Column((*before, "Type"), f"CASE {cases} END COLLATE NOCASE", _TYPE_FIELD, is_joined=True)
        found = [(table, table.sobject.field(name)) for table in tables]
        holders = [(table, item) for table, item in found if item is not None]
        if name.lower() not in NAME_OBJECT_FIELDS or not holders:
            raise self._no_such_column(path, name, "Name")
        parts = [self._sql(table, item) for table, item in holders]
        first = holders[0][1]
        sql = parts[0] if len(parts) == 1 else f"COALESCE({', '.join(parts)}){_collation(first)}"
        return Column((*before, first.name), sql, first, is_joined=True)

    def _sql(self, table: Table, item: Field) -> str:
        if item.name == "IsArchived":
            return archived_sql(table.alias, table.sobject, self.archive_day)
        return f"{table.alias}.{quote(item.name)}"

    def _no_such_column(self, path: Path, name: str, entity: str) -> SalesforceFault:
        message = (
            f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
            "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
            "appropriate names."
        )
        return self._fault(path, message)

    def _fault(self, path: Path, message: str) -> SalesforceFault:
        return fault_at(self.soql, path.position, "INVALID_FIELD", message)


def _collation(item: Field) -> str:
    # COALESCE loses the collation of its columns.
    return (
        " COLLATE NOCASE" if item.type not in (FieldType.ID, FieldType.REFERENCE, FieldType.BOOLEAN) else ""
    )


def archived_sql(alias: str, sobject: SObject, archive_day: date) -> str:
    """Return when an activity is archived: an Event that ended, a closed Task that was due, before the day.

    A real org archives in a nightly run; here a record is archived the moment it is old enough.
    """
    if sobject.name == "Event":
        return f"({alias}.EndDateTime < '{archive_day.isoformat()}')"
    return f"({alias}.IsClosed AND COALESCE({alias}.ActivityDate < '{archive_day.isoformat()}', 0))"
