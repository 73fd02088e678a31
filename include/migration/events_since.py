"""What a rollback does with the Events that the sync made since cut-over, as the administrator chose (rule G9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.csv as pa_csv

from include.migration.request import EventsSince
from include.pipeline.leftovers import MIGRATION_STEP
from include.pipeline.loading import Load, Loader, is_class
from include.salesforce.error_codes import RetryClass
from include.settings.field_mapping import Sobject
from include.settings.model import LoadApi

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.legacy_migrations import LegacyMigration
    from include.pipeline.context import SyncRun, Wiring

EXPORTED_AS: Final = "legacy_event_links.csv"
"""The staged file of links for Coconut: ``appointment_id,client_id,salesforce_event_id``, below the run's id."""

_STAGE: Final = "roll_back"
_DELETING: Final = f"{MIGRATION_STEP}delete_events_since"
_PAIRS_PER_PART: Final = 10_000


def settle_events_since(
    run: SyncRun, wiring: Wiring, migration: LegacyMigration, choice: EventsSince
) -> tuple[dict[str, int], list[str]]:
    """Leave, delete or export the Events made since cut-over.

    The ledger keeps its links until the rollback ends, so that an attempt that is cut off finds them again.

    Returns:
        Counts (``made``, and ``deleted``, ``refused`` or ``exported``), and the booking keys whose Events are to leave
        the ledger.
    """
    counts = {"made": 0}
    gone: list[str] = []
    if choice is EventsSince.EXPORTED:
        counts["made"] = counts["exported"] = _export(run, wiring, migration)
        gone = [key for part in _parts(wiring, migration) for key in part["booking_key"].tolist()]
    elif choice is EventsSince.DELETED:
        loader = Loader(run, wiring)
        for _ in loader.recover(_DELETING, 0):
            """An Event that is deleted already is refused as such, which is success."""
        for part in _parts(wiring, migration):
            deleted = _delete(loader, part)
            counts["made"] += len(part)
            counts["deleted"] = counts.get("deleted", 0) + len(deleted)
            gone += deleted
        counts["refused"] = counts["made"] - len(gone)
    else:
        counts["made"] = sum(len(part) for part in _parts(wiring, migration))
    return counts, gone


def _parts(wiring: Wiring, migration: LegacyMigration) -> Iterator[pd.DataFrame]:
    after = ""
    while True:
        part = wiring.ledger.events_since_cut_over(migration.id, after, limit=_PAIRS_PER_PART)
        if part.empty:
            return
        yield part
        after = str(part["booking_key"].iloc[-1])


def _export(run: SyncRun, wiring: Wiring, migration: LegacyMigration) -> int:
    """Write the links as the legacy integration keeps them, and return how many there are."""
    names = ["appointment_id", "client_id", "salesforce_event_id"]
    schema = pa.schema([(name, pa.large_string()) for name in names])
    exported = 0
    with (
        wiring.staging.open_output(run.run_id, _STAGE, EXPORTED_AS) as output,
        pa_csv.CSVWriter(output, schema) as writer,
    ):
        for part in _parts(wiring, migration):
            links = part.rename(columns={"event_id": "salesforce_event_id"})[names]
            writer.write_table(pa.Table.from_pandas(links, schema=schema, preserve_index=False))
            exported += len(part)
    return exported


def _delete(loader: Loader, part: pd.DataFrame) -> list[str]:
    """Delete Events by their Ids, and return the booking keys of those that are gone."""
    load = Load(
        step=_DELETING,
        chunk=0,
        sobject=Sobject.EVENT,
        operation="delete",
        rows=part.assign(Id=part["event_id"]).drop_duplicates("Id").reset_index(drop=True),
        columns=("Id",),
        key_column="Id",
        api=LoadApi.REST,
    )
    gone: set[str] = set()
    for results in loader.load(load):
        is_gone = results["is_success"] | is_class(results, RetryClass.PERSON)
        gone.update(results.loc[is_gone, "key"])
    deleted: list[str] = part.loc[part["event_id"].isin(gone), "booking_key"].tolist()
    return deleted
