"""The steps of a load that a process can be killed at, seen from inside: every ledger transaction, every call.

A step is named ``<stage>: <moment> <what>``: ``load_events: sent PATCH jobs/ingest/{id}``, or ``settle_run: committing
outcomes, quarantine``. Names are the same in every run of one story, so a kill can be asked for again.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import sqlalchemy as sa
from urllib3.connection import HTTPConnection

from include.salesforce.transport import SalesforceAdapter

_WRITING = re.compile(r"^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)")
_SALESFORCE_ID = re.compile(r"\b(?=[a-zA-Z]*\d)[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?\b")
_TEMPORARY = frozenset({"temp", "pg_temp"})


class Moment(StrEnum):
    """Where in a step a process dies."""

    CALLING = "calling"  # the request was not sent
    SENT = "sent"  # Salesforce has it, and answers nobody
    ANSWERED = "answered"  # the answer arrived, and nobody read it
    WRITING = "writing"  # inside a transaction of the ledger, after a statement that wrote
    COMMITTING = "committing"
    COMMITTED = "committed"


IN_TRANSACTION: Final = frozenset({Moment.WRITING})
AT_A_STEP: Final = frozenset(Moment) - IN_TRANSACTION


@dataclass(frozen=True, slots=True)
class Step:
    """A named step of one stage."""

    stage: str
    moment: Moment
    what: str

    def __str__(self) -> str:
        return f"{self.stage}: {self.moment} {self.what}"


@dataclass(frozen=True, slots=True)
class KillAt:
    """Die at the ``nth`` step that is none of ``spared``, counting each name once and ``moments`` only.

    ``held_seconds`` is how long the org then sits on a request whose sender died, so that whoever comes next meets it
    still under way.
    """

    nth: int
    moments: frozenset[Moment]
    stages: frozenset[str]
    spared: frozenset[Step] = frozenset()
    held_seconds: float = 0.0


@dataclass
class Steps:
    """Tells every step, and dies at the one it was told."""

    tell: Callable[[Step], None]
    kill_at: KillAt | None = None
    stage: str = ""
    _met: set[Step] = field(default_factory=set)

    def reach(self, moment: Moment, what: str) -> None:
        step = Step(self.stage, moment, what)
        self.tell(step)
        if self._is_last(step):
            os.kill(os.getpid(), signal.SIGKILL)
        if self._counts(step):
            self._met.add(step)

    def is_last_request(self, what: str) -> bool:
        """Tell whether this process will die as soon as the request was sent."""
        return self._is_last(Step(self.stage, Moment.SENT, what))

    def _counts(self, step: Step) -> bool:
        kill = self.kill_at
        return (
            kill is not None
            and step.moment in kill.moments
            and step.stage in kill.stages
            and step not in kill.spared
        )

    def _is_last(self, step: Step) -> bool:
        return self.kill_at is not None and self._counts(step) and len(self._met | {step}) == self.kill_at.nth


def watch_ledger(engine: sa.Engine, steps: Steps) -> None:
    """Tell every writing statement and every commit of an engine's transactions that write."""
    written: list[str] = []
    commit = engine.dialect.do_commit

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: object) -> None:
        found = _WRITING.match(statement)
        if found is None or found[2] in _TEMPORARY or _is_aside():
            return
        written.append(found[2])
        steps.reach(Moment.WRITING, f"{found[1].split()[0]} {found[2]}")

    def commit_in_steps(connection: Any) -> None:
        if _is_aside():
            commit(connection)
            return
        tables = ", ".join(dict.fromkeys(written))
        written.clear()
        if tables:
            steps.reach(Moment.COMMITTING, tables)
        commit(connection)
        if tables:
            steps.reach(Moment.COMMITTED, tables)

    sa.event.listen(engine, "after_cursor_execute", note)
    sa.event.listen(engine, "rollback", lambda _connection: None if _is_aside() else written.clear())
    engine.dialect.do_commit = commit_in_steps  # type: ignore[method-assign]


def _is_aside() -> bool:
    """Tell whether this is the thread that shows signs of life, which comes when the clock says so."""
    return threading.current_thread() is not threading.main_thread()


def name_request(method: str, url: str) -> str:
    """Return what a request is called: its method and its path without version and Ids."""
    path = re.sub(r"^/services/(data/v[\d.]+/)?", "", urlsplit(url).path)
    return f"{method} {_SALESFORCE_ID.sub('{id}', path).rstrip('/')}"


@contextmanager
def watch_salesforce(steps: Steps, control_url: str) -> Iterator[None]:
    """Tell every request to Salesforce: before it is sent, once it was sent, and once its answer arrived."""
    send, get_response = SalesforceAdapter.send, HTTPConnection.getresponse
    current: list[str] = []

    def send_in_steps(self: SalesforceAdapter, request: Any, *args: Any, **options: Any) -> Any:
        current[:] = [name_request(str(request.method), str(request.url))]
        steps.reach(Moment.CALLING, current[0])
        if steps.kill_at is not None and steps.kill_at.held_seconds and steps.is_last_request(current[0]):
            _hold_next_request(control_url, steps.kill_at.held_seconds)
        answer = send(self, request, *args, **options)
        steps.reach(Moment.ANSWERED, current[0])
        current.clear()
        return answer

    def get_response_in_steps(self: HTTPConnection) -> Any:
        if current:
            steps.reach(Moment.SENT, current[0])
        return get_response(self)

    SalesforceAdapter.send = send_in_steps  # type: ignore[method-assign]
    HTTPConnection.getresponse = get_response_in_steps  # type: ignore[method-assign]
    try:
        yield
    finally:
        SalesforceAdapter.send, HTTPConnection.getresponse = send, get_response  # type: ignore[method-assign]


def _hold_next_request(control_url: str, seconds: float) -> None:
    hang = {"type": "hang", "kind": "*", "seconds": seconds}
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{control_url}/__emulator__/faults", json=[hang], timeout=30).raise_for_status()
