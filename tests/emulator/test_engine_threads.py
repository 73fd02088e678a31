"""The engine under several threads, as the server's requests and its worker use it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.emulator.engine_bench import Bench, event

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_racing_upserts_of_one_key_create_one_record(bench: Bench) -> None:
    def upsert(number: int) -> bool:
        row = event(Booking_Key__c="1-1", Subject=f"Visit {number}")
        return bench.write("upsert", "Event", [row], external_id="Booking_Key__c")[0].created

    with ThreadPoolExecutor(max_workers=8) as threads:
        created = list(threads.map(upsert, range(40)))
    assert created.count(True) == 1
    assert bench.column("SELECT COUNT(Id) FROM Event") == [1]


def test_a_reader_never_sees_half_a_batch(bench: Bench) -> None:
    def write(batch: int) -> int:
        rows = [event(Kind__c=str(batch)) for _ in range(20)]
        return sum(result.success for result in bench.write("insert", "Event", rows))

    def read(_: int) -> int:
        return bench.org.query("SELECT COUNT() FROM Event").total_size

    with ThreadPoolExecutor(max_workers=4) as threads:
        writes = [threads.submit(write, batch) for batch in range(15)]
        reads = [threads.submit(read, number) for number in range(30)]
    assert [future.result() for future in writes] == [20] * 15
    assert all(future.result() % 20 == 0 for future in reads)


def test_a_failure_within_a_transaction_undoes_the_writes_inside_it(bench: Bench) -> None:
    class StopError(Exception):
        pass

    def write_then_stop() -> None:
        with bench.org.store.transaction():
            bench.event()
            raise StopError

    with pytest.raises(StopError):
        write_then_stop()
    assert bench.column("SELECT COUNT(Id) FROM Event") == [0]
    bench.event()
    assert bench.column("SELECT COUNT(Id) FROM Event") == [1]
