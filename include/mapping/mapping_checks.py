"""Whether the org takes what the mappings would write: every problem at once, before anything is written (rule F3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

import pandas as pd

from include.frames import TEXT
from include.mapping.field_sources import questions_read
from include.mapping.field_types import NUMBER_TYPES, PICKLIST_TYPES, TEXT_TYPES, conform
from include.mapping.hurdles import KINDS, STATUSES
from include.mapping.org_fields import FieldFacts, OrgFields
from include.settings.field_mapping import (
    Concatenation,
    Constant,
    DateFormat,
    FieldMapping,
    Picklist,
    Sobject,
    WritePolicy,
    Writes,
    set_problems,
)
from include.settings.mapping_sources import SourceKind, source_kind
from include.settings.model import EntityType, Settings, Switch

PERSON_SOBJECT: Final[Mapping[EntityType, Sobject]] = {
    EntityType.LEAD: Sobject.LEAD,
    EntityType.CONTACT: Sobject.CONTACT,
    EntityType.PERSON_ACCOUNT: Sobject.ACCOUNT,
}
"""What a new person becomes (rule M4)."""

_FOUND: Final[Mapping[EntityType, tuple[Sobject, ...]]] = {
    EntityType.LEAD: (Sobject.LEAD, Sobject.CONTACT),
    EntityType.CONTACT: (Sobject.CONTACT,),
    EntityType.PERSON_ACCOUNT: (Sobject.ACCOUNT, Sobject.CONTACT),
}
"""What the person found by matching may be (rule M4)."""

_FILLED_OTHERWISE: Final[Mapping[str, frozenset[str]]] = {"Account": frozenset({"Name"})}
"""Required fields that need no mapping: a Person Account is named by its person's name."""

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "booking.kind": KINDS,
    "booking.status": STATUSES,
    "booking.meeting_method": ("in_person", "phone", "video", "off_site"),
    "booking.booked_through": ("client_view", "staff_view", "kiosk", "contact_centre", "salesforce"),
}
"""Sources that hold one of a few words, so that what they send is known beforehand (design, table *appointments*)."""

_OPEN: Final = TEXT_TYPES | PICKLIST_TYPES
_DATES: Final = frozenset({"date", "datetime"})
_FITTING: Final[Mapping[SourceKind, frozenset[str]]] = {
    SourceKind.TEXT: _OPEN,
    SourceKind.NAME: _OPEN,
    SourceKind.INSTANT: frozenset({"string", "textarea"}) | _DATES,
    SourceKind.DAY: frozenset({"string", "textarea", "date"}),
    SourceKind.NUMBER: frozenset({"string", "textarea"}) | NUMBER_TYPES,
    SourceKind.CLAIM: frozenset({"string", "textarea", "picklist", "boolean"}),
}
"""Which types of fields take what a source holds, without a transform."""

_WIRE_LENGTHS: Final[Mapping[SourceKind, int]] = {
    SourceKind.INSTANT: 24,
    SourceKind.DAY: 10,
    SourceKind.CLAIM: 5,
}


def written_sobjects(settings: Settings) -> tuple[Sobject, ...]:
    """Return the sObjects whose fields a run may write under these settings."""
    person = PERSON_SOBJECT[settings.entity_type]
    found = _FOUND[settings.entity_type] if settings.overwrite_existing is Switch.ON else ()
    return tuple(dict.fromkeys((Sobject.EVENT, person, *found)))


def mapping_problems(
    mappings: Iterable[FieldMapping], org_fields: OrgFields, settings: Settings
) -> list[str]:
    """Return one sentence, without full stop, for everything that keeps these mappings from being written.

    Args:
        mappings: the mappings of all sObjects; those of objects that are never written are checked among themselves.
        org_fields: the org's fields of ``written_sobjects``.
        settings: what is created and updated.
    """
    mappings = tuple(mappings)
    problems = set_problems(mappings)
    for sobject in written_sobjects(settings):
        own = [mapping for mapping in mappings if mapping.sobject is sobject]
        for mapping in own:
            problems += [f"{mapping.name} {problem}" for problem in _problems(mapping, org_fields, settings)]
        if _is_created(sobject, settings):
            problems += _unfilled(sobject, own, org_fields)
    return list(dict.fromkeys(problems))


def field_problems(mapping: FieldMapping, org_fields: OrgFields, settings: Settings) -> list[str]:
    """Return what keeps one mapping from being written, as predicates whose subject is the field.

    Args:
        mapping: it may be one that is not in force yet.
        org_fields: the org's fields of its object.
        settings: what is created and updated.
    """
    return list(_problems(mapping, org_fields, settings))


