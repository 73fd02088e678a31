"""What a user sees and may do under the org's setup: permissions, field-level security, objects, activity sharing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.salesforce_emulator.engine.access import is_permissionable
from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import (
    DEFAULT_PERMISSIONS,
    FieldAccess,
    ObjectAccess,
    OrgSetup,
    UserPermission,
    UserSetup,
)
from tests.emulator.engine_bench import NOW, Bench, Row, event, only_error

pytestmark = pytest.mark.rule("P3")

SETUP_PAGE = Path(__file__).parents[2] / "docs" / "local-org-setup.md"
LIMITED = "limited@bank.example"
BANKER = "banker@bank.example"
HIDDEN, READ = FieldAccess.HIDDEN, FieldAccess.READ
NO_ACCESS: frozenset[ObjectAccess] = frozenset()
READ_ONLY = frozenset({ObjectAccess.READ})
READ_AND_CREATE = frozenset({ObjectAccess.READ, ObjectAccess.CREATE})
EVERYTHING_BUT_ESCAPES = DEFAULT_PERMISSIONS
ONLY_OWN_ACTIVITIES = DEFAULT_PERMISSIONS - {UserPermission.MODIFY_ALL_DATA}


class LimitedBench(Bench):
    """A bench with a second user, whom setups limit; verbs of the base class act as the integration user."""

    def __init__(self) -> None:
        super().__init__()
        self.limited = self.user(LIMITED)

    def limit(self, *, sharing: Any = "public", **user: Any) -> None:
        users = {LIMITED.upper(): UserSetup(**user)}
        self.org.configure(OrgSetup(users=users, activity_sharing=sharing))

    def as_limited(self, operation: Any, sobject: str, *rows: Row, **more: Any) -> list[tuple[str, ...]]:
        """Write as the limited user; by row, the error's code and fields, or nothing."""
        results = self.write(operation, sobject, list(rows), user_id=self.limited, **more)
        return [() if result.success else _flat(*only_error(result)) for result in results]

    def seen(self, soql: str) -> list[dict[str, Any]]:
        result = self.org.query(soql, user_id=self.limited)
        return result.records(0, result.total_size)

    def described(self, sobject: str) -> dict[str, dict[str, Any]]:
        fields = self.org.describe(sobject, user_id=self.limited)["fields"]
        return {field["name"]: field for field in fields}


def _flat(code: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    return (code, *fields)


@pytest.fixture
def bench() -> Iterator[LimitedBench]:
    made = LimitedBench()
    yield made
    made.close()


# -- field-level security


def test_a_hidden_field_is_absent_from_the_describe_and_the_record_of_that_user_only(
    bench: LimitedBench,
) -> None:
    lead = bench.lead(Description="secret")
    bench.limit(fields={"lead": {"description": HIDDEN}})
    assert "Description" not in bench.described("Lead")
    assert "Description" not in bench.org.retrieve("Lead", lead, user_id=bench.limited)
    assert bench.org.retrieve("Lead", lead, user_id=bench.org.integration_user_id)["Description"] == "secret"


def test_a_hidden_field_in_soql_is_an_invalid_field_with_its_position(bench: LimitedBench) -> None:
    bench.limit(fields={"Lead": {"Description": HIDDEN}})
    with pytest.raises(SalesforceFault, match="No such column 'Description' on entity 'Lead'") as refusal:
        bench.seen("SELECT Id, Description FROM Lead")
    assert refusal.value.code == "INVALID_FIELD"
    assert "ERROR at Row:1:Column:12" in refusal.value.message


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id FROM Lead WHERE Email = 'a@b.example'",
        "SELECT Id FROM Lead ORDER BY Email",
        "SELECT COUNT(Id), Email FROM Lead GROUP BY Email",
        "SELECT Owner.Email, Id FROM Lead WHERE Id IN (SELECT LeadId FROM CampaignMember WHERE Lead.Email != null)",
    ],
)
def test_a_hidden_field_can_be_named_nowhere_in_a_query(bench: LimitedBench, soql: str) -> None:
    bench.limit(fields={"Lead": {"Email": HIDDEN}})
    with pytest.raises(SalesforceFault, match="No such column 'Email'"):
        bench.seen(soql)


def test_fields_all_shows_what_the_user_sees(bench: LimitedBench) -> None:
    bench.lead(Description="secret")
    bench.limit(fields={"Lead": {"Description": HIDDEN}})
    (record,) = bench.seen("SELECT FIELDS(ALL) FROM Lead LIMIT 1")
    assert "Description" not in record
    assert record["LastName"] == "Doe"


