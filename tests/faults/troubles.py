"""Trouble without a death: what Salesforce is scripted to answer while each stage of a run is at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from include.salesforce.transport import READ_TIMEOUT_SECONDS
from tests.faults.lives import NAMES, RETRIES, Life
from tests.faults.pictures import Picture
from tests.pipeline.world import World

Fault = Mapping[str, Any]

KINDS: Final = (
    "login",
    "describe",
    "query",
    "query_more",
    "create",
    "retrieve",
    "collections_create",
    "collections_update",
    "collections_upsert",
    "collections_delete",
    "bulk_ingest_create",
    "bulk_ingest_upload",
    "bulk_ingest_close",
    "bulk_ingest_poll",
    "bulk_ingest_results",
    "bulk_ingest_abort",
    "limits",
    "other",
)
"""Kinds of requests that the product may make."""

PATIENT_ATTEMPTS: Final = 5
"""Times that a call is made before its task fails (``tests.faults.child.PATIENCE``)."""

SHORT_TIMEOUT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong: the faults that are scripted before each stage, given the world and the number of the run.

    ``passes`` says that the faults are taken back after a stage's first attempt. ``outlasts_runs`` says that what a run
    could not write is left to the next one, which comes before anything changes again.
    """

    name: str
    faults: Callable[[World, int], list[Fault]]
    passes: bool = False
    outlasts_runs: bool = False
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS
    stages: tuple[str, ...] = NAMES

    def __str__(self) -> str:
        return self.name


def live_with(life: Life, trouble: Trouble) -> tuple[Picture, int]:
    """Live through a story with trouble in every stage; return what is there in the end, and how often it struck."""
    hits = 0
    for turn, run in enumerate(life.runs()):
        for stage in NAMES:
            faults = trouble.faults(life.world, turn) if stage in trouble.stages else []
            attempts = RETRIES + 1
            if faults:
                life.world.org.script(*faults)
            while True:
                attempt = life.attempt(run, (stage,), read_timeout_seconds=trouble.read_timeout_seconds)
                ended, attempts = attempt.ended, attempts - 1
                assert ended is not None
                hits += bool(ended.error)  # an exhausted limit does not count its own
                hits += _take_back(life.world) if trouble.passes or not ended.error else 0
                if not ended.error:
                    break
                assert ended.is_retried, f"{trouble} ended {run.run_id} for good:\n{ended.error}\n{life.told}"
                assert attempts, f"{trouble} ended {run.run_id}\n{life.told}"
            if ended.counts.get("empty"):
                break
        if trouble.outlasts_runs:
            life.finish(life.run_of(f"{run.run_id}-after", run.selection))
    return life.close(), hits


def _take_back(world: World) -> int:
    """Take back every fault, and return how often they struck."""
    scripted = world.org.control("GET", "faults")
    world.org.control("DELETE", "faults")
    return sum(int(fault["hits"]) for fault in scripted)


def _storm(_world: World, _turn: int) -> list[Fault]:
    """Of each kind of request the first meets a 503, the next two a cut connection, and then the session has ended."""
    gusts: tuple[Fault, ...] = (
        {"type": "respond", "nth": 1},
        {"type": "drop", "when": "before", "nth": 2},
        {"type": "drop", "when": "after", "nth": 3},
        {"type": "expire_sessions", "nth": 4},
    )
    return [{**gust, "kind": kind} for kind in KINDS for gust in gusts]


def _by_turns(*kinds: str, **fault: Any) -> Callable[[World, int], list[Fault]]:
    """The fault strikes two kinds in each run, the next two in the next run."""
    return lambda _world, turn: [{**fault, "kind": kind} for kind in kinds[turn * 2 % len(kinds) :][:2]]


def _locks(times: int, *, every: int) -> Callable[[World, int], list[Fault]]:
    """Every record of so many is locked for somebody else, so many times."""

    def faults(world: World, _turn: int) -> list[Fault]:
        clients = [str(number) for number in range(1, 200, every)]
        campaigns = [row["Id"] for row in world.org.records("Campaign")]
        people = [row["Id"] for sobject in ("Lead", "Contact") for row in world.org.records(sobject)]
        bookings = [row["Coconut_Booking_Key__c"] for row in world.events()]
        new = [f"{booking}-{client}" for booking in range(1, 40) for client in range(1, 40, every)]
        locked = {
            ("Lead", "Coconut_Client_Key__c"): clients,
            ("Contact", "Coconut_Client_Key__c"): clients,
            ("Account", "Coconut_Client_Key__c"): clients,
            ("CampaignMember", "CampaignId"): campaigns[:1],
            ("Event", "WhoId"): people[::every],
            ("Event", "Coconut_Booking_Key__c"): [*bookings[::every], *new],
        }
        return [
            {"type": "lock_rows", "sobject": sobject, "field": name, "values": values, "times": times}
            for (sobject, name), values in locked.items()
            if values
        ]

    return faults


def _in_turn(*faults: Fault) -> Callable[[World, int], list[Fault]]:
    """Each run has another of the faults."""
    return lambda _world, turn: [faults[turn % len(faults)]]


LOADS: Final = ("load_people", "load_events")
BULK_KINDS: Final = tuple(kind for kind in KINDS if kind.startswith("bulk"))
REST_KINDS: Final = ("collections_upsert", "collections_create", "collections_update", "query")
LIMITS: Final = ("DailyApiRequests", "DataStorageMB", "DailyBulkApiBatches")


def _impatient(*kinds: str) -> tuple[Trouble, ...]:
    """Trouble that lasts longer than a call is patient, so that the task fails and is retried."""
    longer = {"times": PATIENT_ATTEMPTS + 1}
    return (
        Trouble("503s that outlast a call", _by_turns(*kinds, type="respond", **longer), stages=LOADS),
        Trouble(
            "requests that hang until nobody waits any more",
            _by_turns(*kinds, type="hang", seconds=SHORT_TIMEOUT_SECONDS + 1),
            read_timeout_seconds=SHORT_TIMEOUT_SECONDS,
            stages=LOADS,
        ),
    )


ON_BULK: Final = (
    Trouble("a storm", _storm),
    Trouble("every row locked once", _locks(1, every=1)),
    Trouble(
        "limits used up",
        _in_turn(*({"type": "exhaust_quota", "limit": limit} for limit in LIMITS)),
        passes=True,
        stages=LOADS,
    ),
    Trouble(
        "jobs that fail, wholly, in part or late",
        _in_turn(
            {"type": "fail_job", "after_rows": 0},
            {"type": "fail_job", "after_rows": 3},
            {"type": "timeout_job", "after_rows": 2},
        ),
        stages=LOADS,
    ),
    Trouble(
        "jobs that fail after each row",
        _in_turn({"type": "fail_job", "after_rows": 1, "times": None}),
        stages=LOADS,
    ),
    *_impatient(*BULK_KINDS),
)
ON_REST: Final = (
    Trouble("a storm", _storm),
    Trouble(
        "rows locked for as long as a stage tries", _locks(1000, every=3), outlasts_runs=True, stages=LOADS
    ),
    *_impatient(*REST_KINDS),
)
