"""Build the Salesforce records of people who are to be created or changed (rules M4, M5, M10, M11, F1, F2)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from include.frames import CLIENTS
from include.mapping.owner import OwnerCheck
from include.mapping.people import map_people as map_frame
from include.mapping.person_drafts import INSERT, UPDATE, PersonTerms
from include.pipeline.artifacts import (
    ACCOUNTS_NAME,
    CLIENTS_NAME,
    FIELD_REPORTS_NAME,
    MAP_PEOPLE,
    MATCH,
    PEOPLE_NAME,
    Manifest,
    read_decisions,
    read_org_fields,
)
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.person_inputs import read_person_inputs

if TYPE_CHECKING:
    import pandas as pd

    from include.settings.model import Settings

_LOG = logging.getLogger(__name__)

NO_DEFAULT_OWNER: Final = "The setting default_owner is empty: new people belong to the integration user."
"""The standing warning of rule M11."""


def map_people(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Stage the people to create and to change, and the Accounts to create; return counts and the standing warning."""
    manifest = Manifest.read_from(run, wiring)
    settings = wiring.ledger.settings_at(manifest.settings_version).settings
    terms = PersonTerms(
        settings=settings,
        mappings=wiring.ledger.mappings_at(manifest.mapping_version).mappings,
        org_fields=read_org_fields(run, wiring),
        owners=read_owners(run, wiring),
    )
    decisions = read_decisions(run, wiring)
    clients = wiring.staging.read_frame(run.run_id, MATCH, CLIENTS_NAME, CLIENTS)
    inputs = read_person_inputs(run, wiring, decisions, clients, terms=terms)
    mapped = map_frame(decisions, clients, inputs, terms)
    for name, frame in (
        (PEOPLE_NAME, mapped.people),
        (ACCOUNTS_NAME, mapped.accounts),
        (FIELD_REPORTS_NAME, mapped.reports),
    ):
        wiring.staging.write_frame(run.run_id, MAP_PEOPLE, name, frame)
    return _counts(mapped.people, accounts=len(mapped.accounts), reports=len(mapped.reports)) | _warning(
        settings
    )


def read_owners(run: SyncRun, wiring: Wiring) -> OwnerCheck:
    """Return the owners named in the settings as ``match_people`` checked them against the org."""
    return OwnerCheck.from_json(wiring.staging.read_json(run.run_id, MATCH, "owners"))


def _counts(people: pd.DataFrame, *, accounts: int, reports: int) -> dict[str, object]:
    loadable = people["outcome"].isna()
    by_operation = people.loc[loadable, "operation"].value_counts()
    return {
        "people": len(people),
        "inserts": int(by_operation.get(INSERT, 0)),
        "updates": int(by_operation.get(UPDATE, 0)),
        "quarantined": int((~loadable).sum()),
        "accounts": accounts,
        "field_reports": reports,
    }


def _warning(settings: Settings) -> dict[str, object]:
    if settings.default_owner:
        return {}
    _LOG.warning(NO_DEFAULT_OWNER)
    return {"warning": NO_DEFAULT_OWNER}
