"""Rows written: what a batch accepts, refuses and derives, whatever the object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.salesforce_emulator.engine.errors import SalesforceFault
from tests.emulator.engine_bench import NOW, Bench, event, only_error

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_a_bad_row_is_a_result_and_its_neighbours_are_written(bench: Bench) -> None:
    results = bench.write("insert", "Lead", [{"LastName": "A", "Company": "x"}, {"LastName": "B"}])
    assert [result.success for result in results] == [True, False]
    assert results[1].id is None
    assert only_error(results[1]) == ("REQUIRED_FIELD_MISSING", ("Company",))
    assert results[1].errors[0].message == "Required fields are missing: [Company]"
    assert bench.column("SELECT LastName FROM Lead") == ["A"]


def test_all_or_none_undoes_the_good_rows_and_says_why(bench: Bench) -> None:
    rows = [{"LastName": "A", "Company": "x"}, {"LastName": "B"}]
    results = bench.write("insert", "Lead", rows, all_or_none=True)
    assert [result.errors[0].code for result in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert bench.column("SELECT Id FROM Lead") == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("LastName", "x" * 81, "STRING_TOO_LONG"),
        ("Email", "not an address", "INVALID_EMAIL_ADDRESS"),
        ("Email", "a@b", "INVALID_EMAIL_ADDRESS"),
        ("Grade__c", "Tin", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Topics__c", "Gold;Lead", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Score__c", 12345.0, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Score__c", "12", "JSON_PARSER_ERROR"),
        ("NumberOfEmployees", 1.5, "JSON_PARSER_ERROR"),
        ("Consent__c", "perhaps", "JSON_PARSER_ERROR"),
        ("Asked_At__c", "2026-03-20 10:00", "JSON_PARSER_ERROR"),
        ("Asked_At__c", "2026-02-30T10:00:00Z", "JSON_PARSER_ERROR"),
        ("Birth_Date__c", "20.03.2026", "JSON_PARSER_ERROR"),
        ("LastName", 5, "JSON_PARSER_ERROR"),
        ("LastName", ["x"], "JSON_PARSER_ERROR"),
        ("OwnerId", "nobody", "MALFORMED_ID"),
        ("OwnerId", "00QLo0000000001MAA", "FIELD_INTEGRITY_EXCEPTION"),
        ("OwnerId", "005Lo00000zzzzzEAA", "MALFORMED_ID"),
    ],
)
def test_a_value_its_field_cannot_take_refuses_the_row(
    bench: Bench, field: str, value: Any, code: str
) -> None:
    row = {"LastName": "Doe", "Company": "Acme", field: value}
    assert only_error(bench.write("insert", "Lead", [row])[0]) == (code, (field,))


def test_too_long_a_text_is_reported_by_the_field_s_label(bench: Bench) -> None:
    result = bench.write("insert", "Event", [event(Subject="x" * 256)])[0]
    assert result.errors[0].message.startswith("Subject: data value too large: xxx")
    assert result.errors[0].message.endswith("(max length=255)")
    assert bench.write("insert", "Event", [event(Subject="x" * 255)])[0].success


@pytest.mark.parametrize(
    "address", ["o'neil@example.com", "a.b+c@mail.example.co.uk", "x_1@sub-domain.example"]
)
def test_addresses_with_apostrophes_and_tags_are_good(bench: Bench, address: str) -> None:
    assert bench.get("Lead", bench.lead(Email=address), "Email") == {"Email": address}


def test_texts_lose_outer_blanks_and_an_empty_text_is_null(bench: Bench) -> None:
    lead = bench.lead(LastName="  Doe \n", FirstName="", City="\u00a0kept\u00a0")
    assert bench.get("Lead", lead, "LastName", "FirstName", "City", "Name") == {
        "LastName": "Doe",
        "FirstName": None,
        "City": "\u00a0kept\u00a0",
        "Name": "Doe",
    }


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-03-20T10:00:00Z", "2026-03-20T10:00:00.000+0000"),
        ("2026-03-20T10:00:00.987Z", "2026-03-20T10:00:00.000+0000"),
        ("2026-03-20T10:00:00+02:00", "2026-03-20T08:00:00.000+0000"),
        ("2026-03-20T23:30:00-0500", "2026-03-21T04:30:00.000+0000"),
    ],
)
def test_instants_are_kept_in_utc_to_the_second(bench: Bench, given: str, stored: str) -> None:
    assert bench.get("Lead", bench.lead(Asked_At__c=given), "Asked_At__c") == {"Asked_At__c": stored}


def test_defaults_fill_what_a_new_record_leaves_out(bench: Bench) -> None:
    found = bench.get(
        "Lead", bench.lead(), "Status", "Grade__c", "Consent__c", "OwnerId", "HasOptedOutOfEmail"
    )
    assert found == {
        "Status": "Open - Not Contacted",
        "Grade__c": "Silver",
        "Consent__c": True,
        "OwnerId": bench.org.integration_user_id,
        "HasOptedOutOfEmail": False,
    }


def test_audit_fields_say_who_and_when_to_the_second_and_cannot_be_written(bench: Bench) -> None:
    lead = bench.lead()
    other = bench.user("other@example.com")
    bench.org.clock.advance(61)
    bench.write("update", "Lead", [{"Id": lead, "City": "Bern"}], user_id=other)
    found = bench.get(
        "Lead", lead, "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"
    )
    assert found == {
        "CreatedDate": "2026-03-18T12:00:00.000+0000",
        "CreatedById": bench.org.integration_user_id,
        "LastModifiedDate": "2026-03-18T12:01:01.000+0000",
        "LastModifiedById": other,
        "SystemModstamp": "2026-03-18T12:01:01.000+0000",
    }
    refused = bench.write(
        "insert", "Lead", [{"LastName": "A", "Company": "x", "CreatedDate": NOW.isoformat()}]
    )[0]
    assert only_error(refused) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ("CreatedDate",))
    assert only_error(bench.update("Lead", lead, Summary__c="x"))[0] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_an_unknown_column_names_itself_and_the_object(bench: Bench) -> None:
    result = bench.write("insert", "lead", [{"LastName": "A", "Company": "x", "Shoe_Size__c": 1}])[0]
    assert result.errors[0].code == "INVALID_FIELD"
    assert result.errors[0].message == "No such column 'Shoe_Size__c' on sobject of type Lead"


def test_column_names_are_taken_in_any_letter_case_and_attributes_are_passed_over(bench: Bench) -> None:
    row = {"attributes": {"type": "Lead"}, "lastname": "A", "COMPANY": "x"}
    assert bench.write("insert", "LEAD", [row])[0].success
    assert bench.rows("SELECT LastName, Company FROM Lead") == [("A", "x")]


def test_from_csv_an_empty_cell_leaves_alone_and_na_clears(bench: Bench) -> None:
    lead = bench.lead(City="Bern", Phone="1", Consent__c=True)
    row = {"Id": lead, "City": "", "Phone": "#N/A", "Consent__c": "FALSE", "Score__c": "1.5"}
    assert bench.write("update", "Lead", [row], from_csv=True)[0].success
    assert bench.rows("SELECT City, Phone, Consent__c, Score__c FROM Lead") == [("Bern", None, False, 1.5)]


def test_from_csv_a_value_of_the_wrong_type_is_refused_in_bulk_s_words(bench: Bench) -> None:
    row = {"LastName": "A", "Company": "x", "Score__c": "many"}
    result = bench.write("insert", "Lead", [row], from_csv=True)[0]
    assert only_error(result) == ("INVALID_TYPE_ON_FIELD_IN_RECORD", ("Score__c",))


def test_from_json_null_clears_a_field_but_not_a_required_one(bench: Bench) -> None:
    lead = bench.lead(City="Bern")
    assert bench.update("Lead", lead, City=None).success
    assert bench.get("Lead", lead, "City") == {"City": None}
    assert only_error(bench.update("Lead", lead, LastName=None)) == ("REQUIRED_FIELD_MISSING", ("LastName",))


def test_an_update_needs_the_id_of_a_living_record_once(bench: Bench) -> None:
    lead, gone = bench.lead(), bench.lead()
    bench.delete("Lead", gone)
    rows = [
        {"City": "a"},
        {"Id": "nonsense", "City": "b"},
        {"Id": "00QLo0000009999MAA"[:15], "City": "c"},
        {"Id": gone, "City": "d"},
        {"Id": lead, "City": "e"},
        {"Id": lead[:15], "City": "f"},
        {"Id": bench.contact(), "City": "g"},
    ]
    codes = [
        result.errors[0].code if result.errors else "ok" for result in bench.write("update", "Lead", rows)
    ]
    assert codes == [
        "MISSING_ARGUMENT",
        "MALFORMED_ID",
        "INVALID_CROSS_REFERENCE_KEY",
        "ENTITY_IS_DELETED",
        "ok",
        "DUPLICATE_VALUE",
        "MALFORMED_ID",
    ]


def test_an_insert_with_an_id_is_refused(bench: Bench) -> None:
    result = bench.write("insert", "Lead", [{"Id": bench.lead(), "LastName": "A", "Company": "x"}])[0]
    assert only_error(result) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ("Id",))


def test_an_upsert_creates_then_updates_by_its_key(bench: Bench) -> None:
    first = bench.write("upsert", "Event", [event(Booking_Key__c="1-1")], external_id="Booking_Key__c")[0]
    again = bench.write(
        "upsert", "Event", [{"Booking_Key__c": "1-1", "Subject": "Moved"}], external_id="booking_key__c"
    )[0]
    assert (first.created, again.created) == (True, False)
    assert first.id == again.id
    assert bench.column("SELECT Subject FROM Event") == ["Moved"]


def test_two_rows_of_one_upsert_with_one_key_are_both_refused(bench: Bench) -> None:
    rows = [event(Booking_Key__c="1-1"), event(Booking_Key__c="1-1"), event(Booking_Key__c="1-2")]
    results = bench.write("upsert", "Event", rows, external_id="Booking_Key__c")
    assert [result.success for result in results] == [False, False, True]
    assert results[0].errors[0].code == "DUPLICATE_VALUE"
    assert results[0].errors[0].message == "Duplicate external id specified: 1-1"


def test_an_upsert_without_its_key_or_with_an_id_is_refused(bench: Bench) -> None:
    rows = [event(), event(Booking_Key__c="1-1", Id="00ULo0000000001MAA")]
    results = bench.write("upsert", "Event", rows, external_id="Booking_Key__c")
    assert [result.errors[0].code for result in results] == [
        "MISSING_ARGUMENT",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    ]


def test_a_key_that_several_records_hold_is_ambiguous(bench: Bench) -> None:
    ids = [bench.lead(Import_Key__c="x"), bench.lead(Import_Key__c="X")]
    row = {"Import_Key__c": "x", "City": "Bern"}
    result = bench.write("upsert", "Lead", [row], external_id="Import_Key__c")[0]
    assert result.errors[0].code == "DUPLICATE_EXTERNAL_ID"
    assert all(record_id in result.errors[0].message for record_id in ids)
    assert bench.org.find_by_external_id("Lead", "Import_Key__c", "X") == ids


def test_update_only_refuses_to_create(bench: Bench) -> None:
    row = event(Booking_Key__c="1-1")
    result = bench.write("upsert", "Event", [row], external_id="Booking_Key__c", update_only=True)[0]
    assert only_error(result)[0] == "NOT_FOUND"


def test_an_upsert_by_a_field_that_is_no_key_is_refused_whole(bench: Bench) -> None:
    with pytest.raises(SalesforceFault, match="does not match an External ID"):
        bench.write("upsert", "Event", [event(Kind__c="x")], external_id="Kind__c")


def test_a_unique_value_is_held_by_one_living_record_and_the_error_names_it(bench: Bench) -> None:
    holder = bench.lead(Person_Key__c="Key")
    other = bench.lead()
    for result in (
        bench.write("insert", "Lead", [{"LastName": "A", "Company": "x", "Person_Key__c": "kEY"}])[0],
        bench.update("Lead", other, Person_Key__c="key"),
    ):
        assert result.errors[0].code == "DUPLICATE_VALUE"
        assert result.errors[0].message == (
            f"duplicate value found: Person_Key__c duplicates value on record with id: {holder}"
        )
    assert bench.update("Lead", holder, Person_Key__c="KEY").success


def test_the_second_row_of_an_insert_with_one_unique_value_is_refused(bench: Bench) -> None:
    row = {"LastName": "A", "Company": "x", "Person_Key__c": "k"}
    results = bench.write("insert", "Lead", [row, row])
    assert [result.success for result in results] == [True, False]
    assert results[1].errors[0].code == "DUPLICATE_VALUE"


def test_the_recycle_bin_does_not_hold_unique_values(bench: Bench) -> None:
    first = bench.lead(Person_Key__c="k")
    bench.delete("Lead", first)
    bench.lead(Person_Key__c="k")
    result = bench.write("undelete", "Lead", [{"Id": first}])[0]
    assert only_error(result)[0] == "DUPLICATE_VALUE"


def test_a_case_sensitive_key_tells_letters_apart(bench: Bench) -> None:
    for key in ("a", "A"):
        assert bench.write("upsert", "Event", [event(Booking_Key__c=key)], external_id="Booking_Key__c")[
            0
        ].created


def test_references_must_lead_to_a_living_record(bench: Bench) -> None:
    gone = bench.lead()
    bench.delete("Lead", gone)
    never = gone[:14] + "z"
    results = bench.write("insert", "Event", [event(WhoId=gone), event(WhoId=never)])
    assert [result.errors[0].code for result in results] == [
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
    ]


def test_an_inactive_user_can_neither_get_a_record_nor_lose_one(bench: Bench) -> None:
    banker = bench.user("b@example.com")
    held = bench.lead(OwnerId=banker)
    bench.update("User", banker, IsActive=False)
    result = bench.write("insert", "Lead", [{"LastName": "A", "Company": "x", "OwnerId": banker}])[0]
    assert only_error(result) == ("INACTIVE_OWNER_OR_USER", ("OwnerId",))
    assert result.errors[0].message == f"operation performed with inactive user [{banker}] as owner of lead"
    assert bench.update("Lead", held, City="Bern", OwnerId=banker).success


def test_relationship_columns_find_the_parent_by_key(bench: Bench) -> None:
    lead = bench.lead(Person_Key__c="p1")
    account = bench.insert("Account", Name="Acme", Person_Key__c="a1")
    banker = bench.user("b@example.com")
    row = event() | {"Lead:Who.Person_Key__c": "P1", "User:Owner.Username": "b@example.com"}
    made = bench.write("insert", "Event", [row], from_csv=True)[0]
    assert bench.rows("SELECT Id, WhoId, OwnerId FROM Event") == [(made.id, lead, banker)]
    contact = {"LastName": "A", "Account": {"Person_Key__c": "a1"}}
    assert bench.write("insert", "Contact", [contact])[0].success
    assert bench.column("SELECT AccountId FROM Contact") == [account]


def test_a_relationship_value_that_finds_none_or_several_refuses_the_row(bench: Bench) -> None:
    bench.user("one@example.com", Email="shared@example.com")
    bench.user("two@example.com", Email="shared@example.com")
    rows = [event() | {"User:Owner.Email": value} for value in ("nobody@example.com", "shared@example.com")]
    results = bench.write("insert", "Event", rows, from_csv=True)
    assert [result.errors[0].code for result in results] == ["INVALID_FIELD", "INVALID_FIELD"]
    assert "not found" in results[0].errors[0].message
    assert "more than once" in results[1].errors[0].message


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        (["Subject", "Nope", "Neither"], "InvalidBatch : Field name not found : Nope"),
        (["\ufeffSubject"], "InvalidBatch : Field name not found : \ufeffSubject"),
        (["Who.Person_Key__c"], "InvalidBatch : type is needed for polymorphic foreign key references"),
        (["Owner.Email"], "InvalidBatch : type is needed for polymorphic foreign key references"),
        (["Account:Account.Person_Key__c"], "InvalidBatch : type is not needed for non polymorphic"),
        (["Lead:Who.City"], "InvalidBatch : Field name not found : Lead:Who.City"),
        (["Account:Who.Person_Key__c"], "InvalidBatch : Field name not found : Account:Who.Person_Key__c"),
        (["Subject", "Lead:Who.Person_Key__c", "User:Owner.Email"], None),
    ],
)
def test_a_bulk_job_s_first_bad_column_is_named(
    bench: Bench, columns: list[str], complaint: str | None
) -> None:
    said = bench.org.check_columns("Event", "insert", columns, None)
    assert (said is None) == (complaint is None)
    assert said is None or said.startswith(str(complaint))


def test_a_bulk_job_without_its_key_column_is_refused(bench: Bench) -> None:
    assert bench.org.check_columns("Event", "upsert", ["Subject"], "Booking_Key__c") == (
        "InvalidBatch : Field name not found : Booking_Key__c"
    )
    assert (
        bench.org.check_columns("Event", "delete", ["Subject"], None)
        == "InvalidBatch : Field name not found : Id"
    )


def test_objects_that_take_no_deletion_or_insertion_say_so(bench: Bench) -> None:
    with pytest.raises(SalesforceFault, match="User does not support delete"):
        bench.delete("User", bench.org.integration_user_id)
    with pytest.raises(SalesforceFault, match="Organization does not support insert"):
        bench.write("insert", "Organization", [{"Name": "x"}])


def test_names_are_composed_and_stay_in_step(bench: Bench) -> None:
    contact = bench.contact(FirstName="Ann", LastName="Lee")
    bench.update("Contact", contact, LastName="O'Neil")
    assert bench.get("Contact", contact, "Name") == {"Name": "Ann O'Neil"}


def test_a_username_belongs_to_one_user(bench: Bench) -> None:
    bench.user("b@example.com")
    row = {"Username": "B@example.com", "LastName": "x", "Email": "b@example.com"}
    assert only_error(bench.write("insert", "User", [row])[0]) == ("DUPLICATE_USERNAME", ("Username",))


def test_retrieve_answers_fields_in_order_and_refuses_the_dead_and_the_unknown(bench: Bench) -> None:
    lead = bench.lead(FirstName="Ann")
    record = bench.org.retrieve("lead", lead[:15], ["FirstName", "Id"], version="61.0")
    assert record == {
        "attributes": {"type": "Lead", "url": f"/services/data/v61.0/sobjects/Lead/{lead}"},
        "FirstName": "Ann",
        "Id": lead,
    }
    with pytest.raises(SalesforceFault) as unknown_field:
        bench.org.retrieve("Lead", lead, ["Nope"])
    assert unknown_field.value.code == "INVALID_FIELD"
    bench.delete("Lead", lead)
    for record_id, code in (
        (lead, "ENTITY_IS_DELETED"),
        ("00QLo0000009999", "NOT_FOUND"),
        ("zzz", "NOT_FOUND"),
    ):
        with pytest.raises(SalesforceFault) as refused:
            bench.org.retrieve("Lead", record_id)
        assert (refused.value.http_status, refused.value.code) == (404, code)


COLUMNS = st.sampled_from(
    [
        "Id",
        "attributes",
        "Subject",
        "StartDateTime",
        "EndDateTime",
        "DurationInMinutes",
        "IsAllDayEvent",
        "WhoId",
        "Who",
        "Owner",
        "Lead:Who.Person_Key__c",
        "Booking_Key__c",
        "ShowAs",
        "ActivityDate",
        "OwnerId",
        "Nope",
        ".",
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(), max_size=20),
    st.sampled_from(
        ["\ud800", "\x00", "2026-03-20T10:00:00Z", "0001-01-01T00:00:00Z", "00QLo0000000001MAA", "#N/A"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(COLUMNS, inner, max_size=2),
    max_leaves=4,
)


@settings(
    max_examples=500,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(st.dictionaries(COLUMNS, VALUES, max_size=6), max_size=3),
    operation=st.sampled_from(["insert", "update", "upsert", "delete", "undelete", "hardDelete"]),
    external_id=st.sampled_from([None, "Id", "Booking_Key__c"]),
)
def test_whatever_the_rows_hold_each_is_written_or_refused(
    bench: Bench, rows: list[dict[str, Any]], operation: Any, external_id: str | None
) -> None:
    assert len(bench.write(operation, "Event", rows, external_id=external_id)) == len(rows)


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cells=st.lists(st.tuples(COLUMNS, st.text(st.characters(), max_size=25)), max_size=6))
def test_whatever_the_cells_of_a_csv_hold_the_row_is_written_or_refused(
    bench: Bench, cells: list[tuple[str, str]]
) -> None:
    assert (
        len(bench.write("upsert", "Event", [dict(cells)], external_id="Booking_Key__c", from_csv=True)) == 1
    )
