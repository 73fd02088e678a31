"""Wire values to stored values, one converter a field: what a type, a length or a list of values refuses.

Two wires arrive here: JSON, with its own types, and Bulk's CSV, where everything is text. Error codes are
Salesforce's; where the wording is not public, the sentence is ours (salesforce-facts.md §2.6 names the known ones).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from include.salesforce_emulator.engine.errors import RowError
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.schema import NUMBERS, TEXTS, Field, FieldType, Schema

Stored = str | int | float | None
Converter = Callable[[Any], Stored]

CLEAR = "#N/A"
"""The text that empties a field in Bulk CSV [BULK66]."""

_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?(?:\.\d{1,9})?(Z|[+-]\d\d:?\d\d)", re.ASCII | re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EMAIL = re.compile(
    r"[^\s@.,;:<>()\[\]\"\\]+(?:\.[^\s@.,;:<>()\[\]\"\\]+)*@\w(?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)+"
)
BLANKS = " \t\r\n\f\v"
"""What no stored text begins or ends with."""

_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})
_EARLIEST_YEAR, _LATEST_YEAR = 1700, 4000


class RefusedValueError(Exception):
    """A value its field cannot take."""

    def __init__(self, code: str, message: str, fields: tuple[str, ...]) -> None:
        super().__init__(code)
        self.row_error = RowError(code, message, fields)


def is_storable(text: str) -> bool:
    """Whether a text is what every database can keep: no NUL, and nothing that UTF-8 cannot spell."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def date_time_text(instant: datetime) -> str:
    """Return an aware instant as the org stores and REST answers it: UTC, whole seconds."""
    return instant.astimezone(UTC).isoformat()[:19] + ".000+0000"


def converter(field: Field, schema: Schema, *, from_csv: bool) -> Converter:
    """Return the function that turns a field's wire values (never None, never an empty text) into stored ones.

    The function raises RefusedValueError.
    """
    if field.type is FieldType.BOOLEAN:
        return _boolean(field, from_csv=from_csv)
    if field.type is FieldType.INT or field.type in NUMBERS:
        return _number(field, from_csv=from_csv)
    if field.type is FieldType.DATETIME:
        return _date_time(field, from_csv=from_csv)
    if field.type is FieldType.DATE:
        return _date(field, from_csv=from_csv)
    if field.type in (FieldType.REFERENCE, FieldType.ID):
        return _reference(field, schema)
    return _text(field)


def longest_plain_text(field: Field) -> int:
    """Return the most characters of a field that takes any text up to a length, else 0."""
    is_plain = field.type in TEXTS and field.type is not FieldType.EMAIL and not field.restricted
    return field.length if is_plain else 0


