"""The records of people who were found, with the fields that Coconut changes in them (rules M5, F4, S12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT
from include.mapping.field_values import Fault, field_values
from include.mapping.overwrite import Overwrite, overwrite
from include.mapping.person_drafts import (
    UPDATE,
    Drafts,
    PersonInputs,
    PersonTerms,
    join_reports,
    person_facts,
    report_fields,
)
from include.mapping.person_sources import source_rows
from include.reasons import FieldReport
from include.settings.field_mapping import FieldMapping, WritePolicy, of_sobject
from include.settings.model import OnInvalidField

if TYPE_CHECKING:
    from include.mapping.org_fields import OrgFields

_COMPANY: Final = "Company"


def overwritable(
    sobject: str, mappings: Sequence[FieldMapping], org_fields: OrgFields
) -> tuple[FieldMapping, ...]:
    """Return the mappings of an sObject whose fields our user may change in a record that exists."""
    return tuple(
        mapping
        for mapping in of_sobject(mappings, sobject)
        if mapping.write_policy is not WritePolicy.NEVER
        and not mapping.rule
        and (facts := org_fields.fact(sobject, mapping.target)) is not None
        and facts.updateable
    )


def draft_changed_people(
    people: pd.DataFrame, inputs: PersonInputs, *, sobject: str, terms: PersonTerms
) -> tuple[Drafts, pd.DataFrame]:
    """Return the people of one sObject to update, with only the fields that differ, and ``frames.FIELD_REPORTS``.

    A person of whom nothing differs is not among them. A value that its field would refuse concerns nobody whose field
    is not to be written anyway.

    Args:
        people: ``people_to_update``, of this sObject; who is not among ``inputs.stored`` is left alone.
        inputs: what else they are made of.
        sobject: Lead, Contact, or Account for a Person Account.
        terms: the rules in force.
    """
    people = people[people["record_id"].isin(inputs.stored["record_id"])]
    people = people.set_axis(pd.Index(people["record_id"].tolist(), dtype=TEXT))
    mappings = overwritable(sobject, terms.mappings, terms.org_fields)
    values = field_values(
        mappings,
        source_rows(people, inputs.newest, mappings),
        inputs.answers,
        org_fields=terms.org_fields,
        settings=terms.settings,
    )
    changes = overwrite(
        values.wire,
        inputs.stored.drop_duplicates("record_id").set_index("record_id").reindex(people.index),
        inputs.written,
        mappings=mappings,
        types={mapping.target: _type(mapping, terms.org_fields) for mapping in mappings},
        stand_ins={_COMPANY: terms.settings.company_placeholder},
    )
    faults = [_where_open(fault, changes) for fault in values.faults if fault.target in changes.wire]
    drops = terms.settings.on_invalid_field is OnInvalidField.DROP_AND_REPORT
    wire = changes.wire.copy()
    for fault in faults:
        wire[fault.target] = wire[fault.target].mask(fault.rows)
    facts = person_facts(people, operation=UPDATE, sobject=sobject)
    drafts = Drafts(facts, wire, refused=[] if drops else faults, dropped=faults if drops else [])
    is_told = wire.notna()
    reports = join_reports(
        [
            report_fields(facts, changes.replaces_user & is_told, FieldReport.USER_VALUE_OVERWRITTEN),
            report_fields(facts, changes.keeps_user, FieldReport.USER_VALUE_KEPT),
            drafts.dropped_values(),
        ]
    )
    return drafts.only(is_told.any(axis="columns") | drafts.is_refused), reports


def _type(mapping: FieldMapping, org_fields: OrgFields) -> str:
    facts = org_fields.fact(mapping.sobject, mapping.target)
    return "" if facts is None else facts.type


def _where_open(fault: Fault, changes: Overwrite) -> Fault:
    return replace(fault, rows=fault.rows & changes.is_open[fault.target])
