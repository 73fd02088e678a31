"""Delete the copies of Events that our own user made, after everything else is mended (rule Q7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from include.errors import SkipRun
from include.frames import TEXT
from include.pipeline.accounting import counted_calls
from include.pipeline.loading import is_class
from include.pipeline.repairs import RepairOrder
from include.reconcile.org_events import OrgEventReader
from include.salesforce.error_codes import RetryClass

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring

DELETE_COPIES: Final = "delete_copies"


def delete_copies(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Delete the copies that the run's comparison found, and return how many are ``deleted`` and ``refused``.

    A copy that bears a key by now, or that is gone, is passed over. Doing it again does no harm.

    Raises:
        SkipRun: the run is a dry run.
        OrgExhaustedError, SalesforceUnavailableError: the task is retried.
    """
    if run.dry_run:
        msg = "A dry run ends with its plan; nothing is deleted."
        raise SkipRun(msg)
    copies = RepairOrder.read_from(run, wiring).copies
    deleted = refused = 0
    if copies:
        with counted_calls(run, wiring, DELETE_COPIES):
            still = _still_copies(wiring, copies)
            for results in wiring.salesforce.write_collections("delete", "Event", still, key_column="Id"):
                is_gone = results["is_success"] | is_class(results, RetryClass.PERSON)
                deleted += int(is_gone.sum())
                refused += int((~is_gone).sum())
    return {"deleted": deleted, "refused": refused}


def _still_copies(wiring: Wiring, copies: tuple[str, ...]) -> pd.DataFrame:
    reader = OrgEventReader(wiring.salesforce, ())
    pages = [page[page["booking_key"].isna() & page["is_ours"]] for page in reader.named(copies)]
    ids = [event_id for page in pages for event_id in page["event_id"]]
    return pd.DataFrame({"Id": pd.Series(sorted(set(ids)), dtype=TEXT)})
