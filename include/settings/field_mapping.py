"""One Salesforce field and where its value comes from, as an administrator says it (rules F1, F2, F4, M5)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from include.settings.mapping_sources import FORBIDDEN_TARGETS, REPLACEABLE_RULES, RULES, source_kind

RULE: Final = "rule."


class Sobject(StrEnum):
    """What the sync writes; the mappings of Account are those of Person Accounts."""

    LEAD = "Lead"
    CONTACT = "Contact"
    ACCOUNT = "Account"
    EVENT = "Event"


class WritePolicy(StrEnum):
    """When a field of a person who exists is written; a new record gets every field (rule M5)."""

    ALWAYS = "always"
    ONLY_IF_BLANK = "only_if_blank"
    NEVER = "never"


class NullPolicy(StrEnum):
    """What an empty value does to the Salesforce field (rule F4)."""

    LEAVE_ALONE = "leave_alone"
    CLEAR = "clear"


class Otherwise(StrEnum):
    """What happens to a value that a picklist translation does not name."""

    KEEP = "keep"
    EMPTY = "empty"
    REFUSE = "refuse"


class Writes(StrEnum):
    """Which Salesforce type a date transform makes."""

    DATE = "date"
    DATE_TIME = "date_time"


def _known_source(source: str) -> str:
    if source and not source.startswith(RULE) and source_kind(source) is None:
        msg = f"there is no source {source}"
        raise ValueError(msg)
    return source


def _known_zone(zone: str) -> str:
    if zone not in available_timezones():
        msg = f"{zone} is not an IANA time zone"
        raise ValueError(msg)
    return zone


_DATE_PARTS: Final = frozenset("aAbBdmyYHIpMSfzj%")
"""Directives of ``strptime`` that mean the same in every locale and year; names of days and months are English."""


def _known_pattern(pattern: str) -> str:
    for directive in re.findall("%(.?)", pattern):
        if directive not in _DATE_PARTS:
            msg = f"%{directive} is not a part of a date"
            raise ValueError(msg)
    return pattern


Source = Annotated[str, AfterValidator(_known_source)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Constant(_Part):
    """The same text for everybody."""

    type: Literal["constant"] = "constant"
    value: str = Field(min_length=1)


class Picklist(_Part):
    """Translates Coconut's values into Salesforce's; compared trimmed and in any letter case."""

    type: Literal["picklist"] = "picklist"
    values: Mapping[str, str] = Field(min_length=1)
    otherwise: Otherwise = Otherwise.REFUSE


class DateFormat(_Part):
    """Reads a text by a ``strptime`` pattern.

    ``time_zone`` is that of texts that name none; it matters to ``date_time`` only.
    """

    type: Literal["date"] = "date"
    reads: Annotated[str, Field(pattern="%"), AfterValidator(_known_pattern)]
    writes: Writes = Writes.DATE
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"


class Concatenation(_Part):
    """Joins the sources that have a value."""

    type: Literal["concatenation"] = "concatenation"
    sources: tuple[Source, ...] = Field(min_length=2)
    separator: str = " "


Transform = Annotated[Constant | Picklist | DateFormat | Concatenation, Field(discriminator="type")]


class FieldMapping(_Part):
    """One Salesforce field and where its value comes from.

    ``source`` is ``client.<column>``, ``booking.<column>``, ``answer.<question's name>``, ``setting.<name>``, or
    ``rule.<name>`` where a rule of its own makes the value (``include.settings.mapping_sources``); empty where a
    constant or a concatenation stands for it.
    """

    sobject: Sobject
    target: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")
    source: Source = ""
    transform: Transform | None = None
    write_policy: WritePolicy = WritePolicy.ALWAYS
    null_policy: NullPolicy = NullPolicy.LEAVE_ALONE

    @model_validator(mode="after")
    def _has_one_origin(self) -> FieldMapping:
        stands_for_source = isinstance(self.transform, Constant | Concatenation)
        if stands_for_source and self.source:
            msg = "a constant or a concatenation takes no source"
            raise ValueError(msg)
        if not stands_for_source and not self.source:
            msg = "a source is missing"
            raise ValueError(msg)
        if any(source.startswith(RULE) for source in self.sources):
            self._refuse_rule_elsewhere()
        return self

    def _refuse_rule_elsewhere(self) -> None:
        field = RULES[self.sobject].get(self.rule)
        if field is None:
            msg = f"{self.sobject} has no such rule"
            raise ValueError(msg)
        if field != self.target or self.transform is not None:
            msg = f"{self.source} fills {field} only, as it is"
            raise ValueError(msg)

    @property
    def sources(self) -> tuple[str, ...]:
        """Return every source that the value is made of; a constant has none."""
        if isinstance(self.transform, Concatenation):
            return self.transform.sources
        return (self.source,) if self.source else ()

    @property
    def rule(self) -> str:
        """Return the name of the rule that makes the value; empty where none does."""
        return self.source.removeprefix(RULE) if self.source.startswith(RULE) else ""

    @property
    def name(self) -> str:
        """Return the field with its sObject, as people call it."""
        return f"{self.sobject}.{self.target}"


def of_sobject(mappings: Iterable[FieldMapping], sobject: str) -> tuple[FieldMapping, ...]:
    """Return the mappings of one sObject, in their order."""
    return tuple(mapping for mapping in mappings if mapping.sobject == sobject)


def set_problems(mappings: Iterable[FieldMapping]) -> list[str]:
    """Return what is wrong with mappings taken together, whatever the org says; sentences without full stop."""
    mappings = tuple(mappings)
    counted = Counter((mapping.sobject, mapping.target.lower()) for mapping in mappings)
    named = {(mapping.sobject, mapping.target.lower()): mapping.name for mapping in mappings}
    problems = [
        f"{named[field]}: is filled by {number} mappings; keep one"
        for field, number in counted.items()
        if number > 1
    ]
    for mapping in mappings:
        why = FORBIDDEN_TARGETS[mapping.sobject].get(mapping.target)
        if why:
            problems.append(f"{mapping.name}: cannot be mapped, because {why}")
    filled = {(mapping.sobject, mapping.rule) for mapping in mappings if mapping.rule}
    return problems + [
        f"{sobject}.{target}: is filled by rule.{rule}, which cannot be left out or replaced"
        for sobject, rules in RULES.items()
        for rule, target in rules.items()
        if rule not in REPLACEABLE_RULES and (sobject, rule) not in filled
    ]
