"""Two executions of one load step: waiting, taking over, and coming back too late (design §2, rule Q4)."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.errors import LedgerUnavailableError, TransientError
from include.ledger.load_claims import LoadStep
from include.ledger.repository import Ledger
from include.pipeline.holders import Holder
from include.pipeline.load_claims import ClaimPolicy, claim_if_dead, load_claim

pytestmark = pytest.mark.rule("Q4")

STEP = LoadStep("run-1", "load_events", 0)
LATER = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
IMPATIENT = ClaimPolicy(patience_seconds=0.0, sleep=lambda _seconds: None)
SECONDS_TO_WAIT = 60


@pytest.fixture
def ledger(ledger_template: Path, tmp_path: Path) -> Iterator[Ledger]:
    file = tmp_path / "ledger.db"
    shutil.copyfile(ledger_template, file)
    engine = sa.create_engine(f"sqlite:///{file}")
    yield Ledger(engine)
    engine.dispose()


def elsewhere() -> Holder:
    return replace(Holder.here(), machine="another machine")


def test_a_step_is_free_again_after_its_block_however_that_ended(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="broken"), load_claim(ledger, STEP):
        raise ValueError("broken")
    with load_claim(ledger, STEP, policy=IMPATIENT):
        pass


def test_who_waits_longer_than_their_patience_tries_again_later(ledger: Ledger) -> None:
    with (
        load_claim(ledger, STEP),
        pytest.raises(TransientError, match="still at work on load_events of the run run-1"),
        load_claim(ledger, STEP, policy=IMPATIENT),
    ):
        pytest.fail("two executions hold one step")


def test_who_waits_goes_on_as_soon_as_the_first_has_let_go(ledger: Ledger) -> None:
    first = Holder.here().to_text()
    ledger.claim_load(STEP, first)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        ledger.release_load(STEP, first)

    with load_claim(ledger, STEP, policy=ClaimPolicy(sleep=wait)):
        assert len(waits) == 1


def test_a_process_of_this_machine_that_was_killed_is_taken_over_at_once(ledger: Ledger) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            own = Ledger(sa.create_engine(ledger.engine.url))
            own.claim_load(STEP, Holder.here().to_text())
            os.write(writing, b"!")
            signal.pause()
        finally:
            os._exit(1)
    assert os.read(reading, 1) == b"!"
    with claim_if_dead(ledger, STEP) as is_ours:
        assert not is_ours
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # dead, and its parent has not taken note yet
    with claim_if_dead(ledger, STEP) as is_ours:
        assert is_ours
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)


def test_a_process_whose_number_another_one_has_by_now_is_gone(ledger: Ledger) -> None:
    earlier = replace(Holder.here(), started_at=Holder.here().started_at - 3600)
    ledger.claim_load(STEP, earlier.to_text())
    with claim_if_dead(ledger, STEP) as is_ours:
        assert is_ours


@pytest.mark.parametrize(
    ("silence", "is_dead"),
    [
        pytest.param(timedelta(seconds=119), False, id="two minutes are not over"),
        pytest.param(timedelta(seconds=121), True, id="two minutes are over"),
    ],
)
def test_a_process_of_another_machine_is_dead_after_two_minutes_of_silence(
    ledger: Ledger, silence: timedelta, is_dead: bool
) -> None:
    Ledger(ledger.engine, clock=lambda: LATER - silence).claim_load(STEP, elsewhere().to_text())
    with claim_if_dead(ledger, STEP, policy=ClaimPolicy(clock=lambda: LATER)) as is_ours:
        assert is_ours is is_dead


class FalteringLedger(Ledger):
    """A ledger that does not answer the first sign of life, and tells of the second."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self.signs = 0
        self.has_answered = threading.Event()

    def renew_load(self, step: LoadStep, holder: str) -> bool:
        self.signs += 1
        if self.signs == 1:
            raise LedgerUnavailableError("The ledger's database does not answer.")
        is_theirs = super().renew_load(step, holder)
        self.has_answered.set()
        return is_theirs


def test_signs_of_life_go_on_after_the_ledger_did_not_answer_once(ledger: Ledger) -> None:
    faltering = FalteringLedger(ledger.engine)
    with load_claim(faltering, STEP, policy=ClaimPolicy(renew_seconds=0.01)):
        assert faltering.has_answered.wait(SECONDS_TO_WAIT)
        seen = ledger.claim_load(STEP, "somebody")
    assert faltering.signs > 1
    assert seen.seen_at > seen.claimed_at


def test_who_was_taken_over_ends_without_freeing_the_step_of_the_other(ledger: Ledger) -> None:
    with load_claim(ledger, STEP):
        late = ClaimPolicy(clock=lambda: datetime.now(UTC) + timedelta(minutes=3))
        taking = claim_if_dead(ledger, STEP, policy=late)
        assert taking.__enter__()
    with claim_if_dead(ledger, STEP) as is_ours:
        assert not is_ours
    taking.__exit__(None, None, None)


def test_a_ledger_that_is_away_when_a_step_ends_does_not_fail_what_was_done(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_arguments: object) -> None:
        raise LedgerUnavailableError("The ledger's database does not answer.")

    with load_claim(ledger, STEP):
        monkeypatch.setattr(ledger, "release_load", unavailable)
