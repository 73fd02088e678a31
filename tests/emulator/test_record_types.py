"""Record types: those of the setup, given to new records, checked on every write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import OrgSetup, RecordTypeSetup
from tests.emulator.engine_bench import Bench, only_error

pytestmark = pytest.mark.rule("P3")


def record_type(sobject: str, name: str, **more: Any) -> RecordTypeSetup:
    return RecordTypeSetup(sobject=sobject, developer_name=name, name=name.replace("_", " "), **more)


SETUP = OrgSetup(
    record_types=(
        record_type("Lead", "Walk_In", default=True),
        record_type("Lead", "Web"),
        record_type("Lead", "Old", active=False),
        record_type("Account", "Firm"),
    )
)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.org.configure(SETUP)
    yield made
    made.close()


def ids(bench: Bench) -> dict[str, str]:
    return dict(bench.rows("SELECT DeveloperName, Id FROM RecordType"))


def test_record_types_are_rows_and_only_their_objects_have_the_field(bench: Bench) -> None:
    assert bench.rows(
        "SELECT Name, SobjectType, IsActive FROM RecordType WHERE SobjectType = 'Lead' ORDER BY Name"
    ) == [("Old", "Lead", False), ("Walk In", "Lead", True), ("Web", "Lead", True)]
    assert bench.org.sobject("Account").field("RecordTypeId") is not None
    with pytest.raises(SalesforceFault, match="INVALID_FIELD"):
        bench.rows("SELECT RecordTypeId FROM Contact")


def test_a_new_record_gets_the_default_and_keeps_the_one_it_names(bench: Bench) -> None:
    bench.lead()
    bench.lead(RecordTypeId=ids(bench)["Web"])
    assert bench.rows("SELECT RecordType.DeveloperName FROM Lead ORDER BY Id") == [("Walk_In",), ("Web",)]
    account = bench.insert("Account", Name="Acme")
    assert bench.get("Account", account, "RecordTypeId") == {"RecordTypeId": None}


@pytest.mark.parametrize("name", ["Old", "Firm"])
def test_a_record_type_that_is_inactive_or_of_another_object_is_refused(bench: Bench, name: str) -> None:
    wrong = ids(bench)[name]
    refused = bench.update("Lead", bench.lead(), RecordTypeId=wrong)
    assert only_error(refused) == ("INVALID_CROSS_REFERENCE_KEY", ("RecordTypeId",))
    assert refused.errors[0].message == f"Record Type ID: this ID value isn't valid for the user: {wrong}"


def test_describe_lists_the_object_s_record_types_and_the_master(bench: Bench) -> None:
    infos = bench.org.describe("Lead")["recordTypeInfos"]
    shown = [(info["developerName"], info["active"], info["defaultRecordTypeMapping"]) for info in infos]
    assert shown == [
        ("Walk_In", True, True),
        ("Web", True, False),
        ("Old", False, False),
        ("Master", True, False),
    ]
    assert infos[0]["recordTypeId"] == ids(bench)["Walk_In"]
    assert [info["developerName"] for info in bench.org.describe("Contact")["recordTypeInfos"]] == ["Master"]


def test_a_record_type_keeps_its_id_whatever_becomes_of_the_document(bench: Bench) -> None:
    before = ids(bench)
    bench.org.configure(OrgSetup())
    assert ids(bench) == {}
    bench.org.configure(SETUP)
    bench.org.configure(SETUP)
    assert ids(bench) == before


def test_a_reset_returns_to_the_record_types_of_the_start(bench: Bench) -> None:
    bench.lead()
    bench.org.reset()
    assert ids(bench) == {}
    assert bench.column("SELECT COUNT(Id) FROM Lead") == [0]


def test_a_record_type_that_records_have_cannot_be_left_out(bench: Bench) -> None:
    bench.lead()
    with pytest.raises(SalesforceFault, match=r"Lead\.Walk_In"):
        bench.org.configure(OrgSetup())
    assert bench.org.setup == SETUP
    retired = tuple(
        item.model_copy(update={"active": False, "default": False}) for item in SETUP.record_types
    )
    bench.org.configure(OrgSetup(record_types=retired))
    assert bench.column("SELECT RecordType.Name FROM Lead") == ["Walk In"]


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (OrgSetup(record_types=(record_type("User", "X"),)), "no record types"),
        (OrgSetup(record_types=(record_type("Gone__c", "X"),)), "no record types"),
        (OrgSetup(record_types=(record_type("Account", "X", person=True),)), "person_accounts"),
        (
            OrgSetup(person_accounts=True, record_types=(record_type("Lead", "X", person=True),)),
            "that takes Account",
        ),
        (OrgSetup(record_types=(record_type("Lead", "X"), record_type("lead", "x"))), "twice"),
        (
            OrgSetup(
                record_types=(record_type("Lead", "X", default=True), record_type("Lead", "Y", default=True))
            ),
            "second default",
        ),
        (OrgSetup(record_types=(record_type("Lead", "X", default=True, active=False),)), "not active"),
    ],
)
def test_record_types_that_no_org_could_have_are_refused(bench: Bench, setup: OrgSetup, said: str) -> None:
    with pytest.raises(SalesforceFault, match=said):
        bench.org.configure(setup)
    assert bench.org.setup == SETUP


def test_people_and_businesses_have_a_default_each(bench: Bench) -> None:
    own = (
        record_type("Account", "Firm", default=True),
        record_type("Account", "Client", person=True),
        record_type("Account", "Patient", person=True, default=True),
    )
    bench.org.configure(OrgSetup(person_accounts=True, record_types=own))
    bench.insert("Account", Name="Acme")
    bench.insert("Account", LastName="Doe")
    bench.insert("Account", LastName="Roe", RecordTypeId=ids(bench)["Client"])
    assert bench.rows(
        "SELECT Name, RecordType.DeveloperName, RecordType.IsPersonType FROM Account ORDER BY Name"
    ) == [
        ("Acme", "Firm", False),
        ("Doe", "Patient", True),
        ("Roe", "Client", True),
    ]
    assert "PersonAccount" not in ids(bench)
