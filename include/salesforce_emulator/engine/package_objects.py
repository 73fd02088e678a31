"""Deploying a source-format folder: its custom objects, its custom fields, and whether they fit the org.

An object is `objects/X__c/X__c.object-meta.xml` with its label, plural label, name field (text or auto number) and
whether it takes activities; what else the file says, such as its sharing model, has no effect. A custom object gets the
next free key prefix, `a00` being the first, and keeps it with the org's data.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.ids import custom_key_prefix
from include.salesforce_emulator.engine.package import (
    child_text,
    has_flag,
    parse_file,
    read_custom_fields,
    refuse_package,
)
from include.salesforce_emulator.engine.schema import Field, FieldType, Schema, SObject
from include.salesforce_emulator.engine.standard_objects import system_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.salesforce_emulator.engine.store import Store

_OBJECT_FILE = ".object-meta.xml"
_NAME_LENGTH = 80
_NAME_TYPES = frozenset({"Text", "AutoNumber"})
_USUAL_NUMBER = "{0}"


def deploy(schema: Schema, package: Path, store: Store) -> Schema:
    """Return the schema with the custom objects and fields of a source-format folder.

    Args:
        schema: the standard objects.
        package: a folder above `objects/…`, at any depth and in any number of package folders.
        store: keeps the key prefixes of custom objects.

    Raises:
        SalesforceFault: INVALID_PACKAGE; a file cannot be deployed, and the message names it.
    """
    fields = read_custom_fields(package)
    objects, with_activities = [], []
    for path in sorted(package.rglob(f"objects/*/*{_OBJECT_FILE}")):
        if not path.parent.name.endswith("__c"):
            continue
        made, takes_activities = _read_object(path, fields.get(path.parent.name, ()), store)
        objects.append(made)
        with_activities += [made.name] * takes_activities
    known = {item.name for item in (*schema.objects, *objects)}
    _check_lookups(fields, known)
    deployed = Schema((*schema.objects, *objects)).with_fields(fields)
    return deployed.with_fields(
        {name: [_what(deployed, name, with_activities)] for name in ("Event", "Task")}
    )


def _read_object(path: Path, fields: Iterable[Field], store: Store) -> tuple[SObject, bool]:
    """Return a custom object without its custom fields, and whether activities may be about it."""
    name = path.parent.name
    if path.name != f"{name}{_OBJECT_FILE}":
        raise refuse_package(f"{path.name} lies in the folder {name}; name both after one object.")
    root = parse_file(path)
    label = child_text(root, "label")
    if not label:
        raise refuse_package(f"{path.name} has no label.")
    kind = child_text(root, "nameField/type") or "Text"
    if kind not in _NAME_TYPES:
        raise refuse_package(f"{path.name} has a name field of type {kind}; it is Text or AutoNumber.")
    number = (child_text(root, "nameField/displayFormat") or _USUAL_NUMBER) if kind == "AutoNumber" else None
    name_field = Field(
        name="Name",
        type=FieldType.STRING,
        label=child_text(root, "nameField/label") or "Name",
        length=_NAME_LENGTH,
        nillable=number is None,
        createable=number is None,
        updateable=number is None,
        defaulted_on_create=True,
        id_lookup=True,  # as every custom object's name is (forcedotcom/dataloader pull request 329)
        name_field=True,
        auto_number=number,
    )
    is_detail = any(item.cascade_delete for item in fields)
    system = system_fields()
    sobject = SObject(
        name=name,
        label=label,
        label_plural=child_text(root, "pluralLabel") or label,
        key_prefix=_key_prefix(store, name),
        fields=(*system[:1], *(() if is_detail else (_owner(),)), system[1], name_field, *system[2:]),
        custom=True,
    )
    return sobject, has_flag(root, "enableActivities")


def _owner() -> Field:
    return Field(
        name="OwnerId",
        type=FieldType.REFERENCE,
        label="Owner ID",
        length=18,
        nillable=False,
        defaulted_on_create=True,
        reference_to=("Group", "User"),
        relationship_name="Owner",
    )


def _key_prefix(store: Store, name: str) -> str:
    fact = f"key_prefix:{name.lower()}"
    known = store.fact(fact)
    if known is None:
        known = custom_key_prefix(store.reserve_numbers("custom objects", 1) - 1)
        store.keep_fact(fact, known)
    return known


def _check_lookups(fields: Mapping[str, Iterable[Field]], known: set[str]) -> None:
    for owner, own in fields.items():
        for item in own:
            missing = [target for target in item.reference_to if target not in known]
            if item.type is FieldType.REFERENCE and (missing or not item.reference_to):
                target = missing[0] if missing else "nothing"
                raise refuse_package(
                    f"objects/{owner}/fields/{item.name}.field-meta.xml refers to {target}, an object the local org "
                    "does not have; deploy that object too."
                )


def _what(schema: Schema, activity: str, more: Iterable[str]) -> Field:
    what = schema.get(activity).relationship("What")
    if what is None:
        raise refuse_package(f"{activity} has no WhatId.")
    return replace(what, reference_to=(*what.reference_to, *more))
