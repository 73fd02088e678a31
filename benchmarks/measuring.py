"""What a stage cost: CPU, wall clock, memory, API calls, and the CPU of the org that answered."""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_KILOBYTES_PER_MEGABYTE = 1024


@dataclass(slots=True)
class Cost:
    """The cost of one stage over all its chunks; seconds and megabytes."""

    cpu: float = 0.0
    wall: float = 0.0
    org_cpu: float = 0.0
    peak_mb: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Costs:
    """Costs by stage, in the order in which the stages ran first."""

    org_cpu: Callable[[], float]
    stages: dict[str, Cost] = field(default_factory=dict)

    @contextmanager
    def of(self, stage: str) -> Iterator[Cost]:
        """Add what the block costs to the stage; ``peak_mb`` is the process's high-water mark so far."""
        cost = self.stages.setdefault(stage, Cost())
        cpu, wall, org = time.process_time(), time.perf_counter(), self.org_cpu()
        try:
            yield cost
        finally:
            cost.cpu += time.process_time() - cpu
            cost.wall += time.perf_counter() - wall
            cost.org_cpu += self.org_cpu() - org
            cost.peak_mb = peak_megabytes()

    def table(self, pairs: int) -> str:
        """Return one line per stage with its ratios, and the totals."""
        names = "".join(f"{name:>9}" for name in ("CPU s", "wall s", "org s", "µs/pair", "peak MB"))
        head = f"{'stage':<18}{names}{'calls/1000':>12}  calls"
        lines = [head, "-" * len(head)]
        total = Cost()
        for stage, cost in self.stages.items():
            lines.append(_line(stage, cost, pairs))
            total.cpu += cost.cpu
            total.wall += cost.wall
            total.org_cpu += cost.org_cpu
            total.calls += cost.calls
            total.peak_mb = max(total.peak_mb, cost.peak_mb)
        return "\n".join([*lines, _line("all", total, pairs)])


def _line(stage: str, cost: Cost, pairs: int) -> str:
    calls = ", ".join(f"{number} {kind}" for kind, number in sorted(cost.calls.items()))
    per_pair = f"{cost.cpu / pairs * 1e6:.1f}" if pairs else "-"
    per_thousand = f"{cost.calls.total() / pairs * 1000:.2f}" if pairs else "-"
    return (
        f"{stage:<18}{cost.cpu:>9.2f}{cost.wall:>9.2f}{cost.org_cpu:>9.2f}{per_pair:>9}"
        f"{cost.peak_mb:>9.0f}{per_thousand:>12}  {calls}"
    ).rstrip()


def peak_megabytes() -> float:
    """Return the most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTES_PER_MEGABYTE


def peak_megabytes_of(process_id: int) -> float:
    """Return the most memory that another process ever held (Linux), else 0."""
    file = Path(f"/proc/{process_id}/status")
    lines = file.read_text().splitlines() if file.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / _KILOBYTES_PER_MEGABYTE


def cpu_seconds_of(process_id: int) -> float:
    """Return the CPU seconds that another process used so far (Linux), else 0."""
    file = Path(f"/proc/{process_id}/stat")
    if not file.exists():
        return 0.0
    user, system = file.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
