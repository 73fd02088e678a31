from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.salesforce_emulator.engine.tables import Table
from tests.emulator.engine_bench import Bench, Row, event

pytestmark = pytest.mark.rule("P3")
_KEY = "Booking_Key__c"


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def _table(rows: list[Row]) -> Table:
    return Table(tuple(rows[0]), [list(row.values()) for row in rows])


def _write(bench: Bench, rows: list[Row], operation: str = "upsert") -> list[tuple[str | None, bool, str]]:
    results = bench.org.write(
        operation,  # type: ignore[arg-type]
        "Event",
        _table(rows),
        external_id=_KEY if operation == "upsert" else None,
        options=bench.bulk_options,
    )
    return [(item.id, item.created, item.errors[0].message if item.errors else "") for item in results]


def _events(count: int) -> list[Row]:
    return [event(Booking_Key__c=f"K-{number}", Description=f"Text {number}") for number in range(count)]


def test_a_key_twice_in_one_chunk_of_200_rows_refuses_both(bench: Bench) -> None:
    rows = _events(200)
    rows[199] = event(Booking_Key__c="K-0", Description="again")
    results = _write(bench, rows)
    assert results[0][2] == results[199][2] == "Duplicate external id specified: K-0"
    assert [error for _, _, error in results[1:199]] == [""] * 198


def test_a_key_in_two_chunks_is_created_by_the_first_row_and_updated_by_the_second(bench: Bench) -> None:
    rows = _events(401)
    rows[200] = event(Booking_Key__c="K-0", Description="second")
    rows[400] = event(Booking_Key__c="K-0", Description="third")
    results = _write(bench, rows)
    assert [(created, error) for _, created, error in (results[0], results[200], results[400])] == [
        (True, ""),
        (False, ""),
        (False, ""),
    ]
    assert results[0][0] == results[200][0] == results[400][0]
    assert bench.column(f"SELECT Description FROM Event WHERE {_KEY} = 'K-0'") == ["third"]
    assert bench.column("SELECT COUNT(Id) FROM Event") == [399]


def test_an_id_in_two_chunks_of_an_update_is_written_twice_and_twice_in_one_chunk_not_at_all(
    bench: Bench,
) -> None:
    ids = [item.id for item in bench.write("insert", "Event", [event() for _ in range(201)])]
    rows: list[Row] = [{"Id": record_id, "Description": "once"} for record_id in ids]
    rows[200] = {"Id": ids[0], "Description": "twice"}
    assert {error for _, _, error in _write(bench, rows, "update")} == {""}
    assert bench.get("Event", str(ids[0]), "Description") == {"Description": "twice"}
    rows[1] = {"Id": ids[0], "Description": "no"}
    refused = [error for _, _, error in _write(bench, rows, "update") if error]
    assert refused == [f"duplicate id in the list: {ids[0]}"]


def test_a_table_is_read_as_its_rows_are(bench: Bench) -> None:
    texts = ["plain", "", "#N/A", "  blanks  ", "   ", "x" * 300, "nul\x00", "Free", "#n/a", 'quote"'] * 2
    rows = [
        event(
            Location=text,
            Description=f"{number}{text}",
            ShowAs=("Free", "", "Wrong")[number % 3],
            Booking_Key__c=f"K-{number}",
        )
        for number, text in enumerate(texts)
    ]
    by_row = bench.write("insert", "Event", rows, from_csv=True)
    others = [row | {_KEY: f"T-{number}"} for number, row in enumerate(rows)]
    by_column = _write(bench, others, "insert")
    assert [item.errors[0].message if item.errors else "" for item in by_row] == [
        error for _, _, error in by_column
    ]
    stored = bench.rows(f"SELECT Location, Description, ShowAs, {_KEY} FROM Event ORDER BY {_KEY}")
    assert [row[:3] for row in stored if row[3].startswith("K")] == [
        row[:3] for row in stored if row[3].startswith("T")
    ]
    assert len(stored) == 22
