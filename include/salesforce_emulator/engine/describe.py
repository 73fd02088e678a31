"""Describes: the schema in the JSON that REST answers for an object, with the keys a real org gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.salesforce_emulator.engine.access import is_permissionable
from include.salesforce_emulator.engine.relationships import child_relationship_name
from include.salesforce_emulator.engine.schema import IDS, NUMBERS, TEXTS, Field, FieldType, Schema, SObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.salesforce_emulator.engine.record_types import RecordType

_SOAP_TYPES = {
    FieldType.ID: "tns:ID",
    FieldType.REFERENCE: "tns:ID",
    FieldType.BOOLEAN: "xsd:boolean",
    FieldType.INT: "xsd:int",
    FieldType.DATE: "xsd:date",
    FieldType.DATETIME: "xsd:dateTime",
} | dict.fromkeys(NUMBERS, "xsd:double")
_CASCADED = frozenset(
    {
        "Contact.AccountId",
        "Opportunity.AccountId",
        "CampaignMember.CampaignId",
        "CampaignMemberStatus.CampaignId",
    }
)


def describe_object(
    sobject: SObject, schema: Schema, *, version: str, record_types: Iterable[RecordType] = ()
) -> dict[str, Any]:
    """Return an object's full describe."""
    return describe_short(sobject, version=version) | {
        "actionOverrides": [],
        "childRelationships": [
            {
                "cascadeDelete": reference.cascade_delete or f"{child.name}.{reference.name}" in _CASCADED,
                "childSObject": child.name,
                "deprecatedAndHidden": False,
                "field": reference.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": child_relationship_name(child, reference),
                "restrictedDelete": False,
            }
            for child, reference in schema.child_references[sobject.name]
        ],
        "compactLayoutable": True,
        "fields": [_describe_field(item, sobject) for item in sobject.fields],
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_type_infos(sobject, record_types, version=version),
        "searchLayoutable": True,
        "supportedScopes": [{"label": f"All {sobject.label_plural.lower()}", "name": "everything"}],
    }


def _record_type_infos(
    sobject: SObject, record_types: Iterable[RecordType], *, version: str
) -> list[dict[str, Any]]:
    own = [item for item in record_types if item.sobject == sobject.name]
    infos = [
        {
            "active": item.is_active,
            "available": item.is_active,
            "defaultRecordTypeMapping": item.is_default and not item.is_person,
            "developerName": item.developer_name,
            "master": False,
            "name": item.name,
            "recordTypeId": item.id,
            "urls": {"layout": f"{_root(sobject, version)}/describe/layouts/{item.id}"},
        }
        for item in own
    ]
    return [
        *infos,
        {
            "active": True,
            "available": True,
            "defaultRecordTypeMapping": not any(info["defaultRecordTypeMapping"] for info in infos),
            "developerName": "Master",
            "master": True,
            "name": "Master",
            "recordTypeId": "012000000000000AAA",
            "urls": {"layout": f"{_root(sobject, version)}/describe/layouts/012000000000000AAA"}
            if own
            else {},
        },
    ]


def _root(sobject: SObject, version: str) -> str:
    return f"/services/data/v{version}/sobjects/{sobject.name}"


def describe_short(sobject: SObject, *, version: str) -> dict[str, Any]:
    """Return what the list of all objects says of one."""
    root = _root(sobject, version)
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.createable,
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "layoutable": True,
        "mergeable": sobject.mergeable,
        "mruEnabled": True,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": sobject.deletable,
        "updateable": sobject.updateable,
        "urls": {"sobject": root, "describe": f"{root}/describe", "rowTemplate": f"{root}/{{ID}}"},
    }


def _describe_field(item: Field, sobject: SObject) -> dict[str, Any]:
    is_number = item.type in NUMBERS
    is_text = item.type in TEXTS
    byte_length = 18 if item.type in IDS else item.length * 3 if is_text else 0
    return {
        "aggregatable": item.is_aggregatable,
        "aiPredictionField": False,
        "autoNumber": item.auto_number is not None,
        "byteLength": byte_length,
        "calculated": item.calculated,
        "calculatedFormula": None,
        "cascadeDelete": item.cascade_delete,
        "caseSensitive": item.case_sensitive,
        "compoundFieldName": _compound(item, sobject),
        "controllerName": None,
        "createable": item.createable and sobject.createable,
        "custom": item.custom,
        "defaultValue": _default(item),
        "defaultValueFormula": None,
        "defaultedOnCreate": item.defaulted_on_create or (not item.nillable and not item.createable),
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 8 if item.type is FieldType.INT else 0,
        "displayLocationInDecimal": item.name.endswith(("Latitude", "Longitude")),
        "encrypted": False,
        "externalId": item.external_id,
        "extraTypeInfo": None,
        "filterable": item.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": item.is_groupable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": item.id_lookup,
        "inlineHelpText": item.help_text,
        "label": item.label,
        "length": 18 if item.type in IDS else item.length,
        "mask": None,
        "maskType": None,
        "name": item.name,
        "nameField": item.name_field,
        "namePointing": item.is_polymorphic,
        "nillable": item.nillable,
        "permissionable": is_permissionable(item),
        "picklistValues": [_picklist_value(item, value) for value in item.picklist],
        "polymorphicForeignKey": item.is_polymorphic,
        "precision": item.precision if is_number else 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(item.reference_to),
        "relationshipName": item.relationship_name,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": item.restricted,
        "scale": item.scale if is_number else 0,
        "searchPrefilterable": False,
        "soapType": _SOAP_TYPES.get(item.type, "xsd:string"),
        "sortable": item.is_sortable,
        "type": str(item.type),
        "unique": item.unique,
        "updateable": item.updateable and sobject.updateable,
        "writeRequiresMasterRead": False,
    }


def _compound(item: Field, sobject: SObject) -> str | None:
    name = sobject.name_field
    if name is not None and item.name in ("FirstName", "LastName", "Salutation") and name.name == "Name":
        return "Name"
    return None


def _default(item: Field) -> bool | str | int | float | None:
    return bool(item.default) if item.type is FieldType.BOOLEAN else None if item.picklist else item.default


def _picklist_value(item: Field, value: str) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": value == item.default,
        "label": value,
        "validFor": None,
        "value": value,
    }
