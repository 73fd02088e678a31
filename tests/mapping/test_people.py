"""Clients as the people that are to be created: Leads, Contacts, Person Accounts (rules F1, F4, M4, M11, Q1)."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from include.frames import NEW_ACCOUNTS, PEOPLE
from include.mapping.org_fields import OrgFields
from include.settings.field_mapping import FieldMapping, NullPolicy, Sobject
from include.settings.model import Settings
from tests.mapping.org import ORG
from tests.mapping.people import USER, Around, creates, links, mapped, rows_of, told
from tests.matching.builders import LEAD_1, client

CLIENT = {
    "phone": "416 555 0100",
    "company": "Bakery",
    "address": "1 Main St\nUnit 2",
    "city": "Toronto",
    "region": "ON",
    "postal_code": "M5V 1A1",
    "country": "Canada",
}
RECORD_TYPE = "012000000000001AAA"


def person(around: Around | None = None, **values: object) -> dict[str, object]:
    """Return the only row that a client of these values becomes, missing values as None."""
    settings = {name: values.pop(name) for name in list(values) if name in Settings.model_fields}
    (row,) = rows_of(mapped([client("1", **values)], around=around, **settings).people)
    return row


@pytest.mark.rule("F1")
def test_a_client_fills_the_fields_of_a_lead() -> None:
    assert told(mapped([client("1", **CLIENT)]).people) == [
        {
            "person_ref": "new:1",
            "operation": "insert",
            "sobject": "Lead",
            "client_id": "1",
            "FirstName": "Ana",
            "LastName": "Gómez",
            "Email": "ana@example.org",
            "Phone": "416 555 0100",
            "Company": "Bakery",
            "Street": "1 Main St\nUnit 2",
            "City": "Toronto",
            "State": "ON",
            "PostalCode": "M5V 1A1",
            "Country": "Canada",
            "LeadSource": "Coconut",
        }
    ]


@pytest.mark.rule("F1")
@pytest.mark.rule("M4")
def test_a_client_fills_the_fields_of_a_contact_that_belongs_to_the_account_of_its_company() -> None:
    found = mapped([client("1", **CLIENT)], entity_type="contact")
    (account,) = told(found.accounts)
    assert told(found.people) == [
        {
            "person_ref": "new:1",
            "operation": "insert",
            "sobject": "Contact",
            "client_id": "1",
            "account_ref": account["account_ref"],
            "FirstName": "Ana",
            "LastName": "Gómez",
            "Email": "ana@example.org",
            "Phone": "416 555 0100",
            "MailingStreet": "1 Main St\nUnit 2",
            "MailingCity": "Toronto",
            "MailingState": "ON",
            "MailingPostalCode": "M5V 1A1",
            "MailingCountry": "Canada",
            "LeadSource": "Coconut",
        }
    ]


@pytest.mark.rule("F1")
@pytest.mark.rule("M4")
def test_a_client_fills_the_fields_of_a_person_account_which_has_no_name_of_its_own_and_no_account() -> None:
    found = mapped([client("1", **CLIENT)], entity_type="person_account")
    assert told(found.people) == [
        {
            "person_ref": "new:1",
            "operation": "insert",
            "sobject": "Account",
            "client_id": "1",
            "FirstName": "Ana",
            "LastName": "Gómez",
            "PersonEmail": "ana@example.org",
            "Phone": "416 555 0100",
            "PersonMailingStreet": "1 Main St\nUnit 2",
            "PersonMailingCity": "Toronto",
            "PersonMailingState": "ON",
            "PersonMailingPostalCode": "M5V 1A1",
            "PersonMailingCountry": "Canada",
            "AccountSource": "Coconut",
        }
    ]
    pd.testing.assert_frame_equal(found.accounts[list(NEW_ACCOUNTS.columns)], NEW_ACCOUNTS.empty())


@pytest.mark.rule("M4")
def test_a_person_account_gets_the_record_type_of_the_settings_or_the_org_s_own() -> None:
    chosen = {"entity_type": "person_account", "person_account_record_type": RECORD_TYPE[:15]}
    assert person(**chosen)["RecordTypeId"] == RECORD_TYPE
    assert person(entity_type="person_account")["RecordTypeId"] is None


@pytest.mark.rule("M8")
def test_each_person_is_one_row_with_the_values_of_the_client_the_reference_names() -> None:
    clients = [client("9", phone="9"), client("10", phone="10"), client("11", phone="11")]
    decisions = [creates("11"), creates("10", "new:9"), creates("9")]
    found = mapped(clients, decisions).people
    assert found[["person_ref", "client_id", "Phone"]].to_numpy().tolist() == [
        ["new:9", "9", "9"],
        ["new:11", "11", "11"],
    ]


@pytest.mark.rule("M4")
def test_only_those_who_are_to_be_created_are_mapped() -> None:
    decisions = [
        links("1", LEAD_1),
        {"client_id": "2", "action": "hold", "reason": "ambiguous_match"},
        {"client_id": "3", "action": "none", "reason": "client_disabled"},
    ]
    found = mapped([client("1"), client("2"), client("3")], decisions)
    assert [len(part) for part in (found.people, found.accounts, found.reports)] == [0, 0, 0]


@pytest.mark.rule("M3")
def test_what_is_written_keeps_the_clients_own_spelling() -> None:
    found = person(first_name="  ÅSA-Märta ", last_name="O'Neil\nvan Dam", email="Åsa@Example.ORG")
    assert [found[name] for name in ("FirstName", "LastName", "Email")] == [
        "ÅSA-Märta",
        "O'Neil van Dam",
        "Åsa@Example.ORG",
    ]


@pytest.mark.rule("F1")
@pytest.mark.parametrize("entity_type", ["lead", "contact", "person_account"])
@pytest.mark.parametrize("missing", [None, "", " \n "])
def test_a_client_with_one_name_has_it_as_the_last_name(missing: str | None, entity_type: str) -> None:
    for names in (
        {"first_name": "Madonna", "last_name": missing},
        {"first_name": missing, "last_name": "Madonna"},
    ):
        found = person(**names, entity_type=entity_type)
        assert [found[name] for name in ("FirstName", "LastName", "outcome")] == [None, "Madonna", None]


@pytest.mark.rule("F1")
def test_an_only_name_may_be_as_long_as_a_last_name() -> None:
    assert person(first_name="x" * 80, last_name=None)["outcome"] is None
    assert person(first_name="x" * 81, last_name=None)["detail"] == "LastName is longer than 80 characters"


@pytest.mark.rule("Q1")
@pytest.mark.parametrize("entity_type", ["lead", "contact", "person_account"])
def test_a_client_without_any_name_is_quarantined(entity_type: str) -> None:
    found = person(first_name=" ", last_name=None, entity_type=entity_type)
    assert (found["outcome"], found["reason"]) == ("quarantined", "unnamed_client")
    assert found["detail"] == "the client has no name"


@pytest.mark.rule("F4")
def test_an_empty_answer_leaves_the_field_alone() -> None:
    found = person(phone="", city=" ", email=None)
    assert [found[name] for name in ("Phone", "City", "Email", "outcome")] == [None, None, None, None]


@pytest.mark.rule("F4")
def test_there_is_nothing_to_clear_in_a_record_that_is_not_there_yet() -> None:
    clears = FieldMapping(
        sobject=Sobject.LEAD, target="Phone", source="client.phone", null_policy=NullPolicy.CLEAR
    )
    others = [mapping for mapping in Around().mappings if mapping.name != "Lead.Phone"]
    around = Around(mappings=[*others, clears])
    assert person(around, phone=None)["Phone"] is None
    assert person(around, phone="#N/A")["Phone"] == "N/A"


@pytest.mark.rule("F1")
def test_a_lead_without_company_gets_the_placeholder() -> None:
    assert person(company=" ")["Company"] == "[not provided]"
    assert person(company=None, company_placeholder="Private")["Company"] == "Private"


@pytest.mark.rule("F1")
@pytest.mark.rule("M4")
def test_where_leads_may_do_without_company_they_get_none_so_that_they_convert_to_people() -> None:
    lead = {**ORG.objects["Lead"], "Company": replace(ORG.objects["Lead"]["Company"], nillable=True)}
    around = Around(org_fields=OrgFields({**ORG.objects, "Lead": lead}))
    assert person(around, company=None)["Company"] is None
    assert person(around, company="Bakery")["Company"] == "Bakery"


@pytest.mark.rule("F1")
def test_an_empty_lead_source_is_left_out() -> None:
    assert person(lead_source="")["LeadSource"] is None


@pytest.mark.rule("Q1")
@pytest.mark.parametrize("entity_type", ["lead", "contact", "person_account"])
def test_an_implausible_e_mail_is_quarantined_without_being_quoted(entity_type: str) -> None:
    found = person(email="ana@example", entity_type=entity_type)
    assert (found["outcome"], found["reason"]) == ("quarantined", "invalid_email")
    field = "PersonEmail" if entity_type == "person_account" else "Email"
    assert found["detail"] == f"{field} is not an e-mail address"


@pytest.mark.rule("Q1")
def test_an_e_mail_of_320_characters_is_too_long() -> None:
    assert person(email=f"{'a' * 64}@{'b' * 251}.org")["reason"] == "value_too_long"


@pytest.mark.rule("F4")
def test_a_refused_value_is_dropped_and_reported_where_the_settings_say_so() -> None:
    found = mapped(
        [client("1", email="none", city="x" * 41, company="x" * 256)],
        on_invalid_field="drop_and_report",
        company_placeholder="Private",
    )
    (row,) = rows_of(found.people)
    assert [row[name] for name in ("Email", "City", "Company", "outcome")] == [None, None, "Private", None]
    assert str(row["detail"]).split("; ") == [
        "left out because Email is not an e-mail address",
        "left out because Company is longer than 255 characters",
        "left out because City is longer than 40 characters",
    ]
    reported = {"client_id": "1", "sobject": "Lead", "report": "value_dropped"}
    assert told(found.reports) == [{**reported, "field": name} for name in ("City", "Company", "Email")]


@pytest.mark.rule("F4")
@pytest.mark.parametrize("entity_type", ["lead", "contact", "person_account"])
def test_a_last_name_cannot_be_dropped(entity_type: str) -> None:
    found = person(last_name="x" * 81, on_invalid_field="drop_and_report", entity_type=entity_type)
    assert (found["outcome"], found["reason"]) == ("quarantined", "value_too_long")


@pytest.mark.rule("M11")
@pytest.mark.parametrize("entity_type", ["lead", "contact", "person_account"])
def test_new_people_belong_to_the_default_owner(entity_type: str) -> None:
    assert person(default_owner=USER[:15], entity_type=entity_type)["OwnerId"] == USER


@pytest.mark.rule("M11")
@pytest.mark.parametrize(
    ("owner", "reason"),
    [("nobody", "default_owner_malformed"), ("005000000000003AAA", "default_owner_inactive")],
)
def test_a_default_owner_that_is_of_no_use_quarantines_new_people(owner: str, reason: str) -> None:
    found = person(default_owner=owner)
    assert (found["outcome"], found["reason"], found["OwnerId"]) == ("quarantined", reason, None)


@pytest.mark.rule("Q1")
def test_the_gravest_reason_counts_and_all_are_told() -> None:
    found = person(email="none", city="x" * 41, default_owner="nobody")
    assert found["reason"] == "invalid_email"
    assert found["detail"] == (
        "Email is not an e-mail address; City is longer than 40 characters; "
        "the setting default_owner names no usable User"
    )


@pytest.mark.rule("F2")
def test_a_person_is_described_by_its_newest_booking_and_what_was_answered_with_it() -> None:
    mappings = [
        *Around().mappings,
        FieldMapping(sobject=Sobject.LEAD, target="Rating", source="booking.kind"),
        FieldMapping(sobject=Sobject.LEAD, target="Description", source="answer.topic"),
    ]
    stay = {"client_id": "1", "client_exists": True}
    bookings = [
        {**stay, "appointment_id": "9", "booked_at": "2026-01-02T00:00:00Z", "kind": "appointment"},
        {**stay, "appointment_id": "10", "booked_at": "2026-01-02T00:00:00Z", "kind": "walk_in"},
        {**stay, "appointment_id": "11", "booked_at": "2026-02-01T00:00:00Z", "booking_deleted": True},
        {**stay, "appointment_id": "12", "booked_at": "2026-01-01T00:00:00Z", "kind": "appointment"},
    ]
    answers = [
        {"appointment_id": number, "name": "topic", "scope": "appointment", "value": f"topic of {number}"}
        for number in ("9", "10", "11", "12")
    ]
    around = Around(bookings=bookings, answers=answers, mappings=mappings)
    found = person(around)
    assert [found[name] for name in ("Rating", "Description")] == ["walk_in", "topic of 10"]


@pytest.mark.rule("F2")
def test_a_person_without_a_booking_in_the_run_lacks_what_only_bookings_say() -> None:
    mapping = FieldMapping(sobject=Sobject.LEAD, target="Rating", source="booking.kind")
    found = person(Around(mappings=[*Around().mappings, mapping]))
    assert (found["Rating"], found["outcome"]) == (None, None)


@pytest.mark.rule("design")
def test_the_frames_follow_their_contracts() -> None:
    found = mapped([client("1", company="Bakery")], entity_type="contact")
    pd.testing.assert_frame_equal(PEOPLE.conform(found.people), found.people)
    pd.testing.assert_frame_equal(NEW_ACCOUNTS.conform(found.accounts), found.accounts)