def test_a_hidden_reference_hides_the_way_to_its_parent(bench: LimitedBench) -> None:
    bench.limit(fields={"Contact": {"AccountId": HIDDEN}})
    with pytest.raises(SalesforceFault, match="Didn't understand relationship 'Account'"):
        bench.seen("SELECT Account.Name FROM Contact")
    row = {"LastName": "Doe", "Account.Person_Key__c": "x"}
    assert bench.as_limited("insert", "Contact", row) == [("INVALID_FIELD",)]


def test_writing_a_hidden_field_is_refused_as_if_there_were_no_such_column(bench: LimitedBench) -> None:
    bench.limit(fields={"Lead": {"Description": HIDDEN}})
    rows = [
        {"LastName": "A", "Company": "x", "Description": "y"},
        {"LastName": "B", "Company": "x"},
    ]
    results = bench.write("insert", "Lead", rows, user_id=bench.limited)
    assert results[0].errors[0].message == "No such column 'Description' on sobject of type Lead"
    assert [result.success for result in results] == [False, True]


def test_a_bulk_job_fails_for_its_first_hidden_column(bench: LimitedBench) -> None:
    bench.limit(fields={"Lead": {"Description": HIDDEN, "Email": HIDDEN}})
    columns = ["LastName", "Email", "Description"]
    problem = bench.org.check_columns("Lead", "insert", columns, None, user_id=bench.limited)
    assert problem == "InvalidBatch : Field name not found : Email"
    assert bench.org.check_columns("Lead", "insert", columns, None) is None


def test_a_read_only_field_is_flagged_read_and_not_written(bench: LimitedBench) -> None:
    lead = bench.lead(Title="Dr")
    bench.limit(fields={"Lead": {"Title": READ}})
    described = bench.described("Lead")["Title"]
    assert (described["createable"], described["updateable"]) == (False, False)
    assert bench.seen("SELECT Title FROM Lead")[0]["Title"] == "Dr"
    refused = ("INVALID_FIELD_FOR_INSERT_UPDATE", "Title")
    assert bench.as_limited("update", "Lead", {"Id": lead, "Title": "Prof"}) == [refused]
    new = {"LastName": "B", "Company": "x", "Title": "Prof"}
    assert bench.as_limited("insert", "Lead", new, {**new, "Title": None}) == [refused, refused]


def test_an_upsert_by_a_read_only_key_updates_but_creates_nothing(bench: LimitedBench) -> None:
    bench.lead(Person_Key__c="known")
    bench.limit(fields={"Lead": {"Person_Key__c": READ}})
    row = {"LastName": "New", "Company": "x"}
    outcome = bench.as_limited(
        "upsert",
        "Lead",
        {**row, "Person_Key__c": "known"},
        {**row, "Person_Key__c": "unknown"},
        external_id="Person_Key__c",
    )
    assert outcome == [(), ("INVALID_FIELD_FOR_INSERT_UPDATE", "Person_Key__c")]


def test_a_hidden_key_matches_nothing(bench: LimitedBench) -> None:
    bench.limit(fields={"Lead": {"Person_Key__c": HIDDEN}})
    with pytest.raises(SalesforceFault, match="Person_Key__c"):
        bench.as_limited("upsert", "Lead", {"LastName": "A"}, external_id="Person_Key__c")
    with pytest.raises(SalesforceFault, match="Person_Key__c"):
        bench.org.find_by_external_id("Lead", "Person_Key__c", "x", user_id=bench.limited)


def test_a_default_fills_a_field_its_user_cannot_see(bench: LimitedBench) -> None:
    bench.limit(fields={"Event": {"ShowAs": HIDDEN}})
    assert "ShowAs" not in bench.described("Event")
    assert bench.as_limited("insert", "Event", event()) == [()]
    assert bench.column("SELECT ShowAs FROM Event") == ["Busy"]


