"""The functions of SOQL the org knows: aggregates, the parts of dates, and toLabel.

Facts: SOQL and SOSL Reference, *Date Functions* and *Aggregate Functions*. The org lives in GMT, and its fiscal year
is the calendar's.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.salesforce_emulator.engine.schema import NUMBERS, Field, FieldType

_ANY = frozenset(FieldType)
_TIMES = frozenset({FieldType.DATE, FieldType.DATETIME})
_NUMERIC = NUMBERS | {FieldType.INT}
_PICKLISTS = frozenset({FieldType.PICKLIST, FieldType.MULTIPICKLIST, FieldType.COMBOBOX})
_UNORDERED = frozenset({FieldType.BOOLEAN, FieldType.MULTIPICKLIST})

LABEL = "TOLABEL"
LACKING = frozenset(
    {"CONVERTCURRENCY", "CONVERTTIMEZONE", "CUBE", "DISTANCE", "FORMAT", "GEOLOCATION", "GROUPING", "ROLLUP"}
)
"""Functions that SOQL has and the local org lacks."""


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """How a function reads in SQL, what it takes and what it makes; `result` None means the argument's own type."""

    template: str
    takes: frozenset[FieldType]
    result: FieldType | None
    is_aggregate: bool = False


def _aggregate(template: str, takes: frozenset[FieldType], result: FieldType | None) -> FunctionFacts:
    return FunctionFacts(template, takes, result, is_aggregate=True)


def _part(first: int, length: int) -> FunctionFacts:
    """Return the facts of a function that shows a part of the text a day or an instant is kept as."""
    return FunctionFacts(f"CAST(substr({{}}, {first}, {length}) AS INTEGER)", _TIMES, FieldType.INT)


def _counted(form: str, first: int, unit: int = 1) -> FunctionFacts:
    """Return the facts of a function that counts days or months, `unit` of them at a time, and the first as one."""
    number = f"CAST(strftime('{form}', substr({{}}, 1, 10)) AS INTEGER)"
    return FunctionFacts(f"(({number} - {first}) / {unit} + 1)", _TIMES, FieldType.INT)


FUNCTIONS = {
    "COUNT": _aggregate("COUNT({})", _ANY, FieldType.INT),
    "COUNT_DISTINCT": _aggregate("COUNT(DISTINCT {})", _ANY, FieldType.INT),
    "SUM": _aggregate("SUM({})", _NUMERIC, FieldType.DOUBLE),
    "AVG": _aggregate("AVG({})", _NUMERIC, FieldType.DOUBLE),
    "MIN": _aggregate("MIN({})", _ANY - _UNORDERED, None),
    "MAX": _aggregate("MAX({})", _ANY - _UNORDERED, None),
    "CALENDAR_YEAR": _part(1, 4),
    "CALENDAR_QUARTER": _counted("%m", 1, 3),
    "CALENDAR_MONTH": _part(6, 2),
    "FISCAL_YEAR": _part(1, 4),
    "FISCAL_QUARTER": _counted("%m", 1, 3),
    "FISCAL_MONTH": _part(6, 2),
    "DAY_IN_MONTH": _part(9, 2),
    "DAY_IN_WEEK": _counted("%w", 0),
    "DAY_IN_YEAR": _counted("%j", 1),
    "WEEK_IN_MONTH": _counted("%d", 1, 7),
    "WEEK_IN_YEAR": _counted("%j", 1, 7),
    "DAY_ONLY": FunctionFacts("substr({}, 1, 10)", frozenset({FieldType.DATETIME}), FieldType.DATE),
    "HOUR_IN_DAY": FunctionFacts(
        "CAST(substr({}, 12, 2) AS INTEGER)", frozenset({FieldType.DATETIME}), FieldType.INT
    ),
    LABEL: FunctionFacts("{}", _PICKLISTS, None),
}


def result_field(name: str, facts: FunctionFacts, argument: Field) -> Field:
    """Return a stand-in field that types what the function makes of an argument."""
    return Field(
        name=name, type=facts.result or argument.type, label=name, case_sensitive=argument.case_sensitive
    )
