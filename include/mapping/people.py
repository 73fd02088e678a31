"""Clients as Salesforce people: the values of the records to be created (rules F1, F4, M11, Q1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.errors import ConfigurationError
from include.frames import PEOPLE, TEXT
from include.mapping.fields import REQUIRED, STANDARD_LENGTHS, default_mappings
from include.matching.decide import CREATE, NEW_PERSON
from include.reasons import Outcome, Reason
from include.settings.field_mapping import FieldMapping
from include.settings.model import EntityType, NewRecordOwner, OnInvalidField, Settings

if TYPE_CHECKING:
    from include.mapping.owner import OwnerCheck, OwnerState

INSERT: Final = "insert"

_CLIENT: Final = "client."
_SEVERAL_LINES: Final = frozenset({"Street"})
_BREAKS: Final = r"\s*[\r\n\v\f\x85\u2028\u2029]+\s*"

_LOCAL: Final = r"[^\s@.,;:<>()\[\]\"\\]+"
_LABEL: Final = r"\w(?:[\w-]*\w)?"
_PLAUSIBLE_EMAIL: Final = rf"{_LOCAL}(?:\.{_LOCAL})*@{_LABEL}(?:\.{_LABEL})+"
"""What no mail system takes is refused here; what only Salesforce refuses comes back as its refusal."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """Rows in which Salesforce would refuse a field, and why."""

    reason: Reason
    target: str
    rows: pd.Series[bool]
    words: str

    @property
    def is_droppable(self) -> bool:
        """Tell whether the record can do without the field; a Company left out is replaced by the placeholder."""
        return self.target not in REQUIRED or self.target == "Company"


def map_people(
    decisions: pd.DataFrame, clients: pd.DataFrame, *, settings: Settings, owners: OwnerCheck
) -> pd.DataFrame:
    """Return ``frames.PEOPLE``: one row per person whom ``decisions`` wants created.

    The values are those of the group's smallest client id that is neither deleted nor disabled. A row that Salesforce
    would refuse is quarantined with the first reason, or loses the field (setting ``on_invalid_field``); ``detail``
    names the fields, never their values. ``Coconut_Client_Key__c`` is filled by the stage that claims the key.

    Args:
        decisions: ``frames.DECISIONS``.
        clients: ``frames.CLIENTS``.
        settings: the settings in force.
        owners: the default owner, checked.

    Raises:
        ConfigurationError: a setting asks for people that cannot be created yet.
    """
    wanted = decisions.loc[decisions["action"].eq(CREATE), ["person_ref", "sobject"]].drop_duplicates(
        "person_ref"
    )
    if wanted.empty:
        return PEOPLE.empty()
    _refuse_what_is_not_available(settings)
    wanted = wanted.assign(client_id=wanted["person_ref"].str.removeprefix(NEW_PERSON))
    people = wanted.merge(clients, how="left", on="client_id")
    mappings = [mapping for mapping in default_mappings("Lead") if mapping.source.startswith(_CLIENT)]
    wire = _client_values(people, mappings)
    faults = _faults(wire, mappings)
    drops = settings.on_invalid_field is OnInvalidField.DROP_AND_REPORT
    dropped = [fault for fault in faults if drops and fault.is_droppable]
    for fault in dropped:
        wire[fault.target] = wire[fault.target].mask(fault.rows)
    refused = [fault for fault in faults if fault not in dropped] + _owner_faults(
        owners.default_owner, people
    )
    wire["Company"] = wire["Company"].fillna(settings.company_placeholder or None)
    wire["LeadSource"] = pd.Series(settings.lead_source or None, index=wire.index, dtype=TEXT)
    wire["OwnerId"] = pd.Series(owners.default_owner.user_id, index=wire.index, dtype=TEXT)
    return _as_people(people, wire, refused=refused, dropped=dropped)


def _refuse_what_is_not_available(settings: Settings) -> None:
    if settings.entity_type is not EntityType.LEAD:
        msg = f"entity_type {settings.entity_type.value} cannot create people yet; set entity_type to lead."
        raise ConfigurationError(msg)
    if settings.new_record_owner is not NewRecordOwner.DEFAULT_OWNER:
        msg = f"new_record_owner {settings.new_record_owner.value} is not available yet; set it to default_owner."
        raise ConfigurationError(msg)


def _client_values(people: pd.DataFrame, mappings: Sequence[FieldMapping]) -> pd.DataFrame:
    """Return the fields that come from the client, in its own spelling; missing where it says nothing (rule F4).

    Salesforce has no record without a last name: a client with one name only has it as the last name.
    """
    wire = pd.DataFrame(index=people.index)
    for mapping in mappings:
        text = people[mapping.source.removeprefix(_CLIENT)].str.strip()
        if mapping.target not in _SEVERAL_LINES:
            text = text.str.replace(_BREAKS, " ", regex=True)
        wire[mapping.target] = text.mask(text.eq(""))
    has_one_name = wire["LastName"].isna()
    wire["LastName"] = wire["LastName"].fillna(wire["FirstName"])
    wire["FirstName"] = wire["FirstName"].mask(has_one_name)
    return wire


def _faults(wire: pd.DataFrame, mappings: Sequence[FieldMapping]) -> list[_Fault]:
    """Return what Salesforce would refuse, gravest first."""
    email = wire["Email"]
    is_implausible = email.notna() & ~email.str.fullmatch(_PLAUSIBLE_EMAIL).eq(True)
    return [
        _Fault(Reason.UNNAMED_CLIENT, "LastName", wire["LastName"].isna(), "the client has no name"),
        _Fault(Reason.INVALID_EMAIL, "Email", is_implausible, "Email is not an e-mail address"),
        *(
            _Fault(
                Reason.VALUE_TOO_LONG,
                mapping.target,
                wire[mapping.target].str.len().gt(STANDARD_LENGTHS[mapping.target]).fillna(False),
                f"{mapping.target} is longer than {STANDARD_LENGTHS[mapping.target]} characters",
            )
            for mapping in mappings
        ),
    ]


def _owner_faults(owner: OwnerState, people: pd.DataFrame) -> list[_Fault]:
    if owner.reason is None:
        return []
    everybody = pd.Series(data=True, index=people.index)
    return [_Fault(owner.reason, "OwnerId", everybody, "the setting default_owner names no usable User")]


def _as_people(
    people: pd.DataFrame, wire: pd.DataFrame, *, refused: Sequence[_Fault], dropped: Sequence[_Fault]
) -> pd.DataFrame:
    reason = pd.Series(None, index=people.index, dtype=TEXT)
    detail = pd.Series("", index=people.index, dtype=TEXT)
    for fault in refused:
        reason = reason.mask(fault.rows & reason.isna(), fault.reason.value)
        detail = detail.mask(fault.rows, detail + "; " + fault.words)
    for fault in dropped:
        detail = detail.mask(fault.rows, detail + "; left out because " + fault.words)
    facts = pd.DataFrame(
        {
            "person_ref": people["person_ref"],
            "operation": INSERT,
            "sobject": people["sobject"],
            "record_id": pd.Series(None, index=people.index, dtype=TEXT),
            "client_id": people["client_id"],
            "account_ref": pd.Series(None, index=people.index, dtype=TEXT),
            "outcome": pd.Series(Outcome.QUARANTINED.value, index=people.index, dtype=TEXT).where(
                reason.notna()
            ),
            "reason": reason,
            "detail": detail.str.removeprefix("; ").mask(detail.eq("")),
        }
    )
    return PEOPLE.conform(pd.concat([facts, wire], axis="columns"))
