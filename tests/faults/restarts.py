"""Servers that are restarted in the middle of a stage, while its process is at work and does not know."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from include.pipeline.context import SyncRun
from tests.faults.child import Ended
from tests.faults.lives import LOADING, NAMES, RETRIES, Life
from tests.faults.pictures import Picture
from tests.faults.steps import Step

LONGEST_WAY: Final = 12
"""Steps that a stage goes at most before the restart comes."""


def live_with_restarts(life: Life, restart: Callable[[], None], random: Random) -> tuple[Picture, int]:
    """Live through a story while a server is restarted at some step of each loading stage."""
    restarts = 0

    def after(steps: int) -> Callable[[Step], None]:
        left = steps

        def count(_step: Step) -> None:
            nonlocal left, restarts
            left -= 1
            if left == 0:
                restarts += 1
                restart()

        return count

    for run in life.runs():
        for stage in NAMES:
            steps = random.randint(1, LONGEST_WAY) if stage in LOADING else 0
            if _go_through(life, run, stage, on_step=after(steps)).counts.get("empty"):
                break
    return life.close(), restarts


def _go_through(life: Life, run: SyncRun, stage: str, *, on_step: Callable[[Step], None]) -> Ended:
    for _ in range(RETRIES + 1):
        ended = life.attempt(run, (stage,), on_step=on_step).ended
        assert ended is not None
        if not ended.error:
            return ended
        assert ended.is_retried, f"a restart ended {run.run_id} for good:\n{ended.error}\n{life.told}"
    raise AssertionError(f"a restart ended {run.run_id}\n{life.told}")