@pytest.mark.parametrize("left", list(FieldAccess))
@pytest.mark.parametrize(
    ("sobject", "row"),
    [
        ("Lead", {"LastName": "A", "Company": "x"}),
        ("Contact", {"LastName": "A"}),
        ("Account", {"Name": "A"}),
        ("Task", {}),
        ("Campaign", {"Name": "A"}),
    ],
)
def test_an_object_whose_every_field_is_limited_is_still_read_written_and_described(
    bench: LimitedBench, sobject: str, row: Row, left: FieldAccess
) -> None:
    limitable = [field.name for field in bench.org.sobject(sobject).fields if is_permissionable(field)]
    bench.limit(fields={sobject: dict.fromkeys(limitable, left)})
    assert bench.as_limited("insert", sobject, row) == [()]
    described = bench.described(sobject)
    writable = {name for name, field in described.items() if field["createable"] or field["updateable"]}
    assert limitable
    assert not writable & set(limitable)
    assert bool(described.keys() & set(limitable)) is (left is READ)
    (record,) = bench.seen(f"SELECT FIELDS(ALL) FROM {sobject} LIMIT 1")
    assert record.keys() - {"attributes"} == described.keys()


@pytest.mark.parametrize("named", ["Activity", "Event", "Task"])
def test_event_and_task_share_the_security_of_a_custom_field(bench: LimitedBench, named: str) -> None:
    bench.limit(fields={named: {"Kind__c": HIDDEN}})
    assert "Kind__c" not in bench.described("Event")
    assert "Kind__c" not in bench.described("Task")


def test_the_stricter_of_two_says_about_one_activity_field_counts(bench: LimitedBench) -> None:
    bench.limit(fields={"Event": {"Kind__c": READ}, "Task": {"Kind__c": HIDDEN}})
    assert "Kind__c" not in bench.described("Event")


def test_a_custom_field_hidden_on_contacts_is_hidden_on_person_accounts(bench: LimitedBench) -> None:
    user = UserSetup(fields={"Contact": {"Person_Key__c": HIDDEN}})
    bench.org.configure(OrgSetup(person_accounts=True, users={LIMITED: user}))
    described = bench.described("Account")
    assert "Person_Key__pc" not in described
    assert "Person_Key__c" in described
    assert bench.org.sobject("Account").field("Person_Key__pc") is not None


def test_a_standard_field_of_events_is_not_one_of_tasks(bench: LimitedBench) -> None:
    bench.limit(fields={"Event": {"Description": HIDDEN}})
    assert "Description" not in bench.described("Event")
    assert "Description" in bench.described("Task")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Lead": {"LastName": HIDDEN}}, "Lead.LastName, which field-level security cannot do"),
        ({"Lead": {"Name": READ}}, "Lead.Name, which"),
        ({"Lead": {"Company": READ}}, "Lead.Company, which"),
        ({"Event": {"Id": HIDDEN}}, "Event.Id, which"),
        ({"Event": {"OwnerId": READ}}, "Event.OwnerId, which"),
        ({"Lead": {"SystemModstamp": HIDDEN}}, "Lead.SystemModstamp, which"),
        ({"Lead": {"Nonsense__c": HIDDEN}}, "the field Lead.Nonsense__c, which the org does not have"),
        ({"Nonsense": {"Id": HIDDEN}}, "fields of the object Nonsense, which the org does not have"),
    ],
)
def test_a_setup_that_limits_what_cannot_be_limited_is_refused_whole(
    bench: LimitedBench, fields: Any, words: str
) -> None:
    before = bench.org.setup
    with pytest.raises(SalesforceFault, match=words) as refusal:
        bench.limit(fields=fields)
    assert LIMITED in refusal.value.message.lower()
    assert bench.org.setup == before


def test_every_setup_that_the_documentation_shows_is_taken(bench: LimitedBench) -> None:
    shown = re.findall(r"```json\n(.*?)```", SETUP_PAGE.read_text(), re.DOTALL)
    assert shown
    for document in shown:
        bench.org.configure(OrgSetup.model_validate_json(document))


def test_a_setup_may_name_a_user_who_comes_later(bench: LimitedBench) -> None:
    users = {"later@bank.example": UserSetup(fields={"Lead": {"Email": HIDDEN}})}
    bench.org.configure(OrgSetup(users=users))
    later = bench.user("later@bank.example")
    assert bench.org.sobject("Lead", user_id=later).field("Email") is None


def test_a_new_setup_takes_effect_at_once(bench: LimitedBench) -> None:
    bench.limit(fields={"Lead": {"Email": HIDDEN}})
    assert "Email" not in bench.described("Lead")
    bench.org.configure(OrgSetup())
    assert "Email" in bench.described("Lead")


# -- objects


