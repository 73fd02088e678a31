"""Create and update the people of a run, and commit who is who (design §2, rules M5, M7 to M11, M14).

First commit point of a run: person links are committed as their results become known. Accounts go first, because
Contacts belong to them; then new people; then the records that were found, as far as the settings let Coconut overwrite
them; last their memberships of campaigns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.errors import SkipRun
from include.frames import FIELD_REPORTS, PERSON_REFUSALS
from include.ledger.load_claims import LoadStep
from include.mapping.person_drafts import INSERT, join_reports
from include.matching.evidence import Evidence
from include.pipeline.account_loader import AccountLoader
from include.pipeline.accounting import counted_calls
from include.pipeline.artifacts import (
    FIELD_REPORTS_NAME,
    LOAD_PEOPLE,
    MAP_PEOPLE,
    MATCH,
    REFUSALS_NAME,
    Manifest,
    read_checked_people,
    read_decisions,
)
from include.pipeline.assignment_rules import assignment_rule
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.guard_changes import require_approval
from include.pipeline.leftover_people import PEOPLE_STAGE
from include.pipeline.leftovers import settle_leftovers
from include.pipeline.legacy_mode import load_nobody
from include.pipeline.legacy_watch import refuse_while_stopped
from include.pipeline.load_claims import load_claim
from include.pipeline.load_members import load_members
from include.pipeline.needed_people import read_needed_accounts, read_needed_people
from include.pipeline.person_inserts import PersonInserter
from include.pipeline.person_links import PersonLinks
from include.pipeline.person_updates import PersonUpdater
from include.pipeline.refused_values import Droppable
from include.pipeline.repairs import correct_ledger
from include.pipeline.settled_mark import refuse_settled
from include.reasons import FieldReport

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.repository import SettingsVersion


def load_people(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Commit the links of people who were found, create and update the others, and return counts.

    Raises:
        SkipRun: the run is a dry run, or is settled already.
        ApprovalRequired: the run would do more than the settings let pass, and nobody approved it.
        ConfigurationError: the legacy integration was seen at work after cut-over; nothing was written.
        ConfigurationError: new Leads are to go by an assignment rule, and the org has none.
        OrgExhaustedError, SalesforceUnavailableError: people who are not created stay pending; the task is retried.
    """
    if run.dry_run:
        msg = "A dry run ends with its plan; nothing is written."
        raise SkipRun(msg)
    refuse_settled(run, wiring)
    refuse_while_stopped(wiring.ledger)
    require_approval(run, wiring)
    step = LoadStep(run.run_id, LOAD_PEOPLE, 0)
    with counted_calls(run, wiring, LOAD_PEOPLE), load_claim(wiring.ledger, step):
        manifest = Manifest.read_from(run, wiring)
        settings = wiring.ledger.settings_at(manifest.settings_version)
        wiring.ledger.bind_namespace(settings.settings.key_namespace, now=run.now)
        if manifest.is_legacy:
            return load_nobody(run, wiring)
        correct_ledger(run, wiring)
        decisions = read_decisions(run, wiring)
        links = PersonLinks(run, wiring, settings, decisions)
        _commit_found(run, wiring, links, decisions, settings_version=settings.version)
        people = read_needed_people(run, wiring)
        is_new = people["operation"].eq(INSERT)
        new = _with_identities(people[is_new], decisions)
        left = settle_leftovers(run, wiring, PEOPLE_STAGE)
        counts = _load(run, wiring, settings, links=links, new=new, found=people[~is_new])
        return counts | load_members(run, wiring, settings.settings) | left


def _load(
    run: SyncRun,
    wiring: Wiring,
    settings: SettingsVersion,
    *,
    links: PersonLinks,
    new: pd.DataFrame,
    found: pd.DataFrame,
) -> dict[str, object]:
    import pandas as pd

    accounts = AccountLoader(run, wiring, settings.settings)
    accounts.load(read_needed_accounts(run, wiring))
    rule = None if new.empty else assignment_rule(wiring.salesforce, settings.settings)
    droppable = Droppable.of_run(run, wiring, settings.settings)
    inserts = PersonInserter(
        run, wiring, settings.settings, links=links, droppable=droppable, assignment_rule_id=rule
    )
    inserts.load(new, accounts)
    updates = PersonUpdater(run, wiring, settings.settings, links=links, droppable=droppable)
    updates.load(found)
    refusals = pd.concat([PERSON_REFUSALS.empty(), *inserts.refusals, *updates.refusals], ignore_index=True)
    wiring.staging.write_frame(run.run_id, LOAD_PEOPLE, REFUSALS_NAME, refusals)
    sent = pd.concat([new[["person_ref", "client_id"]], found[["person_ref", "client_id"]]])
    written = set(sent.loc[~sent["person_ref"].isin(refusals["person_ref"]), "client_id"])
    _report_fields(run, wiring, written, join_reports([*inserts.reports, *updates.reports]))
    return {
        "people": len(new),
        **inserts.counts,
        "accounts_created": accounts.created,
        **updates.counts,
        "records_asked": accounts.records_asked + inserts.records_asked,
    }


def _commit_found(
    run: SyncRun, wiring: Wiring, links: PersonLinks, decisions: pd.DataFrame, *, settings_version: int
) -> None:
    """Commit decisions, follow converted and merged records, and link the clients whose record was found."""
    ledger = wiring.ledger
    ledger.record_decisions(run.run_id, decisions, settings_version=settings_version, now=run.now)
    forwards = wiring.staging.read_frame(run.run_id, MATCH, "forwards", None)
    if not forwards.empty:
        ledger.follow_people(forwards)
    retired = wiring.staging.read_json(run.run_id, MATCH, "retired_claims")
    if retired:
        ledger.retire_claims(retired, run.now)
    found = decisions[(decisions["action"] == "link") & (decisions["evidence"] != Evidence.KEPT_LINK)]
    links.record_found(found.assign(created_by_us=found["evidence"] == Evidence.CLAIM_KEY))


def _with_identities(people: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    identities = decisions[["client_id", "identities"]]
    return people.merge(identities, on="client_id")


def _report_fields(run: SyncRun, wiring: Wiring, written_clients: set[str], left_out: pd.DataFrame) -> None:
    """Keep what is to be told of single fields; that a value was replaced is true of written people only.

    That one was dropped is true of those, too, of whom nothing else was to be written. ``left_out`` (``FIELD_REPORTS``)
    are the values that Salesforce refused: they replaced nothing.
    """
    mapped = wiring.staging.read_frame(run.run_id, MAP_PEOPLE, FIELD_REPORTS_NAME, FIELD_REPORTS)
    to_write = read_checked_people(run, wiring)["client_id"]
    is_true = mapped["report"].eq(FieldReport.USER_VALUE_KEPT) | mapped["client_id"].isin(written_clients)
    is_true |= mapped["report"].eq(FieldReport.VALUE_DROPPED) & ~mapped["client_id"].isin(to_write)
    cell = ["client_id", "sobject", "field"]
    is_undone = mapped["report"].eq(FieldReport.USER_VALUE_OVERWRITTEN)
    is_undone &= mapped.set_index(cell).index.isin(left_out.set_index(cell).index)
    reports = join_reports([mapped[is_true & ~is_undone], left_out])
    if not reports.empty:
        links = wiring.ledger.person_links(reports["client_id"].unique()).set_index("client_id")
        known = reports["client_id"].map(links["record_id"])
        reports = reports.assign(record_id=reports["record_id"].fillna(known))
    wiring.ledger.record_field_reports(run.run_id, reports, now=run.now)
