"""Scripted faults: what goes wrong is told in advance, never left to chance.

A fault is a small JSON object with a ``type``; see :data:`Fault` for the closed set. Faults that concern
requests count the matching requests from the moment they were posted: ``nth`` 2 with ``times`` 1 spares the
first, hits the second and is then spent. ``times`` null means for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from include.salesforce_emulator.server.keeping import Shelf
from include.salesforce_emulator.server.statistics import RequestKind

_COUNTER = "next_id"
AnyKind = Literal["*"]
Times = Annotated[int, Field(ge=1)] | None


class _FaultModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _RequestFault(_FaultModel):
    kind: RequestKind | AnyKind = "*"
    nth: int = Field(default=1, ge=1)
    times: Times = 1


class Respond(_RequestFault):
    """Answer with this status and error instead of doing what was asked (503 unless told otherwise)."""

    type: Literal["respond"]
    status: int = Field(default=503, ge=400, le=599)
    code: str = "SERVER_UNAVAILABLE"
    message: str = "Service unavailable"
    body: str | None = Field(default=None, description="raw body sent instead of the JSON error array")


class Drop(_RequestFault):
    """Close the connection without an answer: before the request is done, or after it took effect."""

    type: Literal["drop"]
    when: Literal["before", "after"] = "before"


class Hang(_RequestFault):
    """Do nothing for some seconds, then do what was asked."""

    type: Literal["hang"]
    seconds: float = Field(gt=0, le=3600)


class Latency(_FaultModel):
    """Answer each kind of request only after so many seconds, until the fault is deleted; ``*`` is any other kind."""

    type: Literal["latency"]
    seconds: dict[RequestKind | AnyKind, Annotated[float, Field(ge=0, le=60)]] = Field(min_length=1)


class ExpireSessions(_RequestFault):
    """End every session just before the matching request is looked at."""

    type: Literal["expire_sessions"]


class LockRows(_FaultModel):
    """Refuse rows whose ``field`` has one of ``values`` with UNABLE_TO_LOCK_ROW, ``times`` times per value.

    The value is the one in the request, else the one of the record that the row names by its Id.
    """

    type: Literal["lock_rows"]
    sobject: str
    field: str = "Id"
    values: tuple[str, ...] = Field(min_length=1)
    times: Times = 1


class ExhaustQuota(_FaultModel):
    """Behave as if nothing were left of a limit, until the fault is deleted."""

    type: Literal["exhaust_quota"]
    limit: str = "DailyApiRequests"


class _JobFault(_FaultModel):
    sobject: str | None = None
    operation: str | None = None
    times: Times = 1


class StickJob(_JobFault):
    """Keep a job in its state after so many rows until the fault is deleted."""

    type: Literal["stick_job"]
    state: Literal["UploadComplete", "InProgress"] = "InProgress"
    after_rows: int = Field(default=0, ge=0)
    times: Times = None


class EndingJobFault(_JobFault):
    """What the two faults have in common that end a job early."""

    after_rows: int = Field(default=0, ge=0)
    message: str


class FailJob(EndingJobFault):
    """Fail a job once so many rows were handled; they stay, the others come back as unprocessed."""

    type: Literal["fail_job"]
    message: str = "InternalServerError : the job was failed by a scripted fault"


class TimeoutRows(EndingJobFault):
    """As :class:`FailJob`, with the error of a batch that ran out of time and of retries."""

    type: Literal["timeout_job"]
    message: str = "Timeout : batch exceeded its processing time and its retries"


class SlowJobs(_JobFault):
    """Wait so many seconds before each batch of a job."""

    type: Literal["slow_jobs"]
    seconds_per_batch: float = Field(gt=0, le=3600)
    times: Times = None


RequestFault = Respond | Drop | Hang | ExpireSessions
JobFault = StickJob | FailJob | TimeoutRows | SlowJobs
Fault = RequestFault | Latency | LockRows | ExhaustQuota | JobFault
FAULTS: TypeAdapter[Sequence[Fault]] = TypeAdapter(list[Annotated[Fault, Field(discriminator="type")]])

_JobFaultType = TypeVar("_JobFaultType", bound="_JobFault")


@dataclass(slots=True)
class _Scripted:
    """A posted fault with what it did so far."""

    id: int
    fault: Fault
    seen: int = 0
    hits: int = 0
    hits_by_value: dict[str, int] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)

    def report(self) -> dict[str, object]:
        return {"id": self.id, **self.fault.model_dump(mode="json"), "seen": self.seen, "hits": self.hits}

    @property
    def counts_decide(self) -> bool:
        """Whether what it did so far says what it will do; not if it hits for ever, or never again."""
        fault = self.fault
        if isinstance(fault, ExhaustQuota | Latency) or fault.times is None:
            return False
        return not isinstance(fault, RequestFault) or self.seen < fault.nth + fault.times

    def as_kept(self) -> dict[str, object]:
        return {
            "fault": self.fault.model_dump(mode="json"),
            "seen": self.seen,
            "hits": self.hits,
            "hits_by_value": dict(self.hits_by_value),
            "jobs": sorted(self.jobs),
        }


class FaultBook:
    """The scripted faults of one org; safe to use from several threads."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        kept = shelf.load()
        self._next_id: int = kept.pop(_COUNTER, 1)
        self._scripted = [_from_kept(int(fault_id), kept[fault_id]) for fault_id in sorted(kept, key=int)]

    def add(self, faults: Sequence[Fault]) -> list[dict[str, object]]:
        """Script more faults and return them with their ids."""
        with self._lock:
            added = []
            for fault in faults:
                added.append(_Scripted(self._next_id, fault))
                self._next_id += 1
            self._scripted.extend(added)
            for scripted in added:
                self._shelf.keep(str(scripted.id), scripted.as_kept)
            next_id = self._next_id
            self._shelf.keep(_COUNTER, lambda: next_id)
            return [scripted.report() for scripted in added]

    def report(self) -> list[dict[str, object]]:
        """Return every scripted fault with how many requests or rows it ``seen`` and ``hits``."""
        with self._lock:
            return [scripted.report() for scripted in self._scripted]

    def remove(self, fault_id: int | None = None) -> int:
        """Remove one fault, or all of them, and return how many went."""
        with self._lock:
            gone = [s for s in self._scripted if fault_id is None or s.id == fault_id]
            self._scripted = [s for s in self._scripted if fault_id is not None and s.id != fault_id]
            for scripted in gone:
                self._shelf.drop(str(scripted.id))
            return len(gone)

    def for_request(self, kind: RequestKind) -> list[RequestFault]:
        """Return the faults that hit this request, in the order they were posted, and count it as seen."""
        hitting: list[RequestFault] = []
        with self._lock:
            for scripted in self._scripted:
                fault = scripted.fault
                if not isinstance(fault, RequestFault) or fault.kind not in ("*", kind):
                    continue
                if _hits_request(scripted, fault):
                    hitting.append(fault)
                self._keep(scripted)
        return hitting

    def latency_seconds(self, kind: RequestKind) -> float:
        """Return how long the org takes before it looks at a request of this kind."""
        with self._lock:
            models = [s.fault.seconds for s in self._scripted if isinstance(s.fault, Latency)]
        return sum(model.get(kind, model.get("*", 0.0)) for model in models)

    def locked_fields(self, sobject: str) -> frozenset[str]:
        """Return the fields by which some row lock tells the rows of this sObject."""
        name = sobject.lower()
        with self._lock:
            locks = [s.fault for s in self._scripted if isinstance(s.fault, LockRows)]
        return frozenset(lock.field for lock in locks if lock.sobject.lower() == name)

    def locks_row(self, sobject: str, row: Mapping[str, object]) -> bool:
        """Tell whether this row is locked now, and use up one of the lock's times."""
        with self._lock:
            for scripted in self._scripted:
                fault = scripted.fault
                if isinstance(fault, LockRows) and _locks(scripted, fault, sobject, row):
                    self._keep(scripted)
                    return True
        return False

    def exhausts(self, limit: str) -> bool:
        """Tell whether a fault says that nothing is left of the named limit."""
        with self._lock:
            return any(isinstance(s.fault, ExhaustQuota) and s.fault.limit == limit for s in self._scripted)

    def for_job(
        self, fault_type: type[_JobFaultType], *, job_id: str, sobject: str, operation: str
    ) -> _JobFaultType | None:
        """Return the first fault of that type for this job; each job uses up one of its times, once."""
        with self._lock:
            for scripted in self._scripted:
                fault = scripted.fault
                hits = scripted.hits
                if isinstance(fault, fault_type) and _hits_job(
                    scripted, fault, job_id=job_id, sobject=sobject, operation=operation
                ):
                    if scripted.hits > hits:
                        self._keep(scripted)
                    return fault
        return None

    def _keep(self, scripted: _Scripted) -> None:
        self._shelf.keep(str(scripted.id), scripted.as_kept, can_wait=not scripted.counts_decide)