def test_an_object_without_rights_is_not_there(bench: LimitedBench) -> None:
    bench.limit(objects={"Campaign": NO_ACCESS})
    names = {item["name"] for item in bench.org.describe_global(user_id=bench.limited)["sobjects"]}
    assert "Campaign" not in names
    assert "Lead" in names
    with pytest.raises(SalesforceFault, match="sObject type 'Campaign' is not supported") as refusal:
        bench.seen("SELECT Id FROM Campaign")
    assert refusal.value.code == "INVALID_TYPE"
    for attempt in (
        lambda: bench.org.describe("Campaign", user_id=bench.limited),
        lambda: bench.as_limited("insert", "Campaign", {"Name": "x"}),
        lambda: bench.org.retrieve("Campaign", "701000000000001AAA", user_id=bench.limited),
    ):
        with pytest.raises(SalesforceFault) as missing:
            attempt()
        assert (missing.value.http_status, missing.value.code) == (404, "NOT_FOUND")
    problem = bench.org.check_columns("Campaign", "insert", ["Name"], None, user_id=bench.limited)
    assert problem == "InvalidJob : Unable to find object: Campaign"


def test_an_object_that_may_only_be_read_takes_no_write(bench: LimitedBench) -> None:
    lead = bench.lead()
    bench.limit(objects={"lead": READ_ONLY})
    assert [row["Id"] for row in bench.seen("SELECT Id FROM Lead")] == [lead]
    described = bench.org.describe("Lead", user_id=bench.limited)
    assert [described[name] for name in ("createable", "updateable", "deletable")] == [False] * 3
    denied = ("INSUFFICIENT_ACCESS_OR_READONLY",)
    assert bench.as_limited("insert", "Lead", {"LastName": "A", "Company": "x"}) == [
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",)
    ]
    assert bench.as_limited("update", "Lead", {"Id": lead, "Title": "x"}) == [denied]
    assert bench.as_limited("delete", "Lead", {"Id": lead}) == [denied]
    assert bench.column("SELECT Id FROM Lead") == [lead]


def test_an_upsert_creates_where_it_may_and_edits_nothing_where_it_may_not(bench: LimitedBench) -> None:
    bench.lead(Person_Key__c="known")
    bench.limit(objects={"Lead": READ_AND_CREATE})
    row = {"LastName": "New", "Company": "x"}
    rows = [{**row, "Person_Key__c": key} for key in ("known", "new")]
    outcome = bench.as_limited("upsert", "Lead", *rows, external_id="Person_Key__c")
    assert outcome == [("INSUFFICIENT_ACCESS_OR_READONLY",), ()]


def test_a_row_may_not_point_at_a_record_of_an_object_the_user_cannot_read(bench: LimitedBench) -> None:
    account, contact = bench.insert("Account", Name="Bank"), bench.contact()
    bench.limit(objects={"Account": NO_ACCESS})
    rows = [event(WhatId=account), event(WhoId=contact)]
    outcome = bench.as_limited("insert", "Event", *rows)
    assert outcome == [("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",), ()]


def test_rights_without_read_are_no_setup(bench: LimitedBench) -> None:
    with pytest.raises(SalesforceFault, match="without read"):
        bench.limit(objects={"Lead": frozenset({ObjectAccess.EDIT})})
    with pytest.raises(SalesforceFault, match="the object Nonsense"):
        bench.limit(objects={"Nonsense": READ_ONLY})


# -- user permissions


def test_permissions_left_out_are_everything_but_the_escapes(bench: LimitedBench) -> None:
    for access in (bench.org.access_of(None), bench.org.access_of(bench.limited)):
        assert {item for item in UserPermission if access.allows(item)} == EVERYTHING_BUT_ESCAPES


def test_modify_all_data_implies_view_all_data(bench: LimitedBench) -> None:
    bench.limit(permissions={UserPermission.MODIFY_ALL_DATA})
    access = bench.org.access_of(bench.limited)
    access.require(UserPermission.VIEW_ALL_DATA)
    with pytest.raises(SalesforceFault, match="ConvertLeads") as refusal:
        access.require(UserPermission.CONVERT_LEADS)
    assert (refusal.value.http_status, refusal.value.code) == (403, "INSUFFICIENT_ACCESS")


def test_without_api_enabled_and_hard_delete_the_requests_are_refused(bench: LimitedBench) -> None:
    bench.limit(permissions=frozenset())
    access = bench.org.access_of(bench.limited)
    with pytest.raises(SalesforceFault, match="API_DISABLED_FOR_ORG"):
        access.require_api()
    with pytest.raises(SalesforceFault, match="FEATURENOTENABLED"):
        access.require_hard_delete()


