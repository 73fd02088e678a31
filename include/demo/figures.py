"""What a phase of the demo did: the runs in the ledger, and the requests that the org itself counted."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import requests

OUTCOMES: Final = ("written", "unchanged", "held", "quarantined", "disabled")
ACTIONS: Final = ("created", "updated", "deleted")
_TIMEOUT_SECONDS: Final = 30.0
# The org counts more finely than the product does.
_GROUPS: Final = ("query", "collections", "bulk_ingest", "bulk_query", "login", "describe")


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run as the ledger keeps it."""

    run_id: str
    dag_id: str
    state: str
    counts: dict[str, int]
    calls: Counter[str]

    @property
    def balances(self) -> bool:
        """Tell whether what was read is accounted for (rule Q3)."""
        return self.counts.get("read", 0) == sum(self.counts.get(outcome, 0) for outcome in OUTCOMES)

    def conservation_line(self) -> str:
        """Return the equation in figures, and what was written."""
        parts = " + ".join(f"{self.counts.get(outcome, 0):,} {outcome}" for outcome in OUTCOMES)
        actions = ", ".join(
            f"{self.counts[action]:,} {action}" for action in ACTIONS if self.counts.get(action)
        )
        return f"read {self.counts.get('read', 0):,} = {parts}" + (f"   ({actions})" if actions else "")


@dataclass(slots=True)
class Figures:
    """Reads both sides; what was reported once is not reported again."""

    ledger: Path
    org_url: str
    _seen_runs: set[str] = field(default_factory=set)
    _seen_requests: Counter[str] = field(default_factory=Counter)

    def new_runs(self) -> list[RunFigures]:
        """Return the runs since the last call, in the order in which they started."""
        found = self._runs_not_seen()
        self._seen_runs.update(run.run_id for run in found)
        return found

    def _runs_not_seen(self) -> list[RunFigures]:
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT run_id, dag_id, state, counts FROM runs ORDER BY started_at, run_id"
            ).fetchall()
            calls: dict[str, Counter[str]] = {}
            for run_id, kind, number in connection.execute(
                "SELECT run_id, kind, SUM(calls) FROM run_api_calls GROUP BY run_id, kind"
            ):
                calls.setdefault(run_id, Counter())[kind] = number
        return [
            RunFigures(run_id, dag_id, state, json.loads(counts or "{}") or {}, calls.get(run_id, Counter()))
            for run_id, dag_id, state, counts in rows
            if run_id not in self._seen_runs
        ]

    def read_since_report(self, dag_id: str) -> int:
        """Return how many pairs a DAG's finished runs have read since the last call of ``new_runs``."""
        return sum(run.counts.get("read", 0) for run in self._runs_not_seen() if run.dag_id == dag_id)

    def new_requests(self) -> Counter[str]:
        """Return the requests that the org received since the last call, by the product's kinds."""
        now = self._requests()
        new = now - self._seen_requests
        self._seen_requests = now
        return new

    def leave_out_requests(self) -> None:
        """Leave out of the next figures what the org received until now (the proof's own queries)."""
        self._seen_requests = self._requests()

    def _requests(self) -> Counter[str]:
        session = requests.Session()
        session.trust_env = False
        answer = session.get(f"{self.org_url}/__emulator__/statistics", timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        grouped: Counter[str] = Counter()
        for kind, number in answer.json()["requests"].items():
            grouped[next((group for group in _GROUPS if kind.startswith(group)), "rest")] += number
        return +grouped


def in_words(calls: Counter[str]) -> str:
    """Return calls by kind, most first."""
    return (
        ", ".join(f"{number:,} {kind}" for kind, number in sorted(calls.items(), key=lambda item: -item[1]))
        or "none"
    )