def _from_kept(fault_id: int, kept: dict[str, Any]) -> _Scripted:
    (fault,) = FAULTS.validate_python([kept["fault"]])
    return _Scripted(
        fault_id, fault, kept["seen"], kept["hits"], dict(kept["hits_by_value"]), set(kept["jobs"])
    )


def _hits_request(scripted: _Scripted, fault: RequestFault) -> bool:
    scripted.seen += 1
    hit = scripted.seen >= fault.nth and (fault.times is None or scripted.seen < fault.nth + fault.times)
    scripted.hits += hit
    return hit


def _locks(scripted: _Scripted, fault: LockRows, sobject: str, row: Mapping[str, object]) -> bool:
    value = row.get(fault.field)
    if fault.sobject.lower() != sobject.lower() or value not in fault.values:
        return False
    used = scripted.hits_by_value.get(str(value), 0)
    if fault.times is not None and used >= fault.times:
        return False
    scripted.hits_by_value[str(value)] = used + 1
    scripted.hits += 1
    return True


def _hits_job(scripted: _Scripted, fault: _JobFault, *, job_id: str, sobject: str, operation: str) -> bool:
    if fault.sobject is not None and fault.sobject.lower() != sobject.lower():
        return False
    if fault.operation is not None and fault.operation != operation:
        return False
    if job_id in scripted.jobs:
        return True
    if fault.times is not None and len(scripted.jobs) >= fault.times:
        return False
    scripted.jobs.add(job_id)
    scripted.hits += 1
    return True
