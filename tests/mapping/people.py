"""People mapped from a few rows: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from include.frames import (
    ANSWERS,
    BOOKINGS,
    CLIENTS,
    COMPANY_ACCOUNTS,
    DECISIONS,
    STAFF_LINKS,
    STORED_PEOPLE,
    WRITTEN_VALUES,
)
from include.mapping.fields import default_mappings
from include.mapping.org_fields import OrgFields
from include.mapping.owner import check_owners
from include.mapping.people import MappedPeople, map_people
from include.mapping.person_drafts import PersonInputs, PersonTerms
from include.mapping.person_sources import newest_bookings
from include.matching.choose import NEW_SOBJECT
from include.settings.field_mapping import FieldMapping
from include.settings.model import EntityType, Settings
from tests.mapping.org import ORG
from tests.matching.builders import Row, frame

USER = "005000000000001AAA"
BANKER = "005000000000002AAA"


@dataclass(frozen=True)
class Around:
    """What a run knows besides its clients; everything unsaid is empty."""

    bookings: Sequence[Row] = ()
    answers: Sequence[Row] = ()
    staff_links: Sequence[Row] = ()
    accounts: Sequence[Row] = ()
    stored: Sequence[Row] = ()
    written: Sequence[Row] = ()
    active_users: Sequence[str] = (USER, BANKER)
    mappings: Sequence[FieldMapping] = default_mappings()
    org_fields: OrgFields = ORG


def creates(client_id: str, person_ref: str = "", **values: object) -> Row:
    """Return the decision to create a client, alone unless a reference of a group is given."""
    reference = person_ref or f"new:{client_id}"
    named = {"client_id": client_id, "person_ref": reference, "action": "create", "sobject": "Lead"}
    return {**named, "identity": f"id-of-{reference}", "explanation": '{"action":"create"}', **values}


def links(client_id: str, record_id: str, **values: object) -> Row:
    """Return the decision that a client is a record."""
    sobject = {"00Q": "Lead", "003": "Contact", "001": "Account"}[record_id[:3]]
    named = {"client_id": client_id, "person_ref": record_id, "action": "link", "sobject": sobject}
    return {**named, "record_id": record_id, "who_id": record_id, **values}


def mapped(
    clients: Iterable[Row],
    decisions: Iterable[Row] | None = None,
    around: Around | None = None,
    **settings: object,
) -> MappedPeople:
    """Map people; without decisions every client is created as what the entity type says."""
    chosen, around, rows = Settings.model_validate(settings), around or Around(), list(clients)
    sobject = NEW_SOBJECT[EntityType(chosen.entity_type)]
    if decisions is None:
        decisions = [creates(str(row["client_id"]), sobject=sobject) for row in rows]
    decided = frame(DECISIONS, decisions)
    inputs = PersonInputs(
        newest=newest_bookings(frame(BOOKINGS, around.bookings), decided),
        answers=frame(ANSWERS, around.answers),
        staff_links=frame(STAFF_LINKS, around.staff_links),
        company_accounts=frame(COMPANY_ACCOUNTS, around.accounts),
        stored=_stored(around.stored),
        written=frame(WRITTEN_VALUES, around.written),
    )
    owners = check_owners(chosen, frozenset(around.active_users))
    terms = PersonTerms(chosen, around.mappings, around.org_fields, owners)
    return map_people(decided, frame(CLIENTS, rows), inputs, terms)


def rows_of(found: pd.DataFrame) -> list[dict[str, object]]:
    """Return a frame's rows, missing values as None."""
    rows: list[dict[str, object]] = found.astype(object).where(found.notna(), None).to_dict("records")
    return rows


def told(found: pd.DataFrame) -> list[dict[str, object]]:
    """Return a frame's rows, each with only what it says."""
    return [{name: value for name, value in row.items() if value is not None} for row in rows_of(found)]


def _stored(rows: Sequence[Row]) -> pd.DataFrame:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: pd.Series([row.get(name) for row in rows], dtype="str") for name in names}
    return STORED_PEOPLE.conform(pd.DataFrame({**STORED_PEOPLE.empty(), **columns}))
