"""API calls of all runs, and what the org says of everybody's (rule Q8)."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from include.ledger import tables
from include.ledger.api_usage import OrgUsage
from include.ledger.repository import Ledger
from tests.ledger.builders import at, run

pytestmark = pytest.mark.rule("Q8")


def test_calls_count_from_when_they_were_recorded(ledger: Ledger) -> None:
    assert ledger.api_calls_since(at(0)) == 0
    for minute, calls in ((10, 4), (20, 5)):
        clocked = Ledger(ledger.engine, clock=lambda minute=minute: at(minute))
        clocked.record_api_calls(
            "run-1", task="load_events", attempt=str(minute), calls={"query": calls, "login": 1}
        )
    assert [ledger.api_calls_since(at(minute)) for minute in (10, 11, 21)] == [11, 6, 0]


def test_calls_that_an_older_release_recorded_count_from_the_start_of_their_run(ledger: Ledger) -> None:
    ledger.open_run(run("run-1", now=at(10)), settings_version=0)
    ledger.record_api_calls("run-1", task="load_events", attempt="1", calls={"query": 4})
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.run_api_calls).values(recorded_at=None))
    assert [ledger.api_calls_since(at(minute)) for minute in (9, 11)] == [4, 0]


def test_what_the_org_said_last_is_kept(ledger: Ledger) -> None:
    assert ledger.org_usage() is None
    for minute, used in ((1, 900), (2, 950)):
        Ledger(ledger.engine, clock=lambda minute=minute: at(minute)).note_org_usage(used=used, most=1000)
    assert ledger.org_usage() == OrgUsage(used=950, most=1000, told_at=at(2))
