"""Everything that a run says while it works, as operators and their log stores get to see it."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any, TypeVar

from include.errors import AppointmentSyncError
from include.orchestration.wiring import open_wiring
from include.pipeline.context import Wiring
from tests.pipeline.world import World

T = TypeVar("T")


@dataclass
class Said:
    """Log lines at every level, standard output and error, results of tasks and texts of errors."""

    log: io.StringIO = field(default_factory=io.StringIO)
    output: io.StringIO = field(default_factory=io.StringIO)
    results: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        root = logging.getLogger()
        handler = logging.StreamHandler(self.log)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            with redirect_stdout(self.output), redirect_stderr(self.output):
                yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)

    def hear(self, step: Callable[[], T]) -> T | None:
        """Run a step; what it returns is a task's result, and what it raises is logged with its traceback."""
        with self.listening():
            try:
                result = step()
            except AppointmentSyncError as error:
                self.errors.append("".join(traceback.format_exception(error)))
                return None
        self.results.append(json.dumps(result, default=str))
        return result

    def lines_with(self, *marks: str) -> list[str]:
        """Return every line with one of these marks in it, in any letter case."""
        texts = [self.log.getvalue(), self.output.getvalue(), *self.results, *self.errors]
        wanted = [mark.lower() for mark in marks]
        return [
            line
            for text in texts
            for line in text.splitlines()
            if any(mark in line.lower() for mark in wanted)
        ]


class WiredWorld(World):
    """A world whose stages open their adapters as tasks do, from Airflow's connections."""

    def wiring(self) -> Wiring:
        return self.opened.enter_context(open_wiring())

    @property
    def opened(self) -> ExitStack:
        if not hasattr(self, "_opened"):
            self._opened = ExitStack()
        return self._opened

    def __exit__(self, *error: object) -> None:
        self.opened.close()
        super().__exit__(*error)


def connections(world: World, **changes: Any) -> dict[str, str]:
    """Return the environment in which Airflow finds a world's databases, org and staging."""
    announced = world.org.announcement
    extra = {
        "instance_url": world.org.url,
        "consumer_key": announced["consumer_key"],
        "consumer_secret": announced["consumer_secret"],
        **changes,
    }
    return {
        "AIRFLOW_CONN_COCONUT_DB": _sqlite(world.source.url.database),
        "AIRFLOW_CONN_SYNC_LEDGER": _sqlite(world.ledger.engine.url.database),
        "AIRFLOW_CONN_SALESFORCE_DEFAULT": json.dumps({"conn_type": "salesforce", "extra": extra}),
        "APPOINTMENT_SYNC_STAGING": world.staging._url,
    }


def _sqlite(file: str | None) -> str:
    return json.dumps({"conn_type": "sqlite", "schema": file})
