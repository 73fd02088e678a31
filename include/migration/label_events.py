"""Label and stamp legacy Events as the review chose: a trial batch first, then the others, throttled (rules G6, G8).

A mass update fires every automation that the org runs on Event. So one call follows the other, with pauses, under the
API budget; and where the trial batch shows that the org refuses such updates, nothing more is sent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.errors import ConfigurationError, OrgExhaustedError
from include.ledger.load_claims import LoadStep
from include.legacy import Phase
from include.mapping.plan import BOOKING_KEY, parse_payloads
from include.mapping.subject import has_label
from include.migration.cut_over import choices_of
from include.migration.due_labels import LabelTerms, due_labels
from include.migration.labels import SUBJECT
from include.pipeline.accounting import counted_calls
from include.pipeline.api_budget import why_wait_for_calls
from include.pipeline.leftovers import MIGRATION_STEP
from include.pipeline.legacy_watch import refuse_while_stopped
from include.pipeline.load_claims import load_claim
from include.pipeline.loading import Load, Loader
from include.settings.field_mapping import Sobject
from include.settings.model import LoadApi

if TYPE_CHECKING:
    from include.ledger.repository import Ledger
    from include.pipeline.context import SyncRun, Wiring

STEP: Final = f"{MIGRATION_STEP}label_events"
PAIRS_PER_PART: Final = 10_000
_ROWS_PER_CALL: Final = 200
_MOST_REFUSED: Final = 0.1
"""The share of a trial batch that may be refused."""

_SHOWN_CODES: Final = 5


@dataclass(frozen=True, slots=True)
class Throttle:
    """How fast legacy Events are written: so many rows, then a pause; the first rows are a trial."""

    trial_rows: int = 50
    batch_rows: int = 1_000
    pause_seconds: float = 1.0
    sleep: Callable[[float], None] = time.sleep


@dataclass
class _Sent:
    """What became of the rows that were sent."""

    written: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return self.written + self.refused.total()


def label_events(run: SyncRun, wiring: Wiring, *, throttle: Throttle | None = None) -> dict[str, object]:
    """Write labels and keys into those legacy Events that the choices name and that the sync left as they are.

    An attempt that was cut off goes on: what the org holds already is not sent again.

    Returns:
        ``labelled`` (Events written now), ``refused``, and ``unlabelled``: legacy Events that lack their suffix still.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: more than a tenth of the trial batch was refused, or the syncs are stopped.
        OrgExhaustedError: the API budget has no room; the task goes on once it has.
    """
    migration = wiring.ledger.held_migration(run.run_id)
    refuse_while_stopped(wiring.ledger)
    choices = choices_of(migration)
    sent = _Sent()
    with counted_calls(run, wiring, "label_events"), load_claim(wiring.ledger, LoadStep(run.run_id, STEP, 0)):
        terms = LabelTerms.of(run, wiring, choices)
        if not terms.is_idle:
            loader = Loader(run, wiring)
            for _ in loader.recover(STEP, 0):
                """What calls of an earlier attempt did is read from the org below."""
            _label(run, wiring, loader, terms, throttle or Throttle(), sent)
    counts: dict[str, object] = {
        "labelled": sent.written,
        "refused": sent.refused.total(),
        "unlabelled": count_unlabelled(wiring.ledger),
    }
    wiring.ledger.advance_migration(run.run_id, Phase.SYNCED, facts={"labels": counts})
    return counts


def count_unlabelled(ledger: Ledger) -> int:
    """Return how many adopted Events lack the suffix of their kind, as far as the ledger knows (rule G6)."""
    return sum(_unlabelled(part) for part in adopted_parts(ledger))


def adopted_parts(ledger: Ledger, *, pairs: int = PAIRS_PER_PART) -> Iterator[pd.DataFrame]:
    """Yield all adopted pairs (``contracts.ADOPTED_EVENTS``), part by part in the order of their keys."""
    after = ""
    while True:
        part = ledger.adopted_events_after(after, limit=pairs)
        if part.empty:
            return
        yield part
        after = str(part["booking_key"].iloc[-1])


def _unlabelled(part: pd.DataFrame) -> int:
    standing = part[part["event_id"].notna()]
    subjects = parse_payloads(standing["payload"], [BOOKING_KEY, SUBJECT])[SUBJECT]
    return int((~has_label(subjects, standing["kind"])).sum())


def _label(
    run: SyncRun, wiring: Wiring, loader: Loader, terms: LabelTerms, throttle: Throttle, sent: _Sent
) -> None:
    for part in adopted_parts(wiring.ledger):
        due = due_labels(wiring, terms, part)
        held = due.without_need()
        wiring.ledger.note_labels(held, now=run.now)
        rows = due.rows
        while len(rows):
            is_trial = sent.rows < throttle.trial_rows
            size = throttle.trial_rows - sent.rows if is_trial else throttle.batch_rows
            if sent.rows:
                throttle.sleep(throttle.pause_seconds)
            _wait_for_calls(run, wiring, len(rows.head(size)))
            _send(run, wiring, loader, rows.head(size), terms, sent)
            rows = rows.iloc[size:]
            if is_trial and (sent.rows >= throttle.trial_rows or rows.empty):
                _stop_if_refused(sent)


def _send(
    run: SyncRun, wiring: Wiring, loader: Loader, rows: pd.DataFrame, terms: LabelTerms, sent: _Sent
) -> None:
    """Send one batch by calls one after the other, and note what was written after each of them."""
    claimed = wiring.ledger.claim_versions(run.run_id, rows)
    ours = claimed.loc[claimed["is_claimed"], "booking_key"]
    batch = rows[rows["booking_key"].isin(ours)].reset_index(drop=True)
    load = Load(
        step=STEP,
        chunk=0,
        sobject=Sobject.EVENT,
        operation="update",
        rows=batch,
        columns=("Id", *terms.sent_fields(batch)),
        key_column="Id",
        api=LoadApi.REST,
    )
    for results in loader.load(load):
        written = results.loc[results["is_success"], "key"]
        wiring.ledger.note_labels(batch[batch["Id"].isin(written)], now=run.now)
        sent.written += len(written)
        sent.refused.update(results.loc[~results["is_success"], "error_code"].fillna("unknown"))


def _wait_for_calls(run: SyncRun, wiring: Wiring, rows: int) -> None:
    """Check that there is room for the next batch, on top of the calls that this task has made."""
    made = sum(wiring.salesforce.usage.calls.values())
    needed = made + -(-rows // _ROWS_PER_CALL)
    if reason := why_wait_for_calls(wiring.ledger, now=run.now, needed=needed):
        msg = f"Legacy Events wait for their labels: {reason}. The task goes on where it was."
        raise OrgExhaustedError(msg)


def _stop_if_refused(sent: _Sent) -> None:
    if sent.refused.total() <= _MOST_REFUSED * sent.rows:
        return
    reasons = ", ".join(f"{count} {code}" for code, count in sent.refused.most_common(_SHOWN_CODES))
    msg = (
        f"Salesforce refused {sent.refused.total()} of the first {sent.rows} legacy Events that were to be labelled "
        f"({reasons}), so the rest is left alone: mend what refuses them and clear the task, or mark it as success to "
        "go on without."
    )
    raise ConfigurationError(msg)
