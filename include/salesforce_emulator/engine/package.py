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

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.schema import LONG_TEXT_LENGTH, Field, FieldType

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
    "MasterDetail": FieldType.REFERENCE,
    "AutoNumber": FieldType.STRING,
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
        raise refuse_package(
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
    root = parse_file(path)
    name = child_text(root, "fullName")
    if not name or not name.endswith("__c"):
        raise refuse_package(f"{path.name} has no fullName that ends in __c.")
    formula = child_text(root, "formula")
    kind = _TYPES.get(child_text(root, "type") or "")
    if kind is None:
        raise refuse_package(
            f"{path.name} has the type {child_text(root, 'type')}, which the local org does not have."
        )
    length = _number(root, "length", path) or _USUAL_LENGTHS.get(kind, 0)
    values, default = _picklist(root)
    declared = child_text(root, "type")
    is_detail, is_numbered = declared == "MasterDetail", declared == "AutoNumber"
    is_derived = formula is not None or is_numbered
    is_fixed = is_detail and not has_flag(root, "reparentableMasterDetail")
    return Field(
        name=name,
        type=kind,
        label=child_text(root, "label") or name,
        length=length,
        precision=_number(root, "precision", path) or 18,
        scale=_number(root, "scale", path) or 0,
        nillable=not (has_flag(root, "required") or kind is FieldType.BOOLEAN or is_detail),
        createable=not is_derived,
        updateable=not (is_derived or is_fixed),
        filterable=not (kind is FieldType.TEXTAREA and length >= LONG_TEXT_LENGTH),
        unique=has_flag(root, "unique"),
        case_sensitive=has_flag(root, "caseSensitive"),
        external_id=has_flag(root, "externalId"),
        id_lookup=has_flag(root, "externalId"),
        custom=True,
        calculated=formula is not None,
        defaulted_on_create=kind is FieldType.BOOLEAN or is_numbered,
        restricted=_restricted(root),
        picklist=values,
        default=_default(kind, child_text(root, "defaultValue"), default),
        reference_to=tuple(filter(None, (child_text(root, "referenceTo"),))),
        relationship_name=f"{name[:-1]}r" if kind is FieldType.REFERENCE else None,
        child_relationship_name=child_text(root, "relationshipName"),
        help_text=child_text(root, "inlineHelpText"),
        auto_number=(child_text(root, "displayFormat") or "{0}") if is_numbered else None,
        cascade_delete=is_detail,
    )


def _number(root: Element, tag: str, path: Path) -> int | None:
    text = child_text(root, tag)
    if text is not None and not (text.isascii() and text.isdigit()):
        raise refuse_package(f"{path.name} has the {tag} {text}, which is not a number.")
    return None if text is None else int(text)


def _picklist(root: Element) -> tuple[tuple[str, ...], str | None]:
    """Return the active values and the default one of a picklist's own value set."""
    values: list[str] = []
    default: str | None = None
    for value in root.iterfind(f"{_NAMESPACE}valueSet/{_NAMESPACE}valueSetDefinition/{_NAMESPACE}value"):
        name = child_text(value, "fullName")
        if name is None or child_text(value, "isActive") == "false":
            continue
        values.append(name)
        if has_flag(value, "default"):
            default = name
    return tuple(values), default


def _restricted(root: Element) -> bool:
    value_set = root.find(f"{_NAMESPACE}valueSet")
    return value_set is not None and has_flag(value_set, "restricted")


def _default(kind: FieldType, literal: str | None, picklist_default: str | None) -> str | int | None:
    """Return a default the org can apply: of check boxes and picklists; other defaults are formulas."""
    if kind is FieldType.BOOLEAN:
        return int(literal == "true")
    return picklist_default


def parse_file(path: Path) -> Element:
    """Return the root element of a metadata file.

    Raises:
        SalesforceFault: INVALID_PACKAGE, the file is not well-formed.
    """
    try:
        root: Element = parse(path).getroot()
    except (ParseError, DefusedXmlException) as error:
        raise refuse_package(f"{path.name} is not well-formed XML: {error}.") from error
    return root


def child_text(element: Element, path: str) -> str | None:
    """Return the text at a path of tags below a metadata element, None if there is none."""
    found = element.find("/".join(f"{_NAMESPACE}{tag}" for tag in path.split("/")))
    return found.text.strip() if found is not None and found.text else None


def has_flag(element: Element, tag: str) -> bool:
    """Whether a metadata element has a child of that name that says true."""
    return child_text(element, tag) == "true"


def refuse_package(message: str) -> SalesforceFault:
    """Return the fault of a package that cannot be deployed."""
    return SalesforceFault(400, "INVALID_PACKAGE", message)
