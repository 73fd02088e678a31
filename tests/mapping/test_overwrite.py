"""What Coconut changes in records that were found, and whose value that replaces (rules M5, F4, S12)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import pytest

from include.mapping.overwrite import comparable
from include.settings.field_mapping import FieldMapping, NullPolicy, Sobject, WritePolicy
from tests.mapping.people import Around, links, mapped, rows_of, told
from tests.matching.builders import ACCOUNT_1, CONTACT_1, LEAD_1, LEAD_2, Row, client

ON = {"overwrite_existing": "on"}
WHO = {"person_ref", "operation", "sobject", "record_id", "client_id"}
ANA = {"FirstName": "Ana", "LastName": "Gómez", "Email": "ana@example.org"}


def stored(record_id: str = LEAD_1, **fields: str | None) -> Row:
    sobject = {"00Q": "Lead", "003": "Contact", "001": "Account"}[record_id[:3]]
    return {"record_id": record_id, "sobject": sobject, **fields}


def wrote(record_id: str = LEAD_1, **fields: str | None) -> Row:
    return {"record_id": record_id, "values": json.dumps(fields)}


def changes(
    says: Row,
    holds: Row,
    *,
    written: Sequence[Row] = (),
    policy: WritePolicy = WritePolicy.ALWAYS,
    null_policy: NullPolicy = NullPolicy.LEAVE_ALONE,
    **settings: str,
) -> tuple[dict[str, object], dict[str, str]]:
    """Return what is sent for Lead.Phone where a client says and a Lead holds this, and what is reported of fields."""
    mapping = FieldMapping(
        sobject=Sobject.LEAD,
        target="Phone",
        source="client.phone",
        write_policy=policy,
        null_policy=null_policy,
    )
    around = Around(stored=[stored(**holds)], written=written, mappings=[mapping])
    found = mapped([client("1", **says)], [links("1", LEAD_1)], around, **{**ON, **settings})
    sent = {name: value for row in told(found.people) for name, value in row.items() if name not in WHO}
    return sent, {str(row["field"]): str(row["report"]) for row in rows_of(found.reports)}


@pytest.mark.rule("M5")
def test_nobody_who_was_found_is_changed_while_overwriting_is_off() -> None:
    around = Around(stored=[stored(Phone="1")])
    found = mapped([client("1", phone="2")], [links("1", LEAD_1)], around)
    assert (len(found.people), len(found.reports)) == (0, 0)


@pytest.mark.rule("M5")
@pytest.mark.parametrize(
    ("record_id", "email", "entity_type"),
    [
        (LEAD_1, "Email", "lead"),
        (CONTACT_1, "Email", "lead"),
        (CONTACT_1, "Email", "contact"),
        (LEAD_1, "Email", "contact"),
        (ACCOUNT_1, "PersonEmail", "person_account"),
        (CONTACT_1, "Email", "person_account"),
    ],
)
def test_the_fields_that_differ_are_sent_whatever_the_record_is(
    record_id: str, email: str, entity_type: str
) -> None:
    holds = stored(record_id, FirstName="Ana", LastName="Gomez", **{email: "ana@example.org"})
    found = mapped(
        [client("1")], [links("1", record_id)], Around(stored=[holds]), **ON, entity_type=entity_type
    )
    assert told(found.people) == [
        {
            "person_ref": record_id,
            "operation": "update",
            "sobject": holds["sobject"],
            "record_id": record_id,
            "client_id": "1",
            "LastName": "Gómez",
        }
    ]


@pytest.mark.rule("S12")
def test_a_record_of_which_nothing_differs_is_left_alone() -> None:
    around = Around(stored=[stored(**ANA)])
    found = mapped([client("1")], [links("1", LEAD_1)], around, **ON)
    assert (len(found.people), len(found.reports)) == (0, 0)


@pytest.mark.rule("S12")
@pytest.mark.parametrize(
    ("field_type", "said", "held"),
    [
        ("string", " Ana\r\nB ", "Ana\nB"),
        ("email", "Ana@Example.ORG", "ana@example.org"),
        ("datetime", "2026-01-01T09:00:00Z", "2026-01-01T09:00:00.000+0000"),
        ("double", "1.50", "1.5"),
        ("int", "007", "7.0"),
        ("boolean", "true", "TRUE"),
        ("string", "#N/A", None),
        ("string", " ", None),
    ],
)
def test_values_compare_as_salesforce_stores_them(field_type: str, said: str, held: str | None) -> None:
    left, right = (comparable(pd.Series([value], dtype="str"), field_type) for value in (said, held))
    assert left.tolist() == right.tolist()


@pytest.mark.rule("S12")
@pytest.mark.parametrize(
    ("field_type", "said", "held"),
    [
        ("string", "ana", "Ana"),
        ("phone", "416 555 0100", "4165550100"),
        ("datetime", "2026-01-01T09:00:00Z", "2026-01-01T09:00:01Z"),
        ("double", "1.5", "1.51"),
        ("boolean", "true", "false"),
        ("string", "Ana", None),
    ],
)
def test_values_that_differ_in_what_salesforce_stores_differ(
    field_type: str, said: str, held: str | None
) -> None:
    left, right = (comparable(pd.Series([value], dtype="str"), field_type) for value in (said, held))
    assert left.tolist() != right.tolist()


@pytest.mark.rule("M5")
@pytest.mark.parametrize(
    ("held", "written", "reported"),
    [
        ("1", ["1"], {}),  # ours
        ("3", ["1"], {"Phone": "user_value_overwritten"}),  # changed since
        (None, ["1"], {"Phone": "user_value_overwritten"}),  # emptied since
        ("3", [], {"Phone": "user_value_overwritten"}),  # never ours
        (None, [], {}),  # nobody's
        ("1", ["0", "1"], {}),  # another client of the same record wrote it
    ],
)
def test_always_writes_and_reports_a_value_that_a_user_wrote(
    held: str | None, written: list[str], reported: dict[str, str]
) -> None:
    found = changes({"phone": "2"}, {"Phone": held}, written=[wrote(Phone=value) for value in written])
    assert found == ({"Phone": "2"}, reported)


@pytest.mark.rule("M5")
@pytest.mark.parametrize(
    ("held", "written", "sent", "reported"),
    [
        (None, [], {"Phone": "2"}, {}),  # blank from the start
        ("3", [], {}, {}),  # never ours: not news
        ("1", ["1"], {}, {}),  # ours, but no longer blank
        ("3", ["1"], {}, {"Phone": "user_value_kept"}),  # changed since
        (None, ["1"], {}, {"Phone": "user_value_kept"}),  # emptied since
    ],
)
def test_only_if_blank_never_replaces_what_a_user_wrote_or_emptied(
    held: str | None, written: list[str], sent: dict[str, str], reported: dict[str, str]
) -> None:
    found = changes(
        {"phone": "2"},
        {"Phone": held},
        written=[wrote(Phone=value) for value in written],
        policy=WritePolicy.ONLY_IF_BLANK,
    )
    assert found == (sent, reported)


@pytest.mark.rule("M5")
@pytest.mark.parametrize("held", [None, "1", "3"])
def test_never_writes_nothing(held: str | None) -> None:
    found = changes({"phone": "2"}, {"Phone": held}, written=[wrote(Phone="1")], policy=WritePolicy.NEVER)
    assert found == ({}, {})


@pytest.mark.rule("F4")
@pytest.mark.parametrize("policy", list(WritePolicy))
def test_an_empty_value_wipes_nothing(policy: WritePolicy) -> None:
    assert changes({"phone": " "}, {"Phone": "1"}, policy=policy) == ({}, {})


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    ("held", "written", "sent", "reported"),
    [
        ("1", "1", {"Phone": "#N/A"}, {}),
        ("3", "1", {"Phone": "#N/A"}, {"Phone": "user_value_overwritten"}),
        (None, "1", {}, {}),
        (None, "#N/A", {}, {}),
    ],
)
def test_an_empty_value_clears_where_the_null_policy_says_so(
    held: str | None, written: str, sent: dict[str, str], reported: dict[str, str]
) -> None:
    found = changes(
        {"phone": None}, {"Phone": held}, written=[wrote(Phone=written)], null_policy=NullPolicy.CLEAR
    )
    assert found == (sent, reported)


@pytest.mark.rule("F4")
def test_only_if_blank_clears_nothing() -> None:
    found = changes(
        {"phone": None},
        {"Phone": "1"},
        written=[wrote(Phone="1")],
        policy=WritePolicy.ONLY_IF_BLANK,
        null_policy=NullPolicy.CLEAR,
    )
    assert found == ({}, {})


@pytest.mark.rule("M5")
def test_the_placeholder_of_a_lead_s_company_counts_as_blank() -> None:
    holds = stored(**ANA, Company="[not provided]")
    around = Around(stored=[holds], written=[wrote(Company="[not provided]")])
    found = mapped([client("1", company="Bakery")], [links("1", LEAD_1)], around, **ON)
    assert [row["Company"] for row in told(found.people)] == ["Bakery"]
    kept = Around(stored=[stored(**ANA, Company="Mill")])
    assert mapped([client("1", company="Bakery")], [links("1", LEAD_1)], kept, **ON).people.empty


@pytest.mark.rule("M5")
def test_fields_that_the_org_does_not_show_or_let_change_are_left_alone() -> None:
    around = Around(stored=[stored(**ANA)])  # no Phone was read
    for phone in ("2", "2" * 41):
        assert mapped([client("1", phone=phone)], [links("1", LEAD_1)], around, **ON).people.empty


@pytest.mark.rule("M5")
def test_who_is_no_longer_there_is_left_alone() -> None:
    assert mapped([client("1")], [links("1", LEAD_1)], Around(stored=[stored(LEAD_2)]), **ON).people.empty


@pytest.mark.rule("M8")
def test_of_several_clients_of_one_record_the_smallest_speaks() -> None:
    clients = [client("10", phone="10"), client("9", phone="9")]
    decisions = [links("10", LEAD_1), links("9", LEAD_1)]
    found = mapped(clients, decisions, Around(stored=[stored(**ANA, Phone=None)]), **ON)
    assert [[row["client_id"], row["Phone"]] for row in told(found.people)] == [["9", "9"]]


@pytest.mark.rule("T4")
@pytest.mark.rule("S9")
@pytest.mark.parametrize("state", ["sync_disabled", "is_deleted"])
def test_disabled_and_deleted_clients_change_nothing(state: str) -> None:
    clients = [client("1", phone="1", **{state: True}), client("2", phone="2")]
    decisions = [links("1", LEAD_1), links("2", LEAD_1)]
    around = Around(stored=[stored(**ANA, Phone=None)])
    assert told(mapped(clients, decisions, around, **ON).people)[0]["Phone"] == "2"
    assert mapped(clients[:1], decisions[:1], around, **ON).people.empty


@pytest.mark.rule("M5")
@pytest.mark.rule("M7")
def test_a_contact_reached_through_a_converted_lead_is_never_overwritten() -> None:
    around = Around(stored=[stored(CONTACT_1, **ANA, Phone=None), stored(LEAD_2, **ANA, Phone=None)])
    through_lead = [links("1", CONTACT_1, followed_from=LEAD_1)]
    assert mapped([client("1", phone="2")], through_lead, around, **ON).people.empty
    merged = [links("1", LEAD_2, followed_from=LEAD_1)]
    assert len(mapped([client("1", phone="2")], merged, around, **ON).people) == 1


@pytest.mark.rule("F4")
def test_a_value_that_the_field_refuses_quarantines_the_update_or_is_left_out() -> None:
    says, holds = {"phone": "2" * 41, "email": "ana@example.org"}, {"Phone": "1"}
    around = Around(stored=[stored(**ANA, **holds, City=None)])
    clients = [client("1", **says, city="Toronto")]
    (row,) = rows_of(mapped(clients, [links("1", LEAD_1)], around, **ON).people)
    assert (row["outcome"], row["reason"]) == ("quarantined", "value_too_long")
    assert row["detail"] == "Phone is longer than 40 characters"
    dropping = mapped(clients, [links("1", LEAD_1)], around, **ON, on_invalid_field="drop_and_report")
    (row,) = rows_of(dropping.people)
    assert [row[name] for name in ("outcome", "Phone", "City")] == [None, None, "Toronto"]
    assert [[row["record_id"], row["field"], row["report"]] for row in told(dropping.reports)] == [
        [LEAD_1, "Phone", "value_dropped"]
    ]


@pytest.mark.rule("F4")
def test_a_value_that_would_not_be_written_anyway_quarantines_nobody() -> None:
    found = changes({"phone": "2" * 41}, {"Phone": "1"}, policy=WritePolicy.ONLY_IF_BLANK)
    assert found == ({}, {})
    assert changes({"phone": "2" * 41}, {"Phone": None}, policy=WritePolicy.ONLY_IF_BLANK)[0]["reason"] == (
        "value_too_long"
    )


@pytest.mark.rule("M5")
def test_people_are_inserted_and_updated_side_by_side() -> None:
    around = Around(stored=[stored(**ANA, Phone=None), stored(CONTACT_1, **ANA, Phone=None)])
    clients = [client("1"), client("2", phone="2"), client("3", phone="3")]
    decisions = [
        {"client_id": "1", "person_ref": "new:1", "action": "create", "sobject": "Lead", "identity": "i"},
        links("2", LEAD_1),
        links("3", CONTACT_1),
    ]
    found = mapped(clients, decisions, around, **ON).people
    assert found[["operation", "sobject"]].to_numpy().tolist() == [
        ["insert", "Lead"],
        ["update", "Contact"],
        ["update", "Lead"],
    ]
