"""Person Accounts: an Account and the one Contact behind it, written through the Account only.

The Contact is there so that activities and campaigns can name the person; it is kept equal to the Account. "cannot
reference person contact" is how public logs show the refusal to write it. A record type cannot turn a business into a
person here; Salesforce can, under conditions ("Cannot specify any additional fields when marrying or separating a
Person-Account"). Where no public wording was found the sentence is ours.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.drafts import Draft
from include.salesforce_emulator.engine.features import SHARED, person_fields
from include.salesforce_emulator.engine.ids import make_ids
from include.salesforce_emulator.engine.reading import check_unique
from include.salesforce_emulator.engine.store import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.salesforce_emulator.engine.drafts import Batch

PERSON_CONTACT = ("INVALID_PERSON_ACCOUNT_OPERATION", "cannot reference person contact")
_READ_ONLY = "INVALID_FIELD_FOR_INSERT_UPDATE"
_AUDIT = ("LastModifiedDate", "LastModifiedById", "SystemModstamp")


def settle_person_accounts(batch: Batch) -> None:
    """Tell people from businesses, derive a person's name, and refuse the fields of the other kind."""
    if batch.sobject.field("IsPersonAccount") is None:
        return
    person_types = {row[0] for row in batch.store.fetch("SELECT Id FROM RecordType WHERE IsPersonType = 1")}
    fields = person_fields(batch.schema)
    for draft in batch.accepted():
        is_person = draft.after("RecordTypeId") in person_types
        if draft.before is not None and bool(draft.before["IsPersonAccount"]) != is_person:
            _refuse_change_of_kind(draft)
        elif is_person:
            _settle_person(draft)
        else:
            _refuse_person_fields(draft, fields)
    people = [draft for draft in batch.accepted() if draft.after("IsPersonAccount")]
    _check_contacts(batch, people, fields)
    new = [draft for draft in people if draft.is_new and draft.error is None]
    contact = batch.schema.get("Contact")
    ids = make_ids(contact.key_prefix, batch.store.reserve_numbers(contact.name, len(new)), len(new))
    for draft, contact_id in zip(new, ids, strict=True):
        draft.values["PersonContactId"] = contact_id


def _refuse_change_of_kind(draft: Draft) -> None:
    if set(draft.values) - {"RecordTypeId"}:
        message = "Cannot specify any additional fields when marrying or separating a Person-Account"
    else:
        message = "The local org does not turn a business account into a person account, nor the other way."
    draft.refuse(_READ_ONLY, message, "RecordTypeId")


def _settle_person(draft: Draft) -> None:
    not_of_people = [name for name in ("Name", "ParentId") if draft.values.get(name) is not None]
    if "Name" in draft.values and "Name" not in not_of_people:
        not_of_people.insert(0, "Name")
    if not_of_people:
        message = (
            f"Unable to create/update fields: {', '.join(not_of_people)}. Please check the security settings of "
            "this field and verify that it is read/write for your profile or permission set."
        )
        draft.refuse(_READ_ONLY, message, *not_of_people)
        return
    if draft.after("LastName") is None:
        draft.refuse("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName")
        return
    if draft.is_new:
        draft.values["IsPersonAccount"] = 1
    if draft.is_new or "FirstName" in draft.values or "LastName" in draft.values:
        parts = (draft.after("FirstName"), draft.after("LastName"))
        draft.values["Name"] = " ".join(str(part) for part in parts if part)


def _refuse_person_fields(draft: Draft, fields: Mapping[str, str]) -> None:
    given = [name for name, value in draft.values.items() if value and name in fields and name not in SHARED]
    if given:
        message = f"Account: bad field names on insert/update call: {', '.join(given)}"
        draft.refuse(_READ_ONLY, message, *given)


