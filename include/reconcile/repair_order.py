"""What a repair has to do about what was found (rules Q7, S9, Q10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from include.pipeline.repairs import GONE_PAIRS, RepairOrder
from include.quality.guard import PlannedChanges, guard
from include.reconcile.findings import Finding, Remedy

if TYPE_CHECKING:
    from include.settings.model import Settings


def repair_order(found: pd.DataFrame, corrections: pd.DataFrame, gone: pd.DataFrame) -> RepairOrder:
    """Return the order for all findings that need no person.

    Args:
        found: contract ``FOUND``.
        corrections: contract ``EVENT_CORRECTIONS``.
        gone: contract ``GONE_PAIRS``.
    """
    mendable = found[found["remedy"].eq(Remedy.REPAIR.value)]
    is_copy = mendable["finding"].eq(Finding.DUPLICATE.value)
    is_person = mendable["finding"].eq(Finding.PERSON_GONE.value)
    return RepairOrder(
        appointment_ids=_numbers(mendable.loc[~is_copy & ~is_person, "appointment_id"]),
        client_ids=_numbers(mendable.loc[is_person, "client_id"]),
        copies=tuple(sorted(mendable.loc[is_copy, "event_id"])),
        corrections=corrections,
        gone_pairs=gone,
    )


def within_guard(found: pd.DataFrame, settings: Settings, *, known_events: int) -> pd.DataFrame:
    """Return findings (``FOUND``) in which copies are left to a person where too many would be deleted (rule Q10).

    All other deletions are planned, counted and guarded like those of every run.
    """
    is_deleted = found["finding"].eq(Finding.DUPLICATE.value) & found["remedy"].eq(Remedy.REPAIR.value)
    planned = PlannedChanges(
        events_to_delete=int(is_deleted.sum()),
        events_to_create=0,
        people_to_create=0,
        known_events=known_events,
    )
    if not guard(planned, settings):
        return found
    return found.assign(remedy=found["remedy"].mask(is_deleted, Remedy.PERSON.value))


def gone_pairs(found: pd.DataFrame, links: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs whose Event is to go and that Coconut does not have any more (``GONE_PAIRS``).

    Args:
        found: contract ``FOUND``, of ``comparison.compare``.
        links: contract ``EVENT_LINK_ROWS``, as it was compared.
        wanted: contract ``WANTED``, as it was compared.
    """
    is_gone = found["finding"].isin([Finding.ORPHANED.value, Finding.EXTRA.value])
    is_gone &= ~found["booking_key"].isin(wanted["booking_key"])
    pairs = found.loc[is_gone, ["booking_key", "appointment_id", "client_id", "kind"]].reset_index(drop=True)
    known = links.drop_duplicates("booking_key").set_index("booking_key")
    link = known.reindex(pairs["booking_key"]).reset_index(drop=True)
    version = link[["claimed_version", "written_version", "settled_version"]].max(axis=1)
    return GONE_PAIRS.conform(pairs.assign(**link[["status", "starts_at", "ends_at"]], version=version))


def _numbers(ids: pd.Series[str]) -> tuple[int, ...]:
    return tuple(sorted({int(one) for one in ids.dropna()}))
