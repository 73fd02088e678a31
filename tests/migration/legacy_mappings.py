"""Field mappings of a legacy organisation: those that fit the org, and one for every reason why one does not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from include.legacy import Attention
from tests.local_org import PACKAGE

OBJECTS: Final = ("Lead", "Contact", "Event")
QUESTIONS: Final = 12
_FIELD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<CustomField xmlns="http://soap.sforce.com/2006/04/metadata">
    <fullName>{name}</fullName>
    <label>{name}</label>
    <length>255</length>
    <type>Text</type>
</CustomField>
"""

FAULTY: Final[tuple[tuple[Attention, str, str, str], ...]] = (
    (Attention.FIELD_MISSING, "client.city", "Lead", "Retired__c"),
    (Attention.FIELD_READ_ONLY, "client.city", "Contact", "LastActivityDate"),
    (Attention.FIELD_OF_ANOTHER_TYPE, "client.city", "Lead", "NumberOfEmployees"),
    (Attention.FIELD_FILLED_ALREADY, "appointment.notes", "Event", "Subject"),
    (Attention.OBJECT_NOT_WRITTEN, "client.city", "Opportunity", "Description"),
    (Attention.SOURCE_UNKNOWN, "client.shoe_size", "Contact", "Department"),
)
"""Mappings that cannot be carried over, one of each reason."""

STANDARD: Final[tuple[tuple[str, str, str], ...]] = (
    ("client.locale", "Lead", "Title"),
    ("client.locale", "Contact", "Title"),
    ("answer.question_1", "Contact", "AssistantName"),
    ("answer.question_2", "Contact", "OtherCity"),
    ("client.company", "Contact", "OtherState"),
    ("answer.question_3", "Lead", "Description"),
)
"""Mappings that every org can carry over."""


def legacy_package(folder: Path, *, fields: int) -> Path:
    """Return a copy of our package with so many further text fields on each object that the sync writes."""
    copy = folder / "package"
    shutil.copytree(PACKAGE, copy)
    for sobject in OBJECTS:
        named = "Activity" if sobject == "Event" else sobject
        place = next(copy.rglob(f"objects/{named}")) / "fields"
        for number in range(1, fields + 1):
            name = f"Legacy_{number}__c"
            (place / f"{name}.field-meta.xml").write_text(_FIELD.format(name=name), encoding="utf-8")
    return copy


def mapping_rows(wanted: int) -> list[dict[str, object]]:
    """Return so many rows of ``legacy_field_mappings``: the faulty ones first, then what the org can carry.

    Beyond the standard fields they need an org with the fields of ``legacy_package``.
    """
    faulty = [row for _, *row in FAULTY]
    healthy = islice(_healthy(), max(0, wanted - len(faulty)))
    return [
        {"id": number, "source_field": source, "sobject": sobject, "target_field": target}
        for number, (source, sobject, target) in enumerate([*faulty, *healthy], start=1)
    ]


def _healthy() -> Iterator[tuple[str, str, str]]:
    yield from STANDARD
    sources = cycle(
        {
            "Lead": ("client.locale", "answer.question_4"),
            "Contact": ("client.locale", "answer.question_4"),
            "Event": ("appointment.meeting_method", "appointment.booked_through", "answer.question_5"),
        }.items()
    )
    number = 0
    while True:
        number += 1
        for _ in OBJECTS:
            sobject, names = next(sources)
            yield names[number % len(names)], sobject, f"Legacy_{number}__c"
