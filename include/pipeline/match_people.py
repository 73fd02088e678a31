"""Decide which Salesforce record each client of the run is (rules M1 to M9), from org, ledger and clients."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from include.frames import CLIENTS, STAFF_LINKS
from include.mapping.owner import OwnerCheck, check_owners
from include.matching.decide import Decisions
from include.pipeline.accounting import counted_calls
from include.pipeline.artifacts import (
    CLIENTS_NAME,
    DECISIONS_NAME,
    EXTRACT,
    MATCH,
    ORG_FIELDS_NAME,
    STAFF_LINKS_NAME,
    Manifest,
    chunk_name,
    read_chunk,
    read_chunks,
    read_rematched_clients,
)
from include.pipeline.campaigns import find_campaigns
from include.pipeline.check_org import check_org, known_questions
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.deciding import decide_people
from include.pipeline.legacy_mode import check_legacy_org, nobody_decided
from include.pipeline.person_inputs import find_person_inputs
from include.pipeline.sync_staff import read_active_users, refresh_staff_links

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from include.ledger.repository import SettingsVersion
    from include.mapping.org_fields import OrgFields
    from include.settings.field_mapping import FieldMapping


def match_people(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Stage one decision per client, the staff links and the owners, and return counts by action.

    Raises:
        ConfigurationError: credentials are wrong, or the org lacks fields the sync writes, or Coconut questions
            whose answers it writes.
        LedgerConflictError: the ledger belongs to another org (rule Q10).
        SalesforceUnavailableError: Salesforce does not answer.
    """
    with counted_calls(run, wiring, MATCH):
        manifest = Manifest.read_from(run, wiring)
        settings = wiring.ledger.settings_at(manifest.settings_version)
        mappings = wiring.ledger.mappings_at(manifest.mapping_version).mappings
        org_fields = _check_org(wiring, manifest, settings, mappings)
        wiring.staging.write_json(run.run_id, MATCH, ORG_FIELDS_NAME, org_fields.to_json())
        wiring.ledger.bind_org(wiring.salesforce.organization_id)
        clients = read_clients(run, wiring, manifest)
        decisions = _decide(run, wiring, manifest, settings, clients)
        in_force = find_person_inputs(
            run,
            wiring,
            decisions.decisions,
            clients,
            settings=settings.settings,
            mappings=mappings,
            org_fields=org_fields,
        )
        decisions = replace(decisions, decisions=in_force)
        staff_links, owners = (
            (STAFF_LINKS.empty(), check_owners(settings.settings, ()))
            if manifest.is_legacy
            else check_staff_and_owners(run, wiring, settings)
        )
        _stage(run, wiring, clients, decisions, staff_links, owners)
        _stage_chunks(run, wiring, manifest, decisions.decisions)
        find_campaigns(run, wiring, decisions, manifest=manifest, settings=settings.settings)
        actions = decisions.decisions["action"].value_counts()
        return {"clients": len(clients), **{str(action): int(count) for action, count in actions.items()}}


def _check_org(
    wiring: Wiring, manifest: Manifest, settings: SettingsVersion, mappings: Sequence[FieldMapping]
) -> OrgFields:
    if manifest.is_legacy:
        return check_legacy_org(wiring.salesforce, mappings)
    questions = known_questions(lambda: wiring.source.engine, mappings)
    return check_org(wiring.salesforce, settings.settings, mappings, questions=questions)


def _decide(
    run: SyncRun, wiring: Wiring, manifest: Manifest, settings: SettingsVersion, clients: pd.DataFrame
) -> Decisions:
    """Return who each client is; on the legacy integration nobody asks (rule G1)."""
    if manifest.is_legacy:
        return nobody_decided(clients)
    return decide_people(wiring, clients, settings, rematched=read_rematched_clients(run, wiring))


def read_clients(run: SyncRun, wiring: Wiring, manifest: Manifest) -> pd.DataFrame:
    """Return the run's clients, one row each, as ``extract_changes`` staged them over all chunks."""
    import pandas as pd

    chunks = list(read_chunks(run, wiring, EXTRACT, CLIENTS_NAME, manifest.chunks, CLIENTS))
    if not chunks:
        return CLIENTS.empty()
    return CLIENTS.conform(pd.concat(chunks, ignore_index=True).drop_duplicates("client_id"))


def check_staff_and_owners(
    run: SyncRun, wiring: Wiring, settings: SettingsVersion
) -> tuple[pd.DataFrame, OwnerCheck]:
    """Return the staff links with each User's activity as the org has it now, and the owners named in the settings."""
    if wiring.ledger.staff_synced_at() is None:
        links, _ = refresh_staff_links(run, wiring)
    else:
        links = wiring.ledger.staff_links()
    named = {settings.settings.unassigned_events_owner, settings.settings.default_owner} - {""}
    active = read_active_users(wiring.salesforce, named | set(links["salesforce_user_id"].dropna()))
    links = links.assign(user_is_active=links["salesforce_user_id"].isin(active))
    return links, check_owners(settings.settings, active)


def _stage(
    run: SyncRun,
    wiring: Wiring,
    clients: pd.DataFrame,
    decisions: Decisions,
    staff_links: pd.DataFrame,
    owners: OwnerCheck,
) -> None:
    staging, run_id = wiring.staging, run.run_id
    staging.write_frame(run_id, MATCH, CLIENTS_NAME, clients)
    staging.write_frame(run_id, MATCH, DECISIONS_NAME, decisions.decisions)
    staging.write_frame(run_id, MATCH, "forwards", decisions.forwards)
    staging.write_frame(run_id, MATCH, STAFF_LINKS_NAME, staff_links)
    staging.write_json(run_id, MATCH, "retired_claims", list(decisions.retired_claims))
    staging.write_json(run_id, MATCH, "owners", asdict(owners))


def _stage_chunks(run: SyncRun, wiring: Wiring, manifest: Manifest, decisions: pd.DataFrame) -> None:
    """Stage each chunk's decisions on their own: reading all of them once per chunk would grow with the square."""
    by_client = decisions.set_index("client_id")
    for chunk in range(manifest.chunks):
        clients = read_chunk(run, wiring, EXTRACT, CLIENTS_NAME, chunk, CLIENTS)
        of_chunk = by_client.loc[clients["client_id"]].reset_index()
        wiring.staging.write_frame(run.run_id, MATCH, chunk_name(DECISIONS_NAME, chunk), of_chunk)
