"""Compare a synced world whole, and print what that cost: pairs per CPU second, peak memory, API calls.

Every size runs in a process of its own, because the high-water mark of a process never falls.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from benchmarks.measuring import Costs, peak_megabytes
from benchmarks.run_stages import run_stages
from benchmarks.surroundings import Surroundings, surroundings
from include.demo.edits import apply_edits
from include.demo.plan import DemoPlan
from include.pipeline.context import Selection, SyncRun, Trigger
from include.reconcile.compare_org import COMPARED, compare_org
from include.reconcile.findings import Finding
from include.reconcile.streams import PAIRS_PER_PART

_NAMES = ("CPU s", "wall s", "org s", "pairs/CPU s", "before MB", "peak MB")
_HEAD = f"{'pairs':>9}" + "".join(f"{name:>12}" for name in _NAMES) + "  calls, findings"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reconcile", description=__doc__)
    parser.add_argument("--bookings", type=int, nargs="+", default=[14_000, 140_000])
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--pairs-per-part", type=int, default=PAIRS_PER_PART)
    wanted = parser.parse_args(arguments)
    if len(wanted.bookings) > 1:
        for number in wanted.bookings:
            command = [sys.executable, "-m", "benchmarks.reconcile", "--bookings", str(number)]
            command += ["--database", wanted.database, "--seed", str(wanted.seed)]
            command += ["--pairs-per-part", str(wanted.pairs_per_part), "--edits", str(wanted.edits)]
            subprocess.run(command, check=True)  # noqa: S603 - our own
        return 0
    plan = DemoPlan(wanted.bookings[0], wanted.seed, datetime.now(UTC))
    with surroundings(wanted.database, plan) as around:
        for selection in (Selection.APPOINTMENTS, Selection.WALK_INS):
            run_stages(around, selection, f"first_load__{selection}")
        apply_edits(around.source, seed=wanted.seed, now=datetime.now(UTC), count=wanted.edits)
        for selection in (Selection.APPOINTMENTS, Selection.WALK_INS):
            run_stages(around, selection, f"after_edits__{selection}")
        sys.stdout.write(f"{_HEAD}\n{_measured(around, pairs_per_part=wanted.pairs_per_part)}\n")
    return 0


def _measured(around: Surroundings, *, pairs_per_part: int) -> str:
    run = SyncRun(
        run_id="reconcile",
        dag_id="reconcile",
        selection=Selection.REPAIR,
        trigger=Trigger.MANUAL,
        dry_run=False,
        now=datetime.now(UTC) + timedelta(minutes=1),
    )
    costs, before, wiring = Costs(around.org_cpu), peak_megabytes(), around.wiring()
    with costs.of("compare_org") as cost:
        counts = compare_org(run, wiring, pairs_per_part=pairs_per_part)
    calls = wiring.salesforce.usage.calls
    wiring.close()
    pairs = int(str(counts[COMPARED]))
    found = {str(one): counts[str(one)] for one in Finding if counts[str(one)]}
    said = ", ".join(f"{number} {name}" for name, number in [*sorted(calls.items()), *found.items()])
    figures = (cost.cpu, cost.wall, cost.org_cpu, pairs / cost.cpu, before, cost.peak_mb)
    return f"{pairs:>9,}" + "".join(f"{figure:>12,.1f}" for figure in figures) + f"  {said}"


if __name__ == "__main__":
    sys.exit(main())
