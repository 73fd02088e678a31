"""What a child process does: run stages of a sync with adapters of its own, telling every step, until killed.

Imported once by the process that children are forked from, so that a child costs a fork and not the imports.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

import great_expectations  # noqa: F401 - imported before the fork, so that no child pays for it
import sqlalchemy as sa

from include.errors import SkipRun, TransientError
from include.ledger.repository import Ledger
from include.pipeline import loading
from include.pipeline.check_frames import check_frames
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.extract_changes import extract_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.map_events import map_events
from include.pipeline.map_people import map_people
from include.pipeline.match_people import match_people
from include.pipeline.settle_run import settle_run
from include.salesforce import transport
from include.salesforce.bulk_jobs import PollPolicy
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.gateway import SalesforceGateway
from include.salesforce.session import RetryPolicy
from include.source.gateway import SourceGateway
from include.staging import Staging
from tests.faults.steps import KillAt, Steps, watch_ledger, watch_salesforce
from tests.migration import migrating

STAGES: Final = {
    "extract_changes": extract_changes,
    "match_people": match_people,
    "map_people": map_people,
    "map_events": map_events,
    "check_frames": check_frames,
    "load_people": load_people,
    "load_events": load_events,
    "settle_run": settle_run,
}
ALL_STAGES: Final = {**STAGES, **migrating.STAGES}
"""The stages of a sync, and those of a migration."""

CHUNKED: Final = frozenset({"map_events", "load_events"})
PATIENCE: Final = RetryPolicy(attempts=5, first_wait_seconds=0.02, longest_wait_seconds=0.1)
POLLING: Final = PollPolicy(first_wait_seconds=0.02, longest_wait_seconds=0.2, timeout_seconds=60)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a world is, in words that another process understands."""

    source_url: str
    ledger_url: str
    staging_url: str
    credentials: SalesforceCredentials


@dataclass(frozen=True, slots=True)
class Order:
    """The stages of a run to go through; ``read_timeout_seconds`` is how long Salesforce may think."""

    place: Place
    run: SyncRun
    stages: tuple[str, ...]
    kill_at: KillAt | None = None
    read_timeout_seconds: float = transport.READ_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class Begun:
    """A stage began."""

    stage: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The child came to its end: the last stage's counts, or the error that ended a stage, as Airflow would see it."""

    counts: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    is_retried: bool = False


def carry_out(order: Order, tell: Connection) -> None:
    """Run the stages and tell what happens; ends the process."""
    steps = Steps(tell.send, order.kill_at)
    loading.BACK_OFF_SECONDS = 0.02  # type: ignore[misc]
    transport.READ_TIMEOUT_SECONDS = order.read_timeout_seconds  # type: ignore[misc]
    try:
        with watch_salesforce(steps, order.place.credentials.instance_url or ""):
            tell.send(_run_stages(order, steps, tell))
    except Exception as error:  # noqa: BLE001 - whatever a task fails with, Airflow sees
        text = "".join(traceback.format_exception(error))
        tell.send(Ended(error=text, is_retried=isinstance(error, TransientError)))
    finally:
        tell.close()
        os._exit(0)


def _run_stages(order: Order, steps: Steps, tell: Connection) -> Ended:
    counts: Mapping[str, Any] = {}
    for name in order.stages:
        tell.send(Begun(name))
        steps.stage = name
        wiring = _wire(order.place, steps)
        try:
            arguments = (order.run, wiring, 0) if name in CHUNKED else (order.run, wiring)
            counts = ALL_STAGES[name](*arguments)  # type: ignore[operator]
        except SkipRun:
            return Ended(counts)
        finally:
            wiring.close()
            wiring.ledger.engine.dispose()
            wiring.source.engine.dispose()
        if name == "extract_changes" and counts["empty"]:
            return Ended(counts)
    return Ended(counts)


def _wire(place: Place, steps: Steps) -> Wiring:
    """Return adapters as one task would open them."""
    engine = sa.create_engine(place.ledger_url)
    watch_ledger(engine, steps)
    return Wiring(
        SourceGateway(sa.create_engine(place.source_url)),
        Ledger(engine),
        Staging(place.staging_url),
        lambda: SalesforceGateway.connect(place.credentials, retry=PATIENCE, poll=POLLING),
    )
