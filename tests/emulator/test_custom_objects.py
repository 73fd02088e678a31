"""Custom objects and fields deployed from a source-format folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from tests.emulator.engine_bench import Bench, only_error

pytestmark = pytest.mark.rule("P3")

_META = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
BRANCH = "<label>Branch</label><pluralLabel>Branches</pluralLabel><enableActivities>true</enableActivities>"
TEXT_NAME = "<nameField><label>Branch Name</label><type>Text</type></nameField>"
NUMBER_NAME = (
    "<nameField><label>Desk No</label><type>AutoNumber</type>"
    "<displayFormat>D-{YYYY}-{000}</displayFormat></nameField>"
)
LABEL = "<label>x</label>"


def deploy_object(folder: Path, name: str, body: str) -> None:
    path = folder / "objects" / name / f"{name}.object-meta.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<CustomObject {_META}>{body}</CustomObject>")


def deploy_field(folder: Path, sobject: str, name: str, body: str) -> None:
    path = folder / "objects" / sobject / "fields" / f"{name}.field-meta.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<CustomField {_META}><fullName>{name}</fullName>{LABEL}{body}</CustomField>")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A branch with desks: two package folders, a lookup from Lead and a master-detail relationship."""
    first, second = tmp_path / "package" / "force-app", tmp_path / "package" / "more-app"
    deploy_object(first, "Branch__c", BRANCH + TEXT_NAME)
    deploy_field(first, "Branch__c", "Code__c", "<type>Text</type><length>10</length><unique>true</unique>")
    deploy_field(first, "Lead", "Branch__c", "<type>Lookup</type><referenceTo>Branch__c</referenceTo>")
    deploy_object(second, "Desk__c", "<label>Desk</label>" + NUMBER_NAME)
    deploy_field(
        second, "Desk__c", "Branch__c", "<type>MasterDetail</type><referenceTo>Branch__c</referenceTo>"
    )
    deploy_field(second, "Desk__c", "Tag__c", "<type>AutoNumber</type><displayFormat>T{00}</displayFormat>")
    return tmp_path / "package"


def test_a_custom_object_is_written_read_and_described_like_any_other(package: Path) -> None:
    bench = Bench(package=package)
    branch = bench.insert("Branch__c", Name="Bern", Code__c="B1")
    assert branch.startswith("a00")
    lead = bench.lead(Branch__c=branch)
    assert bench.rows("SELECT Branch__r.Name, Branch__r.Owner.Type FROM Lead") == [("Bern", "User")]
    assert bench.write("insert", "Branch__c", [{"Code__c": "b1"}])[0].errors[0].code == "DUPLICATE_VALUE"
    described = bench.org.describe("Branch__c")
    assert (described["custom"], described["keyPrefix"], described["labelPlural"]) == (
        True,
        "a00",
        "Branches",
    )
    visit = bench.event(WhatId=branch)
    assert bench.get("Event", visit, "What.Name")["What"]["Name"] == "Bern"
    assert bench.get("Lead", lead, "Branch__c") == {"Branch__c": branch}
    bench.close()


def test_a_custom_object_s_name_finds_its_records(package: Path) -> None:
    bench = Bench(package=package)
    branch = bench.insert("Branch__c", Name="Bern")
    lead = bench.insert("Lead", **{"LastName": "Doe", "Company": "x", "Branch__r.Name": "bern"})
    assert bench.get("Lead", lead, "Branch__c") == {"Branch__c": branch}
    bench.close()


def test_a_record_without_a_name_is_named_by_its_id(package: Path) -> None:
    bench = Bench(package=package)
    branch = bench.insert("Branch__c")
    assert bench.get("Branch__c", branch, "Name") == {"Name": branch}
    bench.close()


def test_auto_numbers_count_by_themselves_and_cannot_be_written(package: Path) -> None:
    bench = Bench(package=package)
    branch = bench.insert("Branch__c", Name="Bern")
    for _ in range(2):
        bench.insert("Desk__c", Branch__c=branch)
    assert bench.rows("SELECT Name, Tag__c FROM Desk__c ORDER BY Name") == [
        ("D-2026-001", "T01"),
        ("D-2026-002", "T02"),
    ]
    refused = bench.write("insert", "Desk__c", [{"Branch__c": branch, "Name": "mine"}])[0]
    assert only_error(refused) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ("Name",))
    bench.close()


def test_details_have_no_owner_need_their_master_keep_it_and_go_with_it(package: Path) -> None:
    bench = Bench(package=package)
    assert bench.org.sobject("Desk__c").field("OwnerId") is None
    assert only_error(bench.write("insert", "Desk__c", [{}])[0]) == ("REQUIRED_FIELD_MISSING", ("Branch__c",))
    branch, other = bench.insert("Branch__c"), bench.insert("Branch__c")
    desk = bench.insert("Desk__c", Branch__c=branch)
    assert only_error(bench.update("Desk__c", desk, Branch__c=other))[0] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    bench.delete("Branch__c", branch)
    assert bench.column("SELECT Id FROM Desk__c") == []
    bench.write("undelete", "Branch__c", [{"Id": branch}])
    assert bench.column("SELECT Id FROM Desk__c") == [desk]
    bench.close()


def test_an_object_keeps_its_key_prefix_when_another_joins_the_package(package: Path, tmp_path: Path) -> None:
    data = tmp_path / "org.sqlite"
    first = Bench(data=data, package=package)
    branch = first.insert("Branch__c", Name="Bern")
    first.close()
    deploy_object(package / "force-app", "Area__c", "<label>Area</label>")
    second = Bench(data=data, package=package)
    assert second.get("Branch__c", branch, "Name") == {"Name": "Bern"}
    assert second.insert("Area__c").startswith("a02")
    second.close()


@pytest.mark.parametrize(
    ("sobject", "field", "body", "said"),
    [
        (
            "Lead",
            "Gone__c",
            "<type>Lookup</type><referenceTo>Gone__c</referenceTo>",
            "Lead/fields/Gone__c.field",
        ),
        ("Lead", "None__c", "<type>Lookup</type>", "None__c.field-meta.xml refers to nothing"),
        (
            "Lead",
            "Long__c",
            "<type>Text</type><length>ten</length>",
            "Long__c.field-meta.xml has the length ten",
        ),
        ("Gone__c", "X__c", "<type>Text</type>", "adds fields to Gone__c"),
    ],
)
def test_a_field_that_does_not_fit_the_org_is_refused_at_the_start_with_its_file(
    tmp_path: Path, sobject: str, field: str, body: str, said: str
) -> None:
    deploy_field(tmp_path, sobject, field, body)
    with pytest.raises(SalesforceFault, match=said):
        Bench(package=tmp_path)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "has no label"),
        ("<label>B</label><nameField><type>Date</type></nameField>", "a name field of type Date"),
        ("<label>", "not well-formed"),
    ],
)
def test_an_object_that_cannot_be_deployed_is_refused_with_its_file(
    tmp_path: Path, body: str, said: str
) -> None:
    deploy_object(tmp_path, "Bad__c", body)
    with pytest.raises(SalesforceFault, match=rf"Bad__c\.object-meta\.xml.*{said}"):
        Bench(package=tmp_path)
