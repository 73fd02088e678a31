"""How many API calls and how much storage the loading of a run will take (rules T6, Q8).

The loads are made, given an API and cut into parts by the very functions that the loading stages call; here they are
counted instead of sent. Not foreseen are calls that Salesforce's answers ask for: further looks at a job that runs,
rows that meet a lock, records that a duplicate rule found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.mapping.fields import CLIENT_KEY
from include.mapping.person_drafts import INSERT
from include.pipeline.account_loader import ACCOUNT, LOAD_ACCOUNTS, keyed_accounts
from include.pipeline.artifacts import LOAD_PEOPLE
from include.pipeline.assignment_rules import wants_assignment_rule
from include.pipeline.event_loads import SENT_AS, event_load
from include.pipeline.keyed_inserts import keyed_load
from include.pipeline.load_members import FIELD_OF_PREFIX, member_load
from include.pipeline.loading import choose_api
from include.pipeline.person_inserts import ACCOUNT_ID, insert_chunks, keyed_people
from include.pipeline.person_updates import update_load
from include.reasons import Action
from include.salesforce.bulk_csv import bulk_parts
from include.salesforce.bulk_ingest import CALLS_PER_JOB
from include.salesforce.collections import parts
from include.salesforce.storage import kilobytes
from include.salesforce.usage import CallKind
from include.settings.model import LoadApi

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from include.pipeline.loading import Load
    from include.settings.model import Settings

_ID_LENGTH: Final = 18


@dataclass(frozen=True, slots=True)
class PlannedPeople:
    """Who is loaded: contracts ``PEOPLE`` (with ``identities``), ``NEW_ACCOUNTS`` and ``MEMBERS``, and the new keys.

    ``keys`` are indexed by ``person_ref`` and ``account_ref``; ``members_are_leads`` tells what the members without an
    Id will be.
    """

    people: pd.DataFrame
    accounts: pd.DataFrame
    members: pd.DataFrame
    keys: pd.Series[str]
    members_are_leads: pd.Series[bool]


@dataclass(frozen=True, slots=True)
class Storage:
    """Kilobytes of the org's data storage."""

    taken: int = 0
    freed: int = 0


def calls_of_people(planned: PlannedPeople, settings: Settings) -> Counter[str]:
    """Return the calls of ``load_people``, by kind."""
    is_new = planned.people["operation"].eq(INSERT)
    queries = 0
    inserts = list(_inserts(planned.people[is_new], planned, settings))
    if wants_assignment_rule(settings) and is_new.any():
        queries += 1
    # A Person Account's Contact is read once the Account is there: one query for what each call or file answers.
    queries += sum(_answers(load) for load in inserts if load.sobject == ACCOUNT)
    loads = [
        *_accounts(planned, settings),
        *inserts,
        *_updates(planned.people[~is_new], settings),
        *_members(planned, settings),
    ]
    return _calls_of_task(loads, queries=queries)


def calls_of_events(
    events: pd.DataFrame, *, fields: Sequence[str], total: int, settings: Settings
) -> Counter[str]:
    """Return the calls of ``load_events`` for one chunk, by kind.

    Args:
        events: contract ``EVENTS``, checked.
        fields: the Salesforce fields that the mappings in force fill.
        total: Events that the whole run loads.
        settings: the settings in force.
    """
    api = choose_api(settings.load_api, total)
    is_open = events["outcome"].isna()
    loads = [
        event_load(action, events[is_open & events["action"].eq(action)], fields=fields, api=api, chunk=0)
        for action in SENT_AS
    ]
    # Deletions that lack an Id are looked up by their key first.
    unknown = is_open & events["action"].eq(Action.DELETE) & events["event_id"].isna()
    return _calls_of_task(loads, queries=len(parts(int(unknown.sum()))))


def storage_of(records: Counter[tuple[str, ...]], people: pd.DataFrame) -> Storage:
    """Return what a run's creations take and its deletions free.

    Args:
        records: counts by object and operation.
        people: contract ``PEOPLE``: which of the new Accounts are Person Accounts.
    """
    are_persons = int((people["operation"].eq(INSERT) & people["sobject"].eq(ACCOUNT)).sum())
    taken = freed = 0
    for (sobject, operation), number in records.items():
        if operation == Action.CREATE:
            taken += kilobytes(sobject, number)
        elif operation == Action.DELETE:
            freed += kilobytes(sobject, number)
    taken += kilobytes(ACCOUNT, are_persons, are_person_accounts=True) - kilobytes(ACCOUNT, are_persons)
    return Storage(taken, freed)


def _inserts(people: pd.DataFrame, planned: PlannedPeople, settings: Settings) -> Iterator[Load]:
    for sobject, rows in people.groupby("sobject"):
        placed = rows.assign(**{ACCOUNT_ID: rows["account_ref"]}) if sobject == "Contact" else rows
        keyed = keyed_people(placed)
        for chunk in insert_chunks(keyed):
            with_keys = chunk.assign(**{CLIENT_KEY: chunk["ref"].map(planned.keys)})
            yield keyed_load(with_keys, settings=settings, step=LOAD_PEOPLE, total=len(keyed))


def _accounts(planned: PlannedPeople, settings: Settings) -> Iterator[Load]:
    if planned.accounts.empty:
        return
    keyed = keyed_accounts(planned.accounts)
    with_keys = keyed.assign(**{CLIENT_KEY: keyed["ref"].map(planned.keys)})
    yield keyed_load(with_keys, settings=settings, step=LOAD_ACCOUNTS, total=len(keyed))


def _updates(people: pd.DataFrame, settings: Settings) -> Iterator[Load]:
    for _, rows in people.assign(Id=people["record_id"]).groupby("sobject"):
        yield update_load(rows.reset_index(drop=True), settings=settings, total=len(rows))


def _members(planned: PlannedPeople, settings: Settings) -> Iterator[Load]:
    """Yield the loads of memberships, with Ids that nobody has in the place of those that are not known yet."""
    prefix_of = {name: prefix for prefix, name in FIELD_OF_PREFIX.items()}
    unknown = planned.members_are_leads.map({True: prefix_of["LeadId"], False: prefix_of["ContactId"]})
    who = planned.members["who_id"].fillna(unknown.str.pad(_ID_LENGTH, side="right", fillchar="0"))
    members = planned.members.assign(who_id=who)
    for action in (Action.CREATE, Action.UPDATE):
        yield member_load(action, members[members["action"] == action], settings=settings)


def _calls_of_task(loads: Iterable[Load], *, queries: int) -> Counter[str]:
    """Return the calls of a task, which signs in, and describes each object once, only where it has to."""
    calls: Counter[str] = Counter()
    described: set[str] = set()
    for load in loads:
        if load.rows.empty:
            continue
        if load.api is LoadApi.BULK:
            calls[CallKind.BULK_INGEST] += CALLS_PER_JOB * sum(
                1 for _ in bulk_parts(load.rows_in_order, load.columns)
            )
        else:
            calls[CallKind.COLLECTIONS] += len(parts(len(load.rows)))
            described.add(load.sobject)
    calls[CallKind.DESCRIBE] += len(described)
    calls[CallKind.QUERY] += queries
    calls[CallKind.LOGIN] += int(calls.total() > 0)
    return +calls


def _answers(load: Load) -> int:
    """Return in how many frames the answers to a load come, each of which is looked up by itself."""
    if load.api is LoadApi.BULK:
        return sum(1 for _ in bulk_parts(load.rows_in_order, load.columns))
    return len(parts(len(load.rows)))
