"""The Salesforce side keeps step with what the sync writes (rules S4, S10, F1, P1)."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import parse

import include.salesforce_package
from include.mapping.fields import default_mappings
from include.mapping.plan import BOOKING_KEY

ROOT = Path(include.salesforce_package.__file__).parent
SOURCE = ROOT / "force-app" / "main" / "default"
NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"


def text(element: Element, name: str) -> str:
    found = element.find(NAMESPACE + name)
    assert found is not None, name
    assert found.text is not None, name
    return found.text


def fields(sobject: str) -> dict[str, Element]:
    files = sorted((SOURCE / "objects" / sobject / "fields").glob("*.field-meta.xml"))
    assert files
    return {file.name.removesuffix(".field-meta.xml"): parse(file).getroot() for file in files}


@pytest.mark.rule("F1")
def test_every_custom_field_that_is_written_is_deployed_on_activity() -> None:
    written = {mapping.target for mapping in default_mappings("Event") if mapping.target.endswith("__c")}
    assert set(fields("Activity")) == written


@pytest.mark.rule("P1")
@pytest.mark.parametrize("sobject", ["Activity", "Lead", "Contact", "Account"])
def test_a_fields_file_is_named_after_it_and_explains_it(sobject: str) -> None:
    for name, field in fields(sobject).items():
        assert text(field, "fullName") == name
        assert len(text(field, "inlineHelpText")) <= 510, "longest help text that Salesforce takes"
        assert len(text(field, "label")) <= 40
        assert text(field, "description")


@pytest.mark.rule("S4")
@pytest.mark.parametrize(
    ("sobject", "name"),
    [
        ("Activity", BOOKING_KEY),
        *((sobject, "Coconut_Client_Key__c") for sobject in ("Lead", "Contact", "Account")),
    ],
)
def test_keys_are_unique_external_ids_that_tell_letter_case_apart(sobject: str, name: str) -> None:
    field = fields(sobject)[name]
    assert [text(field, key) for key in ("type", "externalId", "unique", "caseSensitive")] == [
        "Text",
        *["true"] * 3,
    ]


@pytest.mark.rule("S12")
def test_the_fields_hold_the_words_and_names_that_coconut_sends() -> None:
    lengths = {
        name: int(text(field, "length")) for name, field in fields("Activity").items() if _is_text(field)
    }
    names = {BOOKING_KEY, "Coconut_Service__c", "Coconut_Location__c"}
    assert lengths == {name: 255 if name in names else 40 for name in lengths}
    assert names < set(lengths)


@pytest.mark.rule("P1")
def test_the_base_permission_set_opens_every_field_on_event_and_on_task_and_deletes_nobody() -> None:
    base = parse(SOURCE / "permissionsets" / "Coconut_Sync.permissionset-meta.xml").getroot()
    editable = {
        text(entry, "field")
        for entry in base.iter(NAMESPACE + "fieldPermissions")
        if text(entry, "editable") == "true"
    }
    of_activity = {f"{sobject}.{name}" for sobject in ("Event", "Task") for name in fields("Activity")}
    of_people = {
        f"{sobject}.{name}" for sobject in ("Lead", "Contact", "Account") for name in fields(sobject)
    }
    assert editable == of_activity | of_people
    objects = {text(entry, "object"): entry for entry in base.iter(NAMESPACE + "objectPermissions")}
    assert set(objects) == {"Lead", "Contact", "Account"}
    assert {text(entry, "allowDelete") for entry in objects.values()} == {"false"}
    assert {text(entry, "allowCreate") for entry in objects.values()} == {"true"}


@pytest.mark.rule("P1")
def test_the_project_names_a_default_package_directory_that_exists() -> None:
    project = json.loads((ROOT / "sfdx-project.json").read_text())
    (directory,) = project["packageDirectories"]
    assert directory["default"]
    assert (ROOT / directory["path"]).is_dir()


def _is_text(field: Element) -> bool:
    return text(field, "type") == "Text"
