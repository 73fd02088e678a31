"""Record types: the rows of RecordType that the setup asks for, which records may have them, and the ones given.

A record without one has the master record type, whose Id reads as null. A profile names two defaults for Account, one
for businesses and one for people; here the setup does, with `default`. Without any in the setup, an org with Person
Accounts has the one that Salesforce ships: `PersonAccount` [API guide, "Person Account Record Types"].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.ids import make_id
from include.salesforce_emulator.engine.org_setup import RecordTypeSetup
from include.salesforce_emulator.engine.store import Store, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.salesforce_emulator.engine.drafts import Batch
    from include.salesforce_emulator.engine.org_setup import OrgSetup
    from include.salesforce_emulator.engine.schema import Schema

_WITHOUT = frozenset(
    {"CampaignMemberStatus", "Organization", "Profile", "RecordType", "User"}
)  # Salesforce has record types for none of these.
_FIRST_PERSON_TYPE = RecordTypeSetup(
    sobject="Account", developer_name="PersonAccount", name="Person Account", person=True, default=True
)


@dataclass(frozen=True, slots=True)
class RecordType:
    """One record type of the org, with the Id that it keeps for good."""

    id: str
    sobject: str
    developer_name: str
    name: str
    is_active: bool
    is_person: bool
    is_default: bool


def asked_for(setup: OrgSetup) -> tuple[RecordTypeSetup, ...]:
    """Return the record types the setup asks for, the one that comes with Person Accounts among them."""
    if setup.person_accounts and not any(item.person for item in setup.record_types):
        return (*setup.record_types, _FIRST_PERSON_TYPE)
    return setup.record_types


def check_record_types(setup: OrgSetup, schema: Schema) -> None:
    """Refuse record types that no org could have.

    Raises:
        SalesforceFault: of an object that is not there or takes none, a person type where there are no Person
            Accounts, two of one name, or two defaults.
    """
    names: set[tuple[str, str]] = set()
    defaults: set[tuple[str, bool]] = set()
    for item in asked_for(setup):
        shown = f"The record type {item.developer_name} of {item.sobject}"
        sobject = schema.find(item.sobject)
        if sobject is None or sobject.name in _WITHOUT:
            raise _refuse(f"{shown} is of an object that has no record types; name one such as Account.")
        if item.person and not (setup.person_accounts and sobject.name == "Account"):
            raise _refuse(f"{shown} is a person one; that takes Account, and person_accounts switched on.")
        name = (sobject.name, item.developer_name.lower())
        if name in names:
            raise _refuse(f"{shown} is there twice; name it once.")
        names.add(name)
        if item.default and not item.active:
            raise _refuse(f"{shown} is the default but not active; make it active or another the default.")
        if item.default and (sobject.name, item.person) in defaults:
            raise _refuse(f"{shown} is a second default; leave one.")
        if item.default:
            defaults.add((sobject.name, item.person))


def store_record_types(
    store: Store, schema: Schema, setup: OrgSetup, *, user_id: str, stamp: str
) -> tuple[RecordType, ...]:
    """Make the rows of RecordType those of the setup; a record type once made keeps its Id.

    Raises:
        SalesforceFault: a record has a record type that the setup leaves out.
    """
    with store.transaction() as connection:
        made = tuple(_with_id(store, schema, item) for item in asked_for(setup))
        kept = {item.id for item in made}
        for record_id, sobject, name in store.fetch("SELECT Id, SobjectType, DeveloperName FROM RecordType"):
            if record_id not in kept:
                _check_unused(store, schema, sobject, name, record_id)
                connection.execute("DELETE FROM RecordType WHERE Id = ?", (record_id,))
        for item in made:
            _store(store, item, user_id=user_id, stamp=stamp, with_person=setup.person_accounts)
    return made


def _with_id(store: Store, schema: Schema, item: RecordTypeSetup) -> RecordType:
    sobject = schema.get(item.sobject).name
    fact = f"record_type_id:{sobject}.{item.developer_name.lower()}"
    known = store.fact(fact)
    if known is None:
        target = schema.get("RecordType")
        known = make_id(target.key_prefix, store.reserve_numbers(target.name, 1))
        store.keep_fact(fact, known)
    return RecordType(
        known, sobject, item.developer_name, item.name, item.active, item.person, is_default=item.default
    )


def _check_unused(store: Store, schema: Schema, owner: str, name: str, record_id: str) -> None:
    sobject = schema.find(owner)
    if sobject is None or not _has_column(store, sobject.name):
        return
    sql = f"SELECT 1 FROM {quote(sobject.name)} WHERE RecordTypeId = ? LIMIT 1"  # noqa: S608 - a schema name
    if store.fetch(sql, (record_id,)):
        shown = f"The record type {owner}.{name}"
        raise _refuse(f"{shown} is left out by the setup, but records have it; keep it with active false.")


def _has_column(store: Store, table: str) -> bool:
    return any(row[1] == "RecordTypeId" for row in store.fetch(f"PRAGMA table_info({quote(table)})"))


def _store(store: Store, item: RecordType, *, user_id: str, stamp: str, with_person: bool) -> None:
    values: dict[str, str | int] = {
        "Name": item.name,
        "DeveloperName": item.developer_name,
        "SobjectType": item.sobject,
        "IsActive": int(item.is_active),
    }
    if with_person:
        values["IsPersonType"] = int(item.is_person)
    audit = {"LastModifiedDate": stamp, "LastModifiedById": user_id, "SystemModstamp": stamp}
    with store.transaction() as connection:
        names = ", ".join(values)
        found = connection.execute(f"SELECT {names} FROM RecordType WHERE Id = ?", (item.id,)).fetchone()  # noqa: S608
        if found is None:
            row: dict[str, str | int] = {
                "Id": item.id,
                **values,
                "CreatedDate": stamp,
                "CreatedById": user_id,
                **audit,
            }
            marks = ", ".join("?" * len(row))
            sql = f"INSERT INTO RecordType ({', '.join(row)}) VALUES ({marks})"  # noqa: S608 - names above
            connection.execute(sql, tuple(row.values()))
        elif tuple(found) != tuple(values.values()):
            row = {**values, **audit}
            settings = ", ".join(f"{name} = ?" for name in row)
            connection.execute(f"UPDATE RecordType SET {settings} WHERE Id = ?", (*row.values(), item.id))  # noqa: S608


def settle_record_types(batch: Batch) -> None:
    """Give new records the default record type, and refuse one that is not active or of another object.

    The words of the refusal are those that public logs show.
    """
    if batch.sobject.field("RecordTypeId") is None:
        return
    usable = {
        row[0]: row[1].lower()
        for row in batch.store.fetch(
            "SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = ? AND IsActive = 1",
            (batch.sobject.name,),
        )
    }
    defaults = _defaults(batch, usable)
    for draft in batch.accepted():
        given = draft.values.get("RecordTypeId")
        if draft.is_new and given is None:
            is_person = draft.values.get("LastName") is not None and draft.values.get("Name") is None
            chosen = defaults.get(is_person and batch.sobject.name == "Account")
            if chosen is not None:
                draft.values["RecordTypeId"] = chosen
        elif given is not None and draft.changes("RecordTypeId") and given not in usable:
            message = f"Record Type ID: this ID value isn't valid for the user: {given}"
            draft.refuse("INVALID_CROSS_REFERENCE_KEY", message, "RecordTypeId")


def _defaults(batch: Batch, usable: dict[str, str]) -> dict[bool, str]:
    """Return the default record type's Id, for businesses and for people; for people the first one will do."""
    ids = {name: record_id for record_id, name in usable.items()}
    own = [
        item
        for item in asked_for(batch.setup)
        if item.sobject.lower() == batch.sobject.name.lower() and item.developer_name.lower() in ids
    ]
    ranked = _ranked(own)
    return {item.person: ids[item.developer_name.lower()] for item in reversed(ranked)}


def _ranked(own: Iterable[RecordTypeSetup]) -> list[RecordTypeSetup]:
    return sorted((item for item in own if item.default or item.person), key=lambda item: not item.default)


def _refuse(message: str) -> SalesforceFault:
    return SalesforceFault(400, "INVALID_SETUP", message)
