"""Migrate a legacy organisation, and print what each task cost: seconds, API calls, peak memory.

The org is the one of the tests (``tests.migration.legacy_world``), with every fault in it. The ratios at the end say
what one event link costs; with ``--links`` given twice they show whether the cost grows with the number.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Cost, Costs, cpu_seconds_of, peak_megabytes_of
from tests.local_org import started
from tests.migration.legacy_mappings import legacy_package
from tests.migration.legacy_plan import Sizes
from tests.migration.legacy_world import LegacyWorld
from tests.migration.migrating import FORWARD, Migration
from tests.pipeline.world import migrated_ledger

_FIELDS = 20
"""Further text fields on each object: enough for some seventy mappings."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a migration of so many links cost."""

    links: int
    costs: Costs
    org_peak_mb: float

    @property
    def total(self) -> Cost:
        """Return the sum over all tasks, and the greatest peak."""
        total = Cost()
        for cost in self.costs.stages.values():
            total.cpu += cost.cpu
            total.wall += cost.wall
            total.calls += cost.calls
            total.peak_mb = max(total.peak_mb, cost.peak_mb)
        return total

    def line(self) -> str:
        """Return the ratios in one line."""
        total = self.total
        return (
            f"{self.links:,} links: {total.wall:.1f} s, {total.cpu / self.links * 1e6:.0f} µs CPU a link, "
            f"{total.calls.total() / self.links * 1000:.2f} calls per 1,000 links, peak {total.peak_mb:.0f} MB, "
            f"the org's {self.org_peak_mb:.0f} MB"
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.migration", description=__doc__)
    parser.add_argument("--links", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--staff", type=int, default=500)
    parser.add_argument("--mappings", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--relabel", choices=("none", "upcoming", "all"), default="upcoming")
    wanted = parser.parse_args(arguments)
    for links in wanted.links:
        sizes = Sizes(events=links, staff=wanted.staff, mappings=wanted.mappings, drifted=links // 100)
        measured = measure(sizes, seed=wanted.seed, relabel=wanted.relabel)
        _say(measured.costs.table(links))
        _say(f"{measured.line()}\n")
    return 0


def measure(sizes: Sizes, *, seed: int, relabel: str) -> Measured:
    """Migrate an organisation of these sizes whole, each task with adapters of its own."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        package = legacy_package(folder, fields=_FIELDS)
        with started("--package", str(package), "--data", str(folder / "org.db")) as org:
            began = time.perf_counter()
            template = migrated_ledger(folder / "template.db")
            with LegacyWorld.build(org, folder, template, seed=seed, sizes=sizes) as world:
                _say(f"{sizes.events:,} event links, filled in {time.perf_counter() - began:.1f} s")
                costs = Costs(lambda: cpu_seconds_of(org.process_id))
                _migrate(Migration(world, conf={"relabel_legacy_events": relabel}), costs)
                return Measured(sizes.events, costs, peak_megabytes_of(org.process_id))


def _migrate(migration: Migration, costs: Costs) -> None:
    for stage in FORWARD:
        migration.world.org.forget_calls()
        with costs.of(stage) as cost:
            migration.do(stage)
        cost.calls.update(migration.world.org.calls())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