def test_a_key_that_is_not_unique_matches_only_for_those_who_view_all_data(bench: LimitedBench) -> None:
    bench.lead(Import_Key__c="1", Person_Key__c="1")
    row = {"Import_Key__c": "1", "Title": "Dr"}
    bench.limit()
    assert bench.as_limited("upsert", "Lead", row, external_id="Import_Key__c") == [()]
    bench.limit(
        permissions=DEFAULT_PERMISSIONS - {UserPermission.VIEW_ALL_DATA, UserPermission.MODIFY_ALL_DATA}
    )
    with pytest.raises(SalesforceFault, match="requires view all data on a non-unique") as refusal:
        bench.as_limited("upsert", "Lead", row, external_id="Import_Key__c")
    assert refusal.value.code == "INSUFFICIENT_ACCESS"
    unique = {"Person_Key__c": "1", "Title": "Prof"}
    assert bench.as_limited("upsert", "Lead", unique, external_id="Person_Key__c") == [()]
    assert bench.described("Lead")["Import_Key__c"]["externalId"]


def test_a_converted_lead_is_edited_only_with_the_permission_for_it(bench: LimitedBench) -> None:
    lead = bench.lead()
    bench.org.convert_lead(lead)
    change = {"Id": lead, "Title": "Dr"}
    bench.limit()
    assert bench.as_limited("update", "Lead", change) == [("CANNOT_UPDATE_CONVERTED_LEAD",)]
    bench.limit(permissions=DEFAULT_PERMISSIONS | {UserPermission.VIEW_AND_EDIT_CONVERTED_LEADS})
    assert bench.as_limited("update", "Lead", change) == [()]


def test_an_inactive_user_is_given_records_only_with_the_permission_for_it(bench: LimitedBench) -> None:
    gone = bench.user("gone@bank.example", IsActive=False)
    row = {"LastName": "A", "Company": "x", "OwnerId": gone}
    bench.limit()
    assert bench.as_limited("insert", "Lead", row) == [("INACTIVE_OWNER_OR_USER", "OwnerId")]
    bench.limit(permissions=DEFAULT_PERMISSIONS | {UserPermission.UPDATE_WITH_INACTIVE_OWNER})
    assert bench.as_limited("insert", "Lead", row) == [()]
    assert bench.column("SELECT OwnerId FROM Lead") == [gone]


def test_audit_fields_are_set_by_insert_with_the_permission_and_never_by_upsert(bench: LimitedBench) -> None:
    stamp = "2019-05-06T07:08:09.000+0000"
    row = {
        "LastName": "A",
        "Company": "x",
        "CreatedDate": stamp,
        "CreatedById": bench.org.integration_user_id,
    }
    refused = ("INVALID_FIELD_FOR_INSERT_UPDATE", "CreatedDate", "CreatedById")
    assert bench.as_limited("insert", "Lead", row) == [refused]
    bench.limit(permissions=DEFAULT_PERMISSIONS | {UserPermission.CREATE_AUDIT_FIELDS})
    assert bench.described("Lead")["CreatedDate"]["createable"]
    keyed = {**row, "Person_Key__c": "1"}
    assert bench.as_limited("upsert", "Lead", keyed, external_id="Person_Key__c") == [refused]
    assert bench.as_limited("insert", "Lead", row, {"LastName": "B", "Company": "x"}) == [(), ()]
    found = bench.rows(
        "SELECT LastName, CreatedDate, CreatedById, LastModifiedById FROM Lead ORDER BY LastName"
    )
    now = NOW.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    assert found == [
        ("A", stamp, bench.org.integration_user_id, bench.limited),
        ("B", now, bench.limited, bench.limited),
    ]
    lead = bench.lead()
    assert bench.as_limited("update", "Lead", {"Id": lead, "CreatedDate": stamp}) == [refused[:2]]


def test_campaigns_are_read_only_and_member_statuses_gone_without_marketing_user(bench: LimitedBench) -> None:
    bench.insert("Campaign", Name="Spring")
    bench.limit(permissions=DEFAULT_PERMISSIONS - {UserPermission.MARKETING_USER})
    assert [row["Name"] for row in bench.seen("SELECT Name FROM Campaign")] == ["Spring"]
    results = bench.write("insert", "Campaign", [{"Name": "x"}], user_id=bench.limited)
    assert results[0].errors[0].message == "entity type cannot be inserted: Campaign"
    with pytest.raises(SalesforceFault, match="INVALID_TYPE"):
        bench.seen("SELECT Id FROM CampaignMemberStatus")


