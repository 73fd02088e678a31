"""Build the Salesforce records of people who are to be created (rules M4, M11, F1)."""

from __future__ import annotations

import logging
from typing import Final

from include.frames import CLIENTS
from include.mapping.owner import OwnerCheck
from include.mapping.people import map_people as map_frame
from include.pipeline.artifacts import CLIENTS_NAME, MAP_PEOPLE, MATCH, PEOPLE_NAME, Manifest, read_decisions
from include.pipeline.context import SyncRun, Wiring

_LOG = logging.getLogger(__name__)

NO_DEFAULT_OWNER: Final = "The setting default_owner is empty: new people belong to the integration user."
"""The standing warning of rule M11."""


def map_people(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Stage one row per person to create; return how many are loadable and how many not, and the standing warning."""
    manifest = Manifest.read_from(run, wiring)
    settings = wiring.ledger.settings_at(manifest.settings_version).settings
    clients = wiring.staging.read_frame(run.run_id, MATCH, CLIENTS_NAME, CLIENTS)
    people = map_frame(
        read_decisions(run, wiring), clients, settings=settings, owners=read_owners(run, wiring)
    )
    wiring.staging.write_frame(run.run_id, MAP_PEOPLE, PEOPLE_NAME, people)
    loadable = int(people["outcome"].isna().sum())
    counts: dict[str, object] = {
        "people": len(people),
        "loadable": loadable,
        "quarantined": len(people) - loadable,
    }
    if not settings.default_owner:
        _LOG.warning(NO_DEFAULT_OWNER)
        counts["warning"] = NO_DEFAULT_OWNER
    return counts


def read_owners(run: SyncRun, wiring: Wiring) -> OwnerCheck:
    """Return the owners named in the settings as ``match_people`` checked them against the org."""
    return OwnerCheck.from_json(wiring.staging.read_json(run.run_id, MATCH, "owners"))
