"""What backfills, replays and alerts ask of the ledger, on both kinds of database."""

from __future__ import annotations

import pytest

from include.ledger.quarantine import WaitingPairs
from include.ledger.repository import Ledger
from include.pipeline.context import Selection
from tests.ledger.builders import at, held, outcomes, run


def settle(
    ledger: Ledger, *rows: dict[str, object], run_id: str = "run-1", selection: Selection, minute: float = 10
) -> None:
    ledger.settle(
        run(run_id, now=at(minute), selection=selection),
        outcomes(*rows),
        counts={"read": len(rows)},
        watermark=None,
        cleared_dirty=(),
        settings_version=0,
        state="success",
        now=at(minute),
    )


@pytest.mark.rule("Q2")
def test_waiting_pairs_are_found_by_reason_outcome_key_and_the_time_they_began_to_wait(
    ledger: Ledger,
) -> None:
    settle(ledger, held(booking_key="1-7"), selection=Selection.APPOINTMENTS, minute=10)
    refused = {"outcome": "quarantined", "reason": "no_end", "waits_for": "row", "action": "none"}
    settle(
        ledger, {"booking_key": "2-7", **refused}, run_id="r2", selection=Selection.APPOINTMENTS, minute=20
    )
    began = ledger.quarantine_rows().set_index("booking_key")["first_seen_at"]

    def found(**wanted: object) -> set[int]:
        return set(ledger.waiting_appointments(WaitingPairs(**wanted)))  # type: ignore[arg-type]

    assert found() == {1, 2}
    assert found(reasons=["no_end"]) == {2}
    assert found(outcomes=["held"]) == {1}
    assert found(keys=["1", "2-7"]) == {1, 2}
    assert found(keys=["7"]) == set()
    assert found(first_seen_before=began["1-7"]) == {1}
    assert found(first_seen_since=began["1-7"]) == {2}


@pytest.mark.rule("T7")
def test_a_run_counts_as_settled_for_its_request_and_settings_only(ledger: Ledger) -> None:
    backfill = run("b__week", selection=Selection.BACKFILL)
    ledger.open_run(backfill, settings_version=0, request="week 1")
    assert not ledger.was_settled("b__week", "week 1", settings_version=0)
    settle(ledger, {"booking_key": "1-7"}, run_id="b__week", selection=Selection.BACKFILL)
    assert ledger.was_settled("b__week", "week 1", settings_version=0)
    assert not ledger.was_settled("b__week", "week 1", settings_version=1)
    assert not ledger.was_settled("b__week", "week 2", settings_version=0)
    assert not ledger.was_settled("b", "week 1", settings_version=0)


@pytest.mark.rule("T7")
@pytest.mark.rule("Q9")
def test_runs_at_work_are_those_that_began_lately_and_were_not_given_up(ledger: Ledger) -> None:
    for run_id, minute in (("a", 10), ("a__2026-03-01_2026-03-07", 20), ("a_x", 30)):
        ledger.open_run(run(run_id, now=at(minute)), settings_version=0)

    def at_work(since: float) -> int:
        return ledger.runs_at_work((Selection.APPOINTMENTS,), since=at(since))

    assert [at_work(since) for since in (5, 15, 30)] == [3, 2, 0]
    assert ledger.runs_at_work((Selection.WALK_INS,), since=at(0)) == 0
    ledger.give_up_runs("a", now=at(40))
    assert at_work(5) == 1


@pytest.mark.rule("S14")
def test_what_a_backfill_read_is_marked_and_read_again_where_another_run_settled_newer(
    ledger: Ledger,
) -> None:
    settle(
        ledger, held(booking_key="1-7", source_version=200), run_id="newer", selection=Selection.APPOINTMENTS
    )
    settle(
        ledger,
        {"booking_key": "1-7", "source_version": 100},
        {"booking_key": "2-7", "source_version": 100},
        run_id="backfill",
        selection=Selection.BACKFILL,
    )
    links = ledger.event_links(["1", "2"]).set_index("booking_key")
    assert links["is_backfilled"].all()
    assert links.loc["1-7", "settled_version"] == 200
    assert ledger.dirty_appointments(("appointment",)) == {1}


@pytest.mark.rule("Q9")
def test_the_ledger_remembers_how_many_quarantined_rows_people_were_told_of(ledger: Ledger) -> None:
    assert ledger.quarantine_told() == 0
    for rows in (20, 5):
        ledger.tell_quarantine(rows)
        assert ledger.quarantine_told() == rows
