"""One reconciliation of a world as functions, and the repair that may follow it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from include.pipeline.context import Selection, Trigger
from include.reconcile.compare_org import FINDINGS_NAME, compare_org
from include.reconcile.delete_copies import delete_copies
from include.reconcile.findings import FOUND, Finding, Remedy
from include.reconcile.streams import COMPARE, PAIRS_PER_PART
from tests.pipeline.world import World

Findings = list[tuple[str, str]]
"""Finding, and the booking key, Event or client that it is about; sorted."""


def reconcile(world: World, *, pairs_per_part: int = PAIRS_PER_PART, **conf: Any) -> pd.DataFrame:
    """Compare, report and return what was found (``FOUND``)."""
    run = world.run(Selection.REPAIR, dag_id="reconcile", trigger=Trigger.MANUAL, conf=conf)
    compare_org(run, world.wiring(), pairs_per_part=pairs_per_part)
    return world.staging.read_frame(run.run_id, COMPARE, FINDINGS_NAME, FOUND)


def repair(world: World, *, dry_run: bool = False, **conf: Any) -> dict[str, Any]:
    """Compare and mend, as the DAG does with ``repair``; return the counts of the last stage and of the comparison."""
    conf = {"repair": True, **conf}
    run = world.run(Selection.REPAIR, dag_id="reconcile", trigger=Trigger.MANUAL, conf=conf, dry_run=dry_run)
    counts = compare_org(run, world.wiring())
    if not counts["is_repair_due"]:
        return counts
    of_run = {name: getattr(run, name) for name in ("run_id", "dag_id", "trigger", "dry_run", "now", "conf")}
    settled = world.sync(Selection.REPAIR, **of_run)
    if dry_run:
        return {**counts, **settled}
    return {**counts, **settled, **delete_copies(run, world.wiring())}


def told(found: pd.DataFrame) -> Findings:
    """Return findings in short."""
    about = found["booking_key"].fillna(found["event_id"]).fillna(found["client_id"])
    return sorted(zip(found["finding"], about, strict=True))


def mendable(found: pd.DataFrame) -> Findings:
    """Return in short the findings that a repair should have ended."""
    return told(found[found["remedy"].eq(Remedy.REPAIR.value)])


__all__ = ["Finding", "Findings", "mendable", "reconcile", "repair", "told"]
