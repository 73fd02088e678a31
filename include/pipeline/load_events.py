"""Write the Events of one chunk, and record what Salesforce answered (design §2, rules S4, S9, S12, M7).

Second commit point of a run: Event links and payloads are committed per job or per call.
"""

from __future__ import annotations

from typing import Final

from include.errors import SkipRun
from include.ledger.load_claims import LoadStep
from include.pipeline.accounting import count_outcomes, counted_calls
from include.pipeline.artifacts import (
    CHECK,
    EVENTS_NAME,
    LOAD_EVENTS,
    Manifest,
    chunk_name,
    read_checked_events,
)
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.event_loader import EventLoader
from include.pipeline.guard_changes import require_approval
from include.pipeline.leftovers import LoadStage, settle_leftovers
from include.pipeline.legacy_watch import refuse_while_stopped
from include.pipeline.load_claims import load_claim
from include.pipeline.loading import choose_api
from include.pipeline.settled_mark import refuse_settled
from include.pipeline.unknown_writes import forget_events


def load_events(run: SyncRun, wiring: Wiring, chunk: int) -> dict[str, object]:
    """Write the chunk's Events, stage the outcome of every pair, and return the counts by outcome and action.

    Raises:
        SkipRun: the run is a dry run, or is settled already.
        ApprovalRequired: the run would do more than the settings let pass, and nobody approved it.
        ConfigurationError: the legacy integration was seen at work after cut-over; nothing was written.
        OrgExhaustedError, SalesforceUnavailableError: what was not written stays pending; the task is retried.
    """
    if run.dry_run:
        msg = "A dry run ends with its plan; nothing is written."
        raise SkipRun(msg)
    refuse_settled(run, wiring)
    refuse_while_stopped(wiring.ledger)
    require_approval(run, wiring)
    step = LoadStep(run.run_id, LOAD_EVENTS, chunk)
    with counted_calls(run, wiring, LOAD_EVENTS), load_claim(wiring.ledger, step):
        left = settle_leftovers(run, wiring, EVENTS_STAGE)
        manifest = Manifest.read_from(run, wiring)
        settings = wiring.ledger.settings_at(manifest.settings_version).settings
        total = int(wiring.staging.read_json(run.run_id, CHECK, "plan")["events_to_load"])
        api = choose_api(settings.load_api, total)
        loader = EventLoader(run, wiring, manifest, settings, api=api, chunk=chunk)
        outcomes = loader.load(read_checked_events(run, wiring, chunk))
        wiring.staging.write_frame(run.run_id, LOAD_EVENTS, chunk_name(EVENTS_NAME, chunk), outcomes)
        return {"chunk": chunk, **count_outcomes(outcomes), **left}


def recover_events(run: SyncRun, wiring: Wiring, chunk: int) -> None:
    """Commit what the jobs of a run that is at work no more did to the Events of one chunk.

    Raises:
        StagedFileGoneError: too little is left of the run.
    """
    manifest = Manifest.read_from(run, wiring)
    settings = wiring.ledger.settings_at(manifest.settings_version).settings
    loader = EventLoader(run, wiring, manifest, settings, api=settings.load_api, chunk=chunk)
    loader.recover(is_sent_again=False)


EVENTS_STAGE: Final = LoadStage(
    LOAD_EVENTS,
    ("Event",),
    recover=recover_events,
    forget=lambda run, wiring: forget_events(run, wiring, is_sent_again=False),
)
