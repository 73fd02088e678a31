"""What runs that died left behind in Salesforce, settled before another run sends anything (design §2, rule Q4).

A process that is killed takes nothing along: its Bulk jobs go on, and its calls may have arrived. Airflow starts its
task again, as a rule, which then finds its own journal. Where that does not happen, the next run takes the work up,
exactly as the dead run's own task would have: with its rows, settings and mappings, under its claim.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from include.errors import StagedFileGoneError
from include.ledger.load_claims import LoadStep
from include.pipeline.context import Selection, SyncRun, Trigger
from include.pipeline.load_claims import DEFAULT_POLICY, ClaimPolicy, claim_if_dead
from include.pipeline.loading import NOTHING_TO_FORGET, Forgetting, Loader

if TYPE_CHECKING:
    from include.ledger.jobs import JobRecord
    from include.pipeline.context import Wiring

MIGRATION_STEP: Final = "migration:"
"""What the steps of a migration begin with; they ask the org what arrived, and need nobody to settle their jobs."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadStage:
    """A load stage, and how what an execution of it left behind is settled.

    ``sobjects`` are what it writes. ``recover`` commits what the jobs of a run and chunk did; ``forget`` says what is
    done about writes of a run of which nothing can be told any more.
    """

    step: str
    sobjects: Collection[str]
    recover: Callable[[SyncRun, Wiring, int], None]
    forget: Callable[[SyncRun, Wiring], Forgetting] = lambda _run, _wiring: NOTHING_TO_FORGET


def settle_leftovers(
    run: SyncRun, wiring: Wiring, stage: LoadStage, *, policy: ClaimPolicy = DEFAULT_POLICY
) -> dict[str, object]:
    """Settle the jobs of other runs that nobody alive is at work on, and return how many there were, if any.

    Raises:
        SalesforceUnavailableError: a job of theirs has not ended yet; the next try takes it up again.
    """
    unfinished = wiring.ledger.unfinished_jobs(besides=run.run_id, sobjects=stage.sobjects)
    left = [job for job in unfinished if not job.step.startswith(MIGRATION_STEP)]
    settled = 0
    for (run_id, chunk), group in groupby(sorted(left, key=_owner), key=_owner):
        with claim_if_dead(wiring.ledger, LoadStep(run_id, stage.step, chunk), policy=policy) as is_ours:
            if is_ours:
                jobs = list(group)
                _settle(jobs, run, wiring, stage)
                settled += len(jobs)
    return {"leftover_jobs": settled} if settled else {}


def _owner(job: JobRecord) -> tuple[str, int]:
    return job.run_id, job.chunk


def _settle(jobs: list[JobRecord], run: SyncRun, wiring: Wiring, stage: LoadStage) -> None:
    run_id, chunk = _owner(jobs[0])
    dead = _run_of(run_id, wiring) or SyncRun(
        run_id, "", run.selection, run.trigger, dry_run=False, now=run.now
    )
    _LOG.warning("Jobs of the run %s, which is at work no more, are settled: %d.", run_id, len(jobs))
    try:
        stage.recover(dead, wiring, chunk)
    except StagedFileGoneError:
        _LOG.warning("Staging keeps the run %s no longer: what its jobs wrote is written anew.", run_id)
        for step in dict.fromkeys(job.step for job in jobs):
            Loader(dead, wiring).give_up(step, chunk, forget=stage.forget(dead, wiring))


def _run_of(run_id: str, wiring: Wiring) -> SyncRun | None:
    """Return a run as its own tasks knew it, but for what it was asked; nothing where the ledger forgot it."""
    known = wiring.ledger.find_run(run_id)
    if known is None:
        return None
    return SyncRun(
        run_id=run_id,
        dag_id=known.dag_id,
        selection=Selection(known.selection),
        trigger=Trigger(known.trigger),
        dry_run=False,
        now=known.started_at,
    )
