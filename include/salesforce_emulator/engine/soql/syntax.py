"""The syntax tree of a query. Every part knows where it stands, so that an error can point at it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Path:
    """A field, through zero or more relationships: `Who.Name`."""

    names: tuple[str, ...]
    position: int

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of fields: `COUNT(Id)`, `CALENDAR_YEAR(StartDateTime)`, `FIELDS(ALL)`."""

    name: str
    arguments: tuple[Operand, ...]
    position: int


Operand = Path | Function


class LiteralKind(StrEnum):
    """What kind of literal a value is."""

    STRING = "string"
    NUMBER = "number"
    DATE_TIME = "dateTime"
    DATE = "date"
    NULL = "null"
    BOOLEAN = "boolean"
    DATE_LITERAL = "date literal"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value to compare with; `text` as written, without quotes but with escapes; `count` the n of LAST_N_DAYS:n."""

    kind: LiteralKind
    text: str
    position: int
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operand against one value; the operator is one of = != < <= > >= LIKE."""

    operand: Operand
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """One operand against a list of values or a subquery."""

    operand: Operand
    choices: tuple[Literal, ...] | Query
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Includes:
    """A multi-select picklist against combinations of values."""

    operand: Operand
    choices: tuple[Literal, ...]
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Combined:
    """Conditions that must all hold, or of which one must."""

    operator: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """A condition in parentheses; Salesforce minds where some conditions stand."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Negation:
    """A condition that must not hold."""

    part: Condition


Condition = Comparison | Membership | Includes | Combined | Negation | Grouped


@dataclass(frozen=True, slots=True)
class SelectItem:
    """One thing selected, with its alias if it has one."""

    operand: Operand
    alias: str | None


@dataclass(frozen=True, slots=True)
class When:
    """One WHEN … THEN … of a TYPEOF."""

    sobject: str
    position: int
    fields: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Typeof:
    """TYPEOF: what to show of a polymorphic parent, by its type; `otherwise` is empty without an ELSE."""

    path: Path
    whens: tuple[When, ...]
    otherwise: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ChildQuery:
    """A query for the children of each record; its source is a relationship."""

    query: Query


Selected = SelectItem | Typeof | ChildQuery


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One sort key; nulls come first unless said otherwise, in either direction."""

    operand: Operand
    is_descending: bool
    are_nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT; `scope` is the name after USING SCOPE."""

    select: tuple[Selected, ...]
    source: str
    source_position: int
    source_alias: str | None
    where: Condition | None = None
    group: tuple[Operand, ...] = ()
    having: Condition | None = None
    order: tuple[OrderItem, ...] = ()
    limit: int | None = None
    offset: int | None = None
    scope: str | None = None
