"""``docs/field-mapping.md``, made of what the code says (rules F1 to F4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from include.mapping.fields import default_mappings
from include.settings.field_mapping import (
    Concatenation,
    Constant,
    DateFormat,
    FieldMapping,
    NullPolicy,
    Picklist,
    Sobject,
    Transform,
    WritePolicy,
    Writes,
)
from include.settings.mapping_sources import (
    BOOKING_SOURCES,
    CLIENT_SOURCES,
    FORBIDDEN_TARGETS,
    REPLACEABLE_RULES,
    RULES,
    SETTING_SOURCES,
    SourceKind,
)
from include.settings.mapping_yaml import format_mapping

_HEAD: Final = """\
# Field mappings

<!-- Written by `python -m include.mapping`; a test holds it equal to the code. -->

A field mapping says where one Salesforce field gets its value from. The defaults below are in force until others are
saved. Mappings live in the ledger beside the settings, in versions of their own, and every change is kept with who made
it, when, from what and to what. A run keeps the mappings it began with; an Event's link in the ledger says by which
version it was written. Bookings that are written already get a new field with their next change in Coconut.

```sh
python -m include.settings mappings                   # what is in force; --sobject Event shows one object's
python -m include.settings export settings.yaml       # settings and mappings; edit field_mappings, then
python -m include.settings import settings.yaml       # save them, checked against the org (--offline: not checked now)
python -m include.settings import-fields Event        # the org's custom fields that nothing fills, as lines to paste
python -m include.settings restore-mappings           # back to the defaults; --sobject Lead restores one object's
```

`field_mappings` in a file is the whole list: what it leaves out is no longer written. A file without it leaves the
mappings as they are; `field_mappings: default` restores the defaults.
"""

_PARTS: Final = (
    ("`sobject`", "{sobjects}", "the object; the mappings of Account are those of Person Accounts"),
    ("`target`", "an API name", "the field"),
    (
        "`source`",
        "see [sources](#sources)",
        "where the value comes from; none beside a constant or a concatenation",
    ),
    ("`transform`", "none, {transforms}", "see [transforms](#transforms)"),
    (
        "`write_policy`",
        "{writes}",
        "when a field of a *person who exists* is written, with the setting `overwrite_existing` on. A new record gets "
        "every field; an Event always follows its booking",
    ),
    (
        "`null_policy`",
        "{nulls}",
        "what an empty value does. `clear` sets the field to null (a checkbox to unticked) on records that exist; the "
        "default mappings of Event say `clear`",
    ),
)

_REFUSED: Final = """\
A value that its field would refuse (too long, no active picklist value, no date, no number, no e-mail address)
quarantines its row, or is left out and reported: the setting `on_invalid_field`. `#N/A`, which Salesforce's Bulk API
reads as null, is written as `N/A` when a client types it. Texts are trimmed; a field that is no text area gets them on
one line.
"""

_SOURCES: Final = """\
## Sources

- `answer.NAME`: the answer to the question of that name. A person gets the newest answer they gave to a question about
  clients, and the answer of their newest booking of the run to a question about bookings; an Event gets what was
  answered for its own booking.
- `booking.COLUMN`: on a person, of their newest booking of the run.
- `setting.NAME`: {settings}.
- An instant becomes a date by the day it falls on where the booking takes place, in UTC for what belongs to no place.
"""

_CHECKS: Final = """\
## What is checked

