"""Semi-joins and anti-joins: what they find, and where Salesforce takes none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")

IN_CONTACTS = "Id IN (SELECT AccountId FROM Contact)"
IN_MEMBERS = "Id IN (SELECT LeadId FROM CampaignMember)"


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_semi_and_anti_joins_compare_ids_with_a_query_and_ignore_its_nulls(bench: Bench) -> None:
    staffed, empty = bench.insert("Account", Name="Staffed"), bench.insert("Account", Name="Empty")
    bench.contact(AccountId=staffed, LastName="Xu")
    bench.contact(LastName="Of nobody")
    assert bench.column(f"SELECT Id FROM Account WHERE {IN_CONTACTS}") == [staffed]
    assert bench.column(
        "SELECT Id FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact WHERE LastName LIKE 'x%')"
    ) == [empty]
    assert bench.column(
        "SELECT LastName FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Name = 'staffed')"
    ) == ["Xu"]


def test_an_event_is_found_by_a_query_of_its_people_though_not_the_other_way_round(bench: Bench) -> None:
    lead = bench.lead(City="Bern")
    booked = bench.event(WhoId=lead)
    assert bench.column("SELECT Id FROM Event WHERE WhoId IN (SELECT Id FROM Lead WHERE City = 'bern')") == [
        booked
    ]


def test_an_anti_join_finds_records_without_a_parent_too(bench: Bench) -> None:
    bench.contact(LastName="Lone")
    assert bench.column("SELECT LastName FROM Contact WHERE AccountId NOT IN (SELECT Id FROM Account)") == [
        "Lone"
    ]


def test_two_semi_joins_and_other_conditions_go_together(bench: Bench) -> None:
    soql = (
        f"SELECT Id FROM Account WHERE {IN_CONTACTS} AND Name != 'x' AND Id IN (SELECT AccountId FROM Event)"
    )
    with pytest.raises(SalesforceFault, match="Entity 'Event' is not supported"):
        bench.org.query(soql)
    assert (
        bench.column(
            f"SELECT Id FROM Lead WHERE {IN_MEMBERS} AND Name != 'x' AND Id NOT IN (SELECT LeadId FROM CampaignMember)"
        )
        == []
    )


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (f"Name = 'x' OR {IN_CONTACTS}", "Semi join sub-selects are not allowed with the 'OR' operator"),
        (f"Name = 'x' AND (Phone = '1' OR {IN_CONTACTS})", "only allowed at the top level WHERE expressions"),
        (f"Name = 'x' AND (Phone = '1' AND {IN_CONTACTS})", "only allowed at the top level WHERE expressions"),
        (f"NOT {IN_CONTACTS}", "only allowed at the top level WHERE expressions"),
        (" AND ".join([IN_CONTACTS] * 3), "Maximum 2 semi join sub-selects are allowed"),
        ("Id IN (SELECT ParentId FROM Account)", "inner and outer selects should not be on the same object type"),
        ("Id IN (SELECT WhatId FROM Event)", "Entity 'Event' is not supported for semi join inner selects"),
        ("Id NOT IN (SELECT WhatId FROM task)", "Entity 'task' is not supported for semi join inner selects"),
        ("Id IN (SELECT AccountId FROM Contact WHERE Id IN (SELECT ContactId FROM CampaignMember))",
         "Nesting of semi join sub-selects is not supported"),
        ("Id IN (SELECT AccountId FROM Contact WHERE NOT (Id = null OR Id IN (SELECT Id FROM Lead)))",
         "Nesting of semi join sub-selects is not supported"),
        ("Owner.Id IN (SELECT Id FROM User)", "a field of the queried object itself"),
        ("Name IN (SELECT AccountId FROM Contact)", "semi join operands must be reference fields"),
        ("Id IN (SELECT LastName FROM Contact)", "must be an Id or reference field"),
        ("Id IN (SELECT Id, AccountId FROM Contact)", "selects exactly one field"),
        ("Id IN (SELECT COUNT() FROM Contact)", "selects exactly one field"),
        ("Id IN (SELECT AccountId FROM Contact LIMIT 5)", "no GROUP BY, HAVING, ORDER BY, LIMIT or OFFSET"),
        ("Id IN (SELECT AccountId FROM Contact ORDER BY Id)", "no GROUP BY, HAVING, ORDER BY, LIMIT or OFFSET"),
    ],
)  # fmt: skip
def test_a_semi_join_where_salesforce_takes_none_is_malformed(
    bench: Bench, condition: str, words: str
) -> None:
    with pytest.raises(SalesforceFault) as refused:
        bench.org.query(f"SELECT Id FROM Account WHERE {condition}")
    assert refused.value.code == "MALFORMED_QUERY"
    assert words in refused.value.message
    assert "ERROR at Row:1:Column:" in refused.value.message
