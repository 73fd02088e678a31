"""Literals of a query as the stored values they are compared with.

A text may hold the escapes of the SOQL and SOSL Reference, *Quoted String Escape Sequences*, and at most 4,000
characters (*WHERE*, v252; the words of that refusal are ours).
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.schema import IDS, NUMBERS, TEXTS, FieldType
from include.salesforce_emulator.engine.soql.parser import fault_at
from include.salesforce_emulator.engine.soql.syntax import Literal, LiteralKind
from include.salesforce_emulator.engine.values import date_time_text, is_storable

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.errors import SalesforceFault
    from include.salesforce_emulator.engine.soql.scope import Column

LONGEST_TEXT = 4000
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|(.))", re.DOTALL | re.IGNORECASE)
_ESCAPED = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "_": "_",
    "%": "%",
}
_IN_PATTERN = frozenset("%_\\")
_NUMERIC = NUMBERS | {FieldType.INT}


class LiteralReader:
    """Reads the literals of one query; faults point into its text."""

    def __init__(self, soql: str) -> None:
        self._soql = soql

    def value(self, column: Column, literal: Literal) -> Any:
        """Return the stored value a literal stands for, compared with that column.

        Raises:
            SalesforceFault: the literal is not of the column's type, or not well-formed.
        """
        kind, field_type = literal.kind, column.field.type
        if kind is LiteralKind.STRING:
            if field_type in IDS:
                return self._id(literal)
            if field_type in TEXTS:
                return self.text(literal)
        elif kind is LiteralKind.BOOLEAN and field_type is FieldType.BOOLEAN:
            return int(literal.text == "true")
        elif kind is LiteralKind.NUMBER and field_type in _NUMERIC:
            return self._number(literal)
        elif kind is LiteralKind.DATE and field_type is FieldType.DATE:
            return self._date(literal)
        elif kind is LiteralKind.DATE_TIME and field_type is FieldType.DATETIME:
            return self._date_time(literal)
        raise self.wrong_type(column, literal)

    def text(self, literal: Literal, *, is_pattern: bool = False) -> str:
        """Return the text of a quoted literal; in a pattern of LIKE, escaped wildcards stay escaped."""

        def replaced(found: re.Match[str]) -> str:
            code, letter = found.groups()
            if code is not None:
                letter = chr(int(code, 16))
                return f"\\{letter}" if is_pattern and letter in _IN_PATTERN else letter
            if is_pattern and letter in _IN_PATTERN:
                return f"\\{letter}"
            known = _ESCAPED.get(letter) or _ESCAPED.get(letter.lower())
            if known is None:
                message = f"illegal escape sequence in string literal: '\\{letter}'"
                raise self._malformed(literal, message)
            return known

        text = _ESCAPE.sub(replaced, literal.text) if "\\" in literal.text else literal.text
        if len(text) > LONGEST_TEXT:
            raise self._malformed(literal, f"a text in a condition has at most {LONGEST_TEXT} characters")
        if not is_storable(text):
            raise self._malformed(literal, "the text holds characters that no text can hold")
        return text

    def wrong_type(self, column: Column, literal: Literal) -> SalesforceFault:
        """Return the fault of a literal whose kind is not the column's."""
        wanted = {FieldType.DATETIME: "dateTime"}.get(column.field.type, str(column.field.type))
        quotes = "should be" if column.field.type in TEXTS | IDS else "should not be"
        message = (
            f"value of filter criterion for field '{column.field.name}' must be of type {wanted} and {quotes} "
            "enclosed in quotes"
        )
        return fault_at(self._soql, literal.position, "INVALID_FIELD", message)

    def _id(self, literal: Literal) -> str:
        text = self.text(literal)
        record_id = normalise_id(text)
        if record_id is None:
            message = f"invalid ID field: {text}"
            raise fault_at(self._soql, literal.position, "INVALID_QUERY_FILTER_OPERATOR", message)
        return record_id

    def _number(self, literal: Literal) -> float:
        number = float(literal.text)
        if not math.isfinite(number):
            raise self._malformed(literal, f"numeric value out of range: {literal.text}")
        return number

    def _date(self, literal: Literal) -> str:
        try:
            return datetime.fromisoformat(literal.text).date().isoformat()
        except ValueError:
            raise self._malformed(literal, f"invalid date: {literal.text}") from None

    def _date_time(self, literal: Literal) -> str:
        try:
            return date_time_text(datetime.fromisoformat(literal.text.upper()))
        except (ValueError, OverflowError):
            raise self._malformed(literal, f"invalid date time: {literal.text}") from None

    def _malformed(self, literal: Literal, message: str) -> SalesforceFault:
        return fault_at(self._soql, literal.position, "MALFORMED_QUERY", message)
