"""One run of the whole pipeline in one process: what a DAG of one task per stage does, for a window of a backfill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

from include.pipeline.check_frames import check_frames
from include.pipeline.extract_changes import extract_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.map_events import map_events
from include.pipeline.map_people import map_people
from include.pipeline.match_people import match_people
from include.pipeline.settle_run import settle_run

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring

OpenWiring = Callable[[], AbstractContextManager["Wiring"]]


def run_stages(run: SyncRun, open_wiring: OpenWiring) -> Mapping[str, object]:
    """Run every stage in order, each with adapters of its own as tasks have, and return the counts of the last.

    A run that finds nothing ends after ``extract_changes``, a dry run after ``check_frames``. Errors are those of the
    stages; what they leave behind is taken up by the next attempt of the same run.
    """
    found = _in(open_wiring, partial(extract_changes, run))
    if found["empty"]:
        return found
    chunks = range(int(str(found["chunks"])))
    _in(open_wiring, partial(match_people, run))
    _in(open_wiring, partial(map_people, run))
    for chunk in chunks:
        _in(open_wiring, partial(map_events, run, chunk=chunk))
    plan = _in(open_wiring, partial(check_frames, run))
    if run.dry_run:
        return plan
    _in(open_wiring, partial(load_people, run))
    for chunk in chunks:
        _in(open_wiring, partial(load_events, run, chunk=chunk))
    return _in(open_wiring, partial(settle_run, run))


def _in(open_wiring: OpenWiring, stage: Callable[[Wiring], dict[str, object]]) -> dict[str, object]:
    with open_wiring() as wiring:
        return stage(wiring)
