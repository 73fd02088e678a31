"""The recycle bin: what a deletion takes along, what undeleting brings back, and what is gone for good.

Deleting a person deletes their campaign memberships and the activities that concern nobody and nothing else; an
activity that also concerns a surviving record stays and loses only the link. Deleting an Account takes its Contacts
along, and deleting the master of a master-detail relationship its details. The Contact of a Person Account goes and
comes with the Account only. (General knowledge of the platform; no public page states it whole.)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.deletion_log import log_hard_deletions
from include.salesforce_emulator.engine.errors import RowError
from include.salesforce_emulator.engine.store import DELETED_WITH, Store, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from include.salesforce_emulator.engine.schema import Schema, SObject

CASCADES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Account": (("Contact", "AccountId"), ("Opportunity", "AccountId")),
    "Contact": (("CampaignMember", "ContactId"),),
    "Lead": (("CampaignMember", "LeadId"),),
    "Campaign": (("CampaignMember", "CampaignId"), ("CampaignMemberStatus", "CampaignId")),
}
ACTIVITIES = ("Event", "Task")
_LISTED = "(SELECT value FROM json_each(?))"

Family = dict[str, dict[str, str]]
"""By object: the Ids that go together, and for each the Id of the record whose deletion takes it along."""


class Recycling:
    """Deletes and undeletes records in the name of one user, at one instant; call it within a transaction."""

    def __init__(self, schema: Schema, store: Store, user_id: str, stamp: str) -> None:
        self._schema = schema
        self._store = store
        self._user_id = user_id
        self._stamp = stamp

    def delete(self, sobject: SObject, ids: Sequence[str]) -> dict[str, RowError]:
        """Move records and what belongs to them to the recycle bin; return the errors by Id."""
        states = self._states(sobject, ids)
        errors = {
            item: RowError("ENTITY_IS_DELETED", "entity is deleted")
            if item in states
            else RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            for item in ids
            if states.get(item) != 0
        } | self._person_contacts(sobject, ids)
        family = self._family(sobject, [item for item in ids if item not in errors])
        for name, members in family.items():
            rows = [(root, self._stamp, self._user_id, self._stamp, item) for item, root in members.items()]
            self._execute_many(
                f"UPDATE {quote(name)} SET IsDeleted = 1, {DELETED_WITH} = ?, "  # noqa: S608 - schema names
                "LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? WHERE Id = ? AND IsDeleted = 0",
                rows,
            )
        return errors

    def hard_delete(self, sobject: SObject, ids: Sequence[str]) -> dict[str, RowError]:
        """Remove records, and what belongs to them, past the recycle bin; return the errors by Id."""
        states = self._states(sobject, ids)
        errors = {
            item: RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            for item in ids
            if item not in states
        } | self._person_contacts(sobject, ids)
        family = self._family(sobject, [item for item in ids if item not in errors])
        for name, members in family.items():
            self._execute_many(
                f"DELETE FROM {quote(name)} WHERE Id = ?",  # noqa: S608 - a name of the schema
                [(item,) for item in members],
            )
            with self._store.transaction() as connection:
                log_hard_deletions(connection, name, members, self._stamp)
        return errors

    def undelete(self, sobject: SObject, ids: Sequence[str]) -> dict[str, RowError]:
        """Bring records, and what their deletion took along, back from the recycle bin; return the errors by Id."""
        states = self._states(sobject, ids)
        errors = self._person_contacts(sobject, ids)
        for item in dict.fromkeys(ids):
            if item in errors:
                continue
            if item not in states:
                errors[item] = RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            elif not states[item]:
                errors[item] = RowError("UNDELETE_FAILED", "Entity is not in the recycle bin")
            else:
                holder = self._holder_of_unique_value(item)
                if holder is not None:
                    message = (
                        f"duplicate value found: {holder[0]} duplicates value on record with id: {holder[1]}"
                    )
                    errors[item] = RowError("DUPLICATE_VALUE", message)
                else:
                    self._restore(item)
        return errors

    def _restore(self, root: str) -> None:
        for sobject in self._schema.objects:
            cleared = ", MasterRecordId = NULL" if sobject.field("MasterRecordId") else ""
            self._execute_many(
                f"UPDATE {quote(sobject.name)} SET IsDeleted = 0, {DELETED_WITH} = NULL{cleared}, "  # noqa: S608
                "LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? "
                f"WHERE IsDeleted = 1 AND {DELETED_WITH} = ?",
                [(self._stamp, self._user_id, self._stamp, root)],
            )

    def _holder_of_unique_value(self, root: str) -> tuple[str, str] | None:
        """Return the field and the Id of a record that took over a unique value of what the root's deletion took."""
        for sobject in self._schema.objects:
            for field in sobject.unique_fields:
                column, table = quote(field.name), quote(sobject.name)
                rows = self._store.fetch(
                    f"SELECT other.Id FROM {table} AS own JOIN {table} AS other "  # noqa: S608 - schema names
                    f"ON other.{column} = own.{column} AND other.IsDeleted = 0 "
                    f"WHERE own.IsDeleted = 1 AND own.{DELETED_WITH} = ?",
                    (root,),
                )
                if rows:
                    return field.name, rows[0][0]
        return None

    def _person_contacts(self, sobject: SObject, ids: Sequence[str]) -> dict[str, RowError]:
        """Return the refusals of those records that are the Contacts of Person Accounts."""
        if sobject.name != "Contact" or sobject.field("IsPersonAccount") is None:
            return {}
        rows = self._store.fetch(
            f"SELECT Id FROM Contact WHERE IsPersonAccount = 1 AND Id IN {_LISTED}",  # noqa: S608
            (json.dumps(list(ids)),),
        )
        refusal = RowError("INVALID_PERSON_ACCOUNT_OPERATION", "cannot reference person contact")
        return {row[0]: refusal for row in rows}

    def _states(self, sobject: SObject, ids: Sequence[str]) -> dict[str, int]:
        rows = self._store.fetch(
            f"SELECT Id, IsDeleted FROM {quote(sobject.name)} WHERE Id IN {_LISTED}",  # noqa: S608
            (json.dumps(list(ids)),),
        )
        return dict(rows)

    def _family(self, sobject: SObject, ids: Sequence[str]) -> Family:
        """Return the records themselves and all that go along with them; clear links of those that stay."""
        family: Family = {sobject.name: {item: item for item in ids}}
        pending = [sobject.name] if ids else []
        while pending:
            parent = pending.pop()
            for child, column in self._taken_along(parent):
                found = self._children(child, column, family[parent])
                family.setdefault(child, {}).update(found)
                if found:
                    pending.append(child)
        if ids and sobject.name not in ACTIVITIES:
            roots = {item: root for members in family.values() for item, root in members.items()}
            for activity in ACTIVITIES:
                family[activity] = self._activities(activity, roots)
        return family

    def _taken_along(self, parent: str) -> Iterator[tuple[str, str]]:
        yield from CASCADES.get(parent, ())
        for child, reference in self._schema.child_references[parent]:
            if reference.cascade_delete:
                yield child.name, reference.name

    def _children(self, child: str, column: str, parents: Mapping[str, str]) -> dict[str, str]:
        # The membership of a converted Lead belongs to its Contact from then on.
        still_own = " AND ContactId IS NULL" if (child, column) == ("CampaignMember", "LeadId") else ""
        parent_id = quote(column)
        rows = self._store.fetch(
            f"SELECT Id, {parent_id} FROM {quote(child)} "  # noqa: S608 - names of the schema
            f"WHERE {parent_id} IN {_LISTED} AND IsDeleted = 0{still_own}",
            (json.dumps(list(parents)),),
        )
        return {record_id: parents[parent] for record_id, parent in rows}

    def _activities(self, activity: str, roots: Mapping[str, str]) -> dict[str, str]:
        rows = self._store.fetch(
            f"SELECT Id, WhoId, WhatId FROM {quote(activity)} "  # noqa: S608 - a name of the schema
            f"WHERE IsDeleted = 0 AND (WhoId IN {_LISTED} OR WhatId IN {_LISTED})",
            (json.dumps(list(roots)),) * 2,
        )
        gone: dict[str, str] = {}
        for record_id, who_id, what_id in rows:
            others = [item for item in (who_id, what_id) if item and item not in roots]
            if not others:
                gone[record_id] = roots.get(what_id) or roots[who_id]
                continue
            column = "WhatId" if what_id in roots else "WhoId"
            account = ", AccountId = NULL" if column == "WhatId" else ""
            self._execute_many(
                f"UPDATE {quote(activity)} SET {column} = NULL{account}, SystemModstamp = ? WHERE Id = ?",  # noqa: S608
                [(self._stamp, record_id)],
            )
        return gone

    def _execute_many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        with self._store.transaction() as connection:
            connection.executemany(sql, rows)
