"""Write records without the values that only Salesforce refuses (rule F4, setting ``on_invalid_field``).

The checks of a mapping know what describe tells of a field. What they let pass and Salesforce refuses all the same is
left out of its row, which is sent again, and reported like a value that the checks found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.frames import PEOPLE
from include.mapping.new_people import COMPANY, can_be_left_out, needs_company
from include.mapping.org_fields import OrgFields
from include.mapping.person_drafts import INSERT, report_fields
from include.pipeline.artifacts import Manifest, read_org_fields
from include.reasons import FieldReport
from include.salesforce.error_codes import VALUE_REFUSED
from include.settings.field_mapping import FieldMapping, of_sobject
from include.settings.model import OnInvalidField

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring
    from include.salesforce.gateway import SalesforceGateway
    from include.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Droppable:
    """The values that a run may leave out of records: those of ``mappings`` without a rule of their own."""

    mappings: Sequence[FieldMapping] = ()
    org_fields: OrgFields = field(default_factory=OrgFields)
    company_placeholder: str = ""

    @classmethod
    def of_run(cls, run: SyncRun, wiring: Wiring, settings: Settings) -> Droppable:
        """Return what a run's settings, mappings and org say; without ``drop_and_report`` it is nothing."""
        if settings.on_invalid_field is not OnInvalidField.DROP_AND_REPORT:
            return cls()
        version = Manifest.read_from(run, wiring).mapping_version
        mappings = wiring.ledger.mappings_at(version).mappings
        return cls(mappings, read_org_fields(run, wiring), settings.company_placeholder)

    def without_refused(
        self, rows: pd.DataFrame, refused: pd.DataFrame, *, sobject: str, operation: str
    ) -> pd.DataFrame:
        """Return the rows to send again, as ``without_refused_values`` does; a new record keeps what it needs."""
        fields = self._fields(sobject, operation)
        return without_refused_values(
            rows, refused, fields=fields, stand_ins=self._stand_ins(sobject, operation)
        )

    def as_held(
        self, rows: pd.DataFrame, found: pd.Series[str], salesforce: SalesforceGateway, *, sobject: str
    ) -> pd.DataFrame:
        """Return new records' rows without what an earlier attempt, whose answer was lost, had to leave out of them.

        Args:
            rows: a wire frame as it would be sent now.
            found: the Ids of records that were there already, by the index label of their row.
            salesforce: the org, which is asked what they hold.
            sobject: what they are.
        """
        fields = [name for name in rows if name in self._fields(sobject, INSERT)]
        if found.empty or not fields:
            return rows
        stored = salesforce.query_in(select=("Id", *fields), sobject=sobject, field="Id", values=set(found))
        held = stored.set_index("Id").reindex(found).set_index(found.index)
        stand_ins = self._stand_ins(sobject, INSERT)
        corrected = rows.copy()
        for name in fields:
            stand_in = stand_ins.get(name)
            is_lacking = held[name].isna() | held[name].eq(stand_in or "")
            corrected.loc[held.index[is_lacking], name] = stand_in
        return corrected

    def _fields(self, sobject: str, operation: str) -> set[str]:
        """Return the fields whose value may be left out."""
        is_new = operation == INSERT
        return {
            mapping.target
            for mapping in of_sobject(self.mappings, sobject)
            if not mapping.rule and (not is_new or can_be_left_out(sobject, mapping.target, self.org_fields))
        }

    def _stand_ins(self, sobject: str, operation: str) -> dict[str, str]:
        has_stand_in = operation == INSERT and sobject == "Lead" and needs_company(self.org_fields)
        return {COMPANY: self.company_placeholder} if has_stand_in else {}


def without_refused_values(
    rows: pd.DataFrame, refused: pd.DataFrame, *, fields: Collection[str], stand_ins: Mapping[str, str]
) -> pd.DataFrame:
    """Return the rows that Salesforce refused for values that may be left out, without these values.

    Args:
        rows: a wire frame; every index label once.
        refused: contract ``RESULTS``, indexed like ``rows``. A refusal counts if its code is about a value and each
            field that it names is one of ``fields`` and holds something in the row.
        fields: those whose value may be left out.
        stand_ins: what a field gets in place of its value; refused itself, it ends the attempt.
    """
    about = refused[refused["error_code"].isin(VALUE_REFUSED) & refused["error_fields"].notna()]
    named = about["error_fields"].str.split(",").explode().str.strip()
    concerned = rows.loc[about.index].copy()
    is_fit = named.isin(fields).groupby(level=0).all().reindex(concerned.index, fill_value=False)
    for name in sorted(set(named) & set(fields)):
        is_named = concerned.index.isin(named.index[named.eq(name)])
        value, stand_in = concerned.get(name), stand_ins.get(name)
        if value is None:
            is_fit &= ~is_named
            continue
        is_fit &= ~is_named | (value.notna() & value.ne(stand_in or ""))
        concerned[name] = value.mask(is_named, stand_in or None)
    return concerned[is_fit]


def left_out_values(planned: pd.DataFrame, sent: pd.DataFrame) -> pd.DataFrame:
    """Return ``frames.FIELD_REPORTS`` of the values that were left out on the way.

    Args:
        planned: contract ``PEOPLE``, as mapped, indexed by person.
        sent: a wire frame, as written, indexed likewise; it may hold fewer people.
    """
    of_sent = planned.loc[sent.index]
    fields = [name for name in planned.columns if name not in PEOPLE.columns and name != "identities"]
    values = of_sent[fields]
    is_left_out = values.notna() & values.ne(sent.reindex(columns=fields))
    return report_fields(of_sent, is_left_out.loc[:, is_left_out.any()], FieldReport.VALUE_DROPPED)
