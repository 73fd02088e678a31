"""How the value of each setting is read from YAML text, told in words, and written back.

Every scalar arrives as the text that stands in the file; the settings know their own types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from include.settings.model import CampaignRule, Settings, Switch

_SWITCHES: Final = {
    "on": Switch.ON,
    "true": Switch.ON,
    "yes": Switch.ON,
    "off": Switch.OFF,
    "false": Switch.OFF,
    "no": Switch.OFF,
}
_MINUTES: Final = re.compile(r"\d+(\.\d+)?")


def read_value(name: str, value: Any) -> Any:
    """Return the value of a setting as its model takes it.

    Raises:
        TypeError, ValueError: the value is not of the setting's form.
    """
    return _kind(name).read(value)


def expected(name: str) -> str:
    """Return in words what a setting takes."""
    return _kind(name).hint


def shown_value(value: Any) -> str:
    """Return a value on one line, as YAML; an empty one as nothing."""
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, StrEnum):
        return value.value  # YAML would put on and off in quotes
    if isinstance(value, timedelta | date):
        return str(to_jsonable_python(value))
    return _dumped(value, is_flow=True)


def shown_block(value: Any) -> str:
    """Return a value as it stands after the colon: on the same line, or indented below where it has parts."""
    has_parts = isinstance(value, Mapping) or (
        isinstance(value, tuple) and any(isinstance(one, BaseModel) for one in value)
    )
    if has_parts and value:
        return "".join(f"\n  {line}" for line in _dumped(value, is_flow=False).splitlines())
    shown = shown_value(value)
    return f" {shown}" if shown else ""


def _dumped(value: Any, *, is_flow: bool) -> str:
    dumped = yaml.safe_dump(
        _plain(value), default_flow_style=is_flow, allow_unicode=True, sort_keys=False, width=10_000
    )
    return dumped.removesuffix("...\n").rstrip("\n")


def _plain(value: Any) -> Any:
    """Return a value as lists and mappings; parts that are not given are left out."""
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_defaults=True)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return dict(value) if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of value: how it is read, and what it looks like in words."""

    read: Callable[[Any], Any]
    hint: str


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


def _duration(value: Any) -> timedelta | str:
    text = _text(value)
    if _MINUTES.fullmatch(text):
        return timedelta(minutes=float(text))
    if not text or text.startswith("-"):
        raise ValueError
    return text


def _names(value: Any) -> tuple[str, ...]:
    return tuple(_text(name) for name in _list(value))


def _campaign_rules(value: Any) -> tuple[dict[str, str], ...]:
    return tuple(_texts_by_name(rule) for rule in _list(value))


def _list(value: Any) -> list[Any]:
    if value == "":
        return []
    if not isinstance(value, list):
        raise TypeError
    return value


def _texts_by_name(value: Any) -> dict[str, str]:
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise TypeError
    return {_text(name): _text(text) for name, text in value.items()}


_KINDS: Final[Mapping[Any, _Kind]] = {
    date | None: _Kind(_optional, "a date like 2026-01-31"),
    timedelta: _Kind(_duration, "a duration like PT15M, or a number of minutes"),
    int: _Kind(_text, "a whole number"),
    float: _Kind(_text, "a number"),
    str: _Kind(_text, "text"),
    tuple[str, ...]: _Kind(_names, "a list like [one, two]; empty means all"),
    tuple[CampaignRule, ...]: _Kind(
        _campaign_rules, "a list of rules like {campaign: Spring, service: Mortgage, location: Main Street}"
    ),
    Mapping[str, str]: _Kind(_texts_by_name, "lines of the form 'status: member status'"),
}
"""What settings take, by the type that the model declares."""


def _kind(name: str) -> _Kind:
    declared = Settings.model_fields[name].annotation
    if isinstance(declared, type) and issubclass(declared, StrEnum):
        hint = "one of " + ", ".join(member.value for member in declared)
        return _Kind(_switch if declared is Switch else _text, hint)
    return _KINDS[declared]
