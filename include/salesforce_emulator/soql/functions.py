"""The functions of SOQL the org knows: aggregates, and the parts of dates that GROUP BY takes."""

from __future__ import annotations

from dataclasses import dataclass

from include.salesforce_emulator.schema import NUMBERS, Field, FieldType

_ANY = frozenset(FieldType)
_TIMES = frozenset({FieldType.DATE, FieldType.DATETIME})
_NUMERIC = NUMBERS | {FieldType.INT}


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """How a function reads in SQL, what it takes and what it makes; `result` None means the argument's own type."""

    template: str
    takes: frozenset[FieldType]
    result: FieldType | None
    is_aggregate: bool


FUNCTIONS = {
    "COUNT": FunctionFacts("COUNT({})", _ANY, FieldType.INT, is_aggregate=True),
    "COUNT_DISTINCT": FunctionFacts("COUNT(DISTINCT {})", _ANY, FieldType.INT, is_aggregate=True),
    "SUM": FunctionFacts("SUM({})", _NUMERIC, FieldType.DOUBLE, is_aggregate=True),
    "AVG": FunctionFacts("AVG({})", _NUMERIC, FieldType.DOUBLE, is_aggregate=True),
    "MIN": FunctionFacts("MIN({})", _ANY - {FieldType.BOOLEAN}, None, is_aggregate=True),
    "MAX": FunctionFacts("MAX({})", _ANY - {FieldType.BOOLEAN}, None, is_aggregate=True),
    "CALENDAR_YEAR": FunctionFacts(
        "CAST(substr({}, 1, 4) AS INTEGER)", _TIMES, FieldType.INT, is_aggregate=False
    ),
    "CALENDAR_MONTH": FunctionFacts(
        "CAST(substr({}, 6, 2) AS INTEGER)", _TIMES, FieldType.INT, is_aggregate=False
    ),
    "DAY_IN_MONTH": FunctionFacts(
        "CAST(substr({}, 9, 2) AS INTEGER)", _TIMES, FieldType.INT, is_aggregate=False
    ),
    "DAY_ONLY": FunctionFacts(
        "substr({}, 1, 10)", frozenset({FieldType.DATETIME}), FieldType.DATE, is_aggregate=False
    ),
    "HOUR_IN_DAY": FunctionFacts(
        "CAST(substr({}, 12, 2) AS INTEGER)",
        frozenset({FieldType.DATETIME}),
        FieldType.INT,
        is_aggregate=False,
    ),
}


def result_field(name: str, facts: FunctionFacts, argument: Field) -> Field:
    """Return a stand-in field that types what the function makes of an argument."""
    return Field(
        name=name, type=facts.result or argument.type, label=name, case_sensitive=argument.case_sensitive
    )
