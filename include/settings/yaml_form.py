"""Settings as a YAML file that people read, review and carry from one org to another.

Every scalar is read as the text that stands in the file. YAML 1.1 would make a boolean of ``on``, the number 2742 of
the Id ``005266`` and 900 of ``15:00``; the settings know their own types better.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Mapping
from datetime import timedelta
from typing import Any

import yaml
from phonenumbers import SUPPORTED_REGIONS
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from include.errors import ConfigurationError
from include.settings.mapping_yaml import FIELD_MAPPINGS
from include.settings.model import CampaignRule, Settings
from include.settings.yaml_values import expected, read_value, shown_block, shown_value

SUBJECT_PLACEHOLDERS = ("service", "client", "location", "status", "appointment_id")
"""What ``subject_template`` may name in braces (S3)."""

STATUSES = ("booked", "confirmed", "arrived", "in_service", "complete", "no_show", "cancelled")
"""Coconut's statuses of a booking: what ``scope_statuses`` and ``campaign_member_statuses`` may name."""

_NOTHING = frozenset({"~", "null"})


class _TextLoader(yaml.BaseLoader):
    """A loader that knows text, lists and mappings only, and refuses a name that stands twice."""

    def construct_scalar(self, node: yaml.ScalarNode) -> str:
        is_plain = node.style is None
        return "" if is_plain and node.value in _NOTHING else str(node.value)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        names = [key.value for key, _ in node.value]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            msg = "The settings file names some settings twice."
            raise ConfigurationError(msg, [f"{name}: keep one of its lines" for name in twice])
        return super().construct_mapping(node, deep=deep)


def parse_settings(text: str, *, base: Settings) -> Settings:
    """Return ``base`` with the settings that the YAML text names; its field mappings are passed over.

    Raises:
        ConfigurationError: the text is no YAML mapping, or names what is unknown or not allowed; all problems at once.
    """
    named = {name: value for name, value in read_document(text).items() if name != FIELD_MAPPINGS}
    unknown = [_unknown(name) for name in named if name not in Settings.model_fields]
    known = {name: value for name, value in named.items() if name in Settings.model_fields}
    values, problems = _values(known)
    problems = unknown + problems
    settings, refused = _validated(base, values)
    problems += refused
    problems += [problem for name, problem in _beyond_types(settings) if name in values]
    if problems:
        msg = "The settings file is refused; nothing was changed."
        raise ConfigurationError(msg, problems)
    return settings


def format_settings(settings: Settings) -> str:
    """Return every setting as YAML, each under a comment with what it allows and its default."""
    blocks = [
        f"# {_allowed(name)}\n{name}:{shown_block(getattr(settings, name))}\n"
        for name in Settings.model_fields
    ]
    return "\n".join(blocks)


def _validated(base: Settings, values: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """Return ``base`` with the values its types allow, and a sentence for each of the others."""
    try:
        return Settings.model_validate({**base.model_dump(), **values}), []
    except ValidationError as error:
        details = error.errors()
    refused = {str(detail["loc"][0]) for detail in details}
    allowed = {name: value for name, value in values.items() if name not in refused}
    return Settings.model_validate({**base.model_dump(), **allowed}), [
        _sentence(detail) for detail in details
    ]


def read_document(text: str) -> Mapping[str, Any]:
    """Return what a settings file names, all scalars as text.

    Raises:
        ConfigurationError: the text is no YAML mapping, or names something twice.
    """
    try:
        loaded = yaml.load(text, Loader=_TextLoader)  # noqa: S506 - a loader of text, lists and mappings is safe
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" near line {mark.line + 1}" if mark else ""
        msg = f"The settings file is not valid YAML{place}; compare it with what export writes."
        raise ConfigurationError(msg) from error
    if loaded in (None, ""):
        msg = "The settings file names no setting; compare it with what export writes."
        raise ConfigurationError(msg)
    if not isinstance(loaded, dict):
        msg = (
            "The settings file must hold lines of the form 'name: value'; compare it with what export writes."
        )
        raise ConfigurationError(msg)
    return {str(name): value for name, value in loaded.items()}


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    return f"{name}: there is no such setting" + (f", did you mean {close[0]}?" if close else "")


def _values(named: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    values, problems = {}, []
    for name, value in named.items():
        try:
            values[name] = read_value(name, value)
        except (TypeError, ValueError):
            problems.append(f"{name}: expects {expected(name)}")
    return values, problems


def _sentence(detail: ErrorDetails) -> str:
    name, *place = detail["loc"]
    if len(place) == 2:
        return f"{name}: rule {int(place[0]) + 1} {_fault_of_rule(str(place[1]), detail['type'])}"
    limits = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
    if detail["type"] in limits:
        key, words = limits[detail["type"]]
        return f"{name}: must be {words} {detail['ctx'][key]}"
    if detail["type"] == "string_pattern_mismatch":
        return f"{name}: expects two capital letters, the ISO code of a country"
    return f"{name}: expects {expected(str(name))}"


def _fault_of_rule(part: str, fault: str) -> str:
    if fault == "extra_forbidden":
        return f"has no part {part}, only " + ", ".join(CampaignRule.model_fields)
    return f"names no {part}"


def _beyond_types(settings: Settings) -> list[tuple[str, str]]:
    """Return ``(setting, problem)`` for what the types allow but the product cannot mean."""
    problems = []
    placeholders = set(re.findall(r"\{([^{}]*)\}", settings.subject_template))
    if strange := sorted(placeholders - set(SUBJECT_PLACEHOLDERS)):
        allowed = ", ".join(f"{{{name}}}" for name in SUBJECT_PLACEHOLDERS)
        braced = ", ".join(f"{{{name}}}" for name in strange)
        problems.append(("subject_template", f"subject_template: {braced} is not one of {allowed}"))
    if not settings.edit_url_template.startswith(("https://", "http://")):
        problems.append(("edit_url_template", "edit_url_template: must begin with https:// or http://"))
    if "{appointment_id}" not in settings.edit_url_template:
        problems.append(("edit_url_template", "edit_url_template: must contain {appointment_id}"))
    problems += [
        (name, f"{name}: {', '.join(strange)} is not one of {', '.join(STATUSES)}")
        for name in ("scope_statuses", "campaign_member_statuses")
        if (strange := sorted(set(getattr(settings, name)) - set(STATUSES)))
    ]
    if settings.default_phone_region not in SUPPORTED_REGIONS:
        text = f"default_phone_region: {settings.default_phone_region} is not the ISO code of a country"
        problems.append(("default_phone_region", text))
    if settings.source_overlap < timedelta(0):
        problems.append(("source_overlap", "source_overlap: must not be negative"))
    return problems


def _allowed(name: str) -> str:
    field = Settings.model_fields[name]
    parts = [expected(name), f"default: {shown_value(field.default) or 'empty'}"]
    return "; ".join(parts) + (f". {field.description}" if field.description else "")
