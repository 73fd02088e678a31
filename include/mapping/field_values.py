"""The Salesforce values that mappings make of Coconut's, and what is wrong with them (rules F1, F2, F4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from include.frames import CLEAR, TEXT
from include.mapping import transforms
from include.mapping.field_types import Conformed, conform
from include.mapping.org_fields import FieldFacts, OrgFields
from include.mapping.times import local_days
from include.mapping.transforms import Transformed
from include.mapping.wire_text import cut, instant_text, single_line, text_block
from include.reasons import Reason
from include.settings.field_mapping import (
    Concatenation,
    Constant,
    DateFormat,
    FieldMapping,
    NullPolicy,
    Picklist,
    Sobject,
)
from include.settings.mapping_sources import SourceKind, source_kind
from include.settings.model import Settings

ANSWER: Final = "answer."
SETTING: Final = "setting."
TIME_ZONE: Final = "booking.time_zone"

_CLIENT_SCOPE: Final = "client"


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows in which Salesforce would refuse a field, and why; ``words`` name the field and no value."""

    reason: Reason
    target: str
    rows: pd.Series[bool]
    words: str


@dataclass(frozen=True, slots=True)
class FieldValues:
    """A wire frame with one text column per mapped field, and the values in it that Salesforce would refuse.

    Missing means leave alone; ``CLEAR`` stands where the mapping's null policy says so. Refused values still stand in
    ``wire``: the setting ``on_invalid_field`` decides whether they or their rows go.
    """

    wire: pd.DataFrame
    faults: tuple[Fault, ...]

    def without(self, faults: Iterable[Fault]) -> pd.DataFrame:
        """Return ``wire`` without the values that these faults are about."""
        wire = self.wire.copy()
        for fault in faults:
            wire[fault.target] = wire[fault.target].mask(fault.rows)
        return wire


def field_values(
    mappings: Sequence[FieldMapping],
    rows: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    org_fields: OrgFields,
    settings: Settings,
) -> FieldValues:
    """Return the fields that mappings fill without a rule of their own, in the order of the mappings.

    Args:
        mappings: those of one sObject; the ones with a ``rule.`` source are passed over.
        rows: one row per record: columns named like the sources (``include.mapping.field_sources``), ``client_id``
            and, where the record has or stands for a booking, ``appointment_id``.
        answers: contract ``ANSWERS``. An Event takes what was answered for its own booking; a person the newest
            answer to a question about clients, and the booking's answer to one about bookings.
        org_fields: what the org says of the fields.
        settings: what ``setting.`` sources stand for.
    """
    wire: dict[str, pd.Series[str]] = {}
    faults: list[Fault] = []
    sources = _Sources(rows, answers, settings)
    for mapping in mappings:
        if mapping.rule:
            continue
        facts = org_fields.fact(mapping.sobject, mapping.target)
        made = _made(mapping, sources, facts)
        conformed = conform(made.texts, facts)
        wire[mapping.target] = _with_null_policy(conformed.texts, mapping, facts)
        faults += _faults(mapping.target, made, conformed)
    return FieldValues(pd.DataFrame(wire, index=rows.index, dtype=TEXT), tuple(faults))


