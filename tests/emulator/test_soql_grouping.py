"""Counting, grouping and sorting: what Salesforce answers, and what it refuses to group, sort, limit or name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("CALENDAR_YEAR", 2026),
        ("CALENDAR_QUARTER", 2),
        ("CALENDAR_MONTH", 5),
        ("FISCAL_YEAR", 2026),
        ("FISCAL_QUARTER", 2),
        ("FISCAL_MONTH", 5),
        ("DAY_IN_MONTH", 10),
        ("DAY_IN_WEEK", 1),
        ("DAY_IN_YEAR", 130),
        ("WEEK_IN_MONTH", 2),
        ("WEEK_IN_YEAR", 19),
        ("HOUR_IN_DAY", 23),
        ("DAY_ONLY", "2026-05-10"),
    ],
)
def test_a_date_function_groups_filters_and_orders_by_its_part(
    bench: Bench, function: str, value: Any
) -> None:
    """The tenth of May 2026 is a Sunday, day 130 of the year."""
    bench.event(StartDateTime="2026-05-10T23:30:00Z", EndDateTime="2026-05-11T00:00:00Z")
    part = f"{function}(StartDateTime)"
    soql = f"SELECT {part} part, COUNT(Id) FROM Event GROUP BY {part} HAVING COUNT(Id) = 1 ORDER BY {part}"
    assert bench.rows(soql) == [(value, 1)]
    assert bench.column(f"SELECT COUNT(Id) FROM Event WHERE {part} = {value}") == [1]
    assert bench.column(f"SELECT COUNT(Id) FROM Event WHERE {part} != {value}") == [0]


def test_the_first_and_last_days_of_a_year_are_in_its_first_and_last_weeks(bench: Bench) -> None:
    for day in ("2026-01-01", "2026-01-07", "2026-01-08", "2026-12-31"):
        bench.event(ActivityDate=None, StartDateTime=f"{day}T10:00:00Z", EndDateTime=f"{day}T11:00:00Z")
    parts = ("WEEK_IN_YEAR", "WEEK_IN_MONTH", "CALENDAR_QUARTER", "DAY_IN_WEEK")
    shown = ", ".join(f"{part}(ActivityDate)" for part in parts)
    soql = f"SELECT {shown}, ActivityDate FROM Event GROUP BY ActivityDate, {shown} ORDER BY ActivityDate"
    assert [row[:4] for row in bench.rows(soql)] == [(1, 1, 1, 5), (1, 1, 1, 4), (2, 2, 1, 5), (53, 5, 4, 5)]


def test_counts_ignore_nulls_and_letter_case_as_groups_do(bench: Bench) -> None:
    for city in ("Bern", "bern", None, "Basel"):
        bench.lead(City=city)
    assert bench.rows("SELECT COUNT(Id), COUNT(City), COUNT_DISTINCT(City) FROM Lead") == [(4, 3, 2)]
    assert bench.rows(
        "SELECT COUNT(Id) n FROM Lead GROUP BY City ORDER BY COUNT(Id) DESC, City NULLS LAST"
    ) == [
        (2,),
        (1,),
        (1,),
    ]
    assert bench.column(
        "SELECT COUNT(Id) FROM Lead GROUP BY City HAVING MIN(City) LIKE 'b%' AND COUNT(Id) > 1"
    ) == [2]


def test_groups_go_by_parents_and_show_minimum_and_maximum_as_their_own_types(bench: Bench) -> None:
    for name, score in (("A", 2), ("B", 4)):
        bench.lead(LastName=name, Score__c=score)
    soql = (
        "SELECT Owner.Name who, SUM(Score__c) s, AVG(Score__c) a, MIN(LastName) l, MAX(CreatedDate) m FROM Lead "
        "GROUP BY Owner.Name"
    )
    assert bench.rows(soql) == [("Integration", 6.0, 3.0, "A", "2026-03-18T12:00:00.000+0000")]


@pytest.mark.parametrize(
    ("soql", "words"),
    [
        ("SELECT COUNT(Id) FROM Lead LIMIT 1",
         "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"),
        ("SELECT Description, COUNT(Id) FROM Lead GROUP BY Description",
         "field 'Description' can not be grouped in a query call"),
        ("SELECT CreatedDate, COUNT(Id) FROM Lead GROUP BY CreatedDate",
         "field 'CreatedDate' can not be grouped in a query call"),
        ("SELECT Score__c, COUNT(Id) FROM Lead GROUP BY Score__c",
         "field 'Score__c' can not be grouped in a query call"),
        ("SELECT Topics__c, COUNT(Id) FROM Lead GROUP BY Topics__c",
         "field 'Topics__c' can not be grouped in a query call"),
        ("SELECT Id FROM Lead ORDER BY Topics__c", "field 'Topics__c' can not be sorted in a query call"),
        ("SELECT City c, Email C, COUNT(Id) FROM Lead GROUP BY City, Email", "duplicate alias: C"),
        ("SELECT City, Owner.City, COUNT(Id) FROM Contact GROUP BY MailingCity", "No such column 'City'"),
        ("SELECT COUNT(), Id FROM Lead", "COUNT() must be all that a query selects"),
        ("SELECT COUNT() FROM Lead GROUP BY City", "COUNT() must be all that a query selects"),
        ("SELECT COUNT() FROM Lead ORDER BY City", "COUNT() must be all that a query selects"),
        ("SELECT City FROM Lead GROUP BY City HAVING COUNT() > 1", "COUNT takes exactly one field"),
        ("SELECT COUNT(Description) FROM Lead", "field Description does not support aggregate operator COUNT"),
        ("SELECT MAX(IsConverted) FROM Lead", "field IsConverted does not support aggregate operator MAX"),
        ("SELECT SHOUT(City) FROM Lead", "there is no function 'SHOUT'"),
        ("SELECT CALENDAR_YEAR(CreatedDate) FROM Lead", "only aggregate expressions use field aliasing"),
        ("SELECT City, COUNT(Id) FROM Lead GROUP BY City ORDER BY Email",
         "Ordered field must be grouped or aggregated"),
    ],
)  # fmt: skip
def test_what_cannot_be_grouped_sorted_or_counted_so_is_refused(bench: Bench, soql: str, words: str) -> None:
    with pytest.raises(SalesforceFault) as refused:
        bench.org.query(soql)
    assert refused.value.code in ("MALFORMED_QUERY", "INVALID_FIELD")
    assert words in refused.value.message


def test_fields_may_be_bounded_by_ids_instead_of_a_limit(bench: Bench) -> None:
    lead = bench.lead()
    assert bench.org.query(f"SELECT FIELDS(ALL) FROM Lead WHERE Id = '{lead}'").total_size == 1
    assert bench.org.query(f"SELECT FIELDS(CUSTOM) FROM Lead WHERE Id IN ('{lead}')").total_size == 1
    many = ",".join(f"'{lead}'" for _ in range(201))
    for where in (f"Id != '{lead}'", f"Id NOT IN ('{lead}')", f"Id IN ({many})", "City = 'x'"):
        with pytest.raises(SalesforceFault, match="must have a LIMIT of at most 200"):
            bench.org.query(f"SELECT FIELDS(ALL) FROM Lead WHERE {where}")


def test_describe_says_what_grouping_and_sorting_allow(bench: Bench) -> None:
    for sobject in ("Lead", "Event"):
        for item in bench.org.describe(sobject)["fields"]:
            name = item["name"]
            assert accepts(bench, f"SELECT {name} FROM {sobject} GROUP BY {name}") is item["groupable"], name
            assert accepts(bench, f"SELECT Id FROM {sobject} ORDER BY {name}") is item["sortable"], name
            assert accepts(bench, f"SELECT Id FROM {sobject} WHERE {name} = null") is item["filterable"], name


def accepts(bench: Bench, soql: str) -> bool:
    try:
        bench.org.query(soql)
    except SalesforceFault:
        return False
    return True
