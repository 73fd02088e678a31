"""What people are made of besides their clients: read from the org with the matches, staged, and put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from include.frames import ANSWERS, BOOKINGS, COMPANY_ACCOUNTS, STORED_PEOPLE, WRITTEN_VALUES
from include.mapping.accounts import hold_ambiguous_accounts, names_to_find
from include.mapping.field_sources import questions_read
from include.mapping.org_fields import OrgFields
from include.mapping.person_drafts import PersonInputs, PersonTerms
from include.mapping.person_sources import newest_bookings, reads_bookings
from include.mapping.wanted_people import people_to_create, people_to_update
from include.pipeline.artifacts import (
    ANSWERS_NAME,
    BOOKINGS_NAME,
    CLIENT_ANSWERS_NAME,
    EXTRACT,
    MATCH,
    ORG_FIELDS_NAME,
    Manifest,
    read_chunks,
    read_staff_links,
)
from include.pipeline.check_org import describe_fields
from include.pipeline.company_accounts import read_company_accounts
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.stored_people import read_stored_people
from include.settings.field_mapping import Sobject
from include.settings.model import NewRecordOwner

if TYPE_CHECKING:
    import pandas as pd

    from include.settings.field_mapping import FieldMapping
    from include.settings.model import Settings

_COMPANY_ACCOUNTS: Final = "company_accounts"
STORED_NAME: Final = "stored_people"
_WRITTEN: Final = "written_values"


def find_person_inputs(
    run: SyncRun,
    wiring: Wiring,
    decisions: pd.DataFrame,
    clients: pd.DataFrame,
    *,
    settings: Settings,
    mappings: Sequence[FieldMapping],
    org_fields: OrgFields,
) -> pd.DataFrame:
    """Stage the Accounts of new Contacts' companies, and what the org holds of people who may be overwritten.

    Returns:
        The decisions (``frames.DECISIONS``), those held of people for whom several Accounts would do (rule M10).
    """
    accounts = read_company_accounts(wiring.salesforce, names_to_find(decisions, clients, settings))
    decisions = hold_ambiguous_accounts(decisions, clients, accounts, settings)
    found = people_to_update(decisions, clients, settings)
    org_fields = _with_objects_of(run, wiring, found, org_fields)
    stored = read_stored_people(wiring.salesforce, found, mappings=mappings, org_fields=org_fields)
    written = wiring.ledger.written_values(stored["record_id"])
    for name, frame in ((_COMPANY_ACCOUNTS, accounts), (STORED_NAME, stored), (_WRITTEN, written)):
        wiring.staging.write_frame(run.run_id, MATCH, name, frame)
    return decisions


def read_person_inputs(
    run: SyncRun,
    wiring: Wiring,
    decisions: pd.DataFrame,
    clients: pd.DataFrame,
    *,
    terms: PersonTerms,
) -> PersonInputs:
    """Return what ``map_people`` needs besides; bookings and answers only where a mapping or an owner asks for them."""
    people = _people(decisions, clients, terms.settings)
    mappings = [mapping for mapping in terms.mappings if mapping.sobject != Sobject.EVENT]
    wants_staff = terms.settings.new_record_owner is NewRecordOwner.BOOKING_STAFF
    chunks = Manifest.read_from(run, wiring).chunks
    newest = BOOKINGS.empty()
    if wants_staff or reads_bookings(mappings):
        newest = _concatenated(
            newest,
            (
                newest_bookings(chunk, people)
                for chunk in read_chunks(run, wiring, EXTRACT, BOOKINGS_NAME, chunks, BOOKINGS)
            ),
        )
    answers = ANSWERS.empty()
    if questions := questions_read(mappings):
        answers = _concatenated(
            answers,
            (
                chunk[chunk["name"].isin(questions)]
                for name in (ANSWERS_NAME, CLIENT_ANSWERS_NAME)
                for chunk in read_chunks(run, wiring, EXTRACT, name, chunks, ANSWERS)
            ),
        )
    staging, run_id = wiring.staging, run.run_id
    return PersonInputs(
        newest=newest_bookings(newest, people),
        answers=answers,
        staff_links=read_staff_links(run, wiring),
        company_accounts=staging.read_frame(run_id, MATCH, _COMPANY_ACCOUNTS, COMPANY_ACCOUNTS),
        stored=staging.read_frame(run_id, MATCH, STORED_NAME, STORED_PEOPLE),
        written=staging.read_frame(run_id, MATCH, _WRITTEN, WRITTEN_VALUES),
    )


def _with_objects_of(run: SyncRun, wiring: Wiring, found: pd.DataFrame, org_fields: OrgFields) -> OrgFields:
    """Return the org's fields with those of every person found: a kept link may lead to what is no longer made (M4)."""
    others = sorted(set(found["sobject"]) - org_fields.objects.keys())
    if not others:
        return org_fields
    described = describe_fields(wiring.salesforce, others)
    org_fields = OrgFields({**org_fields.objects, **described.objects})
    wiring.staging.write_json(run.run_id, MATCH, ORG_FIELDS_NAME, org_fields.to_json())
    return org_fields


def _people(decisions: pd.DataFrame, clients: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return ``client_id`` and ``person_ref`` of every active client of the people who are created or updated."""
    import pandas as pd

    refs = pd.concat(
        [
            people_to_create(decisions, clients)["person_ref"],
            people_to_update(decisions, clients, settings)["person_ref"],
        ]
    )
    active = clients.loc[~(clients["is_deleted"] | clients["sync_disabled"]), "client_id"]
    is_wanted = decisions["person_ref"].isin(refs) & decisions["client_id"].isin(active)
    return decisions.loc[is_wanted, ["client_id", "person_ref"]]


def _concatenated(empty: pd.DataFrame, chunks: Iterator[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([empty, *chunks], ignore_index=True)
