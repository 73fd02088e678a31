"""Children by the dozen: each is forked from one process that has everything imported, and killed when it is told."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Final

from tests.faults.child import Begun, Ended, Order, carry_out
from tests.faults.steps import Step

LONGEST_SILENCE_SECONDS: Final = 240.0


@dataclass(frozen=True, slots=True)
class KillAfter:
    """Kill a child so many seconds after a stage began."""

    stage: str
    seconds: float


@dataclass
class Attempt:
    """What one child did: the stages it began, every step, how long each stage took, and its end if it had one."""

    stages: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    ended: Ended | None = None

    @property
    def was_killed(self) -> bool:
        return self.ended is None

    def __str__(self) -> str:
        if self.ended is None:
            return f"was killed in {self.stages[-1] if self.stages else 'its cradle'}, last step {self._last}"
        error = self.ended.error.strip().splitlines()[-1:]
        return f"went through {', '.join(self.stages)}{'; it failed: ' + error[0] if error else ''}"

    @property
    def _last(self) -> str:
        return str(self.steps[-1]) if self.steps else "none"


class Nursery:
    """Forks children from a server process that never starts a thread."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        assert isinstance(context, ForkServerContext)
        self._context = context
        self._context.set_forkserver_preload(["tests.faults.child"])

    def attempt(
        self,
        order: Order,
        *,
        kill_after: KillAfter | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> Attempt:
        """Have a child carry out an order, and watch it to its end; it does not wait while ``on_step`` works."""
        ear, mouth = self._context.Pipe(duplex=False)
        child = self._context.Process(target=carry_out, args=(order, mouth))
        child.start()
        mouth.close()
        try:
            return _watch(child, ear, kill_after, on_step or (lambda _step: None))
        finally:
            child.kill()
            child.join()
            child.close()
            ear.close()


def _watch(
    child: ForkServerProcess, ear: Connection, kill_after: KillAfter | None, on_step: Callable[[Step], None]
) -> Attempt:
    attempt = Attempt()
    began = time.monotonic()
    ends_at = began + LONGEST_SILENCE_SECONDS
    is_doomed = False
    while True:
        if not wait([ear], max(0.0, ends_at - time.monotonic())):
            assert is_doomed, f"a child said nothing for {LONGEST_SILENCE_SECONDS:.0f} seconds; it {attempt}"
            child.kill()
            child.join()
            ends_at, is_doomed = time.monotonic() + LONGEST_SILENCE_SECONDS, True
            continue
        try:
            told = ear.recv()
        except (EOFError, OSError):  # also in the middle of a word
            return attempt
        now = time.monotonic()
        if not is_doomed:
            ends_at = now + LONGEST_SILENCE_SECONDS
        if attempt.stages and not isinstance(told, Step):
            attempt.seconds[attempt.stages[-1]] = now - began
        if isinstance(told, Begun):
            attempt.stages.append(told.stage)
            began = now
            if kill_after is not None and kill_after.stage == told.stage:
                ends_at, is_doomed = now + kill_after.seconds, True
        elif isinstance(told, Ended):
            attempt.ended = told
        else:
            attempt.steps.append(told)
            on_step(told)
