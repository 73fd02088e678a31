"""Keep what a dry run would do as a report: counts in the ledger, every field in staging (rule T6)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from include.frames import MEMBERS, MEMBERSHIPS, PLANNED_FIELDS, STORED_PEOPLE, TEXT
from include.ledger.reports import Report, ReportKind
from include.mapping.event_fields import payload_mappings
from include.mapping.person_drafts import INSERT
from include.mapping.plan import OWNER, PERSON
from include.mapping.planned_changes import (
    count_fields,
    count_records,
    nested,
    planned_accounts,
    planned_events,
    planned_members,
    planned_people,
)
from include.pipeline.account_loader import keyed_accounts
from include.pipeline.artifacts import CHECK, MATCH, Manifest, chunk_name, read_checked_events, read_decisions
from include.pipeline.campaigns import MEMBERS_NAME, MEMBERSHIPS_NAME
from include.pipeline.estimate import PlannedPeople, Storage, calls_of_events, calls_of_people, storage_of
from include.pipeline.legacy_mode import links_of_chunk
from include.pipeline.needed_people import read_needed_accounts, read_needed_people
from include.pipeline.person_inputs import STORED_NAME
from include.pipeline.person_inserts import keyed_people

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from include.ledger.repository import Ledger
    from include.pipeline.context import SyncRun, Wiring
    from include.settings.model import Settings
    from include.staging import Staging

_PLAN: Final = "plan_"
_OF_PEOPLE: Final = f"{_PLAN}people"
_OF_EVENTS: Final = f"{_PLAN}events"


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan counts.

    ``records`` are by object and operation, ``fields`` by object, operation and field, ``calls`` those of writing by
    kind; ``rows_kept_in`` names the staged frames that hold every value.
    """

    records: Counter[tuple[str, ...]]
    fields: Counter[tuple[str, ...]] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    storage: Storage = field(default_factory=Storage)
    rows_kept_in: str | None = None

    def __add__(self, other: Planned) -> Planned:
        """Return the records and fields of both."""
        return Planned(self.records + other.records, self.fields + other.fields)


def keep_plan(run: SyncRun, wiring: Wiring, manifest: Manifest, *, events_to_load: int) -> dict[str, object]:
    """Keep the plan of a dry run, and return what its task's result says of it.

    Staged are frames of ``PLANNED_FIELDS``, which hold values of people; the report holds counts and names of fields.
    """
    settings = wiring.ledger.settings_at(manifest.settings_version).settings
    mappings = wiring.ledger.mappings_at(manifest.mapping_version).mappings
    fields = [*(mapping.target for mapping in payload_mappings(mappings)), PERSON, OWNER]
    people = _planned_people(run, wiring, settings)
    calls = calls_of_people(people, settings)
    planned = _stage_people(run, wiring, people)
    for chunk in range(manifest.chunks):
        events = read_checked_events(run, wiring, chunk)
        links = links_of_chunk(run, wiring, manifest, events, chunk)
        fields = [name for name in fields if name in events]
        told = planned_events(events, links, fields=fields)
        wiring.staging.write_frame(run.run_id, CHECK, chunk_name(_OF_EVENTS, chunk), told)
        planned += Planned(count_records(told), count_fields(told))
        calls += calls_of_events(events, fields=fields, total=events_to_load, settings=settings)
    storage = storage_of(planned.records, people.people)
    return save_plan(
        run, wiring, replace(planned, calls=calls, storage=storage, rows_kept_in=f"{CHECK}/{_PLAN}*")
    )


def save_plan(run: SyncRun, wiring: Wiring, planned: Planned) -> dict[str, object]:
    """Keep the counts of a plan as the run's report, and return what its task's result says of it."""
    reading = _calls_so_far(run, wiring)
    summary = {
        "records": nested(planned.records),
        "fields": nested(planned.fields),
        "api_calls": {"reading": dict(reading), "writing": dict(planned.calls)},
        "storage": {"taken_kilobytes": planned.storage.taken, "freed_kilobytes": planned.storage.freed},
    }
    report = Report(run.run_id, ReportKind.PLAN, run.now, summary, rows_kept_in=planned.rows_kept_in)
    wiring.ledger.save_report(report)
    return {"api_calls_estimated": (reading + planned.calls).total(), "plan_of_run": run.run_id}


