from __future__ import annotations

import pandas as pd
import pytest
from sqlalchemy import select, text

from include.ledger import tables
from include.ledger.repository import Ledger
from include.reasons import RETRIED_NEXT_RUN, Reason
from tests.ledger.builders import at, held, outcomes, pairs, results, run

APPOINTMENTS = ("appointment",)


def settle(
    ledger: Ledger,
    *rows: dict[str, object],
    run_id: str = "run-1",
    minute: float = 10,
    cleared: tuple[str, ...] = (),
) -> None:
    ledger.settle(
        run(run_id, now=at(minute)),
        [outcomes(row) for row in rows],
        counts={"read": len(rows)},
        watermark=None,
        cleared_dirty=cleared,
        settings_version=0,
        state="success",
        now=at(minute + 5),
    )


def history(ledger: Ledger) -> list[tuple[object, ...]]:
    columns = [tables.outcomes.c[name] for name in ("run_id", "outcome", "reason")]
    with ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(tables.outcomes.c.id))]


def status(ledger: Ledger, key: str = "1-7") -> str:
    with ledger.engine.connect() as connection:
        query = text("SELECT status FROM sync_status WHERE booking_key = :key")
        return connection.execute(query, {"key": key}).scalar_one()


@pytest.mark.rule("Q2")
def test_a_held_pair_shows_its_reason_and_what_it_waits_for(ledger: Ledger) -> None:
    settle(
        ledger, held(reason="no_events_owner", outcome="quarantined", waits_for="setting", waits_for_key="x")
    )
    row = ledger.quarantine_rows().iloc[0]
    assert (row["outcome"], row["reason"]) == ("quarantined", "no_events_owner")
    assert (row["waits_for"], row["waits_for_key"], row["attempts"]) == ("setting", "x", 1)


@pytest.mark.rule("Q2")
def test_a_pair_kept_back_again_counts_its_attempts_and_keeps_when_it_was_first_seen(ledger: Ledger) -> None:
    settle(ledger, held())
    settle(ledger, held(), run_id="run-2", minute=30)
    row = ledger.quarantine_rows().iloc[0]
    assert (row["attempts"], row["first_seen_at"], row["last_seen_at"]) == (2, at(10), at(30))


@pytest.mark.rule("Q2")
@pytest.mark.parametrize("outcome", ["written", "unchanged"])
def test_a_pair_that_goes_through_leaves_the_quarantine(ledger: Ledger, outcome: str) -> None:
    settle(ledger, held(), held(booking_key="2-8"))
    settle(ledger, {"outcome": outcome}, run_id="run-2", minute=30)
    assert ledger.quarantine_rows()["booking_key"].tolist() == ["2-8"]


@pytest.mark.rule("Q2")
def test_the_quarantine_is_counted_by_outcome_and_reason_and_can_be_cut_short(ledger: Ledger) -> None:
    settle(
        ledger,
        held(),
        held(booking_key="2-8"),
        held(booking_key="3-9", outcome="disabled", reason="client_disabled"),
    )
    counts = ledger.quarantine_counts().set_index("reason")["rows"].to_dict()
    assert counts == {"client_disabled": 1, "walk_in_not_final": 2}
    assert len(ledger.quarantine_rows(limit=2)) == 2
    assert ledger.quarantine_rows(kinds=("walk_in",)).empty


@pytest.mark.rule("Q3")
def test_a_booking_that_never_had_an_attendee_settles_as_one_row(ledger: Ledger) -> None:
    settle(ledger, held(booking_key="4-", outcome="quarantined", reason="no_attendee"))
    assert ledger.quarantine_rows()["booking_key"].tolist() == ["4-"]
    assert ledger.settled(["4"])["booking_key"].tolist() == ["4-"]


@pytest.mark.rule("Q4")
def test_settling_one_run_twice_changes_nothing(ledger: Ledger) -> None:
    rows = (held(), {"booking_key": "2-8"})
    settle(ledger, *rows)
    before = (ledger.quarantine_rows(), history(ledger), ledger.settled(["1", "2"]))
    settle(ledger, *rows)
    after = (ledger.quarantine_rows(), history(ledger), ledger.settled(["1", "2"]))
    assert before[0].equals(after[0])
    assert before[1] == after[1]
    assert before[2].equals(after[2])


@pytest.mark.rule("Q2")
def test_history_is_written_when_the_outcome_changes_and_for_every_write(ledger: Ledger) -> None:
    same = {"outcome": "unchanged", "reason": "same_as_last_written"}
    for number, row in enumerate([held(), held(), {}, {}, same, same], start=1):
        settle(ledger, row, run_id=f"run-{number}")
    assert history(ledger) == [
        ("run-1", "held", "walk_in_not_final"),
        ("run-3", "written", None),
        ("run-4", "written", None),
        ("run-5", "unchanged", "same_as_last_written"),
    ]


