"""What a dead run's load of people left behind, committed as its own task would have (rules Q4, M8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.mapping.members import MEMBER_SOBJECT
from include.mapping.person_drafts import INSERT
from include.pipeline.account_loader import AccountLoader
from include.pipeline.artifacts import LOAD_PEOPLE, Manifest, read_checked_people, read_decisions
from include.pipeline.assignment_rules import assignment_rule
from include.pipeline.leftovers import LoadStage
from include.pipeline.load_members import recover_members
from include.pipeline.person_inserts import PersonInserter
from include.pipeline.person_links import PersonLinks
from include.pipeline.person_updates import PersonUpdater
from include.pipeline.refused_values import Droppable

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring


def recover_people(run: SyncRun, wiring: Wiring, _chunk: int) -> None:
    """Commit what the jobs of ``run`` did to Accounts, people and memberships.

    Raises:
        ConfigurationError: new Leads were to go by an assignment rule, and the org has none any more.
        StagedFileGoneError: too little is left of the run.
    """
    manifest = Manifest.read_from(run, wiring)
    settings = wiring.ledger.settings_at(manifest.settings_version)
    links = PersonLinks(run, wiring, settings, read_decisions(run, wiring))
    people = read_checked_people(run, wiring)
    is_new = people["operation"].eq(INSERT)
    rule = assignment_rule(wiring.salesforce, settings.settings) if is_new.any() else None
    droppable = Droppable.of_run(run, wiring, settings.settings)
    AccountLoader(run, wiring, settings.settings).recover()
    PersonInserter(
        run, wiring, settings.settings, links=links, droppable=droppable, assignment_rule_id=rule
    ).recover(people[is_new])
    PersonUpdater(run, wiring, settings.settings, links=links, droppable=droppable).recover(people[~is_new])
    recover_members(run, wiring, settings.settings)


PEOPLE_STAGE: Final = LoadStage(
    LOAD_PEOPLE, ("Account", "Contact", "Lead", MEMBER_SOBJECT), recover=recover_people
)
