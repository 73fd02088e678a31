"""What an org's objects and fields are: the facts that describe, validation, storage and SOQL all read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from include.salesforce_emulator.engine.errors import SalesforceFault, resource_not_found

LONG_TEXT_LENGTH = 4000
"""From this length on a textarea is "long": neither filterable nor sortable (Object Reference, textarea)."""


class FieldType(StrEnum):
    """Describe's names of the field types the org knows."""

    ID = "id"
    STRING = "string"
    TEXTAREA = "textarea"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    COMBOBOX = "combobox"
    BOOLEAN = "boolean"
    INT = "int"
    DOUBLE = "double"
    CURRENCY = "currency"
    PERCENT = "percent"
    DATE = "date"
    DATETIME = "datetime"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    REFERENCE = "reference"


IDS = frozenset({FieldType.ID, FieldType.REFERENCE})
NUMBERS = frozenset({FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT})
TEXTS = (
    frozenset(FieldType)
    - IDS
    - NUMBERS
    - {FieldType.BOOLEAN, FieldType.INT, FieldType.DATE, FieldType.DATETIME}
)
_UNGROUPABLE = NUMBERS | {FieldType.DATETIME, FieldType.MULTIPICKLIST}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one object.

    Attributes:
        length: most characters a text may have, 0 where that has no meaning.
        precision: digits of a number in all; `scale` of them after the point.
        picklist: the active values, in order; only a `restricted` field refuses others.
        default: the stored value a new record gets when none is given.
        reference_to: names of the objects a reference may point at; some may not exist in this org.
        unique: no two records outside the recycle bin share a value; `case_sensitive` says how values compare.
        calculated: a formula, which the org keeps empty.
        auto_number: how the org numbers new records in this field, such as `B-{0000}`.
        cascade_delete: the record goes when the one it points at goes (master-detail).
    """

    name: str
    type: FieldType
    label: str
    length: int = 0
    precision: int = 18
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    unique: bool = False
    case_sensitive: bool = False
    external_id: bool = False
    id_lookup: bool = False
    name_field: bool = False
    custom: bool = False
    calculated: bool = False
    defaulted_on_create: bool = False
    restricted: bool = False
    picklist: tuple[str, ...] = ()
    default: str | int | float | None = None
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    child_relationship_name: str | None = None
    help_text: str | None = None
    auto_number: str | None = None
    cascade_delete: bool = False

    @property
    def is_polymorphic(self) -> bool:
        """Whether the reference may point at records of several objects."""
        return len(self.reference_to) > 1

    @property
    def is_required(self) -> bool:
        """Whether a new record must be given a value."""
        return not self.nillable and self.createable and not self.defaulted_on_create and self.default is None

    @property
    def is_matchable(self) -> bool:
        """Whether upserts and relationship columns may find records by this field."""
        return self.external_id or self.id_lookup

    @property
    def is_sortable(self) -> bool:
        """Whether ORDER BY takes the field."""
        return self.filterable and self.type is not FieldType.MULTIPICKLIST

    @property
    def is_aggregatable(self) -> bool:
        """Whether describe says that aggregate functions take the field."""
        return self.filterable and self.type not in (FieldType.BOOLEAN, FieldType.MULTIPICKLIST)

    @property
    def is_groupable(self) -> bool:
        """Whether GROUP BY takes the field as it is; date-times it takes through a function only."""
        return self.filterable and not self.calculated and self.type not in _UNGROUPABLE


@dataclass(frozen=True)
class SObject:
    """One object: its fields in describe order, and what may be done with its records."""

    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: tuple[Field, ...]
    custom: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    mergeable: bool = False
    _by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)
    _by_relationship: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {item.name.lower(): item for item in self.fields})
        relationships = {
            item.relationship_name.lower(): item for item in self.fields if item.relationship_name
        }
        object.__setattr__(self, "_by_relationship", relationships)

    def field(self, name: str) -> Field | None:
        """Return the field of that name, in any letter case."""
        return self._by_name.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        """Return the reference field behind a relationship name, in any letter case."""
        return self._by_relationship.get(name.lower())

    @cached_property
    def name_field(self) -> Field | None:
        """The field that names a record, where there is one."""
        return next((item for item in self.fields if item.name_field), None)

    @cached_property
    def references(self) -> tuple[Field, ...]:
        """Every field that points at another record."""
        return tuple(item for item in self.fields if item.type is FieldType.REFERENCE)

    @cached_property
    def unique_fields(self) -> tuple[Field, ...]:
        """Every field whose values must be unique."""
        return tuple(item for item in self.fields if item.unique)

    @cached_property
    def defaults(self) -> tuple[tuple[str, str | int | float, bool], ...]:
        """Name, default and nillability of every field that new records get a value for."""
        return tuple(
            (item.name, item.default, item.nillable) for item in self.fields if item.default is not None
        )

    @cached_property
    def default_values(self) -> Mapping[str, str | int | float]:
        """The default of every field that new records get a value for."""
        return {name: default for name, default, _ in self.defaults}

    def with_fields(self, more: Iterable[Field]) -> SObject:
        """Return the object with further fields, in place of those of the same name."""
        added = {item.name.lower(): item for item in more}
        kept = tuple(item for item in self.fields if item.name.lower() not in added)
        return replace(self, fields=kept + tuple(added.values()))


@dataclass(frozen=True)
class Schema:
    """Every object of the org."""

    objects: tuple[SObject, ...]
    _by_name: Mapping[str, SObject] = field(init=False, repr=False, compare=False)
    _by_prefix: Mapping[str, SObject] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {item.name.lower(): item for item in self.objects})
        object.__setattr__(self, "_by_prefix", {item.key_prefix: item for item in self.objects})

    def find(self, name: str) -> SObject | None:
        """Return the object of that name, in any letter case."""
        return self._by_name.get(name.lower())

    def get(self, name: str) -> SObject:
        """Return the object of that name, in any letter case.

        Raises:
            SalesforceFault: NOT_FOUND, as REST answers for `/sobjects/Nonsense`.
        """
        found = self.find(name)
        if found is None:
            raise resource_not_found()
        return found

    def of_id(self, record_id: str) -> SObject | None:
        """Return the object a record Id belongs to, by its first three characters."""
        return self._by_prefix.get(record_id[:3])

    @cached_property
    def child_references(self) -> Mapping[str, tuple[tuple[SObject, Field], ...]]:
        """For each object's name, the fields of all objects that may point at its records."""
        children: dict[str, list[tuple[SObject, Field]]] = {item.name: [] for item in self.objects}
        for child in self.objects:
            for reference in child.references:
                for target in reference.reference_to:
                    if target in children:
                        children[target].append((child, reference))
        return {name: tuple(found) for name, found in children.items()}

    def with_fields(self, fields: Mapping[str, Iterable[Field]]) -> Schema:
        """Return the schema with further fields for the objects named.

        Raises:
            SalesforceFault: an object named is not in the schema.
        """
        unknown = sorted(name for name in fields if self.find(name) is None)
        if unknown:
            message = f"The package adds fields to {unknown[0]}, an object the local org does not have."
            raise SalesforceFault(400, "INVALID_TYPE", message)
        added = {self.get(name).name: list(more) for name, more in fields.items()}
        return Schema(tuple(item.with_fields(added.get(item.name, ())) for item in self.objects))
