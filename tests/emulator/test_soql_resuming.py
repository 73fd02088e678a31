"""A result can be put down and taken up again: what a query cursor keeps over a restart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_a_result_taken_up_again_keeps_its_rows_and_their_order(bench: Bench) -> None:
    ids = [bench.lead(LastName=f"L{number:02}") for number in range(30)]
    result = bench.org.query("SELECT Id, Owner.Name FROM Lead ORDER BY LastName DESC")
    state = result.state()
    bench.update("Lead", ids[0], LastName="Z")
    bench.lead(LastName="L99")
    resumed = bench.org.resume_query(state)
    assert (resumed.total_size, resumed.columns) == (30, ("Id", "Owner.Name"))
    assert resumed.records(5, 20) == result.records(5, 20)
    assert [record["Id"] for record in resumed.records(0, 30)] == ids[::-1]


def test_a_result_taken_up_again_still_shows_deleted_records_if_the_query_did(bench: Bench) -> None:
    gone = bench.lead()
    bench.delete("Lead", gone)
    state = bench.org.query("SELECT Id, IsDeleted FROM Lead", include_deleted=True).state()
    assert [record["IsDeleted"] for record in bench.org.resume_query(state).records(0, 9)] == [True]


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT COUNT() FROM Lead",
        "SELECT City, COUNT(Id) n, MAX(Score__c), MIN(CreatedDate) FROM Lead GROUP BY City",
        "SELECT Id FROM Contact",
    ],
)
def test_counts_groups_and_empty_results_are_taken_up_as_they_were(bench: Bench, soql: str) -> None:
    bench.lead(City="Bern", Score__c=2.5)
    bench.lead(City=None)
    result = bench.org.query(soql)
    resumed = bench.org.resume_query(result.state())
    bench.lead(City="Bern", Score__c=9.5)
    assert resumed.total_size == result.total_size
    assert resumed.columns == result.columns
    assert resumed.records(0, 10) == result.records(0, 10)
    assert list(resumed.rows()) == list(result.rows())