def question_problems(
    mappings: Iterable[FieldMapping], questions: Collection[str], settings: Settings
) -> list[str]:
    """Return one sentence, without full stop, for every answer that a mapping reads and no question asks for.

    Such a field would stay empty for ever, and nobody would be told.

    Args:
        mappings: the mappings of all sObjects; those of objects that are never written are passed over.
        questions: the names of Coconut's questions, in the letter case that a mapping has to have them in.
        settings: what is created and updated.
    """
    written = written_sobjects(settings)
    return [
        f"{mapping.name} reads answer.{name}, but Coconut has no question of that name; {_near(name, questions)}"
        for mapping in mappings
        if mapping.sobject in written
        for name in sorted(questions_read([mapping]) - frozenset(questions))
    ]


def _near(name: str, questions: Collection[str]) -> str:
    by_folded = {question.casefold(): question for question in sorted(questions)}
    near = [by_folded[folded] for folded in get_close_matches(name.casefold(), by_folded)]
    return f"near it in spelling: {', '.join(near)}" if near else "none is near it in spelling"


def _is_created(sobject: Sobject, settings: Settings) -> bool:
    return sobject in {Sobject.EVENT, PERSON_SOBJECT[settings.entity_type]}


def _is_updated(mapping: FieldMapping, settings: Settings) -> bool:
    if mapping.sobject is Sobject.EVENT:
        return True
    return settings.overwrite_existing is Switch.ON and mapping.write_policy is not WritePolicy.NEVER


def _unfilled(sobject: Sobject, mappings: list[FieldMapping], org_fields: OrgFields) -> Iterator[str]:
    filled = {mapping.target for mapping in mappings} | _FILLED_OTHERWISE.get(sobject, frozenset())
    for name, facts in org_fields.objects.get(sobject, {}).items():
        is_required = facts.createable and not facts.nillable and not facts.has_default
        if is_required and facts.type != "boolean" and name not in filled:
            yield f"{sobject}.{name} is required in Salesforce, and no mapping fills it"


def _problems(mapping: FieldMapping, org_fields: OrgFields, settings: Settings) -> Iterator[str]:
    facts = org_fields.fact(mapping.sobject, mapping.target)
    if facts is None:
        yield "does not exist or is hidden from the integration user"
        return
    if facts.is_calculated:
        yield "is a formula, which nobody can write"
        return
    if _is_created(mapping.sobject, settings) and not facts.createable:
        yield "cannot be written by the integration user"
    elif _is_updated(mapping, settings) and not facts.updateable:
        yield "cannot be changed by the integration user, which its write policy asks for"
    if not mapping.rule:
        yield from _misfits(mapping, facts)


def _misfits(mapping: FieldMapping, facts: FieldFacts) -> Iterator[str]:
    transform = mapping.transform
    if isinstance(transform, Constant):
        yield from _refused("constant", (transform.value,), facts)
    elif isinstance(transform, Picklist):
        yield from _refused("translation", tuple(dict.fromkeys(transform.values.values())), facts)
    elif isinstance(transform, DateFormat):
        wanted = "date" if transform.writes is Writes.DATE else "datetime"
        if facts.type not in {wanted, "string", "textarea"}:
            yield f"is of type {facts.type}, which takes no {transform.writes.value}"
    elif isinstance(transform, Concatenation):
        if facts.type not in _OPEN:
            yield f"is of type {facts.type}, which takes no concatenated text"
    else:
        yield from _source_misfits(mapping.source, facts)


def _source_misfits(source: str, facts: FieldFacts) -> Iterator[str]:
    kind = source_kind(source)
    # An answer may be anything, and a number may be an id's: what each value is worth shows row by row (rule F4).
    is_free = source.startswith("answer.") or (source.endswith("_id") and facts.type in NUMBER_TYPES)
    if kind is None or is_free:
        return
    if facts.type not in _FITTING[kind]:
        yield f"is of type {facts.type}, which does not take {source} as it is"
        return
    length = _WIRE_LENGTHS.get(kind, 0)
    if facts.type in _OPEN and facts.length and facts.length < length:
        yield f"takes {facts.length} characters, and {source} has {length}"
    yield from _refused(source, _WORDS.get(source, ()), facts)


def _refused(origin: str, values: tuple[str, ...], facts: FieldFacts) -> Iterator[str]:
    """Say which values, all of them of the administrator's or Coconut's own making, the field would refuse."""
    texts = pd.Series(list(values), dtype=TEXT)
    for _, rows, words in conform(texts, facts).refused:
        for value in texts[rows]:
            yield f"would be sent '{value}' by its {origin}, which {words}"
