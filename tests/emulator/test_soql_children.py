"""What a query shows beside plain fields: children of each record, TYPEOF a polymorphic parent, labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.bulk.refused_soql import check_bulk_query
from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def records(bench: Bench, soql: str) -> list[dict[str, Any]]:
    result = bench.org.query(soql)
    return result.records(0, result.total_size)


def refusal(bench: Bench, soql: str) -> tuple[str, str]:
    with pytest.raises(SalesforceFault) as refused:
        bench.org.query(soql)
    return refused.value.code, refused.value.message


def test_children_are_nested_as_a_result_of_their_own_or_null_where_there_are_none(bench: Bench) -> None:
    booked, idle = bench.contact(LastName="Booked"), bench.contact(LastName="Idle")
    later = bench.event(WhoId=booked, Subject="B", StartDateTime="2026-03-21T10:00:00Z", EndDateTime=None,
                        DurationInMinutes=30)  # fmt: skip
    sooner = bench.event(WhoId=booked, Subject="A")
    found = records(
        bench, "SELECT Id, (SELECT Id, Who.Name FROM Events ORDER BY StartDateTime DESC) FROM Contact"
    )
    assert [record["Id"] for record in found] == [booked, idle]
    events = found[0]["Events"]
    assert (events["totalSize"], events["done"]) == (2, True)
    assert [event["Id"] for event in events["records"]] == [later, sooner]
    assert events["records"][0]["attributes"] == {
        "type": "Event",
        "url": f"/services/data/v66.0/sobjects/Event/{later}",
    }
    assert events["records"][0]["Who"]["Name"] == "Booked"
    assert found[1]["Events"] is None
    assert list(found[0]) == ["attributes", "Id", "Events"]


def test_limit_and_offset_of_children_count_for_each_parent(bench: Bench) -> None:
    for name in ("A", "B"):
        account = bench.insert("Account", Name=name)
        for number in range(4):
            bench.contact(AccountId=account, LastName=f"{name}{number}")
    found = records(
        bench,
        "SELECT Name, (SELECT LastName FROM Account.Contacts c WHERE c.LastName != 'A0' ORDER BY LastName "
        "LIMIT 2 OFFSET 1) FROM Account",
    )
    shown = [[child["LastName"] for child in account["Contacts"]["records"]] for account in found]
    assert shown == [["A2", "A3"], ["B1", "B2"]]


def test_deleted_children_show_to_query_all_only(bench: Bench) -> None:
    lead = bench.lead()
    bench.delete("Event", bench.event(WhoId=lead))
    soql = "SELECT (SELECT Id FROM Events) FROM Lead"
    assert records(bench, soql)[0]["Events"] is None
    everything = bench.org.query(soql, include_deleted=True).records(0, 1)
    assert everything[0]["Events"]["totalSize"] == 1


def test_children_of_children_nest_and_paging_keeps_each_with_its_parent(bench: Bench) -> None:
    account = bench.insert("Account", Name="Acme")
    contact = bench.contact(AccountId=account)
    bench.event(WhoId=contact, Subject="Deep")
    bench.insert("Account", Name="Second")
    result = bench.org.query(
        "SELECT Name, (SELECT Id, (SELECT Subject FROM Events) FROM Contacts) FROM Account ORDER BY Name"
    )
    first = result.records(0, 1)[0]
    assert first["Contacts"]["records"][0]["Events"]["records"][0]["Subject"] == "Deep"
    assert result.records(1, 1)[0]["Contacts"] is None


@pytest.mark.parametrize(
    ("parent", "children"),
    [
        ("Account", {"Contacts", "Events", "Tasks", "ChildAccounts"}),
        ("Contact", {"Events", "Tasks", "CampaignMembers"}),
        ("Lead", {"Events", "Tasks", "CampaignMembers"}),
        ("Campaign", {"CampaignMembers", "CampaignMemberStatuses", "Events", "Tasks", "ChildCampaigns"}),
    ],
)
def test_describe_names_every_relationship_a_subquery_can_read(
    bench: Bench, parent: str, children: set[str]
) -> None:
    described = bench.org.describe(parent)["childRelationships"]
    names = [child["relationshipName"] for child in described if child["relationshipName"] is not None]
    assert children <= set(names)
    assert len(names) == len(set(names))
    for name in names:
        assert bench.org.query(f"SELECT (SELECT Id FROM {name}) FROM {parent}").total_size >= 0


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT (SELECT Id FROM Contact) FROM Account", "INVALID_TYPE",
         "Didn't understand relationship 'Contact' in FROM part of query call."),
        ("SELECT (SELECT COUNT(Id) FROM Contacts) FROM Account", "MALFORMED_QUERY",
         "only root queries support aggregate expressions"),
        ("SELECT (SELECT LastName FROM Contacts GROUP BY LastName) FROM Account", "MALFORMED_QUERY",
         "only root queries support aggregate expressions"),
        ("SELECT (SELECT Shoe FROM Contacts) FROM Account", "INVALID_FIELD",
         "No such column 'Shoe' on entity 'Contact'"),
        ("SELECT (SELECT Id FROM Contacts), (SELECT Name FROM Contacts) FROM Account", "INVALID_FIELD",
         "duplicate field selected: Contacts"),
        ("SELECT COUNT(Id), (SELECT Id FROM Contacts) FROM Account", "MALFORMED_QUERY", "fields and aggregates only"),
        ("SELECT (SELECT Id FROM Contacts WHERE Id IN (SELECT WhoId FROM Event)) FROM Account", "MALFORMED_QUERY",
         "Entity 'Event' is not supported for semi join inner selects"),
    ],
)  # fmt: skip
def test_a_subquery_that_salesforce_refuses_is_refused(
    bench: Bench, soql: str, code: str, words: str
) -> None:
    found_code, message = refusal(bench, soql)
    assert (found_code, words in message) == (code, True), message


def test_subqueries_go_only_so_deep(bench: Bench) -> None:
    soql = "SELECT Id FROM ChildAccounts"
    for _ in range(3):
        soql = f"SELECT ({soql}) FROM ChildAccounts"
    assert bench.org.query(f"SELECT ({soql}) FROM Account").total_size == 0
    assert "levels deep" in refusal(bench, f"SELECT (SELECT ({soql}) FROM ChildAccounts) FROM Account")[1]


def test_typeof_shows_the_fields_of_whichever_object_the_parent_is(bench: Bench) -> None:
    lead, contact = bench.lead(LastName="Lee", Company="Acme"), bench.contact(LastName="Con", Phone="123")
    bench.event(WhoId=lead)
    bench.event(WhoId=contact)
    bench.event()
    soql = "SELECT Id, TYPEOF Who WHEN Lead THEN Company, LastName WHEN Contact THEN Phone END, Subject FROM Event"
    found = records(bench, soql)
    assert [record["Who"] for record in found] == [
        {
            "attributes": {"type": "Lead", "url": f"/services/data/v66.0/sobjects/Lead/{lead}"},
            "Company": "Acme",
            "LastName": "Lee",
        },
        {
            "attributes": {"type": "Contact", "url": f"/services/data/v66.0/sobjects/Contact/{contact}"},
            "Phone": "123",
        },
        None,
    ]
    assert list(found[0]) == ["attributes", "Id", "Who", "Subject"]


def test_typeof_falls_back_to_its_else_and_to_null_without_one(bench: Bench) -> None:
    campaign, account = bench.insert("Campaign", Name="Fair"), bench.insert("Account", Name="Acme")
    bench.event(WhatId=campaign)
    bench.event(WhatId=account)
    soql = "SELECT TYPEOF What WHEN Account THEN Name, Phone {} END FROM Event"
    with_else = [record["What"] for record in records(bench, soql.format("ELSE Name"))]
    assert with_else[0]["Name"] == "Fair"
    assert with_else[0]["attributes"]["url"].endswith(f"/Campaign/{campaign}")
    assert with_else[1] == {
        "attributes": {"type": "Account", "url": f"/services/data/v66.0/sobjects/Account/{account}"},
        "Name": "Acme",
        "Phone": None,
    }
    assert [record["What"] is None for record in records(bench, soql.format(""))] == [True, False]


def test_typeof_goes_with_paths_children_and_owners(bench: Bench) -> None:
    contact = bench.contact()
    bench.event(WhoId=contact)
    found = records(
        bench,
        "SELECT Account.Name, TYPEOF Who WHEN Contact THEN LastName END, TYPEOF Owner WHEN User THEN Username END "
        "FROM Event",
    )[0]
    assert (found["Account"], found["Who"]["LastName"]) == (None, "Doe")
    assert found["Owner"]["attributes"]["type"] == "User"
    nested = records(
        bench, "SELECT (SELECT TYPEOF Who WHEN Contact THEN LastName END FROM Events) FROM Contact"
    )
    assert nested[0]["Events"]["records"][0]["Who"]["LastName"] == "Doe"


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT TYPEOF Account WHEN Account THEN Name END FROM Event", "MALFORMED_QUERY", "for polymorphic"),
        ("SELECT TYPEOF Who WHEN Account THEN Name END FROM Event", "INVALID_TYPE", "'Account' is no type"),
        ("SELECT TYPEOF Who WHEN Lead THEN Shoe END FROM Event", "INVALID_FIELD",
         "No such column 'Shoe' on entity 'Lead'"),
        ("SELECT TYPEOF Who WHEN Lead THEN Company ELSE Company END FROM Event", "INVALID_FIELD",
         "No such column 'Company' on entity 'Name'"),
        ("SELECT Who.Name, TYPEOF Who WHEN Lead THEN Company END FROM Event", "MALFORMED_QUERY",
         "'Who' is in a TYPEOF"),
        ("SELECT TYPEOF Who END FROM Event", "MALFORMED_QUERY", "unexpected token: 'END'"),
        ("SELECT COUNT(Id), TYPEOF Who WHEN Lead THEN Company END FROM Event", "MALFORMED_QUERY",
         "fields and aggregates only"),
    ],
)  # fmt: skip
def test_a_typeof_that_salesforce_refuses_is_refused(bench: Bench, soql: str, code: str, words: str) -> None:
    found_code, message = refusal(bench, soql)
    assert (found_code, words in message) == (code, True), message


def test_to_label_shows_a_picklist_under_its_own_name_or_an_alias(bench: Bench) -> None:
    bench.lead(Status="Open - Not Contacted")
    assert records(bench, "SELECT toLabel(Status) FROM Lead")[0]["Status"] == "Open - Not Contacted"
    assert records(bench, "SELECT toLabel(Status) shown FROM Lead")[0]["shown"] == "Open - Not Contacted"
    assert bench.column("SELECT LastName FROM Lead WHERE toLabel(Status) LIKE 'open%'") == ["Doe"]
    code, message = refusal(bench, "SELECT Status, toLabel(Status) FROM Lead")
    assert (code, "duplicate field selected: Status" in message) == ("INVALID_FIELD", True)


def test_scopes_show_everything_or_what_is_mine(bench: Bench) -> None:
    other = bench.user("other@example.com")
    own = bench.lead()
    bench.lead(OwnerId=other)
    assert bench.column("SELECT COUNT(Id) FROM Lead USING SCOPE everything") == [2]
    mine = bench.org.query("SELECT Id FROM Lead USING SCOPE Mine", user_id=bench.org.integration_user_id)
    assert [record["Id"] for record in mine.records(0, 9)] == [own]


@pytest.mark.parametrize(
    ("soql", "part"),
    [
        ("SELECT Id, (SELECT Id FROM Events) FROM Lead", "A parent-to-child subquery"),
        ("SELECT TYPEOF Who WHEN Lead THEN Company END FROM Event", "TYPEOF"),
        ("SELECT City, COUNT(Id) FROM Lead GROUP BY City", "GROUP BY"),
        ("SELECT COUNT() FROM Lead", "COUNT"),
        ("SELECT Id FROM Lead OFFSET 1", "OFFSET"),
    ],
)
def test_a_bulk_query_refuses_what_is_no_flat_table(bench: Bench, soql: str, part: str) -> None:
    with pytest.raises(SalesforceFault, match=f"{part} is not supported in Bulk Query"):
        check_bulk_query(bench.org, soql, include_deleted=False, user_id=bench.org.integration_user_id)


def test_a_bulk_query_takes_labels(bench: Bench) -> None:
    bench.lead(Status="Open - Not Contacted")
    soql, user = "SELECT toLabel(Status) FROM Lead", bench.org.integration_user_id
    assert check_bulk_query(bench.org, soql, include_deleted=False, user_id=user) == "Lead"
    assert list(bench.org.query(soql).rows()) == [("Open - Not Contacted",)]
