"""Which field each column of a write means: plain fields, and relationship columns that name a parent by a key.

`Account.Ext__c` names the parent of a plain reference; a polymorphic one needs the type in front, `Lead:Who.Ext__c`
[BULK66 "Relationship Fields in a Header Row"]. JSON says the same with a nested object, which is flattened here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.errors import RowError
from include.salesforce_emulator.engine.values import Converter, converter, longest_plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.salesforce_emulator.engine.schema import Field, Schema, SObject


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """A column whose values go into one field."""

    key: str
    field: Field
    convert: Converter

    @property
    def longest_text(self) -> int:
        """The most characters, if the field takes any text up to a length, else 0."""
        return longest_plain_text(self.field)


@dataclass(frozen=True, slots=True)
class RelationshipColumn:
    """A column whose values find the record that `field` shall point at, by its field `match`."""

    key: str
    field: Field
    target: SObject
    match: Field


@dataclass(frozen=True, slots=True)
class BadColumn:
    """A column that means nothing to this object; `job_error` is what a Bulk job says of it."""

    key: str
    job_error: str


Column = FieldColumn | RelationshipColumn | BadColumn


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How to read the rows that have one set of columns.

    Attributes:
        plain: the columns that are fields.
        read_only_on_create: names of the fields given that only the org may set on a new record.
        read_only_on_update: the same for a record that exists.
        refusal: why no row with these columns can be taken.
    """

    id_key: str | None
    plain: tuple[FieldColumn, ...]
    relationships: tuple[RelationshipColumn, ...]
    read_only_on_create: tuple[str, ...]
    read_only_on_update: tuple[str, ...]
    refusal: RowError | None


def read_column(
    key: str, sobject: SObject, schema: Schema, *, from_csv: bool, whole: Schema | None = None
) -> Column:
    """Return what a column header or JSON key means for an object, as a user sees it.

    Ids may name records of objects in the `whole` schema: that the user cannot see one is told later, otherwise.
    """
    if "." not in key:
        field = sobject.field(key)
        if field is None:
            return BadColumn(key, f"InvalidBatch : Field name not found : {key}")
        return FieldColumn(key, field, converter(field, whole or schema, from_csv=from_csv))
    path, _, match_name = key.partition(".")
    type_name, _, relationship_name = path.rpartition(":")
    field = sobject.relationship(relationship_name)
    if field is None:
        return BadColumn(key, f"InvalidBatch : Field name not found : {key}")
    if type_name and not field.is_polymorphic:
        why = "type is not needed for non polymorphic foreign key references"
        return BadColumn(key, f"InvalidBatch : {why}: {key}")
    if not type_name and field.is_polymorphic:
        return BadColumn(key, f"InvalidBatch : type is needed for polymorphic foreign key references: {key}")
    target = schema.find(type_name or field.reference_to[0])
    match = target.field(match_name) if target is not None else None
    if target is None or match is None or target.name not in field.reference_to or not match.is_matchable:
        return BadColumn(key, f"InvalidBatch : Field name not found : {key}")
    return RelationshipColumn(key, field, target, match)


def plan_columns(
    keys: Iterable[str], sobject: SObject, schema: Schema, *, from_csv: bool, whole: Schema | None = None
) -> ColumnPlan:
    """Return how to read rows with these keys; `attributes`, which JSON records carry, is passed over."""
    id_key: str | None = None
    plain: list[FieldColumn] = []
    relationships: list[RelationshipColumn] = []
    refusal: RowError | None = None
    for key in keys:
        lowered = key.lower()
        if lowered == "attributes":
            continue
        if lowered == "id":
            id_key = key
            continue
        column = read_column(key, sobject, schema, from_csv=from_csv, whole=whole)
        if isinstance(column, BadColumn):
            message = f"No such column '{key}' on sobject of type {sobject.name}"
            refusal = refusal or RowError("INVALID_FIELD", message)
        elif isinstance(column, FieldColumn):
            plain.append(column)
        else:
            relationships.append(column)
    given = [item.field for item in plain] + [item.field for item in relationships]
    return ColumnPlan(
        id_key=id_key,
        plain=tuple(plain),
        relationships=tuple(relationships),
        read_only_on_create=tuple(field.name for field in given if not field.createable),
        read_only_on_update=tuple(field.name for field in given if not field.updateable),
        refusal=refusal,
    )


def flatten(row: Mapping[str, Any], sobject: SObject) -> Mapping[str, Any]:
    """Return a JSON row with nested parents (`"Who": {"attributes": {"type": "Lead"}, "Ext__c": "x"}`) as columns."""
    if not any(isinstance(value, Mapping) for value in row.values()):
        return row
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key.lower() == "attributes" or not isinstance(value, Mapping):
            flat[key] = value
            continue
        reference = sobject.relationship(key)
        attributes = value.get("attributes")
        type_name = attributes.get("type") if isinstance(attributes, Mapping) else None
        is_typed = reference is not None and reference.is_polymorphic and bool(type_name)
        prefix = f"{type_name}:{key}" if is_typed else key
        nested = {name: item for name, item in value.items() if name.lower() != "attributes"}
        flat |= {f"{prefix}.{name}": item for name, item in nested.items()} or {f"{prefix}.": None}
    return flat