def _check_contacts(batch: Batch, people: list[Draft], fields: Mapping[str, str]) -> None:
    """Refuse people whose Contact would hold a unique value that another Contact holds."""
    contact = batch.schema.get("Contact")
    if not contact.unique_fields or not people:
        return
    shadows = [_shadow(draft, fields) for draft in people]
    check_unique(replace(batch, sobject=contact, drafts=shadows), None)
    for draft, shadow in zip(people, shadows, strict=True):
        if shadow.error is not None:
            draft.refuse(shadow.error.code, shadow.error.message)


def _shadow(draft: Draft, fields: Mapping[str, str]) -> Draft:
    before = draft.before
    values = {theirs: draft.values[mine] for mine, theirs in fields.items() if mine in draft.values}
    if before is None:
        return Draft(values)
    known = {theirs: before[mine] for mine, theirs in fields.items()}
    return Draft(values, id=before["PersonContactId"], before=known)


def keep_person_contacts(batch: Batch) -> None:
    """Make the Contact of each Person Account written, or make it equal to the Account again."""
    if batch.sobject.field("IsPersonAccount") is None:
        return
    fields = {**person_fields(batch.schema), "Name": "Name"}
    people = [draft for draft in batch.accepted() if draft.after("IsPersonAccount")]
    _insert_contacts(batch, [draft for draft in people if draft.is_new], fields)
    _update_contacts(batch, [draft for draft in people if not draft.is_new], fields)


def _insert_contacts(batch: Batch, people: list[Draft], fields: Mapping[str, str]) -> None:
    if not people:
        return
    user = batch.options.user_id
    audit = {"CreatedDate": batch.stamp, "CreatedById": user} | dict(
        zip(_AUDIT, (batch.stamp, user, batch.stamp), strict=True)
    )
    defaults: dict[str, Any] = {name: default for name, default, _ in batch.schema.get("Contact").defaults}
    rows = [
        defaults
        | {theirs: draft.after(mine) for mine, theirs in fields.items()}
        | {"Id": draft.after("PersonContactId"), "AccountId": draft.id, "IsPersonAccount": 1}
        | audit
        for draft in people
    ]
    names = tuple(rows[0])
    sql = (
        f"INSERT INTO Contact ({', '.join(map(quote, names))}) "  # noqa: S608 - names of the schema
        f"VALUES ({', '.join('?' * len(names))})"
    )
    with batch.store.transaction() as connection:
        connection.executemany(sql, [tuple(row[name] for name in names) for row in rows])


def _update_contacts(batch: Batch, people: list[Draft], fields: Mapping[str, str]) -> None:
    settings = ", ".join(f"{quote(name)} = ?" for name in (*fields.values(), *_AUDIT))
    audit = (batch.stamp, batch.options.user_id, batch.stamp)
    with batch.store.transaction() as connection:
        connection.executemany(
            f"UPDATE Contact SET {settings} WHERE Id = ?",  # noqa: S608 - names of the schema
            [
                (*(draft.after(mine) for mine in fields), *audit, draft.after("PersonContactId"))
                for draft in people
            ],
        )


def check_person_contacts(batch: Batch) -> None:
    """Refuse to write the Contact of a Person Account, or to put another Contact under one."""
    if batch.sobject.field("IsPersonAccount") is None:
        return
    for draft in batch.accepted():
        if draft.before is not None and draft.before["IsPersonAccount"]:
            draft.refuse(*PERSON_CONTACT)
    wanted = sorted(
        {str(draft.values["AccountId"]) for draft in batch.accepted() if draft.values.get("AccountId")}
    )
    if not wanted:
        return
    rows = batch.store.fetch(
        "SELECT Id FROM Account WHERE IsPersonAccount = 1 AND Id IN (SELECT value FROM json_each(?))",
        (json.dumps(wanted),),
    )
    people = {row[0] for row in rows}
    for draft in batch.accepted():
        if draft.values.get("AccountId") in people:
            message = "Account ID: a person account has one contact only, its own"
            draft.refuse(PERSON_CONTACT[0], message, "AccountId")
