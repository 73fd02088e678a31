"""Run every stage of the sync as a function on demo data, and print what each cost.

Three runs of both selections: the first load, one that finds nothing new, one after a few hundred edits.
"""

from __future__ import annotations

import argparse
import cProfile
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import Costs
from benchmarks.surroundings import Surroundings, surroundings
from include.demo.edits import apply_edits
from include.demo.plan import DemoPlan
from include.pipeline.check_frames import check_frames
from include.pipeline.context import Selection, SyncRun, Trigger, Wiring
from include.pipeline.extract_changes import extract_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.map_events import map_events
from include.pipeline.map_people import map_people
from include.pipeline.match_people import match_people
from include.pipeline.settle_run import settle_run

_SELECTIONS = (Selection.APPOINTMENTS, Selection.WALK_INS)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: its costs and the counts it settled with."""

    costs: Costs
    read: int
    summary: str


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run_stages", description=__doc__)
    parser.add_argument("--bookings", type=int, default=6_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument(
        "--profiles", type=Path, help="profile each call of a stage into this folder (slower)"
    )
    wanted = parser.parse_args(arguments)
    plan = DemoPlan(wanted.bookings, wanted.seed, datetime.now(UTC))
    began = time.perf_counter()
    with surroundings(wanted.database, plan) as around:
        _say(
            f"{wanted.bookings:,} bookings on {wanted.database}, filled in {time.perf_counter() - began:.1f} s"
        )
        _run_both(around, "first load", wanted.profiles)
        _run_both(around, "nothing new", None)
        _say(f"\n{apply_edits(around.source, seed=wanted.seed, now=datetime.now(UTC), count=wanted.edits)}")
        _run_both(around, "after edits", None)
    return 0


def _run_both(around: Surroundings, title: str, profiles: Path | None) -> None:
    for selection in _SELECTIONS:
        measured = run_stages(around, selection, f"{title.replace(' ', '_')}__{selection}", profiles=profiles)
        _say(f"\n{title}, {selection}: {measured.summary}")
        _say(measured.costs.table(measured.read))


def run_stages(
    around: Surroundings, selection: Selection, run_id: str, *, profiles: Path | None = None
) -> Measured:
    """Run all stages in order, each with adapters of its own as Airflow's tasks have, and measure each."""
    costs = Costs(around.org_cpu)
    run = SyncRun(
        run_id, f"sync_{selection}", selection, Trigger.MANUAL, dry_run=False, now=datetime.now(UTC)
    )

    def staged(name: str, stage: Callable[[Wiring], dict[str, object]]) -> dict[str, object]:
        wiring = around.wiring()
        profile = nullcontext() if profiles is None else cProfile.Profile()
        with costs.of(name) as cost, profile:
            counts = stage(wiring)
        if isinstance(profile, cProfile.Profile) and profiles is not None:
            profiles.mkdir(parents=True, exist_ok=True)
            profile.dump_stats(profiles / f"{run_id}-{name}.prof")
        if wiring.has_signed_in:
            cost.calls.update(wiring.salesforce.usage.calls)
            wiring.salesforce.close()
        return counts

    found = staged("extract_changes", lambda wiring: extract_changes(run, wiring))
    if found["empty"]:
        return Measured(costs, 0, "nothing to read")
    chunks = range(int(str(found["chunks"])))
    staged("match_people", lambda wiring: match_people(run, wiring))
    staged("map_people", lambda wiring: map_people(run, wiring))
    for chunk in chunks:
        staged("map_events", lambda wiring, chunk=chunk: map_events(run, wiring, chunk))  # type: ignore[misc]
    staged("check_frames", lambda wiring: check_frames(run, wiring))
    staged("load_people", lambda wiring: load_people(run, wiring))
    for chunk in chunks:
        staged("load_events", lambda wiring, chunk=chunk: load_events(run, wiring, chunk))  # type: ignore[misc]
    settled = staged("settle_run", lambda wiring: settle_run(run, wiring))
    return Measured(costs, int(str(settled["read"])), f"{settled['conservation']}, {len(chunks)} chunks")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
