"""Only one execution of a load step at a time (design §2).

Airflow may start a task again while its first execution still runs: after a lost heartbeat, a restarted scheduler, a
cleared task. The second one waits here until the first has let go, and then finds its work done; where the first one is
dead it takes over and goes on from the journal.

A claim keeps work from being done twice, but correctness does not rest on it: a process that was paused long enough to
be held for dead may wake up in the middle of its step. What it sends then lands once (keys), an older version is not
sent over a newer one or marks its pair dirty (version claims), and its journal was closed by whoever took over, so
that it stops before its next call (``include.pipeline.loading``).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_random_exponential

from include.errors import LedgerUnavailableError, TransientError
from include.ledger.load_claims import LoadClaim, LoadStep
from include.pipeline.holders import Holder

if TYPE_CHECKING:
    from include.ledger.repository import Ledger

_LOG = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ClaimPolicy:
    """How a holder shows that it lives, and how long others believe it and wait.

    ``dead_after`` is the silence that counts as death, wherever the holder runs; it has to be several times
    ``renew_seconds``, and the clocks of machines may differ by less than it. A process of this machine that is gone is
    dead at once.
    """

    renew_seconds: float = 20.0
    dead_after: timedelta = timedelta(minutes=2)
    patience_seconds: float = 1800.0
    longest_wait_seconds: float = 15.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = _utc_now


DEFAULT_POLICY = ClaimPolicy()


@contextmanager
def load_claim(ledger: Ledger, step: LoadStep, *, policy: ClaimPolicy = DEFAULT_POLICY) -> Iterator[None]:
    """Hold a load step while the block runs; whoever holds it now is waited for, unless they are dead.

    Raises:
        TransientError: somebody alive holds the step for longer than we have patience.
        LedgerUnavailableError: the ledger does not answer.
    """
    holder = Holder.here().to_text()
    waiting = Retrying(
        retry=retry_if_result(lambda is_ours: not is_ours),
        stop=stop_after_delay(policy.patience_seconds),
        wait=wait_random_exponential(max=policy.longest_wait_seconds),
        sleep=policy.sleep,
    )
    try:
        waiting(_take, ledger, step, holder, policy)
    except RetryError:
        msg = (
            f"Another process is still at work on {step.step} of the run {step.run_id} (chunk {step.chunk}); "
            "this task waits its turn and tries again."
        )
        raise TransientError(msg) from None
    with _held(ledger, step, holder, policy):
        yield


@contextmanager
def claim_if_dead(ledger: Ledger, step: LoadStep, *, policy: ClaimPolicy = DEFAULT_POLICY) -> Iterator[bool]:
    """Hold a load step while the block runs, if nobody alive does; tell whether it is held, without waiting.

    Raises:
        LedgerUnavailableError: the ledger does not answer.
    """
    holder = Holder.here().to_text()
    if not _take(ledger, step, holder, policy):
        yield False
        return
    with _held(ledger, step, holder, policy):
        yield True


def _take(ledger: Ledger, step: LoadStep, holder: str, policy: ClaimPolicy) -> bool:
    """Claim a step that is free or whose holder is dead; tell whether it is ours."""
    claim = ledger.claim_load(step, holder)
    if claim.holder != holder and _is_dead(claim, policy):
        claim = ledger.claim_load(step, holder, over=claim)
    return claim.holder == holder


def _is_dead(claim: LoadClaim, policy: ClaimPolicy) -> bool:
    is_silent = policy.clock() - claim.seen_at > policy.dead_after
    return is_silent or (claim.holder is not None and Holder.from_text(claim.holder).is_gone)


@contextmanager
def _held(ledger: Ledger, step: LoadStep, holder: str, policy: ClaimPolicy) -> Iterator[None]:
    """Show signs of life while the block runs, and let go of the step afterwards."""
    is_over = threading.Event()
    heart = threading.Thread(
        target=_beat,
        args=(ledger, step, holder, is_over, policy.renew_seconds),
        name=f"claim of {step.step} {step.chunk}",
        daemon=True,
    )
    heart.start()
    try:
        yield
    finally:
        is_over.set()
        heart.join(policy.renew_seconds)
        with suppress(LedgerUnavailableError):  # silence tells the same, a little later
            ledger.release_load(step, holder)


def _beat(
    ledger: Ledger, step: LoadStep, holder: str, is_over: threading.Event, renew_seconds: float
) -> None:
    while not is_over.wait(renew_seconds):
        try:
            is_ours = ledger.renew_load(step, holder)
        except LedgerUnavailableError:
            _LOG.warning("The ledger did not take a sign of life of %s; it is tried again.", step)
            continue
        if not is_ours:
            _LOG.warning("Another process has taken over %s.", step)
            return
