"""People on their way to Salesforce: their fields, and what is wrong with them (rules F4, Q1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import CLAIM, FIELD_REPORTS, PEOPLE, TEXT
from include.reasons import REASONS, FieldReport

if TYPE_CHECKING:
    from include.mapping.field_values import Fault
    from include.mapping.org_fields import OrgFields
    from include.mapping.owner import OwnerCheck
    from include.settings.field_mapping import FieldMapping
    from include.settings.model import Settings

INSERT: Final = "insert"
UPDATE: Final = "update"


@dataclass(frozen=True, slots=True)
class PersonTerms:
    """What an organisation says about people: settings, field mappings, checked owners, and the fields of its org."""

    settings: Settings
    mappings: Sequence[FieldMapping]
    org_fields: OrgFields
    owners: OwnerCheck


@dataclass(frozen=True, slots=True)
class PersonInputs:
    """What people are made of, besides their clients.

    ``newest`` is what ``newest_bookings`` returns. The others follow the contracts ``ANSWERS``, ``STAFF_LINKS``,
    ``COMPANY_ACCOUNTS``, ``STORED_PEOPLE`` and ``WRITTEN_VALUES``.
    """

    newest: pd.DataFrame
    answers: pd.DataFrame
    staff_links: pd.DataFrame
    company_accounts: pd.DataFrame
    stored: pd.DataFrame
    written: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Drafts:
    """People of one sObject who are to be inserted or updated; all parts have one index.

    ``facts`` has the columns of ``frames.PEOPLE`` but outcome, reason and detail; ``wire`` the Salesforce fields.
    ``refused`` are the faults for which a row is quarantined, gravest first; ``dropped`` those whose value is left out.
    """

    facts: pd.DataFrame
    wire: pd.DataFrame
    refused: Sequence[Fault]
    dropped: Sequence[Fault]

    @property
    def is_refused(self) -> pd.Series[bool]:
        """Tell which rows are quarantined."""
        refused = pd.Series(data=False, index=self.facts.index)
        for fault in self.refused:
            refused |= fault.rows
        return refused

    def only(self, rows: pd.Series[bool]) -> Drafts:
        """Return the drafts of these rows."""
        return Drafts(
            self.facts[rows],
            self.wire[rows],
            [_only(fault, rows) for fault in self.refused],
            [_only(fault, rows) for fault in self.dropped],
        )

    def people(self) -> pd.DataFrame:
        """Return ``frames.PEOPLE``; a refused row has the gravest reason, ``detail`` names every field concerned."""
        reason = pd.Series(None, index=self.facts.index, dtype=TEXT)
        detail = pd.Series("", index=self.facts.index, dtype=TEXT)
        for fault in self.refused:
            reason = reason.mask(fault.rows & reason.isna(), fault.reason.value)
            detail = detail.mask(fault.rows, detail + "; " + fault.words)
        for fault in self.dropped:
            detail = detail.mask(fault.rows, detail + "; left out because " + fault.words)
        outcomes = {str(known): str(text.outcome) for known, text in REASONS.items()}
        told = self.facts.assign(
            outcome=reason.map(outcomes).astype(TEXT),
            reason=reason,
            detail=detail.str.removeprefix("; ").mask(detail.eq("")),
        )
        return PEOPLE.conform(pd.concat([told, self.wire], axis="columns"))

    def dropped_values(self) -> pd.DataFrame:
        """Return ``frames.FIELD_REPORTS`` of the values that were left out."""
        return join_reports(
            report_fields(self.facts, fault.rows.to_frame(fault.target), FieldReport.VALUE_DROPPED)
            for fault in self.dropped
        )


def _only(fault: Fault, rows: pd.Series[bool]) -> Fault:
    return replace(fault, rows=fault.rows[rows])


def person_facts(people: pd.DataFrame, *, operation: str, sobject: str) -> pd.DataFrame:
    """Return the facts of drafts; ``people`` has ``person_ref``, ``client_id``, and what is known of the others."""
    facts = people.reindex(columns=["person_ref", "record_id", "client_id", "account_ref"]).astype(TEXT)
    return facts.assign(operation=operation, sobject=sobject)


def report_fields(facts: pd.DataFrame, fields: pd.DataFrame, what: FieldReport) -> pd.DataFrame:
    """Return ``frames.FIELD_REPORTS``: one row per true cell of ``fields``, a frame of one column per field.

    ``facts`` has ``client_id``, ``sobject`` and ``record_id`` of the same index.
    """
    told = [
        facts.loc[is_told.astype(CLAIM), ["client_id", "sobject", "record_id"]].assign(
            field=str(name), report=str(what)
        )
        for name, is_told in fields.items()
    ]
    return join_reports(told)


def join_reports(reports: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return several frames of ``frames.FIELD_REPORTS`` as one, in the order of clients and fields."""
    joined = pd.concat([FIELD_REPORTS.empty(), *reports], ignore_index=True)
    return FIELD_REPORTS.conform(joined.sort_values(["client_id", "record_id", "field", "report"]))
