"""The standard objects, read from `metadata/*.json`: one object a file, only what differs from the usual written down.

The lists are those fields of the Object Reference that a booking sync can meet, not every field Salesforce has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from include.salesforce_emulator.engine.schema import LONG_TEXT_LENGTH, Field, FieldType, Schema, SObject


def standard_schema() -> Schema:
    """Read the standard objects from the metadata that ships with the package."""
    folder = resources.files("include.salesforce_emulator.engine") / "metadata"
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda e: e.name
    )
    return Schema(tuple(_object_from_json(json.loads(entry.read_text(encoding="utf-8"))) for entry in files))


def _object_from_json(document: Mapping[str, Any]) -> SObject:
    """Build one standard object, with the system fields every object has."""
    own = tuple(_field_from_json(item) for item in document["fields"])
    system = system_fields(with_recycle_bin=not document.get("isDeletedHidden", False))
    return SObject(
        name=document["name"],
        label=document["label"],
        label_plural=document["labelPlural"],
        key_prefix=document["keyPrefix"],
        fields=system[:2] + own + system[2:]
        if not document.get("isDeletedHidden")
        else system[:1] + own + system[1:],
        createable=document.get("createable", True),
        updateable=document.get("updateable", True),
        deletable=document.get("deletable", True),
        mergeable=document.get("mergeable", False),
    )


def system_fields(*, with_recycle_bin: bool = True) -> tuple[Field, ...]:
    """Return the fields the org itself writes on every record: Id, IsDeleted and the audit fields."""

    def system(name: str, kind: FieldType, label: str, **more: Any) -> Field:
        facts = {"nillable": False, "createable": False, "updateable": False} | more
        return Field(name=name, type=kind, label=label, **facts)

    user = {"reference_to": ("User",)}
    deleted = (system("IsDeleted", FieldType.BOOLEAN, "Deleted", default=0),) if with_recycle_bin else ()
    return (
        system("Id", FieldType.ID, "Record ID", length=18, id_lookup=True),
        *deleted,
        system("CreatedDate", FieldType.DATETIME, "Created Date"),
        system(
            "CreatedById",
            FieldType.REFERENCE,
            "Created By ID",
            length=18,
            relationship_name="CreatedBy",
            **user,
        ),
        system("LastModifiedDate", FieldType.DATETIME, "Last Modified Date"),
        system(
            "LastModifiedById",
            FieldType.REFERENCE,
            "Last Modified By ID",
            length=18,
            relationship_name="LastModifiedBy",
            **user,
        ),
        system("SystemModstamp", FieldType.DATETIME, "System Modstamp"),
    )


def _field_from_json(document: Mapping[str, Any]) -> Field:
    """Build one field from the facts written down about it and the usual ones of its type."""
    kind = FieldType(document["type"])
    default = document.get("default", 0 if kind is FieldType.BOOLEAN else None)
    length = document.get("length", 18 if kind is FieldType.REFERENCE else 0)
    is_long_text = kind is FieldType.TEXTAREA and length >= LONG_TEXT_LENGTH
    return Field(
        name=document["name"],
        type=kind,
        label=document["label"],
        length=length,
        precision=document.get("precision", 18),
        scale=document.get("scale", 0),
        nillable=document.get("nillable", True),
        createable=document.get("createable", True),
        updateable=document.get("updateable", True),
        filterable=not is_long_text,
        unique=document.get("unique", False),
        id_lookup=document.get("idLookup", False),
        name_field=document.get("nameField", False),
        defaulted_on_create=document.get("defaultedOnCreate", kind is FieldType.BOOLEAN),
        restricted=document.get("restricted", False),
        picklist=tuple(document.get("picklist", ())),
        default=int(default) if isinstance(default, bool) else default,
        reference_to=tuple(document.get("referenceTo", ())),
        relationship_name=document.get("relationshipName"),
    )
