"""Which field mappings of the legacy integration can be carried over, and what they are called here (rules G5, F2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT
from include.ledger.contracts import MIGRATION_ITEMS
from include.legacy import Attention, ItemKind, ItemOutcome
from include.mapping.mapping_checks import field_problems
from include.settings.field_mapping import FieldMapping, Sobject
from include.settings.mapping_sources import FORBIDDEN_TARGETS, source_kind
from include.settings.model import EntityType, Settings

if TYPE_CHECKING:
    from include.mapping.org_fields import FieldFacts, OrgFields

_ENTITY: Final[Mapping[Sobject, EntityType]] = {
    Sobject.LEAD: EntityType.LEAD,
    Sobject.CONTACT: EntityType.CONTACT,
    Sobject.ACCOUNT: EntityType.PERSON_ACCOUNT,
}
"""Under which entity type records of an object are created: a mapping is checked as if it were chosen."""

_SPOKEN: Final[Mapping[str, str]] = {
    "booking.id": "booking.appointment_id",
    "booking.timezone": "booking.time_zone",
    "booking.created_at": "booking.booked_at",
    "client.id": "client.client_id",
}
"""Columns that our mappings call otherwise than Coconut does (``include.settings.mapping_sources``)."""


@dataclass(frozen=True, slots=True)
class OrgAndCoconut:
    """What both sides have for a mapping to refer to.

    ``org_fields`` are those of the objects that the sync writes in this org; ``questions`` are names.
    """

    org_fields: OrgFields
    questions: frozenset[str]
    settings: Settings


@dataclass(frozen=True, slots=True)
class _Verdict:
    mapping: FieldMapping | None = None
    reason: Attention | None = None
    detail: str | None = None


def mapping_text(sobject: str, target: str, source: str) -> str:
    """Return a mapping in one line, ``Lead.Title=client.locale``; names of fields hold no equals sign."""
    return f"{sobject}.{target}={source}"


def mapping_of(text: str) -> tuple[str, str, str]:
    """Return sObject, field and source of what ``mapping_text`` wrote."""
    field, _, source = text.partition("=")
    sobject, _, target = field.partition(".")
    return sobject, target, source


def judge_mappings(
    items: pd.DataFrame, current: Sequence[FieldMapping], known: OrgAndCoconut
) -> pd.DataFrame:
    """Return each mapping with its outcome, reason and detail (contract ``MIGRATION_ITEMS``).

    The detail of a carried one is the mapping as it is called here, in the form of ``mapping_text``. Of two that fill
    one field the lower number is carried over.

    Args:
        items: contract ``MIGRATION_ITEMS`` of this kind: the key is the mapping's number, the value ``mapping_text``.
        current: the mappings in force, which stay.
        known: what org and Coconut have.
    """
    ordered = items.loc[pd.to_numeric(items["item_key"]).sort_values(kind="stable").index]
    filled = {(mapping.sobject, mapping.target): mapping for mapping in current}
    verdicts = []
    for text in ordered["legacy_value"]:
        verdict = _judge(text, filled, known)
        if verdict.mapping is not None:
            filled[verdict.mapping.sobject, verdict.mapping.target] = verdict.mapping
        verdicts.append(verdict)
    carried, attention = ItemOutcome.CARRIED.value, ItemOutcome.NEEDS_ATTENTION.value
    return MIGRATION_ITEMS.conform(
        ordered.assign(
            kind=ItemKind.FIELD_MAPPING.value,
            outcome=[carried if verdict.reason is None else attention for verdict in verdicts],
            reason=_texts([verdict.reason for verdict in verdicts], ordered),
            detail=_texts([verdict.detail for verdict in verdicts], ordered),
        )
    )


def _texts(values: Sequence[str | None], like: pd.DataFrame) -> pd.Series[str]:
    return pd.Series(
        [None if value is None else str(value) for value in values], index=like.index, dtype=TEXT
    )


def carried_mapping_set(
    items: pd.DataFrame, current_mappings: Iterable[FieldMapping]
) -> tuple[FieldMapping, ...]:
    """Return all field mappings as they are after cut-over: those in force, and the carried ones that they lack.

    Args:
        items: contract ``MIGRATION_ITEMS``, judged; kinds and outcomes other than carried mappings are passed over.
        current_mappings: the mappings in force.
    """
    current = tuple(current_mappings)
    filled = {(mapping.sobject, mapping.target) for mapping in current}
    is_carried = items["kind"].eq(ItemKind.FIELD_MAPPING.value) & items["outcome"].eq(
        ItemOutcome.CARRIED.value
    )
    carried = [
        FieldMapping(sobject=Sobject(sobject), target=target, source=source)
        for sobject, target, source in map(mapping_of, items.loc[is_carried, "detail"].dropna())
        if (sobject, target) not in filled
    ]
    return (
        *current,
        *sorted(carried, key=lambda mapping: (list(Sobject).index(mapping.sobject), mapping.target)),
    )


def _judge(text: str, filled: Mapping[tuple[Sobject, str], FieldMapping], known: OrgAndCoconut) -> _Verdict:
    named, wanted, legacy_source = mapping_of(text)
    sobject = _spelled(named, list(known.org_fields.objects))
    if sobject is None:
        return _Verdict(reason=Attention.OBJECT_NOT_WRITTEN)
    source = _source(legacy_source, known.questions)
    if source is None:
        return _Verdict(reason=Attention.SOURCE_UNKNOWN)
    target = _spelled(wanted, known.org_fields.objects[sobject])
    if target is None:
        return _Verdict(reason=Attention.FIELD_MISSING)
    return _judge_field(FieldMapping(sobject=Sobject(sobject), target=target, source=source), filled, known)


def _judge_field(
    mapping: FieldMapping, filled: Mapping[tuple[Sobject, str], FieldMapping], known: OrgAndCoconut
) -> _Verdict:
    forbidden = FORBIDDEN_TARGETS[mapping.sobject].get(mapping.target)
    if forbidden:
        return _Verdict(reason=Attention.FIELD_FILLED_ALREADY, detail=forbidden)
    taken = filled.get((mapping.sobject, mapping.target))
    carried = _Verdict(mapping, detail=mapping_text(mapping.sobject, mapping.target, mapping.source))
    if taken is not None:
        is_same = taken.source == mapping.source and taken.transform is None
        by = f"filled by {taken.source or 'a transform'}"
        return carried if is_same else _Verdict(reason=Attention.FIELD_FILLED_ALREADY, detail=by)
    settings = known.settings
    if mapping.sobject in _ENTITY:
        settings = settings.model_copy(update={"entity_type": _ENTITY[mapping.sobject]})
    problems = field_problems(mapping, known.org_fields, settings)
    if not problems:
        return carried
    facts = known.org_fields.objects[mapping.sobject][mapping.target]
    why = Attention.FIELD_OF_ANOTHER_TYPE if _is_writable(facts, mapping) else Attention.FIELD_READ_ONLY
    return _Verdict(reason=why, detail="; ".join(problems))


def _is_writable(facts: FieldFacts, mapping: FieldMapping) -> bool:
    is_changed = mapping.sobject is Sobject.EVENT
    return facts.createable and not facts.is_calculated and (facts.updateable or not is_changed)


def _source(legacy_source: str, questions: Collection[str]) -> str | None:
    """Return what a legacy source is called here, or nothing where Coconut has it no more."""
    group, _, name = legacy_source.strip().partition(".")
    if group == "answer":
        question = _spelled(name, list(questions))
        return None if question is None else f"answer.{question}"
    source = f"{'booking' if group == 'appointment' else group}.{name}"
    source = _SPOKEN.get(source, source)
    return source if group in {"appointment", "client"} and source_kind(source) is not None else None


def _spelled(name: str, names: Iterable[str]) -> str | None:
    """Return which of the names is meant: the very one, else the only one that differs in letter case alone."""
    known = list(names)
    if name in known:
        return name
    alike = [one for one in known if one.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None
