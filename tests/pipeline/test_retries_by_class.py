"""What happens next to what Salesforce refuses, by the class of its error code (rule Q6)."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import OrgExhaustedError, RequestRefusedError
from include.pipeline import loading
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.settle_run import settle_run
from tests.pipeline.test_bulk_loading import checked, fault
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("Q6")

BOOKINGS = 3


@pytest.fixture
def filled(world: World) -> World:
    """Return a world whose bookings will travel by Bulk."""
    world.set(load_api="bulk")
    for number in range(1, BOOKINGS + 1):
        world.booking(100 + number, world.client(number))
    return world


def expect_pending(world: World) -> None:
    """Expect that nothing was quarantined, and that the next run would read everything again."""
    assert world.ledger.quarantine_rows().empty
    assert world.ledger.watermark("appointments") is None


def expect_all_once(world: World) -> None:
    assert len(world.org.records("Lead")) == len(world.events()) == BOOKINGS
    assert world.ledger.quarantine_rows().empty


@pytest.mark.parametrize(
    ("api", "limit"),
    [("bulk", "DailyBulkApiBatches"), ("bulk", "DataStorageMB"), ("rest", "DataStorageMB")],
)
def test_an_exhausted_org_leaves_every_row_pending(filled: World, api: str, limit: str) -> None:
    filled.set(load_api=api)
    run = checked(filled)
    load_people(run, filled.wiring())
    fault(filled, type="exhaust_quota", limit=limit)
    with pytest.raises(OrgExhaustedError, match=r"EXCEEDED|Exceeded"):
        load_events(run, filled.wiring(), 0)
    expect_pending(filled)
    filled.org.control("DELETE", "faults")
    load_events(run, filled.wiring(), 0)
    assert settle_run(run, filled.wiring())["created"] == BOOKINGS
    expect_all_once(filled)


def test_what_a_job_did_before_the_allowance_was_used_up_is_kept(filled: World) -> None:
    run = checked(filled)
    load_people(run, filled.wiring())
    quota = "ExceededQuota : the batches of the day are used up"
    fault(filled, type="fail_job", sobject="Event", after_rows=1, message=quota)
    with pytest.raises(OrgExhaustedError):
        load_events(run, filled.wiring(), 0)
    expect_pending(filled)
    (job,) = filled.ledger.jobs(run.run_id, step="load_events:create")
    assert (job.state, job.succeeded, job.unprocessed) == ("settled", 1, BOOKINGS - 1)
    load_events(run, filled.wiring(), 0)
    assert [job.sent for job in filled.ledger.jobs(run.run_id, step="load_events:create")] == [BOOKINGS, 2]
    assert settle_run(run, filled.wiring())["created"] == BOOKINGS


def test_a_job_that_is_refused_as_a_whole_is_not_sent_again(filled: World) -> None:
    run = checked(filled)
    load_people(run, filled.wiring())
    filled.org.forget_calls()
    message = "InvalidBatch : Field name not found : Coconut_Kind__c"
    fault(filled, type="fail_job", sobject="Event", message=message, times=None)
    with pytest.raises(RequestRefusedError, match="InvalidBatch") as refusal:
        load_events(run, filled.wiring(), 0)
    assert refusal.value.code == "InvalidBatch"
    assert filled.org.calls()["bulk_ingest_create"] == 1
    expect_pending(filled)


def test_rows_that_stay_locked_go_one_call_after_the_other_in_the_end(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BULK_THRESHOLD_ROWS", 1)
    monkeypatch.setattr(loading, "BACK_OFF_SECONDS", 0.0)
    fault(
        filled, type="lock_rows", sobject="Event", field="Coconut_Booking_Key__c", values=["101-1"], times=2
    )
    run_id = filled.sync()["run_id"]
    jobs = filled.ledger.jobs(run_id, step="load_events:create")
    assert [(job.api, job.sent) for job in jobs] == [("bulk", BOOKINGS), ("bulk", 1), ("rest", 1)]
    expect_all_once(filled)


@pytest.mark.parametrize(
    "kind",
    [
        "bulk_ingest_create",
        "bulk_ingest_upload",
        "bulk_ingest_close",
        "bulk_ingest_poll",
        "bulk_ingest_results",
    ],
)
def test_a_session_that_ends_in_the_middle_of_a_job_is_renewed_once(filled: World, kind: str) -> None:
    run = checked(filled)
    load_people(run, filled.wiring())
    wiring = filled.wiring()
    assert wiring.salesforce.user_id
    filled.org.forget_calls()
    fault(filled, type="expire_sessions", kind=kind)
    load_events(run, wiring, 0)
    settle_run(run, wiring)
    expect_all_once(filled)
    assert filled.org.calls()["login"] == 1
    assert filled.org.calls()["bulk_ingest_create"] == 1 + (kind == "bulk_ingest_create")


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"type": "respond", "status": 503}, id="503"),
        pytest.param({"type": "drop", "when": "before"}, id="dropped connections"),
    ],
)
def test_trouble_while_a_job_is_polled_says_nothing_about_the_job(
    filled: World, trouble: dict[str, Any]
) -> None:
    filled.org.forget_calls()
    fault(filled, kind="bulk_ingest_poll", times=2, **trouble)
    filled.sync()
    expect_all_once(filled)
    calls = filled.org.calls()
    assert calls["bulk_ingest_create"] == 2  # people and Events
    assert calls["bulk_ingest_abort"] == 0
