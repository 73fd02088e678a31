"""Custom fields, read from a Salesforce source-format folder: what deploying the package to an org would add.

Fields under `objects/Activity/fields` belong to Event and Task both; Salesforce knows no custom fields of Event alone.
Formula fields are described, but the org does not compute them.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from include.salesforce_emulator.errors import SalesforceFault
from include.salesforce_emulator.schema import LONG_TEXT_LENGTH, Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

_NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
_TYPES = {
    "Text": FieldType.STRING,
    "TextArea": FieldType.TEXTAREA,
    "LongTextArea": FieldType.TEXTAREA,
    "Html": FieldType.TEXTAREA,
    "Picklist": FieldType.PICKLIST,
    "MultiselectPicklist": FieldType.MULTIPICKLIST,
    "Checkbox": FieldType.BOOLEAN,
    "Number": FieldType.DOUBLE,
    "Currency": FieldType.CURRENCY,
    "Percent": FieldType.PERCENT,
    "Date": FieldType.DATE,
    "DateTime": FieldType.DATETIME,
    "Email": FieldType.EMAIL,
    "Phone": FieldType.PHONE,
    "Url": FieldType.URL,
    "Lookup": FieldType.REFERENCE,
}
_USUAL_LENGTHS = {
    FieldType.TEXTAREA: 255,
    FieldType.PICKLIST: 255,
    FieldType.EMAIL: 80,
    FieldType.PHONE: 40,
    FieldType.URL: 255,
    FieldType.REFERENCE: 18,
    FieldType.MULTIPICKLIST: 4099,
    FieldType.STRING: 255,
}
_FIELD_FILE = "*.field-meta.xml"


def read_custom_fields(package: Path) -> Mapping[str, list[Field]]:
    """Return the custom fields of every object in a source-format folder.

    Args:
        package: the folder that holds `force-app` (or any folder above `objects/<Object>/fields`).

    Raises:
        SalesforceFault: the folder is missing, or a field file cannot be deployed; the message names the file.
    """
    if not package.is_dir():
        raise _refuse(
            f"The package folder {package.name} does not exist; give the folder that holds force-app."
        )
    found: dict[str, list[Field]] = defaultdict(list)
    for path in sorted(package.rglob(f"objects/*/fields/{_FIELD_FILE}")):
        owner = path.parent.parent.name
        custom = _read_field(path)
        for sobject in ("Event", "Task") if owner == "Activity" else (owner,):
            found[sobject].append(custom)
    return found


def _read_field(path: Path) -> Field:
    try:
        root = parse(path).getroot()
    except (ParseError, DefusedXmlException) as error:
        raise _refuse(f"{path.name} is not well-formed XML: {error}.") from error
    name = _text(root, "fullName")
    if not name or not name.endswith("__c"):
        raise _refuse(f"{path.name} has no fullName that ends in __c.")
    formula = _text(root, "formula")
    kind = _TYPES.get(_text(root, "type") or "")
    if kind is None:
        raise _refuse(f"{path.name} has the type {_text(root, 'type')}, which the local org does not have.")
    length = int(_text(root, "length") or _USUAL_LENGTHS.get(kind, 0))
    values, default = _picklist(root)
    return Field(
        name=name,
        type=kind,
        label=_text(root, "label") or name,
        length=length,
        precision=int(_text(root, "precision") or 18),
        scale=int(_text(root, "scale") or 0),
        nillable=not (_flag(root, "required") or kind is FieldType.BOOLEAN),
        createable=formula is None,
        updateable=formula is None,
        filterable=not (kind is FieldType.TEXTAREA and length >= LONG_TEXT_LENGTH),
        unique=_flag(root, "unique"),
        case_sensitive=_flag(root, "caseSensitive"),
        external_id=_flag(root, "externalId"),
        id_lookup=_flag(root, "externalId"),
        custom=True,
        calculated=formula is not None,
        defaulted_on_create=kind is FieldType.BOOLEAN,
        restricted=_restricted(root),
        picklist=values,
        default=_default(kind, _text(root, "defaultValue"), default),
        reference_to=tuple(filter(None, (_text(root, "referenceTo"),))),
        relationship_name=f"{name[:-1]}r" if kind is FieldType.REFERENCE else None,
        child_relationship_name=_text(root, "relationshipName"),
        help_text=_text(root, "inlineHelpText"),
    )


def _picklist(root: Element) -> tuple[tuple[str, ...], str | None]:
    """Return the active values and the default one of a picklist's own value set."""
    values: list[str] = []
    default: str | None = None
    for value in root.iterfind(f"{_NAMESPACE}valueSet/{_NAMESPACE}valueSetDefinition/{_NAMESPACE}value"):
        name = _text(value, "fullName")
        if name is None or _text(value, "isActive") == "false":
            continue
        values.append(name)
        if _flag(value, "default"):
            default = name
    return tuple(values), default


def _restricted(root: Element) -> bool:
    value_set = root.find(f"{_NAMESPACE}valueSet")
    return value_set is not None and _flag(value_set, "restricted")


def _default(kind: FieldType, literal: str | None, picklist_default: str | None) -> str | int | None:
    """Return a default the org can apply: of check boxes and picklists; other defaults are formulas."""
    if kind is FieldType.BOOLEAN:
        return int(literal == "true")
    return picklist_default


def _text(element: Element, tag: str) -> str | None:
    found = element.find(f"{_NAMESPACE}{tag}")
    return found.text.strip() if found is not None and found.text else None


def _flag(element: Element, tag: str) -> bool:
    return _text(element, tag) == "true"


def _refuse(message: str) -> SalesforceFault:
    return SalesforceFault(400, "INVALID_PACKAGE", message)
