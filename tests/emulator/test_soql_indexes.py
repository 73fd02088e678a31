"""The queries a booking sync asks again and again find their rows by an index, however many Events there are.

The fields named here are those the product's queries compare: `WHERE <key> != null` and `IN` lists of keys, e-mails and
Ids (include/pipeline/candidates.py, include/salesforce/query.py), and SystemModstamp where a query asks what changed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.salesforce_emulator.engine.soql.compiled import RecordQuery
from include.salesforce_emulator.engine.soql.translate import translate
from tests.emulator.engine_bench import NOW, Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def plan(bench: Bench, soql: str) -> list[str]:
    """SQLite's plan for the statement that finds rows."""
    compiled = translate(soql, bench.org._schema, today=NOW.date(), include_deleted=False)
    assert isinstance(compiled, RecordQuery)
    explained = bench.org.store.fetch(f"EXPLAIN QUERY PLAN {compiled.rows_sql}", compiled.parameters)
    return [str(row[3]) for row in explained]


def listed(values: str, count: int = 500) -> str:
    return ",".join(f"'{values.format(number)}'" for number in range(count))


@pytest.mark.parametrize(
    ("soql", "index"),
    [
        ("SELECT Id FROM Event WHERE SystemModstamp >= 2026-03-01T00:00:00Z ORDER BY SystemModstamp, Id",
         "Event_SystemModstamp"),
        ("SELECT Id FROM Event WHERE SystemModstamp > 2026-03-01T00:00:00Z", "Event_SystemModstamp"),
        ("SELECT Id FROM Event WHERE SystemModstamp >= 2026-03-01T00:00:00Z AND Booking_Key__c != null",
         "Event_SystemModstamp"),
        (f"SELECT Id FROM Event WHERE Booking_Key__c IN ({listed('key-{}')})", "Event_Booking_Key__c"),
        ("SELECT Id FROM Event WHERE Booking_Key__c = 'key-1'", "Event_Booking_Key__c"),
        (f"SELECT Id FROM Event WHERE WhoId IN ({listed('00Q0000000{:05}')})", "Event_WhoId"),
        ("SELECT Id FROM Event WHERE WhoId IN (SELECT Id FROM Lead WHERE Email = 'a@example.com')", "Event_WhoId"),
        (f"SELECT Id FROM Lead WHERE Person_Key__c IN ({listed('key-{}')})", "Lead_Person_Key__c"),
        (f"SELECT Id FROM Lead WHERE Email IN ({listed('a{}@example.com')})", "Lead_Email"),
        (f"SELECT Id FROM Contact WHERE Email IN ({listed('a{}@example.com')})", "Contact_Email"),
        (f"SELECT Id FROM CampaignMember WHERE LeadId IN ({listed('00Q0000000{:05}')})", "CampaignMember_LeadId"),
        (f"SELECT Id FROM Lead WHERE Id IN ({listed('00Q0000000{:05}')})", "sqlite_autoindex_Lead_1"),
    ],
)  # fmt: skip
def test_a_query_of_the_sync_searches_by_an_index(bench: Bench, soql: str, index: str) -> None:
    steps = plan(bench, soql)
    assert any(step.startswith("SEARCH") and f"INDEX {index} " in step for step in steps), steps


def test_children_of_a_page_of_records_are_searched_by_an_index(bench: Bench) -> None:
    compiled = translate(
        "SELECT Id, (SELECT Id FROM Events) FROM Lead",
        bench.org._schema,
        today=NOW.date(),
        include_deleted=False,
    )
    assert isinstance(compiled, RecordQuery)
    (children,) = (item for item in compiled.shown if not hasattr(item, "path"))
    explained = bench.org.store.fetch(f"EXPLAIN QUERY PLAN {children.rows_sql}", ("[]",))
    assert any("INDEX Event_WhoId " in str(row[3]) for row in explained), explained


def test_pages_are_read_by_row_number(bench: Bench) -> None:
    compiled = translate(
        "SELECT Id, Who.Name, Owner.Name FROM Event",
        bench.org._schema,
        today=NOW.date(),
        include_deleted=False,
    )
    assert isinstance(compiled, RecordQuery)
    steps = [
        str(row[3]) for row in bench.org.store.fetch(f"EXPLAIN QUERY PLAN {compiled.page_sql}", ("[1]",))
    ]
    assert all("SCAN" not in step or "json_each" in step for step in steps), steps
