"""The mark of a run that is settled: what is executed again after that has nothing to do (rule Q4).

A task of a finished run may be cleared long after other runs went on from where it ended. Its frames are old by then,
and must not be loaded or settled over what is newer. Reading afresh (``extract_changes``) takes the mark away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.errors import SkipRun
from include.pipeline.artifacts import EXTRACT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.pipeline.context import SyncRun, Wiring

_NAME: Final = "settled"


def mark_settled(run: SyncRun, wiring: Wiring, verdict: Mapping[str, object]) -> None:
    """Remember that the frames of a run are settled, and how."""
    wiring.staging.write_json(run.run_id, EXTRACT, _NAME, dict(verdict))


def settled_verdict(run: SyncRun, wiring: Wiring) -> dict[str, Any] | None:
    """Return how the frames of a run were settled; nothing as long as they are not."""
    if not wiring.staging.has_json(run.run_id, EXTRACT, _NAME):
        return None
    verdict: dict[str, Any] = wiring.staging.read_json(run.run_id, EXTRACT, _NAME)
    return verdict


def refuse_settled(run: SyncRun, wiring: Wiring) -> None:
    """End a load step whose run is settled.

    Raises:
        SkipRun: there is nothing left to load.
    """
    if settled_verdict(run, wiring) is not None:
        msg = "The run is settled, so that nothing is left to load; clear it from extract_changes on to read afresh."
        raise SkipRun(msg)
