"""Merging: the losers go to the recycle bin naming the master, and what pointed at them points at the master.

Rules of merge() [SOAP API guide]: up to three records of one object, people with people; the request may carry new
values of the master; a cycle among parents is an error. A converted Lead may lose but not win [help article
005123891]. A Person Account takes its Contact along on both sides, and its Contact cannot be merged by itself.

ConvertedContactId and its like keep naming the loser, so that whoever follows a converted Lead has to follow the
merge as well (unconfirmed which of the two an org does; following both is right either way).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.ids import normalise_id
from include.salesforce_emulator.engine.lifecycle import ACTIVITIES
from include.salesforce_emulator.engine.reading import read_records
from include.salesforce_emulator.engine.rules.campaign import drop_second_memberships
from include.salesforce_emulator.engine.rules.person_account import PERSON_CONTACT
from include.salesforce_emulator.engine.store import DELETED_WITH, Store, quote
from include.salesforce_emulator.engine.writes import Operation, WriteOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from include.salesforce_emulator.engine.access import Access
    from include.salesforce_emulator.engine.records import RecordWriter
    from include.salesforce_emulator.engine.schema import Field, Schema, SObject

MOST_LOSERS = 2
_LISTED = "(SELECT value FROM json_each(?))"
_KEPT_REFERENCES = frozenset(
    {
        "MasterRecordId",
        "ConvertedAccountId",
        "ConvertedContactId",
        "ConvertedOpportunityId",
        "PersonContactId",
    }
)


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What merge() answers: the master, the losers, and the records that point at the master now."""

    id: str
    merged_record_ids: tuple[str, ...]
    updated_related_ids: tuple[str, ...]


class Merging:
    """Merges records of one org in the name of one user, at one instant."""

    def __init__(
        self, schema: Schema, store: Store, writer: RecordWriter, *, user_id: str, stamp: str
    ) -> None:
        self._schema = schema
        self._store = store
        self._writer = writer
        self._user_id = user_id
        self._stamp = stamp

    def merge(
        self,
        sobject: SObject,
        master_id: str,
        loser_ids: Sequence[str],
        *,
        fields: Mapping[str, Any] | None,
        access: Access | None,
    ) -> MergeResult:
        """Merge up to two records into the master, then give it the `fields` as an update would.

        Raises:
            SalesforceFault: the object cannot be merged, a record is missing, deleted, repeated or one too many, the
                records do not go together, or the update is refused. Nothing has changed then.
        """
        master, losers = _checked(sobject, master_id, loser_ids)
        with self._store.transaction():
            records = self._present(sobject, [master, *losers])
            _check_kinds(sobject, records[master], [records[loser] for loser in losers])
            related: list[str] = []
            if records[master].get("IsPersonAccount"):
                contacts = {str(records[loser]["PersonContactId"]): loser for loser in losers}
                related += self._absorb(
                    self._schema.get("Contact"), str(records[master]["PersonContactId"]), contacts
                )
            related += self._absorb(sobject, master, {loser: loser for loser in losers})
            self._check_no_cycle(sobject, master)
            self._update(sobject, master, fields or {}, access)
        return MergeResult(master, tuple(losers), tuple(dict.fromkeys(related)))

    def _present(self, sobject: SObject, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        records = read_records(self._store, sobject, ids)
        missing = [item for item in ids if item not in records or records[item]["IsDeleted"]]
        if missing:
            raise SalesforceFault(400, "ENTITY_IS_DELETED", f"entity is deleted: {missing[0]}")
        return records

    def _absorb(self, sobject: SObject, master: str, losers: Mapping[str, str]) -> list[str]:
        """Delete losers (by Id, with the Id of the record that takes them along) and re-parent their children."""
        table = quote(sobject.name)
        audit = (self._stamp, self._user_id, self._stamp)
        with self._store.transaction() as connection:
            connection.executemany(
                f"UPDATE {table} SET IsDeleted = 1, MasterRecordId = ?, {DELETED_WITH} = ?, "  # noqa: S608
                "LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? WHERE Id = ?",
                [(master, root, *audit, loser) for loser, root in losers.items()],
            )
            connection.execute(
                f"UPDATE {table} SET LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? WHERE Id = ?",  # noqa: S608
                (*audit, master),
            )
        related = [
            moved
            for child, reference in self._schema.child_references[sobject.name]
            if reference.name not in _KEPT_REFERENCES
            for moved in self._reparent(child, reference, master, json.dumps(list(losers)))
        ]
        if sobject.name == "Contact":
            self._move_accounts(master)
        drop_second_memberships(self._store, master, self._stamp)
        return related

    def _reparent(self, child: SObject, reference: Field, master: str, losers: str) -> Iterator[str]:
        column = quote(reference.name)
        where = f"WHERE {column} IN {_LISTED} AND IsDeleted = 0"
        rows = self._store.fetch(f"SELECT Id FROM {quote(child.name)} {where}", (losers,))  # noqa: S608
        with self._store.transaction() as connection:
            connection.execute(
                f"UPDATE {quote(child.name)} SET {column} = ?, SystemModstamp = ? {where}",  # noqa: S608
                (master, self._stamp, losers),
            )
        return (str(row[0]) for row in rows)

    def _move_accounts(self, master: str) -> None:
        with self._store.transaction() as connection:
            for activity in ACTIVITIES:
                connection.execute(
                    f"UPDATE {activity} SET AccountId = (SELECT AccountId FROM Contact WHERE Id = ?1) "  # noqa: S608
                    "WHERE WhoId = ?1 AND WhatId IS NULL",
                    (master,),
                )

    def _check_no_cycle(self, sobject: SObject, master: str) -> None:
        parents = [item for item in sobject.references if item.reference_to == (sobject.name,)]
        for parent in parents:
            if parent.name in _KEPT_REFERENCES:
                continue
            sql = f"SELECT {quote(parent.name)} FROM {quote(sobject.name)} WHERE Id = ?"  # noqa: S608
            seen: set[str] = set()
            above: str | None = master
            while above is not None and above not in seen:
                seen.add(above)
                rows = self._store.fetch(sql, (above,))
                above = rows[0][0] if rows else None
            if above == master:
                message = f"{parent.label}: the merge would make a record its own parent"
                raise SalesforceFault(400, "CIRCULAR_DEPENDENCY", message, (parent.name,))

    def _update(
        self, sobject: SObject, master: str, fields: Mapping[str, Any], access: Access | None
    ) -> None:
        if not fields:
            return
        options = WriteOptions(user_id=self._user_id, run_rules=False, auto_assign=False)
        rows = [{**{name: value for name, value in fields.items() if name.lower() != "id"}, "Id": master}]
        (result,) = self._writer.write(
            Operation.UPDATE, sobject, rows, external_id=None, options=options, access=access
        )
        if result.errors:
            error = result.errors[0]
            raise SalesforceFault(400, error.code, error.message, error.fields)


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


def _check_kinds(sobject: SObject, master: Mapping[str, Any], losers: Sequence[Mapping[str, Any]]) -> None:
    """Refuse records that do not go together: a converted master, person Contacts, people with businesses."""
    if master.get("IsConverted"):
        raise SalesforceFault(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    people = {bool(record.get("IsPersonAccount")) for record in (master, *losers)}
    if sobject.name == "Contact" and True in people:
        raise SalesforceFault(400, *PERSON_CONTACT)
    if len(people) > 1:
        message = (
            "A person account merges with person accounts only, a business account with business accounts."
        )
        raise SalesforceFault(400, PERSON_CONTACT[0], message)
