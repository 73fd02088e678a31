"""What queries find and show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from include.salesforce_emulator.engine.soql.dates import date_range
from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def leads(bench: Bench) -> Bench:
    """Five Leads whose last names are their keys; Topics__c is Silver where not given."""
    rows = [
        {"LastName": "Ash", "FirstName": "Ann", "City": "Bern", "Score__c": 1.5, "Email": "ann@example.com"},
        {
            "LastName": "Birch",
            "FirstName": "Bob",
            "City": "bern",
            "Score__c": 2.5,
            "Email": "bob@example.com",
        },
        {
            "LastName": "Élan",
            "FirstName": "Eve",
            "City": "Zürich",
            "Score__c": 3.5,
            "Email": "eve@example.com",
        },
        {
            "LastName": "O'Neil",
            "FirstName": "Oda",
            "City": None,
            "Score__c": None,
            "Topics__c": "Gold;Silver",
        },
        {"LastName": "50%_off", "FirstName": "Sam", "City": "Genève", "Score__c": 0.0, "Topics__c": "Gold"},
    ]
    results = bench.write("insert", "Lead", [{"Company": "Acme", **row} for row in rows])
    assert all(result.success for result in results)
    return bench


NAMES = "SELECT LastName FROM Lead WHERE "


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("City = 'BERN'", ["Ash", "Birch"]),
        ("City = 'zÜRICH'", ["Élan"]),
        ("LastName = 'élan'", ["Élan"]),
        ("City != 'bern'", ["Élan", "O'Neil", "50%_off"]),
        ("City <> 'Zürich'", ["Ash", "Birch", "O'Neil", "50%_off"]),
        ("City = null", ["O'Neil"]),
        ("City = ''", ["O'Neil"]),
        ("City != NULL AND Score__c > 1.5", ["Birch", "Élan"]),
        ("Score__c >= 1.5 AND Score__c <= 2.5", ["Ash", "Birch"]),
        ("Score__c < 1", ["50%_off"]),
        ("LastName = 'O\\'Neil'", ["O'Neil"]),
        ("LastName LIKE 'b%'", ["Birch"]),
        ("LastName LIKE '%L_N'", ["Élan"]),
        ("LastName LIKE 'É%'", ["Élan"]),
        ("LastName LIKE '50\\%\\_%'", ["50%_off"]),
        ("LastName LIKE '%\\_%'", ["50%_off"]),
        ("City IN ('BERN', 'genève')", ["Ash", "Birch", "50%_off"]),
        ("City IN ('Bern', null)", ["Ash", "Birch", "O'Neil"]),
        ("City NOT IN ('bern', 'Zürich')", ["O'Neil", "50%_off"]),
        ("NOT City = 'bern'", ["Élan", "O'Neil", "50%_off"]),
        ("NOT (City = 'bern' OR City = 'Zürich')", ["O'Neil", "50%_off"]),
        ("(City = 'bern' AND Score__c > 2) OR LastName = 'Ash'", ["Ash", "Birch"]),
        ("IsConverted = FALSE AND Consent__c = true AND Score__c = 0", ["50%_off"]),
        ("Topics__c INCLUDES ('Gold;Silver')", ["O'Neil"]),
        ("Topics__c INCLUDES ('gold')", ["O'Neil", "50%_off"]),
        ("Topics__c EXCLUDES ('Silver')", ["50%_off"]),
        ("Owner.Type = 'User' AND Score__c = 1.5", ["Ash"]),
        ("Lead.City = 'Bern' AND CreatedBy.Name = 'integration'", ["Ash", "Birch"]),
    ],
)
def test_a_condition_finds_these_leads(leads: Bench, condition: str, names: list[str]) -> None:
    assert leads.column(NAMES + condition) == names


def test_conditions_take_any_case_of_keywords_names_and_aliases(leads: Bench) -> None:
    assert leads.column(
        "select l.lastname from LEAD l where l.CITY = 'bern' Order By l.LastName desc limit 1"
    ) == ["Birch"]


def test_ids_match_in_15_and_18_characters(leads: Bench) -> None:
    first = leads.column("SELECT Id FROM Lead LIMIT 1")[0]
    assert leads.column(f"SELECT Id FROM Lead WHERE Id = '{first[:15]}'") == [first]
    assert leads.column(f"SELECT Id FROM Lead WHERE Id IN ('{first[:15]}', '{first}')") == [first]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("Score__c", ["O'Neil", "50%_off", "Ash", "Birch", "Élan"]),
        ("Score__c DESC", ["O'Neil", "Élan", "Birch", "Ash", "50%_off"]),
        ("Score__c ASC NULLS LAST", ["50%_off", "Ash", "Birch", "Élan", "O'Neil"]),
        ("City NULLS LAST, LastName DESC", ["Birch", "Ash", "50%_off", "Élan", "O'Neil"]),
        ("Score__c DESC NULLS LAST LIMIT 2 OFFSET 1", ["Birch", "Ash"]),
    ],
)
def test_an_order_puts_nulls_first_unless_told_otherwise(leads: Bench, order: str, names: list[str]) -> None:
    assert leads.column(f"SELECT LastName FROM Lead ORDER BY {order}") == names


def test_parents_are_nested_with_their_attributes_and_null_where_there_is_none(bench: Bench) -> None:
    account = bench.insert("Account", Name="Acme")
    with_account, without = bench.contact(AccountId=account), bench.contact(LastName="Lone")
    records = bench.org.query("SELECT Id, Account.Owner.Name, Account.Name FROM Contact").records(
        0, 10, version="60.0"
    )
    user = bench.org.integration_user_id
    assert records == [
        {
            "attributes": {"type": "Contact", "url": f"/services/data/v60.0/sobjects/Contact/{with_account}"},
            "Id": with_account,
            "Account": {
                "attributes": {"type": "Account", "url": f"/services/data/v60.0/sobjects/Account/{account}"},
                "Owner": {
                    "attributes": {"type": "User", "url": f"/services/data/v60.0/sobjects/User/{user}"},
                    "Name": "Integration",
                },
                "Name": "Acme",
            },
        },
        {
            "attributes": {"type": "Contact", "url": f"/services/data/v60.0/sobjects/Contact/{without}"},
            "Id": without,
            "Account": None,
        },
    ]


def test_who_shows_name_and_type_of_leads_and_contacts_alike(bench: Bench) -> None:
    lead, contact = bench.lead(LastName="Lee", Email="l@example.com"), bench.contact(LastName="Con")
    bench.event(WhoId=lead)
    bench.event(WhoId=contact)
    bench.event()
    soql = "SELECT Who.Name, Who.Type, Who.Id FROM Event WHERE WhoId != NULL ORDER BY Who.Name"
    assert bench.rows(soql) == [("Con", "Contact", contact), ("Lee", "Lead", lead)]
    assert bench.column("SELECT Who.Type FROM Event WHERE Who.Email = 'L@EXAMPLE.COM'") == ["Lead"]
    assert bench.column("SELECT COUNT(Id) FROM Event WHERE Who.Type != 'Lead'") == [2]


def test_what_and_owner_show_name_and_type_whatever_they_are(bench: Bench) -> None:
    campaign, account = bench.insert("Campaign", Name="Fair"), bench.insert("Account", Name="Acme")
    for what in (campaign, account, None):
        bench.event(WhatId=what)
    soql = "SELECT What.Type, What.Name, Owner.Name, Owner.Type FROM Event ORDER BY What.Name NULLS LAST"
    assert bench.org.query(soql).records(0, 9)[2]["What"] is None
    assert bench.rows(soql)[:2] == [
        ("Account", "Acme", "Integration", "User"),
        ("Campaign", "Fair", "Integration", "User"),
    ]
    grouped = "SELECT What.Type t, COUNT(Id) n FROM Event GROUP BY What.Type ORDER BY What.Type NULLS LAST"
    assert bench.rows(grouped) == [("Account", 1), ("Campaign", 1), (None, 1)]
    assert bench.column("SELECT COUNT(Id) FROM Event WHERE What.Type IN ('campaign')") == [1]


def test_an_order_may_go_by_a_parent_that_is_not_shown(bench: Bench) -> None:
    for name in ("B", "A"):
        bench.contact(LastName=f"of {name}", AccountId=bench.insert("Account", Name=name))
    bench.contact(LastName="of none")
    soql = "SELECT LastName FROM Contact ORDER BY Account.Name NULLS LAST"
    assert bench.column(soql) == ["of A", "of B", "of none"]
    assert bench.column("SELECT COUNT(Id) FROM Contact GROUP BY Account.Name ORDER BY MAX(Account.Name)") == [
        1,
        1,
        1,
    ]


def test_fields_of_the_queried_object_may_be_written_with_its_name(bench: Bench) -> None:
    account = bench.insert("Account", Name="Acme")
    bench.contact(AccountId=account)
    soql = "SELECT Account.Name, (SELECT FIELDS(STANDARD) FROM Account.Contacts LIMIT 200) FROM Account"
    (record,) = bench.org.query(soql).records(0, 9)
    assert (record["Name"], record["Contacts"]["records"][0]["LastName"]) == ("Acme", "Doe")


def test_the_fields_of_a_custom_lookup_are_reached_by_its_relationship(bench: Bench) -> None:
    bench.contact(Advisor__c=bench.org.integration_user_id)
    assert bench.column("SELECT Advisor__r.Profile.Name FROM Contact") == [
        "Minimum Access - API Only Integrations"
    ]


def test_count_counts_without_records_and_respects_the_limit(leads: Bench) -> None:
    result = leads.org.query("SELECT COUNT() FROM Lead WHERE City != NULL")
    assert (result.total_size, result.records(0, 10)) == (4, [])
    assert leads.org.query("SELECT COUNT() FROM Lead LIMIT 2").total_size == 2


def test_groups_are_counted_named_filtered_and_ordered(leads: Bench) -> None:
    soql = (
        "SELECT City town, COUNT(Id), MAX(Score__c) best, AVG(Score__c) FROM Lead WHERE City != null "
        "GROUP BY City HAVING COUNT(Id) < 3 ORDER BY COUNT(Id) DESC, City LIMIT 2"
    )
    records = leads.org.query(soql).records(0, 10)
    assert [record["town"].lower() for record in records] == ["bern", "genève"]
    assert [(record["expr0"], record["best"], record["expr1"]) for record in records] == [
        (2, 2.5, 2.0),
        (1, 0.0, 0.0),
    ]
    assert records[0]["attributes"] == {"type": "AggregateResult"}


def test_an_aggregate_without_groups_is_one_record_even_of_nothing(bench: Bench) -> None:
    assert bench.rows("SELECT COUNT(Id) n, SUM(Score__c) s, COUNT_DISTINCT(City) d FROM Lead") == [
        (0, None, 0)
    ]


def test_dates_group_by_their_parts(bench: Bench) -> None:
    for day in ("2026-03-20", "2026-03-21", "2026-04-01"):
        bench.event(StartDateTime=f"{day}T10:00:00Z", EndDateTime=f"{day}T11:00:00Z")
    soql = (
        "SELECT CALENDAR_YEAR(StartDateTime) y, CALENDAR_MONTH(StartDateTime) m, COUNT(Id) n FROM Event "
        "GROUP BY CALENDAR_YEAR(StartDateTime), CALENDAR_MONTH(StartDateTime) ORDER BY CALENDAR_MONTH(StartDateTime)"
    )
    assert bench.rows(soql) == [(2026, 3, 2), (2026, 4, 1)]
    assert bench.column("SELECT COUNT(Id) FROM Event WHERE DAY_ONLY(StartDateTime) = 2026-03-21") == [1]
    assert bench.column("SELECT DAY_ONLY(StartDateTime) d FROM Event GROUP BY DAY_ONLY(StartDateTime)") == [
        "2026-03-20",
        "2026-03-21",
        "2026-04-01",
    ]


def test_fields_expand_to_all_standard_or_custom_ones(leads: Bench) -> None:
    every = leads.org.query("SELECT FIELDS(ALL) FROM Lead LIMIT 1")
    standard = leads.org.query("SELECT FIELDS(STANDARD) FROM Lead")
    custom = leads.org.query("SELECT Id, FIELDS(CUSTOM) FROM Lead LIMIT 200")
    assert set(every.columns) == {field.name for field in leads.org.sobject("Lead").fields}
    assert "Score__c" not in standard.columns
    assert "Status" in standard.columns
    assert set(custom.columns) == set(every.columns) - set(standard.columns) | {"Id"}


def test_instants_compare_as_instants_whatever_their_zone(bench: Bench) -> None:
    bench.event(StartDateTime="2026-03-20T10:00:00Z", EndDateTime="2026-03-20T11:00:00Z")
    for condition in (
        "StartDateTime = 2026-03-20T10:00:00Z",
        "StartDateTime = 2026-03-20T12:00:00+02:00",
        "StartDateTime > 2026-03-20T09:59:59.999Z",
        "StartDateTime < 2026-03-20T05:00:01-05:00",
        "ActivityDate = 2026-03-20",
        "StartDateTime = NEXT_N_DAYS:2",
        "StartDateTime > TODAY",
        "StartDateTime >= TOMORROW",
        "ActivityDate = THIS_WEEK",
        "StartDateTime IN (TODAY, THIS_MONTH)",
        "StartDateTime != LAST_MONTH",
        "CreatedDate = TODAY",
        "CreatedDate <= TODAY",
    ):
        assert bench.column(f"SELECT COUNT(Id) FROM Event WHERE {condition}") == [1], condition
    for condition in (
        "StartDateTime <= TODAY",
        "StartDateTime < TODAY",
        "CreatedDate > TODAY",
        "StartDateTime != THIS_YEAR",
    ):
        assert bench.column(f"SELECT COUNT(Id) FROM Event WHERE {condition}") == [0], condition


@pytest.mark.parametrize(
    ("name", "count", "first", "after"),
    [
        ("YESTERDAY", None, "2026-03-17", "2026-03-18"),
        ("TODAY", None, "2026-03-18", "2026-03-19"),
        ("LAST_WEEK", None, "2026-03-08", "2026-03-15"),
        ("THIS_WEEK", None, "2026-03-15", "2026-03-22"),
        ("NEXT_WEEK", None, "2026-03-22", "2026-03-29"),
        ("LAST_MONTH", None, "2026-02-01", "2026-03-01"),
        ("NEXT_QUARTER", None, "2026-04-01", "2026-07-01"),
        ("LAST_YEAR", None, "2025-01-01", "2026-01-01"),
        ("LAST_90_DAYS", None, "2025-12-18", "2026-03-19"),
        ("LAST_N_DAYS", 30, "2026-02-16", "2026-03-19"),
        ("NEXT_N_DAYS", 7, "2026-03-19", "2026-03-26"),
        ("LAST_N_WEEKS", 2, "2026-03-01", "2026-03-15"),
        ("LAST_N_MONTHS", 3, "2025-12-01", "2026-03-01"),
        ("NEXT_N_YEARS", 1, "2027-01-01", "2028-01-01"),
        ("N_DAYS_AGO", 3, "2026-03-15", "2026-03-16"),
        ("N_MONTHS_AGO", 4, "2025-11-01", "2025-12-01"),
    ],
)
def test_a_date_literal_is_a_range_of_days(name: str, count: int | None, first: str, after: str) -> None:
    days = date_range(name, count, date(2026, 3, 18))
    assert days == (date.fromisoformat(first), date.fromisoformat(after))


def test_pages_follow_the_order_and_leave_out_what_vanished_meanwhile(bench: Bench) -> None:
    ids = [bench.lead(LastName=f"L{number:03}") for number in range(25)]
    result = bench.org.query("SELECT Id FROM Lead ORDER BY LastName DESC")
    assert result.total_size == 25
    assert [record["Id"] for record in result.records(0, 10)] == ids[:14:-1]
    bench.write("hardDelete", "Lead", [{"Id": ids[10]}])
    assert [record["Id"] for record in result.records(10, 10)] == [i for i in ids[14:4:-1] if i != ids[10]]


def test_rows_for_bulk_are_texts_in_select_order(bench: Bench) -> None:
    bench.event(WhoId=bench.lead(LastName="Lee"), Kind__c="walk_in")
    result = bench.org.query(
        "SELECT Who.Name, StartDateTime, IsPrivate, DurationInMinutes, Location, ActivityDate FROM Event"
    )
    assert result.columns == (
        "Who.Name",
        "StartDateTime",
        "IsPrivate",
        "DurationInMinutes",
        "Location",
        "ActivityDate",
    )
    assert list(result.rows()) == [("Lee", "2026-03-20T10:00:00.000Z", "false", "30", "", "2026-03-20")]


def test_a_long_list_and_a_long_chain_of_conditions_are_fine(leads: Bench) -> None:
    listed = ", ".join(f"'nobody{number}@example.com'" for number in range(2000))
    assert leads.column(f"SELECT LastName FROM Lead WHERE Email IN ({listed}, 'ANN@example.com')") == ["Ash"]
    chain = " OR ".join(f"Email = 'nobody{number}@example.com'" for number in range(1500))
    assert leads.column(f"SELECT LastName FROM Lead WHERE {chain} OR Email = 'bob@example.com'") == ["Birch"]