def _not_of_type(field: Field, value: object, *, from_csv: bool) -> RefusedValueError:
    if from_csv:
        message = f"{field.label}: value not of required type: {value}"
        return RefusedValueError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (field.name,))
    token = {bool: "VALUE_TRUE", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT", str: "VALUE_STRING"}
    kind = token.get(type(value), "START_OBJECT" if isinstance(value, dict) else "START_ARRAY")
    shown = f" value {value}" if isinstance(value, str | int | float) else ""
    message = f"Cannot deserialize instance of {field.type} from {kind}{shown}"
    return RefusedValueError("JSON_PARSER_ERROR", message, (field.name,))


def _boolean(field: Field, *, from_csv: bool) -> Converter:
    def convert(value: Any) -> Stored:
        if value is True or value is False:
            return int(value)
        text = value.strip().lower() if isinstance(value, str) else None
        if text in _TRUE:
            return 1
        if text in _FALSE:
            return 0
        raise _not_of_type(field, value, from_csv=from_csv)

    return convert


def _number(field: Field, *, from_csv: bool) -> Converter:
    limit = 2**31 if field.type is FieldType.INT else 10 ** (field.precision - field.scale)

    def convert(value: Any) -> Stored:
        if isinstance(value, bool) or not isinstance(value, str if from_csv else int | float):
            raise _not_of_type(field, value, from_csv=from_csv)
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise _not_of_type(field, value, from_csv=from_csv) from None
        if not math.isfinite(number) or (field.type is FieldType.INT and not number.is_integer()):
            raise _not_of_type(field, value, from_csv=from_csv)
        if abs(number) >= limit:
            message = f"{field.label}: value outside of valid range on numeric field: {value}"
            raise RefusedValueError("NUMBER_OUTSIDE_VALID_RANGE", message, (field.name,))
        return int(number) if field.type is FieldType.INT else round(number, field.scale)

    return convert


def _date_time(field: Field, *, from_csv: bool) -> Converter:
    def convert(value: Any) -> Stored:
        if not isinstance(value, str):
            raise _not_of_type(field, value, from_csv=from_csv)
        stored = _date_time_from(value)
        if stored is None:
            raise _not_of_type(field, value, from_csv=from_csv)
        return stored

    return convert


def _date_time_from(text: str) -> str | None:
    try:
        if len(text) == 20 and text[10] == "T" and text[19] == "Z" and text[7] == "-":
            instant = datetime.fromisoformat(text)
            if _EARLIEST_YEAR <= instant.year <= _LATEST_YEAR:
                return text[:19] + ".000+0000"
            return None
        found = _DATE_TIME.fullmatch(text.strip(BLANKS))
        if found is None:
            return None
        minute, second, offset = found.groups()
        zone = "+00:00" if offset in "Zz" else offset
        instant = datetime.fromisoformat(f"{minute.upper()}{second or ':00'}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return date_time_text(instant) if _EARLIEST_YEAR <= instant.year <= _LATEST_YEAR else None


def _date(field: Field, *, from_csv: bool) -> Converter:
    def convert(value: Any) -> Stored:
        if isinstance(value, str) and _DATE.fullmatch(value.strip(BLANKS)):
            try:
                day = date.fromisoformat(value.strip(BLANKS))
            except ValueError:
                raise _not_of_type(field, value, from_csv=from_csv) from None
            if _EARLIEST_YEAR <= day.year <= _LATEST_YEAR:
                return day.isoformat()
        raise _not_of_type(field, value, from_csv=from_csv)

    return convert


@lru_cache(maxsize=1 << 16)
def _normalised(text: str) -> str | None:
    return normalise_id(text)


def _reference(field: Field, schema: Schema) -> Converter:
    known = [schema.find(name) for name in field.reference_to]
    prefixes = frozenset(target.key_prefix for target in known if target is not None)

    def convert(value: Any) -> Stored:
        record_id = _normalised(value.strip(BLANKS)) if isinstance(value, str) else None
        if record_id is None:
            message = f"{field.label}: id value of incorrect type: {value}"
            raise RefusedValueError("MALFORMED_ID", message, (field.name,))
        if prefixes and record_id[:3] not in prefixes:
            message = f"{field.label}: id value of incorrect type: {value}"
            raise RefusedValueError("FIELD_INTEGRITY_EXCEPTION", message, (field.name,))
        return record_id

    return convert


def _text(field: Field) -> Converter:
    check = _text_check(field)
    length = field.length

    def convert(value: Any) -> Stored:
        if value.__class__ is not str:
            raise _not_of_type(field, value, from_csv=False)
        # Stored texts never begin or end with blanks and are never empty (Apex reference, "sObject string values").
        text = value.strip(BLANKS)
        if not text:
            return None
        if not text.isprintable() and not is_storable(text):
            message = f"{field.label}: the text holds a NUL character or half of a surrogate pair."
            raise RefusedValueError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (field.name,))
        if length and len(text) > length:
            shown = f"{text[:80]}…" if len(text) > 80 else text
            message = f"{field.label}: data value too large: {shown} (max length={length})"
            raise RefusedValueError("STRING_TOO_LONG", message, (field.name,))
        if check is not None:
            check(text)
        return text

    return convert


def _text_check(field: Field) -> Callable[[str], None] | None:
    """Return what else a text of this field must be, beyond not too long."""
    if field.type is FieldType.EMAIL:

        def check_email(text: str) -> None:
            if not _EMAIL.fullmatch(text):
                message = f"{field.label}: invalid email address: {text}"
                raise RefusedValueError("INVALID_EMAIL_ADDRESS", message, (field.name,))

        return check_email
    if not field.restricted:
        return None
    allowed = frozenset(field.picklist)

    def check_picklist(text: str) -> None:
        values = text.split(";") if field.type is FieldType.MULTIPICKLIST else [text]
        for value in values:
            if value not in allowed:
                message = f"{field.label}: bad value for restricted picklist field: {value}"
                raise RefusedValueError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))

    return check_picklist
