"""Compare a synced world whole, and print what that cost: pairs per CPU second, peak memory, API calls.

The comparison runs in a process of its own, because the high-water mark of a process never falls. With ``--frames``
only the pure part is measured, on so many pairs in memory, of which one in a hundred differs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import pandas as pd  # noqa: TID253 - nothing here is parsed by Airflow
import sqlalchemy as sa  # noqa: TID253 - nothing here is parsed by Airflow

from benchmarks.measuring import Costs, peak_megabytes_of
from benchmarks.run_stages import run_stages
from benchmarks.surroundings import Surroundings, surroundings
from include.demo.edits import apply_edits
from include.demo.plan import DemoPlan
from include.ledger.contracts import EVENT_LINK_ROWS
from include.ledger.repository import Ledger
from include.mapping.org_fields import FieldFacts
from include.mapping.plan import BOOKING_KEY, hash_payloads
from include.pipeline.context import Selection, SyncRun, Trigger
from include.reconcile.compare_org import COMPARED, compare_org
from include.reconcile.comparison import ORG_EVENTS, WANTED, Terms, compare
from include.reconcile.findings import Finding
from include.reconcile.streams import PAIRS_PER_PART
from include.salesforce.credentials import SalesforceCredentials
from include.staging import Staging

_START = "2026-06-04T12:00:00.000Z"
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
    parser.add_argument(
        "--frames", type=int, nargs="+", help="numbers of pairs in memory; nothing else is measured"
    )
    wanted = parser.parse_args(arguments)
    if wanted.frames:
        for pairs in wanted.frames:
            sys.stdout.write(f"{_of_frames(pairs)}\n")
        return 0
    sys.stdout.write(f"{_HEAD}\n")
    for bookings in wanted.bookings:
        sys.stdout.write(f"{_of_size(bookings, wanted)}\n")
        sys.stdout.flush()
    return 0


def _of_frames(pairs: int) -> str:
    """Compare frames of ``pairs`` pairs and return what that cost."""
    ids = pd.Series(range(pairs), dtype="str")
    keys = ids + "-" + ids
    subjects = "Advice with client " + ids + " [Appointment]"
    payloads = pd.Series(
        [_payload(key, subject) for key, subject in zip(keys, subjects, strict=True)], dtype="str"
    )
    facts = pd.DataFrame(
        {
            "booking_key": keys,
            "appointment_id": ids,
            "client_id": ids,
            "kind": "appointment",
            "event_id": "00U" + ids,
        }
    )
    links = facts.reindex(columns=list(EVENT_LINK_ROWS.columns)).assign(
        is_primary=True, payload=payloads, claimed_version=1, settled_version=1
    )
    wanted = facts.reindex(columns=list(WANTED.columns)).assign(
        action="none", outcome="unchanged", reason="same_as_last_written", is_known=True, is_settled=True,
        seen_event_id=links["event_id"], seen_version=1, seen_payload_hash=hash_payloads(payloads),
    )  # fmt: skip
    events = facts.reindex(columns=list(ORG_EVENTS.columns)).assign(
        booking_id=ids, is_ours=True, Subject=subjects.mask(ids.str.endswith("00"), "Moved by hand"),
        **{BOOKING_KEY: keys, "StartDateTime": _START},
    )  # fmt: skip
    frames = EVENT_LINK_ROWS.conform(links), WANTED.conform(wanted), ORG_EVENTS.conform(events)
    began = time.process_time()
    found = compare(*frames, Terms(facts={"StartDateTime": FieldFacts(type="datetime")}))
    cpu = time.process_time() - began
    peak = peak_megabytes_of(os.getpid())
    speed = f"{cpu:>8.2f} CPU s {pairs / cpu:>10,.0f} pairs/CPU s"
    return f"{pairs:>9,} pairs {speed} {peak:>6.0f} MB, {len(found):,} found"


def _payload(key: str, subject: str) -> str:
    return json.dumps({BOOKING_KEY: key, "Subject": subject, "StartDateTime": _START})


def _of_size(bookings: int, wanted: argparse.Namespace) -> str:
    plan = DemoPlan(bookings, wanted.seed, datetime.now(UTC))
    with surroundings(wanted.database, plan) as around:
        for selection in (Selection.APPOINTMENTS, Selection.WALK_INS):
            run_stages(around, selection, f"first_load__{selection}")
        apply_edits(around.source, seed=wanted.seed, now=datetime.now(UTC), count=wanted.edits)
        for selection in (Selection.APPOINTMENTS, Selection.WALK_INS):
            run_stages(around, selection, f"after_edits__{selection}")
        return _measured_apart(around, pairs_per_part=wanted.pairs_per_part)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the synced world is, for a process that holds nothing of it yet."""

    source: str
    ledger: str
    staging: str
    credentials: SalesforceCredentials
    org_process_id: int

    @classmethod
    def of(cls, around: Surroundings) -> _Places:
        source, ledger = (
            engine.url.render_as_string(hide_password=False)
            for engine in (around.source, around.ledger.engine)
        )
        return cls(source, ledger, around.staging.url, around.credentials, around.org_process_id)

    def surroundings(self) -> Surroundings:
        source, ledger = sa.create_engine(self.source), Ledger(sa.create_engine(self.ledger))
        return Surroundings(source, ledger, Staging(self.staging), self.credentials, self.org_process_id)


def _measured_apart(around: Surroundings, *, pairs_per_part: int) -> str:
    """Measure in a new process: the high-water mark of one that synced before would hide that of the comparison."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, _Places.of(around), pairs_per_part).result()


def _measured(places: _Places, pairs_per_part: int) -> str:
    around = places.surroundings()
    run = SyncRun(
        run_id="reconcile",
        dag_id="reconcile",
        selection=Selection.REPAIR,
        trigger=Trigger.MANUAL,
        dry_run=False,
        now=datetime.now(UTC) + timedelta(minutes=1),
    )
    costs, before, wiring = Costs(around.org_cpu), peak_megabytes_of(os.getpid()), around.wiring()
    with costs.of("compare_org") as cost:
        counts = compare_org(run, wiring, pairs_per_part=pairs_per_part)
    calls = wiring.salesforce.usage.calls
    wiring.close()
    pairs = int(str(counts[COMPARED]))
    found = {str(one): counts[str(one)] for one in Finding if counts[str(one)]}
    said = ", ".join(f"{number} {name}" for name, number in [*sorted(calls.items()), *found.items()])
    peak = peak_megabytes_of(os.getpid())
    figures = (cost.cpu, cost.wall, cost.org_cpu, pairs / cost.cpu, before, peak)
    return f"{pairs:>9,}" + "".join(f"{figure:>12,.1f}" for figure in figures) + f"  {said}"


if __name__ == "__main__":
    sys.exit(main())
