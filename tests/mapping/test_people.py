"""Clients as the Leads that are to be created (rules F1, F4, M11, Q1)."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import pytest

from include.errors import ConfigurationError
from include.frames import CLIENTS, DECISIONS, PEOPLE
from include.mapping.owner import check_owners
from include.mapping.people import map_people
from include.settings.model import Settings
from tests.matching.builders import LEAD_1, Row, client, frame

USER = "005000000000001AAA"


def creates(person_ref: str, client_id: str) -> Row:
    return {"client_id": client_id, "person_ref": person_ref, "action": "create", "sobject": "Lead"}


def mapped(
    clients: Iterable[Row],
    *,
    decisions: Iterable[Row] | None = None,
    active_users: Iterable[str] = (USER,),
    **settings: object,
) -> pd.DataFrame:
    rows = list(clients)
    chosen = Settings.model_validate(settings)
    if decisions is None:
        decisions = [creates(f"new:{row['client_id']}", str(row["client_id"])) for row in rows]
    return map_people(
        frame(DECISIONS, decisions),
        frame(CLIENTS, rows),
        settings=chosen,
        owners=check_owners(chosen, frozenset(active_users)),
    )


def person(**values: object) -> dict[str, object]:
    """Return the only row that a client of these values becomes, missing values as None."""
    settings = {name: values.pop(name) for name in list(values) if name in Settings.model_fields}
    row = mapped([client("1", **values)], **settings).iloc[0]
    return row.astype(object).where(row.notna(), None).to_dict()


@pytest.mark.rule("F1")
def test_a_client_fills_the_fields_of_a_lead() -> None:
    values = {
        "phone": "416 555 0100",
        "company": "Bakery",
        "address": "1 Main St\nUnit 2",
        "city": "Toronto",
        "region": "ON",
        "postal_code": "M5V 1A1",
        "country": "Canada",
    }
    assert person(**values) == {
        "person_ref": "new:1",
        "operation": "insert",
        "sobject": "Lead",
        "record_id": None,
        "client_id": "1",
        "outcome": None,
        "reason": None,
        "detail": None,
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
        "OwnerId": None,
    }


@pytest.mark.rule("M8")
def test_each_person_is_one_row_with_the_values_of_the_client_the_reference_names() -> None:
    clients = [client("9", phone="9"), client("10", phone="10"), client("11", phone="11")]
    decisions = [creates("new:9", "10"), creates("new:9", "9"), creates("new:11", "11")]
    found = mapped(clients, decisions=decisions)
    assert found[["person_ref", "client_id", "Phone"]].to_numpy().tolist() == [
        ["new:9", "9", "9"],
        ["new:11", "11", "11"],
    ]


@pytest.mark.rule("M4")
def test_only_those_who_are_to_be_created_are_mapped() -> None:
    decisions = [
        {"client_id": "1", "person_ref": LEAD_1, "action": "link", "sobject": "Lead"},
        {"client_id": "2", "action": "hold", "reason": "ambiguous_match"},
        {"client_id": "3", "action": "none", "reason": "client_disabled"},
    ]
    found = mapped([client("1"), client("2"), client("3")], decisions=decisions)
    pd.testing.assert_frame_equal(found, PEOPLE.empty())


@pytest.mark.rule("M3")
def test_what_is_written_keeps_the_clients_own_spelling() -> None:
    found = person(first_name="  ÅSA-Märta ", last_name="O'Neil\nvan  Dam", email="Åsa@Example.ORG")
    assert (found["FirstName"], found["LastName"], found["Email"]) == (
        "ÅSA-Märta",
        "O'Neil van  Dam",
        "Åsa@Example.ORG",
    )


@pytest.mark.rule("F1")
@pytest.mark.parametrize("missing", [None, "", "  "])
def test_a_client_with_one_name_has_it_as_the_last_name(missing: str | None) -> None:
    for names in (
        {"first_name": "Madonna", "last_name": missing},
        {"first_name": missing, "last_name": "Madonna"},
    ):
        found = person(**names)
        assert (found["FirstName"], found["LastName"], found["outcome"]) == (None, "Madonna", None)


@pytest.mark.rule("Q1")
def test_a_client_without_any_name_is_quarantined() -> None:
    found = person(first_name=" ", last_name=None)
    assert (found["outcome"], found["reason"]) == ("quarantined", "unnamed_client")
    assert found["detail"] == "the client has no name"


@pytest.mark.rule("F4")
def test_an_empty_answer_leaves_the_field_alone() -> None:
    found = person(phone="", city=" ", email=None)
    assert [found[name] for name in ("Phone", "City", "Email", "outcome")] == [None, None, None, None]


@pytest.mark.rule("F1")
def test_a_client_without_company_gets_the_placeholder() -> None:
    assert person(company=" ")["Company"] == "[not provided]"
    assert person(company=None, company_placeholder="Private")["Company"] == "Private"


@pytest.mark.rule("F1")
def test_an_empty_lead_source_is_left_out() -> None:
    assert person(lead_source="")["LeadSource"] is None


@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    "email",
    ["o'neil+tag@example.org", "a.b@sub.example.co", "用户@例子.公司", "a@münchen.de", "x_y-z@ex-ample.org"],
)
def test_plausible_e_mails_of_any_script_pass(email: str) -> None:
    assert person(email=email)["outcome"] is None


@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    "email",
    ["none", "a@b", "a b@example.org", "a@@example.org", ".a@example.org", "a..b@example.org", "a@example..org",
     "a@-example.org", "a@example.org, b@example.org", "<a@example.org>", "a@example.org."],
)  # fmt: skip
def test_implausible_e_mails_are_quarantined_without_being_quoted(email: str) -> None:
    found = person(email=email)
    assert (found["outcome"], found["reason"]) == ("quarantined", "invalid_email")
    assert found["detail"] == "Email is not an e-mail address"


@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    ("column", "field", "length"),
    [
        ("first_name", "FirstName", 40),
        ("last_name", "LastName", 80),
        ("company", "Company", 255),
        ("city", "City", 40),
    ],
)
def test_a_value_longer_than_its_field_is_quarantined(column: str, field: str, length: int) -> None:
    assert person(**{column: "é" * length})["outcome"] is None
    found = person(**{column: "é" * (length + 1)})
    assert (found["reason"], found["detail"]) == (
        "value_too_long",
        f"{field} is longer than {length} characters",
    )


@pytest.mark.rule("Q1")
def test_an_e_mail_of_320_characters_is_too_long() -> None:
    assert person(email=f"{'a' * 64}@{'b' * 251}.org")["reason"] == "value_too_long"


@pytest.mark.rule("F4")
def test_a_refused_value_is_dropped_and_reported_where_the_settings_say_so() -> None:
    found = person(
        email="none",
        city="x" * 41,
        company="x" * 256,
        on_invalid_field="drop_and_report",
        company_placeholder="Private",
    )
    assert [found[name] for name in ("Email", "City", "Company", "outcome")] == [None, None, "Private", None]
    assert found["detail"] == (
        "left out because Email is not an e-mail address; left out because Company is longer than 255 characters; "
        "left out because City is longer than 40 characters"
    )


@pytest.mark.rule("F4")
def test_a_last_name_cannot_be_dropped() -> None:
    found = person(last_name="x" * 81, on_invalid_field="drop_and_report")
    assert (found["outcome"], found["reason"]) == ("quarantined", "value_too_long")


@pytest.mark.rule("M11")
def test_new_people_belong_to_the_default_owner() -> None:
    assert person(default_owner=USER[:15])["OwnerId"] == USER


@pytest.mark.rule("M11")
@pytest.mark.parametrize(
    ("owner", "reason"),
    [("nobody", "default_owner_malformed"), ("005000000000002AAA", "default_owner_inactive")],
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


@pytest.mark.rule("M4")
@pytest.mark.parametrize(
    "settings",
    [{"entity_type": "contact"}, {"entity_type": "person_account"}, {"new_record_owner": "booking_staff"}],
)
def test_what_is_not_available_yet_is_refused_in_one_sentence(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^[^.]* yet; set .*\.$"):
        mapped([client("1")], **settings)


def test_the_frame_follows_its_contract() -> None:
    found = mapped([client("1")])
    pd.testing.assert_frame_equal(PEOPLE.conform(found), found)