@pytest.mark.rule("Q3")
def test_an_overtaken_pair_leaves_quarantine_and_status_to_its_newer_version(ledger: Ledger) -> None:
    settle(ledger, held(source_version=200), run_id="new", minute=20)
    settle(ledger, {"outcome": "unchanged", "reason": "overtaken", "source_version": 100}, run_id="old")
    assert ledger.quarantine_rows()["reason"].tolist() == ["walk_in_not_final"]
    assert status(ledger) == "held"


@pytest.mark.rule("Q5")
@pytest.mark.parametrize("reason", sorted(RETRIED_NEXT_RUN))
def test_a_pair_that_trouble_left_behind_is_read_by_the_next_run(ledger: Ledger, reason: Reason) -> None:
    settle(ledger, held(outcome="quarantined", reason=str(reason)))
    assert ledger.dirty_appointments(APPOINTMENTS) == {1}


@pytest.mark.rule("Q5")
def test_a_run_clears_the_marks_it_found_and_no_later_one(ledger: Ledger) -> None:
    transient = held(outcome="quarantined", reason="transient_exhausted")
    settle(ledger, transient, held(booking_key="2-8", outcome="quarantined", reason="unprocessed"))
    ledger.open_run(run("run-2"), settings_version=0)
    settle(ledger, transient, run_id="meanwhile")
    settle(ledger, {}, {"booking_key": "2-8"}, run_id="run-2", minute=60, cleared=("1-7", "2-8"))
    assert ledger.dirty_appointments(APPOINTMENTS) == {1}


@pytest.mark.rule("Q5")
def test_marks_may_be_cleared_by_appointment(ledger: Ledger) -> None:
    settle(ledger, held(outcome="quarantined", reason="unprocessed"))
    ledger.open_run(run("run-2"), settings_version=0)
    settle(ledger, run_id="run-2", cleared=("1",))
    assert ledger.dirty_appointments(APPOINTMENTS) == frozenset()


@pytest.mark.rule("Q5")
def test_a_run_of_another_selection_neither_reads_nor_clears_a_mark(ledger: Ledger) -> None:
    settle(ledger, held(outcome="quarantined", reason="unprocessed", kind="walk_in"))
    assert ledger.dirty_appointments(APPOINTMENTS) == frozenset()
    assert ledger.dirty_appointments(("walk_in",)) == {1}
    ledger.open_run(run("appointments"), settings_version=0)
    settle(ledger, run_id="appointments", cleared=("1-7",))
    assert ledger.dirty_appointments(("walk_in",)) == {1}


@pytest.mark.rule("S7")
def test_a_pair_kept_back_keeps_the_staff_member_of_its_event(ledger: Ledger) -> None:
    ledger.record_event_results("run-1", results({}), settings_version=0, mapping_version=0, now=at(1))
    settle(ledger, held(staff_id="6"))
    assert ledger.event_links(["1"])["staff_id"].tolist() == ["5"]
    settle(ledger, {"outcome": "unchanged", "staff_id": "6"}, run_id="run-2")
    assert ledger.event_links(["1"])["staff_id"].tolist() == ["6"]


@pytest.mark.rule("C3")
def test_facts_for_reports_are_those_of_the_newest_settled_version(ledger: Ledger) -> None:
    settle(ledger, {"status": "complete", "local_day": "2026-03-02", "source_version": 200}, run_id="new")
    settle(ledger, {"status": "booked", "local_day": "2026-03-01", "source_version": 100}, run_id="old")
    facts = next(ledger.event_link_rows()).iloc[0]
    assert (facts["status"], facts["local_day"], facts["starts_at"]) == ("complete", "2026-03-02", at(1440))


@pytest.mark.rule("Q3")
def test_a_pair_without_a_version_is_still_accounted_for(ledger: Ledger) -> None:
    settle(ledger, held(source_version=None))
    assert len(ledger.quarantine_rows()) == 1


@pytest.mark.rule("T5")
def test_the_status_of_a_pair_says_where_it_stands(ledger: Ledger) -> None:
    ledger.claim_versions("run-1", pairs({}, {"booking_key": "2-8"}, {"booking_key": "3-9"}))
    assert status(ledger) == "pending"
    settle(
        ledger,
        {},
        held(booking_key="2-8"),
        held(booking_key="3-9", outcome="disabled", reason="client_disabled"),
    )
    assert [status(ledger, key) for key in ("1-7", "2-8", "3-9")] == ["synced", "held", "disabled"]
    ledger.claim_versions("run-2", pairs({"source_version": 200}))
    assert status(ledger) == "pending"


@pytest.mark.rule("Q3")
def test_a_frame_may_be_settled_whole(ledger: Ledger) -> None:
    rows = pd.concat([outcomes({}), outcomes(held(booking_key="2-8"))])
    ledger.settle(
        run(),
        rows,
        counts={"read": 2},
        watermark=(at(5), 7),
        cleared_dirty=(),
        settings_version=0,
        state="success",
        now=at(12),
    )
    assert len(ledger.settled(["1", "2"])) == 2
