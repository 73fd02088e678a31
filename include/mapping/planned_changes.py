"""What a run would change in Salesforce, record by record and field by field (rule T6)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from include.frames import CLEAR, NEW_ACCOUNTS, PEOPLE, PLANNED_FIELDS, STORED_PEOPLE, TEXT
from include.mapping.fields import CLIENT_KEY
from include.mapping.members import MEMBER_SOBJECT
from include.mapping.plan import OWNER, PERSON, parse_payloads
from include.reasons import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

EVENT: Final = "Event"
ACCOUNT: Final = "Account"
ACCOUNT_ID: Final = "AccountId"

_RECORD: Final = ["sobject", "operation", "key", "record_id"]
_ACTIONS: Final = (Action.CREATE, Action.UPDATE, Action.DELETE)
_OPERATION_OF: Final = {"insert": Action.CREATE, "update": Action.UPDATE}


def planned_events(events: pd.DataFrame, links: pd.DataFrame, *, fields: Sequence[str]) -> pd.DataFrame:
    """Return what the open pairs ask for (contract ``PLANNED_FIELDS``).

    What was last written is the old value. The ``WhoId`` of a person who is yet to be created is their reference.

    Args:
        events: contract ``EVENTS``, checked.
        links: contract ``EVENT_LINKS`` of these bookings.
        fields: the Salesforce fields that the mappings in force fill, person and owner among them.
    """
    rows = events[events["outcome"].isna() & events["action"].isin([*_ACTIONS])]
    before = links.drop_duplicates("booking_key").set_index("booking_key")
    before = before.reindex(rows["rekeyed_from"].fillna(rows["booking_key"])).set_index(rows.index)
    names = [name for name in fields if name not in {PERSON, OWNER}]
    old = parse_payloads(before["payload"], names).set_axis(rows.index)
    old = old.assign(**{PERSON: before["who_id"], OWNER: before["owner_id"]})[list(fields)]
    awaits_person = rows["desired_who_id"].isna() & rows["action"].ne(Action.DELETE)
    new = rows[list(fields)].assign(**{PERSON: rows[PERSON].mask(awaits_person, rows["person_ref"])})
    told = []
    for action in _ACTIONS:
        records = _records(rows[rows["action"] == action], EVENT, action, key="booking_key", id_="event_id")
        told.append(_told(records, new.loc[records.index], old.loc[records.index]))
    return _joined(told)


def planned_people(people: pd.DataFrame, keys: pd.Series[str], stored: pd.DataFrame) -> pd.DataFrame:
    """Return what people who are to be loaded are written with (contract ``PLANNED_FIELDS``).

    Args:
        people: contract ``PEOPLE``.
        keys: the key of each new person, by ``person_ref``.
        stored: contract ``STORED_PEOPLE``: what the org holds.
    """
    wire = people[[name for name in people if name not in PEOPLE.columns]].astype(TEXT)
    wire = wire.assign(
        **{CLIENT_KEY: people["person_ref"].map(keys).astype(TEXT), ACCOUNT_ID: people["account_ref"]}
    )
    held = stored.drop_duplicates("record_id").set_index("record_id")
    held = held[[name for name in held if name not in STORED_PEOPLE.columns]]
    old = held.reindex(people["record_id"]).set_index(people.index).reindex(columns=list(wire))
    told = []
    for operation, action in _OPERATION_OF.items():
        records = _records(
            people[people["operation"] == operation],
            people["sobject"],
            action,
            key="client_id",
            id_="record_id",
        )
        told.append(_told(records, wire.loc[records.index], old.loc[records.index]))
    return _joined(told)


def planned_accounts(accounts: pd.DataFrame, keys: pd.Series[str]) -> pd.DataFrame:
    """Return what Accounts are created with (contract ``PLANNED_FIELDS``).

    Args:
        accounts: contract ``NEW_ACCOUNTS``.
        keys: the key of each, by ``account_ref``.
    """
    wire = accounts[[name for name in accounts if name not in NEW_ACCOUNTS.columns]].astype(TEXT)
    wire = wire.assign(**{CLIENT_KEY: accounts["account_ref"].map(keys).astype(TEXT)})
    records = _records(
        accounts.assign(record_id=None), ACCOUNT, Action.CREATE, key="account_ref", id_="record_id"
    )
    return _told(records, wire, wire.iloc[:0].reindex(wire.index))


def planned_members(
    members: pd.DataFrame, memberships: pd.DataFrame, *, person_fields: pd.Series[str]
) -> pd.DataFrame:
    """Return which memberships of campaigns are made and changed (contract ``PLANNED_FIELDS``).

    Args:
        members: contract ``MEMBERS``.
        memberships: contract ``MEMBERSHIPS``: what the org holds.
        person_fields: which field of a membership takes the person of each row.
    """
    rows = members.assign(key=members["campaign_id"] + ":" + members["person_ref"])
    now = memberships.drop_duplicates("member_id").set_index("member_id")["member_status"]
    old = pd.DataFrame({"Status": rows["member_id"].map(now).astype(TEXT)}, index=rows.index)
    person = rows["who_id"].fillna(rows["person_ref"])
    whole = pd.DataFrame(
        {
            "CampaignId": rows["campaign_id"],
            **{name: person.where(person_fields.eq(name)) for name in ("LeadId", "ContactId")},
            "Status": rows["member_status"],
        },
        index=rows.index,
    ).astype(TEXT)
    told = []
    for action, names in ((Action.CREATE, list(whole)), (Action.UPDATE, ["Status"])):
        records = _records(rows[rows["action"] == action], MEMBER_SOBJECT, action, key="key", id_="member_id")
        told.append(
            _told(records, whole.loc[records.index, names], old.loc[records.index].reindex(columns=names))
        )
    return _joined(told)


def count_records(planned: pd.DataFrame) -> Counter[tuple[str, ...]]:
    """Return how many records each object and operation concern; ``planned`` follows ``PLANNED_FIELDS``."""
    records = planned.drop_duplicates(_RECORD)
    return _counted(records.groupby(["sobject", "operation"]).size())


def count_fields(planned: pd.DataFrame) -> Counter[tuple[str, ...]]:
    """Return how many records each object, operation and field concern; ``planned`` follows ``PLANNED_FIELDS``."""
    return _counted(planned.dropna(subset=["field"]).groupby(["sobject", "operation", "field"]).size())


def nested(counts: Mapping[tuple[str, ...], int]) -> dict[str, Any]:
    """Return counts by several names as mappings inside each other, in the order of the names."""
    tree: dict[str, Any] = {}
    for names, number in sorted(counts.items()):
        branch = tree
        for name in names[:-1]:
            branch = branch.setdefault(name, {})
        branch[names[-1]] = number
    return tree


def _records(
    rows: pd.DataFrame, sobject: str | pd.Series[str], action: Action, *, key: str, id_: str
) -> pd.DataFrame:
    """Return what names each record, with the index of ``rows``: all columns of ``PLANNED_FIELDS`` before the field."""
    named = {"operation": str(action), "key": rows[key], "record_id": rows[id_]}
    return pd.DataFrame({"sobject": sobject, **named}, index=rows.index).astype(TEXT)


def _told(records: pd.DataFrame, new: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """Return one row per field that is sent, or that goes with a record that is deleted."""
    is_delete = records["operation"].eq(Action.DELETE)
    pieces = []
    for name in new.columns:
        before = old[name].astype(TEXT) if name in old else pd.Series(index=new.index, dtype=TEXT)
        is_told = new[name].notna().where(~is_delete, before.notna())
        after = new[name].mask(is_delete | new[name].eq(CLEAR))
        pieces.append(records.assign(field=name, old=before, new=after)[is_told])
    told = pd.concat([records.iloc[:0], *pieces])
    silent = records[~records.index.isin(told.index)].assign(field=None, old=None, new=None)
    both = pd.concat([told, silent]).sort_index(kind="stable")
    return PLANNED_FIELDS.conform(both)


def _joined(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    return PLANNED_FIELDS.conform(pd.concat([PLANNED_FIELDS.empty(), *frames], ignore_index=True))


def _counted(sizes: pd.Series[int]) -> Counter[tuple[str, ...]]:
    names = sizes.index.to_frame().itertuples(index=False, name=None)
    return Counter(dict(zip(names, sizes.tolist(), strict=True)))
