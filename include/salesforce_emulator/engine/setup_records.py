"""The rules of the setup document as records that clients can query, and the indexes that matching needs.

A rule keeps its Id for good: it is a fact of the org, known by the rule's name, whatever becomes of the document.
Facts: Object Reference, *AssignmentRule* (Active, Name, SobjectType) and *DuplicateRule* (DeveloperName, IsActive,
Language, MasterLabel, NamespacePrefix, SobjectSubtype, SobjectType); both are read only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.ids import make_id
from include.salesforce_emulator.engine.store import Store, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.salesforce_emulator.engine.org_setup import OrgSetup
    from include.salesforce_emulator.engine.schema import Schema

_PREFIXES = {"AssignmentRule": "01Q", "DuplicateRule": "0Bm"}


def keep_setup_records(store: Store, schema: Schema, setup: OrgSetup, *, user_id: str, stamp: str) -> None:
    """Make the records of rules agree with the document."""
    assignment = {
        rule.name: {"Name": rule.name, "SobjectType": rule.sobject, "Active": int(rule.active)}
        for rule in setup.assignment_rules
    }
    duplicate = {
        rule.name: {
            "DeveloperName": rule.name,
            "MasterLabel": rule.label,
            "SobjectType": schema.get(rule.sobject).name,
            "SobjectSubtype": "None",
            "IsActive": int(rule.active),
            "Language": "en_US",
        }
        for rule in setup.duplicate_rules
    }
    audit = {"CreatedDate": stamp, "CreatedById": user_id, "LastModifiedDate": stamp}
    audit |= {"LastModifiedById": user_id, "SystemModstamp": stamp}
    with store.transaction():
        _keep(store, "AssignmentRule", assignment, audit)
        _keep(store, "DuplicateRule", duplicate, audit)


def rule_id(store: Store, sobject: str, name: str) -> str:
    """Return the Id of a rule by its name in any letter case, made on first use."""
    fact = f"id:{sobject}:{name.lower()}"
    known = store.fact(fact)
    if known is None:
        known = make_id(_PREFIXES[sobject], store.reserve_numbers(sobject, 1))
        store.keep_fact(fact, known)
    return known


def _keep(
    store: Store, sobject: str, rules: Mapping[str, Mapping[str, Any]], audit: Mapping[str, str]
) -> None:
    rows = {rule_id(store, sobject, name): values for name, values in rules.items()}
    table = quote(sobject)
    with store.transaction() as connection:
        connection.execute(
            f"DELETE FROM {table} WHERE Id NOT IN (SELECT value FROM json_each(?))",  # noqa: S608 - our own names
            (json.dumps(list(rows)),),
        )
        for record_id, values in rows.items():
            row = {"Id": record_id, **values, **audit}
            names, marks = ", ".join(map(quote, row)), ", ".join("?" * len(row))
            settings = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in values)
            connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks}) "  # noqa: S608 - our own names
                f"ON CONFLICT (Id) DO UPDATE SET {settings}",
                tuple(row.values()),
            )