@dataclass(frozen=True, slots=True)
class _Sources:
    """Looks a source's column up, whichever frame it is in."""

    rows: pd.DataFrame
    answers: pd.DataFrame
    settings: Settings

    def column(self, source: str, sobject: Sobject) -> pd.Series[Any]:
        if source.startswith(ANSWER):
            return self._answers(source.removeprefix(ANSWER), sobject)
        if source.startswith(SETTING):
            value = getattr(self.settings, source.removeprefix(SETTING))
            return pd.Series(value or None, index=self.rows.index, dtype=TEXT)
        return self.rows[source]

    def text(self, source: str, sobject: Sobject) -> pd.Series[str]:
        return _as_text(self.column(source, sobject), source_kind(source))

    def _answers(self, name: str, sobject: Sobject) -> pd.Series[str]:
        """Return the answer of every row to the question of that name; several answers: the newest."""
        given = self.answers[self.answers["name"] == name]
        given = given.assign(number=pd.to_numeric(given["appointment_id"], errors="coerce"))
        given = given.sort_values(["answered_at", "number"], na_position="first", kind="stable")
        about_client = (given["scope"] == _CLIENT_SCOPE) & given["client_id"].notna()
        shared = self._found(given[~about_client], ["appointment_id"])
        is_own = sobject is Sobject.EVENT
        own = self._found(given[about_client], ["appointment_id", "client_id"] if is_own else ["client_id"])
        return own.fillna(shared)

    def _found(self, given: pd.DataFrame, keys: list[str]) -> pd.Series[str]:
        if given.empty or not set(keys) <= set(self.rows.columns):
            return pd.Series(index=self.rows.index, dtype=TEXT)
        newest = given.drop_duplicates(keys, keep="last")[[*keys, "value"]]
        found = self.rows[keys].merge(newest, how="left", on=keys)
        return found["value"].set_axis(self.rows.index).astype(TEXT)


def _made(mapping: FieldMapping, sources: _Sources, facts: FieldFacts | None) -> Transformed:
    """Return what the source says, after the transform."""
    transform = mapping.transform
    if isinstance(transform, Constant):
        return transforms.constant(transform, sources.rows.index)
    if isinstance(transform, Concatenation):
        columns = [single_line(sources.text(source, mapping.sobject)) for source in transform.sources]
        return transforms.concatenate(transform, columns)
    if isinstance(transform, Picklist):
        return transforms.translate(
            transform, _blank_as_missing(sources.text(mapping.source, mapping.sobject))
        )
    if isinstance(transform, DateFormat):
        return transforms.read_dates(transform, sources.text(mapping.source, mapping.sobject))
    return Transformed.fit(_as_it_is(mapping, sources, facts))


def _as_it_is(mapping: FieldMapping, sources: _Sources, facts: FieldFacts | None) -> pd.Series[str]:
    column, kind = sources.column(mapping.source, mapping.sobject), source_kind(mapping.source)
    if kind is SourceKind.INSTANT and facts is not None and facts.type == "date":
        return _day_of(mapping.source, column, sources.rows)
    texts = _as_text(column, kind)
    if kind is SourceKind.NAME and facts is not None and facts.length:
        return cut(text_block(texts) if facts.type == "textarea" else single_line(texts), facts.length)
    return texts


def _day_of(source: str, instants: pd.Series[Any], rows: pd.DataFrame) -> pd.Series[str]:
    """Return the day of an instant: where the booking takes place, in UTC for what belongs to no place."""
    if source.startswith("booking.") and TIME_ZONE in rows:
        return local_days(instants, rows[TIME_ZONE])
    return local_days(instants, pd.Series("UTC", index=rows.index, dtype=TEXT))


def _as_text(column: pd.Series[Any], kind: SourceKind | None) -> pd.Series[str]:
    if kind is SourceKind.INSTANT:
        return instant_text(column)
    if kind is SourceKind.CLAIM:
        return column.map({True: "true", False: "false"}).astype(TEXT)
    return column.astype(TEXT)


def _blank_as_missing(texts: pd.Series[str]) -> pd.Series[str]:
    return texts.mask(texts.str.strip() == "")


def _with_null_policy(
    texts: pd.Series[str], mapping: FieldMapping, facts: FieldFacts | None
) -> pd.Series[str]:
    if mapping.null_policy is not NullPolicy.CLEAR:
        return texts
    # A checkbox knows no null: cleared is unticked (Object Reference, "Primitive Data Types").
    return texts.fillna("false" if facts is not None and facts.type == "boolean" else CLEAR)


def _faults(target: str, made: Transformed, conformed: Conformed) -> list[Fault]:
    unfit = (Reason.VALUE_UNFIT, made.is_unfit, "is not a value that its mapping can translate")
    return [
        Fault(reason, target, rows, f"{target} {words}")
        for reason, rows, words in (unfit, *conformed.refused)
        if rows.any()
    ]
