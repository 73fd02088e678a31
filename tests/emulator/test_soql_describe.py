"""What describe says of fields, against the facts of the Object Reference and of real orgs' describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


FACTS: dict[str, dict[str, dict[str, Any]]] = {
    "Lead": {
        "Id": {"type": "id", "soapType": "tns:ID", "length": 18, "byteLength": 18, "idLookup": True,
               "nillable": False, "createable": False, "updateable": False, "defaultedOnCreate": True},
        "IsDeleted": {"type": "boolean", "soapType": "xsd:boolean", "length": 0, "byteLength": 0,
                      "aggregatable": False, "groupable": True, "defaultedOnCreate": True},
        "LastName": {"type": "string", "soapType": "xsd:string", "length": 80, "byteLength": 240,
                     "nillable": False, "defaultedOnCreate": False, "createable": True},
        "Email": {"type": "email", "length": 80, "byteLength": 240, "idLookup": True, "filterable": True},
        "Phone": {"type": "phone", "length": 40, "byteLength": 120},
        "Description": {"type": "textarea", "length": 32000, "byteLength": 96000, "filterable": False,
                        "sortable": False, "groupable": False, "aggregatable": False},
        "Status": {"type": "picklist", "nillable": False, "defaultedOnCreate": True, "groupable": True},
        "CreatedDate": {"type": "datetime", "soapType": "xsd:dateTime", "groupable": False, "sortable": True,
                        "aggregatable": True, "createable": False, "defaultedOnCreate": True},
        "OwnerId": {"type": "reference", "referenceTo": ["Group", "User"], "relationshipName": "Owner",
                    "polymorphicForeignKey": True, "namePointing": True, "groupable": True, "length": 18},
        "Topics__c": {"type": "multipicklist", "filterable": True, "groupable": False, "sortable": False,
                      "aggregatable": False},
        "Score__c": {"type": "double", "soapType": "xsd:double", "length": 0, "groupable": False, "sortable": True},
        "Person_Key__c": {"externalId": True, "unique": True, "caseSensitive": False, "custom": True},
        "Summary__c": {"calculated": True, "createable": False, "updateable": False, "groupable": False},
    },
    "Event": {
        "Subject": {"type": "combobox", "length": 255, "nameField": True, "filterable": True},
        "WhoId": {"type": "reference", "referenceTo": ["Contact", "Lead"], "relationshipName": "Who",
                  "polymorphicForeignKey": True, "namePointing": True, "nillable": True},
        "DurationInMinutes": {"type": "int", "soapType": "xsd:int", "digits": 8, "precision": 0, "scale": 0},
        "ActivityDate": {"type": "date", "soapType": "xsd:date", "groupable": True, "length": 0},
        "IsArchived": {"type": "boolean", "createable": False, "updateable": False},
        "Booking_Key__c": {"externalId": True, "unique": True, "caseSensitive": True},
    },
    "Contact": {
        "OwnerId": {"referenceTo": ["User"], "polymorphicForeignKey": False, "namePointing": False},
        "AccountId": {"type": "reference", "referenceTo": ["Account"], "relationshipName": "Account"},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("sobject", "field"), [(sobject, field) for sobject, fields in FACTS.items() for field in fields]
)
def test_describe_says_of_a_field_what_an_org_says(bench: Bench, sobject: str, field: str) -> None:
    described = {item["name"]: item for item in bench.org.describe(sobject)["fields"]}[field]
    wanted = FACTS[sobject][field]
    assert {name: described[name] for name in wanted} == wanted


def test_describe_says_of_every_child_relationship_its_object_field_and_name(bench: Bench) -> None:
    children = {
        (child["childSObject"], child["field"]): child
        for child in bench.org.describe("Account")["childRelationships"]
    }
    contacts = children["Contact", "AccountId"]
    assert (contacts["relationshipName"], contacts["cascadeDelete"]) == ("Contacts", True)
    assert children["Event", "WhatId"]["relationshipName"] == "Events"
    assert children["Event", "AccountId"]["relationshipName"] is None
    assert children["Lead", "ConvertedAccountId"]["relationshipName"] is None


def test_a_custom_lookup_names_its_children_with_a_suffix(bench: Bench) -> None:
    names = {
        (child["childSObject"], child["field"]): child["relationshipName"]
        for child in bench.org.describe("User")["childRelationships"]
    }
    name = names["Contact", "Advisor__c"]
    assert name is not None
    assert name.endswith("__r")
    bench.contact(Advisor__c=bench.org.integration_user_id)
    users = bench.org.query(f"SELECT Id, (SELECT LastName FROM {name}) FROM User").records(0, 9)
    advised = {user["Id"]: user[name]["totalSize"] for user in users if user[name] is not None}
    assert advised == {bench.org.integration_user_id: 1}