Before mappings are saved, and again before the first write of every run, all problems at once: each field exists, is
visible to the integration user and may be created or changed as far as the mapping asks for it; it is no formula; its
type takes what the source holds; constants, translations and the words that Coconut is known to send fit its length and
are active values of its picklist; every field that Salesforce requires is filled; and Coconut has a question for
every answer that is written, else the questions near it in spelling are named.
"""

_EXAMPLES: Final[tuple[tuple[str, Transform, str], ...]] = (
    ("constant", Constant(value="Branch"), ""),
    (
        "picklist",
        Picklist(values={"owner": "Owner-occupier", "tenant": "Tenant"}),
        "answer.housing",
    ),
    ("date", DateFormat(reads="%d/%m/%Y"), "answer.date_of_birth"),
    ("concatenation", Concatenation(sources=("client.city", "client.region"), separator=", "), ""),
)

_MEANINGS: Final[Mapping[str, str]] = {
    "constant": "the same text for everybody",
    "picklist": "puts Salesforce's value for Coconut's, in any letter case. A value that is not named is refused; "
    "`otherwise: keep` writes it as it is, `otherwise: empty` counts it as empty",
    "date": f"reads a text by a `strptime` pattern and writes a date, or with `writes: {Writes.DATE_TIME}` an instant; "
    "`time_zone` (default UTC) is that of texts that name none",
    "concatenation": "joins the sources that have a value by `separator` (default: a blank)",
}

_KINDS: Final[Mapping[SourceKind, str]] = {
    SourceKind.TEXT: "text",
    SourceKind.NAME: "text, cut where the field is too short",
    SourceKind.INSTANT: "instant",
    SourceKind.DAY: "date, where the booking takes place",
    SourceKind.NUMBER: "number",
    SourceKind.CLAIM: "true or false",
}


def field_guide() -> str:
    """Return the page on field mappings as Markdown."""
    parts = [
        _HEAD,
        _policies(),
        _SOURCES.format(settings=_listed(SETTING_SOURCES)),
        _source_table("client", CLIENT_SOURCES),
        _source_table("booking", BOOKING_SOURCES),
        _transforms(),
        _CHECKS,
        "## The defaults\n",
        *(_defaults(sobject) for sobject in Sobject),
        _fixed(),
    ]
    return "\n".join(parts)


def _policies() -> str:
    names = {
        "sobjects": _listed(Sobject),
        "transforms": _listed(name for name, _, _ in _EXAMPLES),
        "writes": _listed(WritePolicy),
        "nulls": _listed(NullPolicy),
    }
    rows = [(part, values.format(**names), meaning) for part, values, meaning in _PARTS]
    table = _table(("part", "values (default first)", "meaning"), rows)
    return f"## What a mapping says\n\n{table}\n{_REFUSED}"


def _source_table(group: str, sources: Mapping[str, SourceKind]) -> str:
    rows = [(f"`{group}.{name}`", _KINDS[kind]) for name, kind in sources.items()]
    return _table(("source", "holds"), rows)


def _transforms() -> str:
    rows = [(f"`{name}`", _MEANINGS[name], f"`{_example(source, made)}`") for name, made, source in _EXAMPLES]
    return "## Transforms\n\n" + _table(("type", "does", "example"), rows)


def _example(source: str, transform: Transform) -> str:
    return format_mapping(
        FieldMapping(sobject=Sobject.LEAD, target="Example__c", source=source, transform=transform)
    )


def _defaults(sobject: Sobject) -> str:
    rows = [
        (f"`{mapping.target}`", f"`{mapping.source}`", str(mapping.write_policy), str(mapping.null_policy))
        for mapping in default_mappings(sobject)
    ]
    return f"### {sobject}\n\n" + _table(("field", "source", "write policy", "null policy"), rows)


def _fixed() -> str:
    ruled = [
        (f"`{sobject}.{target}`", "no" if rule not in REPLACEABLE_RULES else "yes")
        for sobject, rules in RULES.items()
        for rule, target in rules.items()
    ]
    forbidden = [
        (f"`{sobject}.{target}`", why)
        for sobject, targets in FORBIDDEN_TARGETS.items()
        for target, why in targets.items()
    ]
    return "\n".join(
        [
            "## What cannot be mapped\n",
            "Some fields are filled by a rule of their own, `rule.NAME`:\n",
            _table(("field", "may be left out or filled otherwise"), ruled),
            "Others are never filled by a mapping:\n",
            _table(("field", "because"), forbidden),
        ]
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]]) + "\n"
