"""Field mappings as the part ``field_mappings`` of the settings file (rules F1, F2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from include.errors import ConfigurationError
from include.settings.field_mapping import FieldMapping, Sobject, of_sobject

FIELD_MAPPINGS: Final = "field_mappings"
"""Name of the part: a list of mappings, each of them whole, or the word ``default``."""

DEFAULT: Final = "default"

_HINTS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "union_tag_invalid": "must be one of constant, picklist, date, concatenation",
    "union_tag_not_found": "has no type; name one of constant, picklist, date, concatenation",
    "string_pattern_mismatch": "is not written as it has to be",
    "string_too_short": "must not be empty",
    "too_short": "has too few entries",
    "dict_type": "must be a list of 'value: value' pairs",
    "tuple_type": "must be a list",
    "string_type": "must be text",
    "model_type": "must hold lines of the form 'name: value'",
    "model_attributes_type": "must hold lines of the form 'name: value'",
}


def parse_mappings(part: object, *, defaults: Sequence[FieldMapping]) -> tuple[FieldMapping, ...]:
    """Return the mappings that a settings file names.

    Args:
        part: what stands behind ``field_mappings:``, all scalars as text.
        defaults: what the word ``default`` stands for.

    Raises:
        ConfigurationError: an entry is no mapping; all problems at once, by sObject and field.
    """
    if part == DEFAULT:
        return tuple(defaults)
    if not isinstance(part, list):
        msg = "field_mappings must be a list of mappings, or the word default; compare it with what export writes."
        raise ConfigurationError(msg)
    mappings: list[FieldMapping] = []
    problems: list[str] = []
    for number, values in enumerate(part, start=1):
        try:
            mappings.append(FieldMapping.model_validate(values))
        except ValidationError as error:
            problems += [f"{_name(values, number)}: {_sentence(detail)}" for detail in error.errors()]
    if problems:
        msg = "The field mappings are refused; nothing was changed."
        raise ConfigurationError(msg, problems)
    return tuple(mappings)


def format_mappings(mappings: Iterable[FieldMapping]) -> str:
    """Return mappings as the part of a settings file, one line each under a comment with their sObject."""
    mappings = tuple(mappings)
    lines = [f"{FIELD_MAPPINGS}:" if mappings else f"{FIELD_MAPPINGS}: []"]
    for sobject in Sobject:
        own = of_sobject(mappings, sobject)
        lines += [f"  # {sobject}", *(f"  - {format_mapping(mapping)}" for mapping in own)] if own else []
    return "\n".join(lines) + "\n"


def format_mapping(mapping: FieldMapping) -> str:
    """Return one mapping in braces on one line; policies and other things that are as by default are left out."""
    values = mapping.model_dump(mode="json", exclude_defaults=True)
    if mapping.transform is not None:
        values["transform"] = {
            "type": mapping.transform.type,
            **mapping.transform.model_dump(mode="json", exclude_defaults=True),
        }
    return _flow(values)


def _flow(values: Mapping[str, Any]) -> str:
    dumped: str = yaml.safe_dump(
        dict(values), default_flow_style=True, allow_unicode=True, sort_keys=False, width=float("inf")
    )
    return dumped.rstrip("\n")


def _name(values: object, number: int) -> str:
    if isinstance(values, dict) and values.get("sobject") and values.get("target"):
        return f"{values['sobject']}.{values['target']}"
    return f"mapping {number}"


def _sentence(detail: ErrorDetails) -> str:
    place = ".".join(
        str(part) for part in detail["loc"] if part not in {"constant", "picklist", "date", "concatenation"}
    )
    kind = detail["type"]
    if kind == "value_error":
        words = str(detail["ctx"]["error"])
    elif kind in {"enum", "literal_error"}:
        words = "must be " + str(detail["ctx"]["expected"]).replace("'", "")
    else:
        words = _HINTS.get(kind, "is not allowed")
    return f"{place} {words}" if place and kind != "value_error" else words
