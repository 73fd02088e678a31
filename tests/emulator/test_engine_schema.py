"""What the org consists of: Ids, objects, custom fields of a package, describes, its store and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.salesforce_emulator.engine.clock import Clock
from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.ids import checksum, make_id, make_ids, normalise_id
from include.salesforce_emulator.engine.package import read_custom_fields
from tests.emulator.engine_bench import NOW, Bench

REAL_PACKAGE = Path(__file__).parents[2] / "include" / "salesforce_package"


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.mark.rule("P3")
def test_ids_carry_the_checksum_that_salesforce_publishes() -> None:
    assert checksum("001D000000IqhSL") == "IAZ"


@pytest.mark.rule("P3")
def test_ids_made_in_bulk_equal_ids_made_one_by_one_even_where_the_counter_carries() -> None:
    first = 62**3 - 3
    assert make_ids("00U", first, 6) == [make_id("00U", number) for number in range(first, first + 6)]
    assert len(set(make_ids("00U", 1, 5000))) == 5000


@pytest.mark.rule("P3")
def test_an_id_is_recognised_in_15_characters_in_18_and_with_its_case_lost() -> None:
    full = make_id("00Q", 62**2 * 37 + 40)
    assert normalise_id(full[:15]) == full
    assert normalise_id(full) == full
    assert normalise_id(full.lower()) == full


@pytest.mark.rule("P3")
@pytest.mark.parametrize("text", ["", "00Q", "00Q!!0000000001", "00QLo0000000001MAAx", "00QLo0000000001M99"])
def test_what_is_not_shaped_like_an_id_is_none(text: str) -> None:
    assert normalise_id(text) is None


@pytest.mark.rule("P3")
def test_activity_fields_of_the_package_appear_on_event_and_task_both(bench: Bench) -> None:
    for name in ("Event", "Task"):
        field = bench.org.sobject(name).field("booking_key__c")
        assert field is not None
        assert (field.unique, field.external_id, field.case_sensitive, field.length) == (True, True, True, 40)
    assert bench.org.sobject("Lead").field("Booking_Key__c") is None


@pytest.mark.rule("P1")
def test_the_product_s_own_package_deploys() -> None:
    own = Bench(package=REAL_PACKAGE)
    key = own.org.sobject("Event").field("Coconut_Booking_Key__c")
    assert key is not None
    assert key.unique
    assert own.org.sobject("Lead").field("Coconut_Client_Key__c") is not None
    own.close()


@pytest.mark.rule("P3")
def test_a_package_that_is_missing_or_malformed_is_refused_with_the_file_s_name(tmp_path: Path) -> None:
    with pytest.raises(SalesforceFault, match="nowhere does not exist"):
        read_custom_fields(tmp_path / "nowhere")
    fields = tmp_path / "objects" / "Lead" / "fields"
    fields.mkdir(parents=True)
    broken = fields / "Broken__c.field-meta.xml"
    broken.write_text("<CustomField>")
    with pytest.raises(SalesforceFault, match=r"Broken__c\.field-meta\.xml is not well-formed"):
        read_custom_fields(tmp_path)
    broken.write_text(
        '<CustomField xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>Broken__c</fullName>'
        "<type>Hologram</type></CustomField>"
    )
    with pytest.raises(SalesforceFault, match="Hologram"):
        read_custom_fields(tmp_path)


@pytest.mark.rule("P3")
def test_describe_answers_what_a_client_checks_mappings_against(bench: Bench) -> None:
    described = {field["name"]: field for field in bench.org.describe("lead")["fields"]}
    assert described["Email"]["type"] == "email"
    assert described["Email"]["length"] == 80
    assert described["Email"]["idLookup"] is True
    assert described["LastName"]["nillable"] is False
    assert described["Name"]["createable"] is False
    assert described["OwnerId"]["referenceTo"] == ["Group", "User"]
    assert described["OwnerId"]["relationshipName"] == "Owner"
    assert described["OwnerId"]["defaultedOnCreate"] is True
    assert described["Person_Key__c"]["unique"] is True
    assert described["Person_Key__c"]["externalId"] is True
    assert described["Person_Key__c"]["custom"] is True
    assert described["Summary__c"]["calculated"] is True
    assert described["Summary__c"]["createable"] is False
    assert described["Description"]["filterable"] is False
    assert [value["value"] for value in described["Grade__c"]["picklistValues"]] == ["Gold", "Silver"]
    assert described["Grade__c"]["restrictedPicklist"] is True


@pytest.mark.rule("P3")
def test_describe_names_the_children_and_what_may_be_done_with_an_object(bench: Bench) -> None:
    account = bench.org.describe("Account")
    children = {(child["childSObject"], child["field"]) for child in account["childRelationships"]}
    assert {("Contact", "AccountId"), ("Event", "WhatId"), ("Account", "ParentId")} <= children
    assert bench.org.describe("User")["deletable"] is False
    assert bench.org.describe("Organization")["createable"] is False


@pytest.mark.rule("P3")
def test_the_list_of_objects_is_sorted_and_short(bench: Bench) -> None:
    listed = bench.org.describe_global()["sobjects"]
    names = [item["name"] for item in listed]
    assert names == sorted(names)
    assert {"Lead", "Contact", "Account", "Event", "User", "Campaign", "CampaignMember"} <= set(names)
    assert "fields" not in listed[0]


@pytest.mark.rule("P3")
def test_an_unknown_object_is_not_found(bench: Bench) -> None:
    with pytest.raises(SalesforceFault) as refused:
        bench.org.describe("Leed")
    assert (refused.value.http_status, refused.value.code) == (404, "NOT_FOUND")


@pytest.mark.rule("P3")
def test_a_restart_on_the_same_file_loses_nothing_and_goes_on_numbering(tmp_path: Path) -> None:
    before = Bench(tmp_path / "org.db")
    lead = before.lead(Email="a@example.com")
    organization, user = before.org.organization_id, before.org.integration_user_id
    before.close()
    after = Bench(tmp_path / "org.db")
    assert after.column("SELECT Email FROM Lead") == ["a@example.com"]
    assert (after.org.organization_id, after.org.integration_user_id) == (organization, user)
    assert after.lead() != lead
    after.close()


@pytest.mark.rule("P3")
def test_a_package_deployed_later_adds_its_fields_to_the_records_there_are(tmp_path: Path) -> None:
    plain = Bench(tmp_path / "org.db", package=None)
    plain.lead()
    plain.close()
    deployed = Bench(tmp_path / "org.db")
    assert deployed.rows("SELECT Person_Key__c, Consent__c FROM Lead") == [(None, True)]
    deployed.close()


@pytest.mark.rule("P3")
def test_a_reset_empties_the_org_and_keeps_its_own_ids(bench: Bench) -> None:
    first = bench.lead()
    organization = bench.org.organization_id
    bench.org.reset()
    assert bench.column("SELECT Id FROM Lead", include_deleted=True) == []
    assert bench.column("SELECT Id FROM Organization") == [organization]
    assert bench.org.integration_user_id in bench.column("SELECT Id FROM User")
    assert bench.lead() != first


@pytest.mark.rule("P3")
def test_a_new_org_has_an_active_standard_integration_user_and_an_automated_one(bench: Bench) -> None:
    assert bench.column("SELECT UserType FROM User WHERE IsActive = TRUE ORDER BY UserType") == [
        "AutomatedProcess",
        "Standard",
    ]


@pytest.mark.rule("P3")
def test_the_clock_moves_when_told_and_refuses_an_instant_without_zone() -> None:
    clock = Clock()
    clock.set(NOW)
    assert 0 <= (clock.now() - NOW).total_seconds() < 60
    clock.freeze(NOW)
    clock.advance(90)
    assert clock.now() == datetime(2026, 3, 18, 12, 1, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        clock.set(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test
