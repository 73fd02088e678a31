"""Clients as Salesforce people: who is inserted, who is updated, and with what (rules F1, F4, M4, M5, M10, M11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from include.frames import PEOPLE
from include.mapping.changed_people import draft_changed_people
from include.mapping.new_people import draft_new_people
from include.mapping.person_drafts import join_reports
from include.mapping.wanted_people import people_to_create, people_to_update

if TYPE_CHECKING:
    from include.mapping.person_drafts import PersonInputs, PersonTerms


@dataclass(frozen=True, slots=True)
class MappedPeople:
    """What a run does to people.

    ``people`` follows ``frames.PEOPLE``: those to insert and those to update; ``accounts`` ``frames.NEW_ACCOUNTS``: the
    Accounts to insert before new Contacts; ``reports`` ``frames.FIELD_REPORTS``: single values that were left out, that
    replace what a Salesforce user wrote, or that do not.
    """

    people: pd.DataFrame
    accounts: pd.DataFrame
    reports: pd.DataFrame


def map_people(
    decisions: pd.DataFrame, clients: pd.DataFrame, inputs: PersonInputs, terms: PersonTerms
) -> MappedPeople:
    """Return the people whom ``decisions`` wants created, and those whose records Coconut changes.

    A row that Salesforce would refuse is quarantined with the gravest reason, or loses the field (setting
    ``on_invalid_field``); ``detail`` names the fields, never their values. ``Coconut_Client_Key__c`` and ``AccountId``
    are filled when people are loaded.

    Args:
        decisions: ``frames.DECISIONS``.
        clients: ``frames.CLIENTS``.
        inputs: what people are made of besides.
        terms: the rules in force.
    """
    drafts, accounts = draft_new_people(people_to_create(decisions, clients), inputs, terms)
    people, reports = [drafts.people()], [drafts.dropped_values()]
    found = people_to_update(decisions, clients, terms.settings)
    for sobject, rows in found.groupby("sobject"):
        drafts, told = draft_changed_people(rows, inputs, sobject=str(sobject), terms=terms)
        people.append(drafts.people())
        reports.append(told)
    return MappedPeople(PEOPLE.conform(pd.concat(people, ignore_index=True)), accounts, join_reports(reports))
