"""Claims of load steps, on both engines (design §2, rule Q4)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from include.ledger.load_claims import LoadStep
from include.ledger.repository import Ledger
from tests.ledger.builders import at

pytestmark = pytest.mark.rule("Q4")

STEP = LoadStep("run-1", "load_events", 3)


@pytest.fixture
def at_minute(ledger: Ledger) -> Callable[[float], Ledger]:
    """Return the ledger as a process uses it whose clock shows so many minutes after the installation."""

    def use(minutes: float) -> Ledger:
        return Ledger(ledger.engine, clock=lambda: at(minutes))

    return use


def test_a_step_that_nobody_holds_is_taken(at_minute: Callable[[float], Ledger]) -> None:
    claim = at_minute(1).claim_load(STEP, "first")
    assert (claim.holder, claim.claimed_at, claim.seen_at) == ("first", at(1), at(1))


def test_a_step_that_somebody_holds_stays_theirs(at_minute: Callable[[float], Ledger]) -> None:
    at_minute(1).claim_load(STEP, "first")
    claim = at_minute(2).claim_load(STEP, "second")
    assert (claim.holder, claim.seen_at) == ("first", at(1))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(LoadStep("run-2", "load_events", 3), id="run"),
        pytest.param(LoadStep("run-1", "load_people", 3), id="step"),
        pytest.param(LoadStep("run-1", "load_events", 4), id="chunk"),
    ],
)
def test_another_step_is_free(ledger: Ledger, other: LoadStep) -> None:
    ledger.claim_load(STEP, "first")
    assert ledger.claim_load(other, "second").holder == "second"


def test_a_step_that_was_let_go_is_free(ledger: Ledger) -> None:
    ledger.claim_load(STEP, "first")
    ledger.release_load(STEP, "first")
    assert ledger.claim_load(STEP, "second").holder == "second"


def test_the_claim_of_a_dead_holder_is_taken_over(at_minute: Callable[[float], Ledger]) -> None:
    dead = at_minute(1).claim_load(STEP, "first")
    claim = at_minute(5).claim_load(STEP, "second", over=dead)
    assert (claim.holder, claim.claimed_at) == ("second", at(5))


def test_a_holder_who_shows_a_sign_of_life_is_not_taken_over(at_minute: Callable[[float], Ledger]) -> None:
    silent = at_minute(1).claim_load(STEP, "first")
    assert at_minute(4).renew_load(STEP, "first")
    assert at_minute(5).claim_load(STEP, "second", over=silent).holder == "first"


def test_who_was_taken_over_learns_it_and_lets_nobody_else_go(ledger: Ledger) -> None:
    dead = ledger.claim_load(STEP, "first")
    ledger.claim_load(STEP, "second", over=dead)
    assert not ledger.renew_load(STEP, "first")
    ledger.release_load(STEP, "first")
    assert ledger.claim_load(STEP, "third").holder == "second"


def test_of_many_who_claim_at_once_one_has_it(ledger: Ledger) -> None:
    dead = ledger.claim_load(STEP, "dead")
    holders: list[str | None] = []
    start = threading.Barrier(6)

    def claim(name: str) -> None:
        start.wait()
        holders.append(ledger.claim_load(STEP, name, over=dead).holder)

    threads = [threading.Thread(target=claim, args=(f"process {number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(holders) == 6
    assert len(set(holders)) == 1
    assert holders[0] != "dead"
