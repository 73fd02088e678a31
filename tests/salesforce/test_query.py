from __future__ import annotations

import pandas as pd
import pytest

from include.salesforce import soql
from include.salesforce.gateway import SalesforceGateway
from tests.local_org import LocalOrg

AWKWARD = [
    "o'brien@example.org",
    'quo"te@example.org',
    "zoë@example.org",
    "名前@example.org",
    "back\\slash@example.org",
]


def seed_leads(org: LocalOrg, *emails: str) -> dict[str, str]:
    rows = [
        {"LastName": f"Lead {number}", "Company": "-", "Email": email} for number, email in enumerate(emails)
    ]
    return dict(zip(emails, org.seed("Lead", *rows), strict=True))


def test_all_pages_of_an_answer_are_read(org: LocalOrg, gateway: SalesforceGateway) -> None:
    seed_leads(org, *(f"person{number}@example.org" for number in range(25)))
    org.control("POST", "paging", {"page_rows": 10})
    frame = gateway.query_frame("SELECT Id, Email FROM Lead ORDER BY Email")
    org.control("POST", "paging", {"page_rows": 2000})
    assert frame["Email"].is_unique
    assert len(frame) == 25
    assert gateway.usage.calls["query"] == 3


def test_everything_is_text_and_null_is_missing(org: LocalOrg, gateway: SalesforceGateway) -> None:
    seed_leads(org, "a@example.org")
    frame = gateway.query_frame("SELECT Id, Email, IsConverted, Phone, Owner.Name FROM Lead")
    assert frame.columns.tolist() == ["Id", "Email", "IsConverted", "Phone", "Owner.Name"]
    assert set(frame.dtypes.map(str)) == {"str"}
    row = frame.iloc[0]
    assert (row["Email"], row["IsConverted"]) == ("a@example.org", "false")
    assert pd.isna(row["Phone"])
    assert isinstance(row["Owner.Name"], str)


def test_an_empty_answer_has_its_columns(gateway: SalesforceGateway) -> None:
    frame = gateway.query_frame("SELECT Id, Who.Name FROM Event")
    assert frame.columns.tolist() == ["Id", "Who.Name"]
    assert frame.empty


def test_a_relationship_to_nothing_is_missing(org: LocalOrg, gateway: SalesforceGateway) -> None:
    org.seed(
        "Event",
        {"Subject": "s", "StartDateTime": "2026-03-01T09:00:00Z", "EndDateTime": "2026-03-01T10:00:00Z"},
    )
    assert gateway.query_frame("SELECT Id, Who.Name FROM Event")["Who.Name"].isna().all()


def test_records_can_be_counted(org: LocalOrg, gateway: SalesforceGateway) -> None:
    seed_leads(org, "a@example.org", "b@example.org")
    assert gateway.count("SELECT COUNT() FROM Lead") == 2


@pytest.mark.rule("M2")
def test_values_of_any_script_are_found(org: LocalOrg, gateway: SalesforceGateway) -> None:
    rows = [{"LastName": name, "Company": "-"} for name in AWKWARD]
    org.seed("Lead", *rows)
    frame = gateway.query_in(
        select=("Id", "LastName"), sobject="Lead", field="LastName", values=[*AWKWARD, "", "nobody"]
    )
    assert sorted(frame["LastName"]) == sorted(AWKWARD)


@pytest.mark.rule("M2")
def test_many_values_are_asked_for_in_few_calls_and_each_record_comes_once(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    emails = [f"person.{number:04d}@example.org" for number in range(600)]
    ids = seed_leads(org, *emails)
    asked = [*emails, *(email.upper() for email in emails)]
    select = ("Id", "Email")
    cost = gateway.lookup_cost("Email", asked, select=select, sobject="Lead")
    frame = gateway.query_in(select=select, sobject="Lead", field="Email", values=asked)
    assert dict(zip(frame["Email"], frame["Id"], strict=True)) == ids
    assert gateway.usage.calls["query"] == cost
    assert 2 <= cost <= 6


def test_a_query_takes_580_ids_or_so(org: LocalOrg, gateway: SalesforceGateway) -> None:
    ids = [f"00Q{number:012d}AAA" for number in range(1_000)]
    assert gateway.lookup_cost("Id", ids, select=("Id",), sobject="Lead") == 2
    assert gateway.query_in(select=("Id",), sobject="Lead", field="Id", values=ids).empty
    assert gateway.usage.calls["query"] == 2


def test_the_longest_possible_values_fit(gateway: SalesforceGateway) -> None:
    longest = [chr(0x1F600 + number % 40) * 255 for number in range(3)] + ["名" * 255, "'" * 255, "\\" * 255]
    assert gateway.query_in(select=("Id",), sobject="Lead", field="LastName", values=longest).empty
    assert gateway.usage.calls["query"] == gateway.lookup_cost(
        "LastName", longest, select=("Id",), sobject="Lead"
    )


def test_no_values_cost_no_call(gateway: SalesforceGateway) -> None:
    frame = gateway.query_in(select=("Id", "Email"), sobject="Lead", field="Email", values=["", float("nan")])
    assert frame.columns.tolist() == ["Id", "Email"]
    assert "query" not in gateway.usage.calls


def test_a_further_condition_narrows_the_lookup(org: LocalOrg, gateway: SalesforceGateway) -> None:
    seed_leads(org, "a@example.org", "b@example.org")
    frame = gateway.query_in(
        select=("Email",),
        sobject="Lead",
        field="Email",
        values=["a@example.org", "b@example.org"],
        extra_where=soql.equals("LastName", "Lead 1"),
    )
    assert frame["Email"].tolist() == ["b@example.org"]


@pytest.mark.rule("M7")
def test_deleted_records_are_seen_when_asked_for(org: LocalOrg, gateway: SalesforceGateway) -> None:
    ids = seed_leads(org, "a@example.org")
    org.control("POST", "delete", {"sobject": "Lead", "ids": list(ids.values())})
    lookup = {"select": ("Id", "IsDeleted"), "sobject": "Lead", "field": "Email", "values": ["a@example.org"]}
    assert gateway.query_in(**lookup).empty
    assert gateway.query_in(**lookup, include_deleted=True)["IsDeleted"].tolist() == ["true"]


def test_a_bulk_query_reads_the_same_records(org: LocalOrg, gateway: SalesforceGateway) -> None:
    seed_leads(org, *(f"person{number}@example.org" for number in range(30)), "")
    query = "SELECT Id, Email, IsConverted, Owner.Name FROM Lead"
    bulk = pd.concat(gateway.bulk_query_frame(query), ignore_index=True).sort_values("Id", ignore_index=True)
    rest = gateway.query_frame(query).sort_values("Id", ignore_index=True)
    pd.testing.assert_frame_equal(bulk, rest)