# -- activity sharing


def test_under_private_sharing_an_event_made_for_a_banker_cannot_be_changed_by_its_maker(
    bench: LimitedBench,
) -> None:
    banker = bench.user(BANKER)
    bench.limit(sharing="private", permissions=ONLY_OWN_ACTIVITIES)
    for sobject, row in (("Event", event(OwnerId=banker)), ("Task", {"Subject": "Call", "OwnerId": banker})):
        keyed = {**row, "Booking_Key__c": "1"}
        assert bench.as_limited("upsert", sobject, keyed, external_id="Booking_Key__c") == [()]
        (made,) = bench.column(f"SELECT Id FROM {sobject}")
        denied = [("INSUFFICIENT_ACCESS_OR_READONLY",)]
        assert bench.as_limited("upsert", sobject, keyed, external_id="Booking_Key__c") == denied
        assert bench.as_limited("update", sobject, {"Id": made, "Subject": "x"}) == denied
        assert bench.as_limited("update", sobject, {"Id": made, "OwnerId": bench.limited}) == denied
        assert bench.as_limited("delete", sobject, {"Id": made}) == denied
        assert bench.as_limited("hardDelete", sobject, {"Id": made}) == denied
        assert bench.get(sobject, made, "Subject", "OwnerId") == {
            "Subject": row["Subject"],
            "OwnerId": banker,
        }


def test_private_sharing_refuses_only_the_rows_it_concerns(bench: LimitedBench) -> None:
    banker = bench.user(BANKER)
    bench.limit(sharing="private", permissions=ONLY_OWN_ACTIVITIES)
    own, other = bench.event(OwnerId=bench.limited), bench.event(OwnerId=banker)
    rows = [{"Id": own, "Subject": "x"}, {"Id": other, "Subject": "x"}]
    assert bench.as_limited("update", "Event", *rows) == [(), ("INSUFFICIENT_ACCESS_OR_READONLY",)]
    unknown = "00U000000000zzzEAA"
    outcome = bench.as_limited("delete", "Event", {"Id": other}, {"Id": own}, {"Id": unknown})
    assert outcome == [("INSUFFICIENT_ACCESS_OR_READONLY",), (), ("INVALID_CROSS_REFERENCE_KEY",)]


@pytest.mark.parametrize(
    "user",
    [
        {"permissions": ONLY_OWN_ACTIVITIES, "above": {BANKER.upper()}},
        {"permissions": ONLY_OWN_ACTIVITIES | {UserPermission.MODIFY_ALL_DATA}},
    ],
    ids=["above the owner", "modify all data"],
)
def test_private_sharing_leaves_the_activity_to_those_above_and_those_who_modify_all_data(
    bench: LimitedBench, user: dict[str, Any]
) -> None:
    bench.limit(sharing="private", **user)
    made = bench.event(OwnerId=bench.user(BANKER))
    assert bench.as_limited("update", "Event", {"Id": made, "Subject": "x"}) == [()]
    assert bench.as_limited("delete", "Event", {"Id": made}) == [()]


def test_public_sharing_and_other_objects_are_open_to_everybody(bench: LimitedBench) -> None:
    banker = bench.user(BANKER)
    made, lead = bench.event(OwnerId=banker), bench.lead(OwnerId=banker)
    bench.limit(permissions=ONLY_OWN_ACTIVITIES)
    assert bench.as_limited("update", "Event", {"Id": made, "Subject": "x"}) == [()]
    bench.limit(sharing="private", permissions=ONLY_OWN_ACTIVITIES)
    assert bench.as_limited("update", "Lead", {"Id": lead, "Title": "x"}) == [()]


def test_the_orgs_own_writes_are_bound_by_nothing(bench: LimitedBench) -> None:
    made = bench.event(OwnerId=bench.user(BANKER))
    bench.limit(
        sharing="private",
        permissions=frozenset(),
        fields={"Event": {"Location": HIDDEN}},
        objects={"Event": READ_ONLY},
    )
    row = {"Id": made, "Location": "Main Street"}
    assert bench.as_limited("update", "Event", row, as_system=True) == [()]
    assert bench.get("Event", made, "Location", "LastModifiedById") == {
        "Location": "Main Street",
        "LastModifiedById": bench.limited,
    }
