"""Merging: the losers go to the recycle bin naming the master, and what pointed at them points at the master.

ConvertedContactId and its like keep naming the loser, so that whoever follows a converted Lead has to follow the
merge as well (unconfirmed which of the two an org does; following both is right either way).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from include.salesforce_emulator.errors import SalesforceFault
from include.salesforce_emulator.ids import normalise_id
from include.salesforce_emulator.lifecycle import ACTIVITIES
from include.salesforce_emulator.rules_campaign import drop_second_memberships
from include.salesforce_emulator.store import DELETED_WITH, Store, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.salesforce_emulator.schema import Schema, SObject

MOST_LOSERS = 2
_LISTED = "(SELECT value FROM json_each(?))"
_KEPT_REFERENCES = frozenset({"MasterRecordId", "ConvertedAccountId", "ConvertedContactId"})


def merge_records(
    store: Store,
    schema: Schema,
    sobject: SObject,
    *,
    master_id: str,
    loser_ids: Sequence[str],
    user_id: str,
    stamp: str,
) -> None:
    """Merge up to two records into the master.

    Raises:
        SalesforceFault: the object cannot be merged, or a record is missing, deleted, repeated or one too many.
    """
    master, losers = _checked(sobject, master_id, loser_ids)
    with store.transaction() as connection:
        _check_present(store, sobject, [master, *losers])
        listed = json.dumps(losers)
        for child, reference in schema.child_references[sobject.name]:
            if reference.name in _KEPT_REFERENCES:
                continue
            column = quote(reference.name)
            connection.execute(
                f"UPDATE {quote(child.name)} SET {column} = ?, SystemModstamp = ? "  # noqa: S608 - schema names
                f"WHERE {column} IN {_LISTED} AND IsDeleted = 0",
                (master, stamp, listed),
            )
        if sobject.name == "Contact":
            _move_accounts(store, master)
        drop_second_memberships(store, master, stamp)
        table = quote(sobject.name)
        connection.execute(
            f"UPDATE {table} SET IsDeleted = 1, MasterRecordId = ?, {DELETED_WITH} = Id, "  # noqa: S608
            f"LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? WHERE Id IN {_LISTED}",
            (master, stamp, user_id, stamp, listed),
        )
        connection.execute(
            f"UPDATE {table} SET LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? WHERE Id = ?",  # noqa: S608
            (stamp, user_id, stamp, master),
        )


def _checked(sobject: SObject, master_id: str, loser_ids: Sequence[str]) -> tuple[str, list[str]]:
    if not sobject.mergeable:
        raise SalesforceFault(400, "INVALID_OPERATION", f"entity type {sobject.name} does not support merge")
    if not 0 < len(loser_ids) <= MOST_LOSERS:
        message = f"A merge takes one or two records to merge into the master, not {len(loser_ids)}."
        raise SalesforceFault(400, "INVALID_ARGUMENT", message)
    ids = [normalise_id(item) for item in (master_id, *loser_ids)]
    known = [item for item in ids if item is not None and item[:3] == sobject.key_prefix]
    if len(known) < len(ids):
        message = f"A merge of {sobject.label_plural} was given an Id of another kind."
        raise SalesforceFault(400, "MALFORMED_ID", message)
    if len(set(known)) < len(known):
        raise SalesforceFault(400, "INVALID_ID_FIELD", "A merge was given the same record twice.")
    return known[0], known[1:]


def _check_present(store: Store, sobject: SObject, ids: Sequence[str]) -> None:
    rows = store.fetch(
        f"SELECT Id FROM {quote(sobject.name)} WHERE IsDeleted = 0 AND Id IN {_LISTED}",  # noqa: S608
        (json.dumps(ids),),
    )
    missing = sorted(set(ids) - {row[0] for row in rows})
    if missing:
        raise SalesforceFault(400, "ENTITY_IS_DELETED", f"entity is deleted: {missing[0]}")


def _move_accounts(store: Store, master: str) -> None:
    with store.transaction() as connection:
        for activity in ACTIVITIES:
            connection.execute(
                f"UPDATE {activity} SET AccountId = (SELECT AccountId FROM Contact WHERE Id = ?1) "  # noqa: S608
                "WHERE WhoId = ?1 AND WhatId IS NULL",
                (master,),
            )
