"""Settings as a YAML file that people read, review and carry from one org to another.

Every scalar is read as the text that stands in the file. YAML 1.1 would make a boolean of ``on``, the number 2742 of
the Id ``005266`` and 900 of ``15:00``; the settings know their own types better.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Hashable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_jsonable_python

from include.errors import ConfigurationError
from include.settings.model import Settings, Switch

SUBJECT_PLACEHOLDERS = ("service", "client", "location", "status", "appointment_id")
"""What ``subject_template`` may name in braces (S3)."""

STATUSES = ("booked", "confirmed", "arrived", "in_service", "complete", "no_show", "cancelled")
"""What ``scope_statuses`` may name: Coconut's statuses of a booking."""

_SWITCHES = {
    "on": Switch.ON,
    "true": Switch.ON,
    "yes": Switch.ON,
    "off": Switch.OFF,
    "false": Switch.OFF,
    "no": Switch.OFF,
}
_NOTHING = frozenset({"~", "null"})
_MINUTES = re.compile(r"\d+(\.\d+)?")

_HINTS: dict[object, str] = {
    date: "a date like 2026-01-31",
    timedelta: "a duration like PT15M, or a number of minutes",
    int: "a whole number",
    float: "a number",
    tuple: "a list like [one, two]; empty means all",
    str: "text",
}


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
    """Return ``base`` with the settings that the YAML text names.

    Raises:
        ConfigurationError: the text is no YAML mapping, or names what is unknown or not allowed; all problems at once.
    """
    named = _read(text)
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
        f"# {_allowed(name)}\n{name}:{_value(getattr(settings, name))}\n" for name in Settings.model_fields
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


def _read(text: str) -> Mapping[str, Any]:
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
            values[name] = _reader(name)(value)
        except (TypeError, ValueError):
            problems.append(f"{name}: expects {_expected(name)}")
    return values, problems


def _reader(name: str) -> Callable[[Any], Any]:
    kind = _kind(name)
    if isinstance(kind, type) and issubclass(kind, Switch):
        return _switch
    return {tuple: _names, timedelta: _duration, date: _optional}.get(kind, _text)


def _kind(name: str) -> Any:
    """Return the type that a setting's value has; a date may be missing, so its default does not tell."""
    default = Settings.model_fields[name].default
    return date if default is None else type(default)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional(value: Any) -> str | None:
    return _text(value) or None


def _switch(value: Any) -> Switch:
    switch = _SWITCHES.get(_text(value).lower())
    if switch is None:
        raise ValueError
    return switch


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) and not _text(value):
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError
    return tuple(value)


def _duration(value: Any) -> timedelta | str:
    text = _text(value)
    if _MINUTES.fullmatch(text):
        return timedelta(minutes=float(text))
    if not text or text.startswith("-"):
        raise ValueError
    return text


def _sentence(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0])
    limits = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
    if detail["type"] in limits:
        key, words = limits[detail["type"]]
        return f"{name}: must be {words} {detail['ctx'][key]}"
    return f"{name}: expects {_expected(name)}"


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
    if strange := sorted(set(settings.scope_statuses) - set(STATUSES)):
        text = f"scope_statuses: {', '.join(strange)} is not one of {', '.join(STATUSES)}"
        problems.append(("scope_statuses", text))
    if settings.source_overlap < timedelta(0):
        problems.append(("source_overlap", "source_overlap: must not be negative"))
    return problems


def _expected(name: str) -> str:
    kind = _kind(name)
    if issubclass(kind, StrEnum):
        return "one of " + ", ".join(member.value for member in kind)
    return _HINTS[kind]


def _allowed(name: str) -> str:
    field = Settings.model_fields[name]
    parts = [_expected(name), f"default:{_value(field.default) or ' empty'}"]
    return "; ".join(parts) + (f". {field.description}" if field.description else "")


def _value(value: Any) -> str:
    """Return a value as it stands after the colon, with the space before it; an empty one as nothing."""
    if value is None or value in ("", ()):
        return ""
    if isinstance(value, StrEnum):
        return f" {value.value}"
    if isinstance(value, timedelta):
        return f" {to_jsonable_python(value)}"
    if isinstance(value, date):
        return f" {value.isoformat()}"
    plain = list(value) if isinstance(value, tuple) else value
    dumped = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    return " " + dumped.removesuffix("...\n").rstrip("\n")