def read_plan(ledger: Ledger, run_id: str) -> Report | None:
    """Return the report of a dry run's plan, if one is kept."""
    return ledger.report(run_id, ReportKind.PLAN)


def read_planned_fields(staging: Staging, run_id: str) -> Iterator[pd.DataFrame]:
    """Yield the frames of a plan (contract ``PLANNED_FIELDS``), people first; none once staging has been cleared."""
    names = [name for name in staging.names(run_id, CHECK) if name.startswith(_PLAN)]
    for name in sorted(names, key=lambda name: (name != _OF_PEOPLE, name)):
        yield staging.read_frame(run_id, CHECK, name, PLANNED_FIELDS)


def _planned_people(run: SyncRun, wiring: Wiring, settings: Settings) -> PlannedPeople:
    decisions = read_decisions(run, wiring)
    people = read_needed_people(run, wiring)
    people = people.assign(identities=people["client_id"].map(decisions.set_index("client_id")["identities"]))
    accounts = read_needed_accounts(run, wiring)
    members = wiring.staging.read_frame(run.run_id, CHECK, MEMBERS_NAME, MEMBERS)
    sobjects = members["client_id"].map(decisions.set_index("client_id")["sobject"])
    return PlannedPeople(
        people=people,
        accounts=accounts,
        members=members,
        keys=_keys(run, wiring, people, accounts, namespace=settings.key_namespace),
        members_are_leads=sobjects.eq("Lead"),
    )


def _keys(
    run: SyncRun, wiring: Wiring, people: pd.DataFrame, accounts: pd.DataFrame, *, namespace: str
) -> pd.Series[str]:
    """Return the keys that new people and Accounts will be created with, by their references."""
    import pandas as pd

    new = people[people["operation"] == INSERT]
    rows = pd.concat([keyed_accounts(accounts), keyed_people(new)], ignore_index=True)
    groups = rows[["ref", "identities", "client_id", "sobject"]].rename(columns={"ref": "person_ref"})
    retired = wiring.staging.read_json(run.run_id, MATCH, "retired_claims")
    foreseen = wiring.ledger.foresee_keys(groups, retired=retired, namespace=namespace, now=run.now)
    return foreseen.set_index("person_ref")["claim_key"]


def _stage_people(run: SyncRun, wiring: Wiring, planned: PlannedPeople) -> Planned:
    """Stage what is written about people, their Accounts and memberships, and return what it counts."""
    import pandas as pd

    staging, run_id = wiring.staging, run.run_id
    stored = staging.read_frame(run_id, MATCH, STORED_NAME, STORED_PEOPLE)
    memberships = staging.read_frame(run_id, MATCH, MEMBERSHIPS_NAME, MEMBERSHIPS)
    person_fields = planned.members_are_leads.map({True: "LeadId", False: "ContactId"}).astype(TEXT)
    told = pd.concat(
        [
            planned_accounts(planned.accounts, planned.keys),
            planned_people(planned.people.drop(columns="identities"), planned.keys, stored),
            planned_members(planned.members, memberships, person_fields=person_fields),
        ],
        ignore_index=True,
    )
    staging.write_frame(run_id, CHECK, _OF_PEOPLE, told)
    return Planned(count_records(told), count_fields(told))


def _calls_so_far(run: SyncRun, wiring: Wiring) -> Counter[str]:
    """Return the calls that reading took: a real run of the same input makes them too."""
    made = Counter(wiring.ledger.api_calls(run.run_id))
    if wiring.has_signed_in:
        made += wiring.salesforce.usage.calls
    return made
